# SPDX-License-Identifier: Apache-2.0
"""Do a trigger's waiting: find the account and the jobs, watch them, report, and say how it ended."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from airflow.sdk.execution_time.xcom import XCom
from airflow.triggers.base import TaskSuccessEvent, TriggerEvent
from asgiref.sync import sync_to_async

from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.hooks.lookup import session_for
from airflow_provider_videoai.jobs.errors import AuthenticationFailed, InvalidRequest, ResultUnavailable, VideoAIError
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.job_reference import JobReference
from airflow_provider_videoai.jobs.model import JobResult, JobState
from airflow_provider_videoai.jobs.polling.account_session import AccountSession
from airflow_provider_videoai.jobs.polling.progress_log import log_long_interval, log_result
from airflow_provider_videoai.jobs.polling.watch import Outcome, Watch
from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from airflow_provider_videoai.jobs.values.given_value import as_given
from airflow_provider_videoai.jobs.values.printable import shortened
from airflow_provider_videoai.links import RESULT_LINK, result_link
from airflow_provider_videoai.tasks.job_ids import job_ids_of
from airflow_provider_videoai.tasks.origins import EmptyOrigin, explained
from airflow_provider_videoai.tasks.task_jobs import job_reference_of, returned, watches_of
from airflow_provider_videoai.tasks.xcom import obstacle_to, parts_to_push, pushes_nulls
from airflow_provider_videoai.triggers.event import event_of
from airflow_provider_videoai.triggers.fresh_start import forget_last_attempt
from airflow_provider_videoai.triggers.progress_report import Report
from airflow_provider_videoai.triggers.stored_arguments import TriggerArguments, check_received
from airflow_provider_videoai.triggers.task_log import log

__all__ = ["renewed", "wait"]


async def wait(arguments: TriggerArguments, task: Any) -> TriggerEvent:
    """Wait until all of a trigger's jobs ended or can be waited for no longer; return its event.

    :param task: Airflow's task instance; ``None`` outside of a DAG run.
    """
    check_received(arguments)
    if (left_over := await forget_last_attempt(arguments, task)) is not None:
        return left_over
    session = await session_for(arguments.vendor, arguments.conn_id)
    vendor = session.transport.vendor
    watches, many = await _watches(arguments, task, vendor)
    if arguments.submitted_at is None:  # else the worker's log says what was submitted
        log.info("Waiting for %s at %s", _in_words(arguments.operation, watches), vendor.title)
        log_long_interval(log, arguments.poll_interval)
    report = Report(task, watches, vendor.known_states, _job_reference(arguments, vendor, watches))
    try:
        # Awaited again in a loop here, not in a function of its own: each object that lives as long as the wait
        # makes every full garbage collection longer, ten thousand times.
        while True:
            async with session as poller:
                await poller.watch(watches, report)
                results = await _results(arguments, poller.transport, watches)
            again = await renewed(arguments.vendor, arguments.conn_id, session, watches)
            if again is None:
                break
            session = again
        last_word = await report.conclude()
        event = await _success(arguments, task, results, last_word, many=many) if results else None
        if event is None:
            await report.hand_over(last_word)
    finally:
        report.close()
    return event or TriggerEvent(event_of(watches))  # type: ignore[no-untyped-call]


async def _success(
    arguments: TriggerArguments, task: Any, results: list[JobResult], last_word: dict[str, Any], *, many: bool
) -> TaskSuccessEvent | None:
    """Return the event that ends the task here; ``None`` if Airflow cannot carry it, which is for a worker to say."""
    try:
        # In a thread: of an hour of speech there are tens of thousands of values to look at.
        values = await asyncio.to_thread(returned, results)
    except ResultUnavailable as uncarried:
        log.warning("The result is left to a worker: %s", uncarried)
        return None
    in_use = None if arguments.parts is None else arguments.parts.split()
    xcoms: dict[str, Any] = {"return_value": values if many else values[0]}
    if not many:
        of_an_operator = arguments.submitted_at is not None
        xcoms |= parts_to_push(values[0], in_use, nulls=not of_an_operator or pushes_nulls(task))
    if await asyncio.to_thread(obstacle_to, last_word):
        last_word = {}
    return TaskSuccessEvent(xcoms={**xcoms, **last_word, **_result_link(task, results)})


async def _watches(arguments: TriggerArguments, task: Any, vendor: Vendor) -> tuple[list[Watch], bool]:
    """Return a watch for each job, and whether the result is a list."""
    if arguments.source_task_id:
        job_ids, many = await _named(arguments, task, vendor)
    else:
        job_ids, many = arguments.job_ids.split(), arguments.many
    deadline = arguments.deadline
    if deadline is None and arguments.timeout is not None:
        deadline = time.time() + arguments.timeout
    watches = watches_of(
        vendor,
        arguments.operation,
        job_ids,
        submitted_at=arguments.submitted_at,
        poll_interval=arguments.poll_interval,
        deadline=deadline,
    )
    return watches, many


async def _named(arguments: TriggerArguments, task: Any, vendor: Vendor) -> tuple[list[str], bool]:
    """Pull the ids that another task pushed."""
    if task is None:
        raise InvalidRequest("job_id: another task's result can be read only within a DAG run")
    given = await sync_to_async(XCom.get_one)(
        key=arguments.source_key,  # pyright: ignore[reportArgumentType] - given with the task's id
        dag_id=task.dag_id,
        task_id=arguments.source_task_id,  # pyright: ignore[reportArgumentType] - looked at by the caller
        run_id=task.run_id,
    )
    source = f"task {as_given(arguments.source_task_id)}, XCom {as_given(arguments.source_key)}"
    with explained(() if given is not None else (EmptyOrigin("job_id", source),)):
        return job_ids_of(given, type(vendor))


def _job_reference(arguments: TriggerArguments, vendor: Vendor, watches: list[Watch]) -> JobReference | None:
    # If a worker ran before, it has pushed the reference, and an operator's says more.
    if not arguments.starts_in_triggerer:
        return None
    job_ids = [watch.job_id for watch in watches]
    return job_reference_of(vendor, arguments.operation, arguments.conn_id, job_ids, arguments.submitted_at)


async def renewed(vendor: str, conn_id: str, session: AccountSession, watches: list[Watch]) -> AccountSession | None:
    """Return the account with other credentials, if the vendor refused these and the connection has others now.

    :param vendor: the vendor's key.
    :param conn_id: the Airflow connection.
    :param session: the account as it was.
    :param watches: the jobs; those that ended by the refusal are to be polled again.
    """
    if not any(isinstance(watch.error, AuthenticationFailed) for watch in watches):
        return None
    try:
        found = await session_for(vendor, conn_id, refused=session)
    except VideoAIError as failure:
        log.warning("Connection %r cannot be read again: %s", conn_id, failure)
        return None
    if found.account == session.account:
        return None
    log.info("%s refused the credentials, and connection %r has others now", vendor, conn_id)
    for watch in watches:
        watch.resume(time.monotonic())
    return found


async def _results(arguments: TriggerArguments, transport: Transport, watches: list[Watch]) -> list[JobResult] | None:
    """Return the results to end the task with here, or ``None`` if a worker has to go on."""
    statuses = [watch.status for watch in watches if watch.outcome is Outcome.ENDED and watch.status]
    succeeded = len(statuses) == len(watches) and all(each.state is JobState.SUCCEEDED for each in statuses)
    if not arguments.finish or not succeeded:
        return None
    try:
        flows = [
            VideoJobHook.completed(transport.vendor, status, arguments.operation, arguments.submitted_at)
            for status in statuses
        ]
        results = [await transport.arun(flow) for flow in flows]
    except VideoAIError as failure:
        log.warning("The result is left to a worker: %s", failure)
        return None
    for result in results:
        log_result(log, result)
    return results


def _result_link(task: Any, results: list[JobResult]) -> dict[str, str]:
    """Return the link "Result" as an XCom: no worker comes any more that would write it."""
    media = sum(result.media_url is not None for result in results)
    return {RESULT_LINK.xcom_key: result_link(task, media)} if media and task is not None else {}


def _in_words(operation: str, watches: list[Watch]) -> str:
    return (
        f"{operation} job {shortened(watches[0].job_id)}" if len(watches) == 1 else f"{len(watches)} {operation} jobs"
    )
