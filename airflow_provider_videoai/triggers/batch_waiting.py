# SPDX-License-Identifier: Apache-2.0
"""Do the waiting of a batch's trigger: watch the jobs, show the progress, and hand over how they ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from airflow_provider_videoai.airflow_compat import AIRFLOW_V_3_3_PLUS
from airflow_provider_videoai.hooks.lookup import session_for
from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.model import JobState
from airflow_provider_videoai.jobs.polling.some_end import wait_for_some
from airflow_provider_videoai.jobs.polling.watch import Outcome, Watch
from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from airflow_provider_videoai.jobs.unexpected_errors import named
from airflow_provider_videoai.tasks.task_jobs import watches_of
from airflow_provider_videoai.triggers.batch import BatchWait
from airflow_provider_videoai.triggers.batch_event import COUNTS_KEY, ENDED_KEY, batch_event, ends_of, xcom_of
from airflow_provider_videoai.triggers.progress_report import FIRST_WRITE, LEAST_GAP, push
from airflow_provider_videoai.triggers.stored_arguments import (
    COUNT,
    JOB_IDS,
    TEXT,
    TIME,
    VENDOR,
    Rule,
    check_rules,
    not_received,
)
from airflow_provider_videoai.triggers.task_log import log
from airflow_provider_videoai.triggers.waiting import renewed

__all__ = ["batch_watches", "wait"]

_GROWTH = 0.5
"""Seconds between two writes of the counts, as a share of the time waited so far. A batch is one task for many jobs: it
may write more often than the task of one."""


def batch_watches(vendor: Vendor, wanted: BatchWait) -> list[Watch]:
    """Make a watch for each job.

    :param vendor: of the account.
    :param wanted: what is waited for.
    :raises VideoAIError: if it cannot be understood. A retry makes a new trigger.
    """
    try:
        jobs, interval, timeout = _read(vendor, wanted)
    except (TypeError, ValueError, AttributeError) as odd:
        raise VideoAIError(
            f"the arguments of the trigger are not understood ({named(odd)}): another version of this package, "
            "or a person, wrote them. Jobs that were bought go on; a retry of this task attaches to them"
        ) from odd
    watches: list[Watch] = []
    for job_id, operation, at in jobs:
        watches += watches_of(
            vendor, operation, [job_id], submitted_at=at, poll_interval=interval, deadline=at + timeout
        )
    return watches


def _read(vendor: Vendor, wanted: BatchWait) -> tuple[list[tuple[str, str, float]], float | None, float]:
    """Return id, operation and submit of each job, the poll interval and the timeout.

    :raises TypeError, ValueError, AttributeError: for what another version, or a person, wrote otherwise.
    """
    job_ids, operations = wanted.job_ids.split(), wanted.operations.split()
    if len(operations) == 1:
        operations *= len(job_ids)
    for operation in set(operations):
        vendor.require(operation)
    for job_id in job_ids:
        # By no rule of the vendor's: an id that breaks it, which a person put into a record, is of one item only.
        Vendor.check_job_id(job_id)
    times = [float(text) for text in wanted.submitted_at.split()]
    # NaN has no order: it would mix up the due queue that all tasks of the account share.
    if len(times) != len(job_ids) or not all(map(TIME[1], times)):
        raise not_received("submitted_at", "a time for each job, in epoch seconds", wanted.submitted_at)
    interval = None if wanted.poll_interval is None else float(wanted.poll_interval)
    return list(zip(job_ids, operations, times, strict=True)), interval, float(wanted.job_timeout)


async def wait(wanted: BatchWait, task: Any) -> dict[str, Any]:
    """Wait until few enough jobs are in flight; return the event.

    :param wanted: what is waited for.
    :param task: Airflow's task instance; ``None`` outside of a DAG run.
    """
    check_rules(wanted, _RECEIVED, _RECEIVED_OR_NONE)
    session = await session_for(wanted.vendor, wanted.conn_id)
    watches = await asyncio.to_thread(batch_watches, session.transport.vendor, wanted)
    if watches:
        title = session.transport.vendor.title
        log.info("Waiting for %d jobs at %s, until %d are left", len(watches), title, wanted.left)
    progress = _Progress(wanted, task, watches)
    try:
        while True:
            async with session as poller:
                await wait_for_some(poller, watches, progress.saw, left=wanted.left, until=wanted.until)
            again = await renewed(wanted.vendor, wanted.conn_id, session, watches)
            if again is None:
                break
            session = again
    finally:
        progress.close()
    at = time.time()
    ends = ends_of(watches)
    if AIRFLOW_V_3_3_PLUS and task is not None:
        await push(task, ENDED_KEY, await asyncio.to_thread(xcom_of, ends, at))
    log.info("%d jobs ended: a worker goes on", len(ends))
    await log.written()
    return batch_event(at)


_RECEIVED: Mapping[str, Rule] = {
    "vendor": VENDOR,
    "conn_id": TEXT,
    "job_ids": JOB_IDS,
    "job_timeout": TIME,
    **dict.fromkeys(("left", "items", "succeeded", "failed", "skipped"), COUNT),
}
_RECEIVED_OR_NONE: Mapping[str, Rule] = dict.fromkeys(("poll_interval", "until"), TIME)


class _Progress:
    """Pushes the counts of the batch while it waits, at growing intervals."""

    def __init__(self, wanted: BatchWait, task: Any, watches: list[Watch]) -> None:
        # There is no task instance in `dag.test()`, and Airflow before 3.3 lets no trigger push.
        self._ti: Any = task if AIRFLOW_V_3_3_PLUS else None
        self._wanted = wanted
        self._watches = watches
        self._began = time.monotonic()
        self._changed = False
        self._writer: asyncio.Task[None] | None = None

    def saw(self, watch: Watch) -> None:
        """Take in that a job changed."""
        if watch.error is not None:
            log.info("%s job %s: %s", watch.operation, watch.job_id, watch.error)
        if not watch.done or self._ti is None:
            return
        self._changed = True
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        waited = time.monotonic() - self._began
        await asyncio.sleep(max(FIRST_WRITE if waited < FIRST_WRITE else LEAST_GAP, _GROWTH * waited))
        while self._changed:
            self._changed = False
            await push(self._ti, COUNTS_KEY, self._counts())
            await asyncio.sleep(max(LEAST_GAP, _GROWTH * (time.monotonic() - self._began)))

    def _counts(self) -> dict[str, Any]:
        ended = [watch for watch in self._watches if watch.done]
        well = sum(
            watch.outcome is Outcome.ENDED and watch.status is not None and watch.status.state is JobState.SUCCEEDED
            for watch in ended
        )
        wanted = self._wanted
        running, succeeded, failed = len(self._watches) - len(ended), wanted.succeeded + well, len(ended) - well
        failed += wanted.failed
        return {
            "items": wanted.items,
            "queued": max(0, wanted.items - running - succeeded - failed - wanted.skipped),
            "running": running,
            "succeeded": succeeded,
            "failed": failed,
            "skipped": wanted.skipped,
            "at": time.time(),
        }

    def close(self) -> None:
        """Stop reporting."""
        if self._writer is not None:
            self._writer.cancel()
