# SPDX-License-Identifier: Apache-2.0
"""Do a trigger's waiting: find the account and the jobs, watch them, report, and say how it ended."""

from __future__ import annotations

import time
from typing import Any

from airflow.sdk.execution_time.xcom import XCom
from airflow.triggers.base import TaskSuccessEvent, TriggerEvent
from asgiref.sync import sync_to_async

from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.hooks.job_ids import job_ids_of
from airflow_provider_videoai.hooks.lookup import transport_for
from airflow_provider_videoai.hooks.waiting import card_of, watches_of
from airflow_provider_videoai.jobs.card import JobCard
from airflow_provider_videoai.jobs.errors import AuthenticationFailed, InvalidRequest, VideoAIError
from airflow_provider_videoai.jobs.model import JobState
from airflow_provider_videoai.jobs.poller import Poller
from airflow_provider_videoai.jobs.story import tell_result
from airflow_provider_videoai.jobs.transport import Transport
from airflow_provider_videoai.jobs.watch import Outcome, Watch
from airflow_provider_videoai.links import RESULT_LINK, result_link
from airflow_provider_videoai.triggers.event import event_of, refused
from airflow_provider_videoai.triggers.job import VideoJobTrigger
from airflow_provider_videoai.triggers.log import log
from airflow_provider_videoai.triggers.report import Report


class Wait:
    """One trigger's waiting; :meth:`event` does it and returns how it ended."""

    def __init__(self, trigger: VideoJobTrigger) -> None:
        self._trigger = trigger
        self._many = trigger.many

    async def event(self) -> TriggerEvent:
        """Wait until all jobs ended or can be waited for no longer; return the trigger's event."""
        trigger = self._trigger
        try:
            transport = await transport_for(trigger.vendor, trigger.conn_id)
            job_ids = await self._named(transport) if trigger.source_task_id else trigger.job_ids.split()
        except VideoAIError as refusal:
            return TriggerEvent(refused(refusal))  # type: ignore[no-untyped-call]
        if trigger.submitted_at is None:  # else the worker's log says what was submitted
            log.info("Waiting for %s at %s", _jobs_in_words(trigger.operation, job_ids), transport.vendor.title)
        watches = self._watches(transport, job_ids)
        report = Report(trigger.task_instance, watches, transport.vendor.known_states, self._card(transport, job_ids))
        try:
            results = await self._waited(transport, watches, report)
            last_word = await report.conclude()
            if results is None:
                await report.hand_over(last_word)
        finally:
            report.close()
        if results is None:
            return TriggerEvent(event_of(watches))  # type: ignore[no-untyped-call]
        parts = {} if self._many else results
        return TaskSuccessEvent(xcoms={"return_value": results, **parts, **last_word, **self._result_link(results)})

    def _result_link(self, results: Any) -> dict[str, str]:
        """Return the link "Result" as an XCom: no worker comes any more that would write it."""
        if self._trigger.task_instance is None:
            return {}
        media = sum(result["media_url"] is not None for result in (results if self._many else [results]))
        return {RESULT_LINK.xcom_key: result_link(self._trigger.task_instance, media)}

    async def _waited(self, transport: Transport, watches: list[Watch], report: Report) -> Any:
        """Wait for all; return the result to end the task with here, or ``None`` where a worker has to go on."""
        async with Poller.shared(transport) as poller:
            await poller.watch(watches, report.note)
            if not any(isinstance(watch.error, AuthenticationFailed) for watch in watches):
                return await self._results(transport, watches)
        vendor, conn_id = self._trigger.vendor, self._trigger.conn_id
        renewed = await transport_for(vendor, conn_id, refused=transport)
        if renewed.vendor.account == transport.vendor.account:
            return None
        log.info("%s refused the credentials, and connection %r has others now", vendor, conn_id)
        for watch in watches:
            watch.resume(time.time())
        return await self._waited(renewed, watches, report)

    def _card(self, transport: Transport, job_ids: list[str]) -> JobCard | None:
        # Where a worker ran before, it has pushed the card, and an operator's tells more.
        trigger = self._trigger
        if not trigger.started_here:
            return None
        return card_of(transport.vendor, trigger.operation, trigger.conn_id, job_ids, trigger.submitted_at)

    async def _named(self, transport: Transport) -> list[str]:
        """Pull the ids that another task pushed."""
        ti = self._trigger.task_instance
        if ti is None:
            raise InvalidRequest("job_id: another task's result can be read only within a DAG run")
        given = await sync_to_async(XCom.get_one)(
            key=self._trigger.source_key, dag_id=ti.dag_id, task_id=self._trigger.source_task_id, run_id=ti.run_id
        )
        ids, self._many = job_ids_of(given, type(transport.vendor))
        return ids

    def _watches(self, transport: Transport, job_ids: list[str]) -> list[Watch]:
        trigger = self._trigger
        deadline = trigger.deadline
        if deadline is None and trigger.timeout is not None:
            deadline = time.time() + trigger.timeout
        return watches_of(
            transport.vendor,
            trigger.operation,
            job_ids,
            submitted_at=trigger.submitted_at,
            poll_interval=trigger.poll_interval,
            deadline=deadline,
        )

    async def _results(self, transport: Transport, watches: list[Watch]) -> Any:
        """Return the result to end the task with here, or ``None`` where a worker has to go on."""
        trigger = self._trigger
        statuses = [watch.status for watch in watches if watch.outcome is Outcome.ENDED and watch.status]
        succeeded = len(statuses) == len(watches) and all(each.state is JobState.SUCCEEDED for each in statuses)
        if not trigger.finish or not succeeded:
            return None
        try:
            flows = [
                VideoJobHook.completed(transport.vendor, status, trigger.operation, trigger.submitted_at)
                for status in statuses
            ]
            results = [await transport.arun(flow) for flow in flows]
        except VideoAIError as failure:
            log.warning("The result is left to a worker: %s", failure)
            return None
        for result in results:
            tell_result(log, result)
        returned = [result.to_dict() for result in results]
        return returned if self._many else returned[0]


def _jobs_in_words(operation: str, job_ids: list[str]) -> str:
    return f"{operation} job {job_ids[0]}" if len(job_ids) == 1 else f"{len(job_ids)} {operation} jobs"
