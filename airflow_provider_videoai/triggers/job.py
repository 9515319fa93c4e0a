# SPDX-License-Identifier: Apache-2.0
"""Wait for jobs in the triggerer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.sdk.execution_time.xcom import XCom
from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent
from asgiref.sync import sync_to_async

from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.hooks.job_ids import job_ids_of
from airflow_provider_videoai.hooks.lookup import transport_for
from airflow_provider_videoai.hooks.waiting import card_of, watches_of
from airflow_provider_videoai.jobs.card import JobCard
from airflow_provider_videoai.jobs.ending import refusal_name, said_of
from airflow_provider_videoai.jobs.errors import AuthenticationFailed, InvalidRequest, VideoAIError
from airflow_provider_videoai.jobs.model import JobState
from airflow_provider_videoai.jobs.poller import Poller
from airflow_provider_videoai.jobs.story import tell_result
from airflow_provider_videoai.jobs.transport import Transport
from airflow_provider_videoai.jobs.watch import Outcome, Watch
from airflow_provider_videoai.links import RESULT_LINK, result_link
from airflow_provider_videoai.triggers.report import Report

log = logging.getLogger(__name__)

EVENT_VERSION = 1

LEAST_DEFERRAL = 12.0
"""Seconds that a deferral lasts at least before its task goes on at a worker.

A worker's supervisor may take ``[workers] min_heartbeat_interval`` (5 s) to report that its task deferred, and the
scheduler another loop to read it.
"""


class VideoJobTrigger(BaseTrigger):
    """Wait until jobs of one account reach a terminal state, or a deadline passes; holds no worker slot.

    Many of these share one poller an account. The event holds no result: result URLs are secrets until they expire,
    and Airflow logs events in full.

    :param vendor: the vendor's key, for example ``viitor``.
    :param operation: the operation of the jobs.
    :param conn_id: the Airflow connection of the account.
    :param job_ids: the jobs' ids, separated by blanks.
    :param submitted_at: epoch seconds of the submit; the rhythm of asking follows the jobs' age.
    :param deadline: epoch seconds at which waiting ends; ``None`` waits as long as Airflow lets it.
    :param poll_interval: fixed seconds between two asks; ``None`` adapts.
    :param timeout: seconds to wait, for a task that starts in the triggerer and has no deadline yet.
    :param source_task_id: the task whose XCom ``source_key`` holds the ids, for a task that starts in the triggerer.
    :param source_key: see ``source_task_id``.
    :param finish: on success push the result and end the task here, without a worker.
    :param many: the result is a list, also for one job.
    """

    def __init__(
        self,
        vendor: str,
        operation: str,
        conn_id: str,
        job_ids: str,
        submitted_at: float | None = None,
        deadline: float | None = None,
        poll_interval: float | None = None,
        timeout: float | None = None,
        source_task_id: str | None = None,
        source_key: str | None = None,
        finish: bool = False,
        many: bool = False,
        **_later: Any,
    ) -> None:
        # Only assignments, and unknown arguments are let pass: an error here, say after a downgrade, would stop
        # the whole triggerer of Airflow before 3.4.
        super().__init__()  # type: ignore[no-untyped-call]
        self.vendor = vendor
        self.operation = operation
        self.conn_id = conn_id
        self.job_ids = job_ids
        self.submitted_at = submitted_at
        self.deadline = deadline
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.source_task_id = source_task_id
        self.source_key = source_key
        self.finish = finish
        self.many = many

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments: JSON scalars, nothing secret."""
        names = (
            "vendor",
            "operation",
            "conn_id",
            "job_ids",
            "submitted_at",
            "deadline",
            "poll_interval",
            "timeout",
            "source_task_id",
            "source_key",
            "finish",
            "many",
        )
        return f"{__name__}.VideoJobTrigger", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then yield one event and return at once: Airflow takes a lingering trigger for a killed one."""
        began = time.monotonic()
        event = await self._end()
        if not isinstance(event, TaskSuccessEvent):
            await self._let_airflow_note_the_deferral(began)
        yield event

    async def on_kill(self) -> None:
        """Say what goes on when a user ends the wait: no vendor documents a call that cancels a job."""
        log.warning(
            "The wait was ended. %s job %s goes on at the vendor and is billed; when the task runs again, it attaches.",
            self.operation,
            self.job_ids or "",
        )

    async def _end(self) -> TriggerEvent:
        try:
            transport = await transport_for(self.vendor, self.conn_id)
            job_ids = await self._named(transport) if self.source_task_id else self.job_ids.split()
        except VideoAIError as refusal:
            return TriggerEvent(refused(refusal))  # type: ignore[no-untyped-call]
        if self.submitted_at is None:  # else the worker's log says what was submitted
            log.info("Waiting for %s at %s", _jobs_in_words(self.operation, job_ids), transport.vendor.title)
        watches = self._watches(transport, job_ids)
        report = Report(self.task_instance, watches, transport.vendor.known_states, self._card(transport, job_ids))
        try:
            await report.introduce()
            results = await self._waited(transport, watches, report)
            await report.conclude()
        finally:
            report.close()
        if results is None:
            return TriggerEvent(event_of(watches))  # type: ignore[no-untyped-call]
        parts = {} if self.many else results
        return TaskSuccessEvent(xcoms={"return_value": results, **parts, **self._result_link(results)})

    def _result_link(self, results: Any) -> dict[str, str]:
        """Return the link "Result" as an XCom: no worker comes any more that would write it."""
        if self.task_instance is None:
            return {}
        media = sum(result["media_url"] is not None for result in (results if self.many else [results]))
        return {RESULT_LINK.xcom_key: result_link(self.task_instance, media)}

    async def _waited(self, transport: Transport, watches: list[Watch], report: Report) -> Any:
        """Wait for all; return the result to end the task with here, or ``None`` where a worker has to go on."""
        async with Poller.shared(transport) as poller:
            await asyncio.gather(*(poller.watch(watch, report.note) for watch in watches if not watch.done))
            if not any(isinstance(watch.error, AuthenticationFailed) for watch in watches):
                return await self._results(transport, watches)
        renewed = await transport_for(self.vendor, self.conn_id, refused=transport)
        if renewed.vendor.account == transport.vendor.account:
            return None
        log.info("%s refused the credentials, and connection %r has others now", self.vendor, self.conn_id)
        for watch in watches:
            watch.resume(time.time())
        return await self._waited(renewed, watches, report)

    def _card(self, transport: Transport, job_ids: list[str]) -> JobCard | None:
        # Where a worker ran before, it has pushed the card, and an operator's tells more.
        if not self._started_here:
            return None
        return card_of(type(transport.vendor), self.operation, self.conn_id, job_ids, self.submitted_at)

    @property
    def _started_here(self) -> bool:
        """Whether no worker ran before."""
        return self.timeout is not None

    async def _let_airflow_note_the_deferral(self, began: float) -> None:
        # A scheduler that reads "the worker is done" (it deferred) only after the task was queued again takes the
        # task for killed and fails it. So an event never comes sooner than a scheduler's loop comes round. Where
        # there was no worker before or is no scheduler, there is no such race.
        if self.task_instance is not None and not self._started_here:
            await asyncio.sleep(began + LEAST_DEFERRAL - time.monotonic())

    async def _named(self, transport: Transport) -> list[str]:
        """Pull the ids that another task pushed."""
        ti = self.task_instance
        if ti is None:
            raise InvalidRequest("job_id: another task's result can be read only within a DAG run")
        given = await sync_to_async(XCom.get_one)(
            key=self.source_key, dag_id=ti.dag_id, task_id=self.source_task_id, run_id=ti.run_id
        )
        ids, self.many = job_ids_of(given, type(transport.vendor))
        return ids

    def _watches(self, transport: Transport, job_ids: list[str]) -> list[Watch]:
        deadline = self.deadline
        if deadline is None and self.timeout is not None:
            deadline = time.time() + self.timeout
        return watches_of(
            transport.vendor,
            self.operation,
            job_ids,
            submitted_at=self.submitted_at,
            poll_interval=self.poll_interval,
            deadline=deadline,
        )

    async def _results(self, transport: Transport, watches: list[Watch]) -> Any:
        """Return the result to end the task with here, or ``None`` where a worker has to go on."""
        statuses = [watch.status for watch in watches if watch.outcome is Outcome.ENDED and watch.status]
        succeeded = len(statuses) == len(watches) and all(each.state is JobState.SUCCEEDED for each in statuses)
        if not self.finish or not succeeded:
            return None
        try:
            flows = [
                VideoJobHook.completed(transport.vendor, status, self.operation, self.submitted_at)
                for status in statuses
            ]
            results = [await transport.arun(flow) for flow in flows]
        except VideoAIError as failure:
            log.warning("The result is left to a worker: %s", failure)
            return None
        for result in results:
            tell_result(log, result)
        returned = [result.to_dict() for result in results]
        return returned if self.many else returned[0]


def _jobs_in_words(operation: str, job_ids: list[str]) -> str:
    return f"{operation} job {job_ids[0]}" if len(job_ids) == 1 else f"{len(job_ids)} {operation} jobs"


def refused(refusal: VideoAIError) -> dict[str, Any]:
    """Return the event of a wait that could not begin."""
    return {
        "version": EVENT_VERSION,
        "outcome": str(Outcome.REFUSED),
        "job_id": refusal.job_id,
        "submitted_at": None,
        "state": None,
        "refusal": type(refusal).__name__,
        "said": refusal.message.rstrip("."),
    }


def event_of(watches: list[Watch]) -> dict[str, Any]:
    """Return the event: how the waiting ended, in JSON scalars, without any URL."""
    worst = next((watch for watch in watches if watch.outcome is not Outcome.ENDED), watches[0])
    return {
        "version": EVENT_VERSION,
        "outcome": str(worst.outcome),
        "job_id": worst.job_id,
        "submitted_at": worst.submitted_at,
        "state": str(worst.status.state) if worst.status else None,
        "refusal": refusal_name(worst),
        "said": said_of(worst),
    }
