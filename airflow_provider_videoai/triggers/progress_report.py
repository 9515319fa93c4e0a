# SPDX-License-Identifier: Apache-2.0
"""Show a waiting job's progress in Airflow's UI, from the triggerer."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

from airflow.sdk.execution_time.xcom import XCom
from asgiref.sync import sync_to_async

from airflow_provider_videoai.airflow_compat import AIRFLOW_V_3_3_PLUS
from airflow_provider_videoai.jobs.job_reference import JOB_REFERENCE_KEY, JobReference
from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.jobs.polling.progress_log import log_status
from airflow_provider_videoai.jobs.polling.watch import Watch
from airflow_provider_videoai.jobs.values.bounded_json import details_limit
from airflow_provider_videoai.links import JOB_LINK, job_url
from airflow_provider_videoai.triggers.task_log import log

__all__ = ["FIRST_WRITE", "GROWTH", "LEAST_GAP", "Report", "Standing", "push"]

FIRST_WRITE = 15.0
"""Seconds of waiting before ``progress`` is written for the first time: by then most vendors have begun a job."""
LEAST_GAP = 10.0
"""Seconds between two writes of ``progress`` for one task, at least."""
GROWTH = 4.0
"""The same as a multiple of the time waited so far: after 15 seconds, 75 seconds, 6 minutes, half an hour. The bar on
the page "Video jobs" moves by these writes alone, but each is a request to Airflow's API server: with two a task
writes 8 XComs in all."""

_SLOWEST_FIRST = tuple(
    state.value for state in (JobState.QUEUED, JobState.RUNNING, JobState.FAILED, JobState.ABORTED, JobState.SUCCEEDED)
)


class Standing:
    """In which states a task's jobs are, and since when (ISO 8601) its slowest job has been in each."""

    __slots__ = ("_jobs_in", "_of", "since")

    # Plain strings and numbers only: the garbage collector passes by a dict of nothing else, and there may be ten
    # thousand of these.

    def __init__(self) -> None:
        self.since: dict[str, str] = {}
        self._of: dict[str, str] = {}
        self._jobs_in: dict[str, int] = {}

    @property
    def slowest(self) -> str | None:
        """The state of the job that is furthest from its end; ``None`` while no job has been seen."""
        return next((state for state in _SLOWEST_FIRST if self._jobs_in.get(state)), None)

    def note(self, status: JobStatus, now: str) -> None:
        """Take in an observation. As cheap for one of thousands of jobs as for one alone."""
        state = status.state.value
        if before := self._of.get(status.job_id):
            self._jobs_in[before] -= 1
        self._of[status.job_id] = state
        self._jobs_in[state] = self._jobs_in.get(state, 0) + 1
        self.since.setdefault(self.slowest or state, now)


class Report:
    """Pushes XComs ``progress`` (throttled, on change) and ``status`` (at the end) for a deferred task.

    If the task started in the triggerer, it also introduces its jobs: their ``reference``, and the link "Job".

    What is written while jobs wait never delays the polling. A report that fails is logged, and the wait goes on.
    """

    def __init__(
        self,
        task_instance: Any,
        watches: list[Watch],
        known_states: frozenset[str],
        reference: JobReference | None = None,
    ) -> None:
        # There is no task instance in `dag.test()`: then there is no UI to report to either.
        self._ti: Any = task_instance if AIRFLOW_V_3_3_PLUS else None
        if task_instance is not None and self._ti is None:
            log.info("Airflow before 3.3: no progress is shown, and the worker queries the vendor for the result again")
        self._watches = watches
        self._known_states = known_states
        self._standing = Standing()
        self._changed = False
        self._began = time.monotonic()
        self._next_write = self._began + FIRST_WRITE
        # If a worker ran before, it has introduced them.
        self._introduction = asyncio.create_task(self._introduce(reference)) if self._ti and reference else None
        self._writer: asyncio.Task[None] | None = None

    def __call__(self, watch: Watch) -> None:
        """Take in that a job changed."""
        log_status(log, watch, self._known_states, time.monotonic())
        if watch.status is not None:
            self._standing.note(watch.status, _now())
        self._changed = True
        if self._ti and (self._writer is None or self._writer.done()):
            self._writer = asyncio.create_task(self._write_progress())

    async def conclude(self) -> dict[str, Any]:
        """Stop reporting; return the XCom with the last status, which is still to be written."""
        if self._introduction is not None:
            await asyncio.wait([self._introduction])
        self.close()
        if self._ti is None:
            return {}
        most = details_limit(len(self._watches))
        statuses = [watch.status.to_json(most) if watch.status else None for watch in self._watches]
        return {"status": {"observed_at": time.time(), "jobs": statuses, "since": self._standing.since}}

    async def hand_over(self, xcoms: dict[str, Any]) -> None:
        """Push what :meth:`conclude` returned, so that the worker need not query the vendor again."""
        for key, value in xcoms.items():
            await push(self._ti, key, value)

    def close(self) -> None:
        """Stop reporting."""
        for task in (self._introduction, self._writer):
            if task is not None:
                task.cancel()

    async def _introduce(self, reference: JobReference) -> None:
        """Push the reference, then the link "Job" that leads to it."""
        await push(self._ti, JOB_REFERENCE_KEY, reference.to_json())
        await push(self._ti, JOB_LINK.xcom_key, job_url(self._ti))

    async def _write_progress(self) -> None:
        """Push what is new as soon as a write is due, and again if more came meanwhile."""
        while self._changed:
            await asyncio.sleep(self._next_write - time.monotonic())
            # Once all jobs ended, the last status says the same, and a thousand jobs may be ending at once.
            if all(watch.done for watch in self._watches):
                return
            self._changed = False
            progress = self._progress()
            if not _says_something(progress):
                continue
            await push(self._ti, "progress", progress)
            now = time.monotonic()
            self._next_write = now + max(LEAST_GAP, GROWTH * (now - self._began))

    def _progress(self) -> dict[str, Any]:
        known = [watch.status for watch in self._watches if watch.status is not None]
        percents = [100 if status.state.terminal else status.progress for status in known]
        stated = [percent for percent in percents if percent is not None]
        state = self._standing.slowest
        slowest = min(
            (each for each in known if each.state == state), key=lambda each: each.progress or 0, default=None
        )
        return {
            "progress": sum(stated) // len(self._watches) if stated else None,
            "state": state,
            "queue_position": slowest.queue_position if slowest else None,
            "observed_at": _now(),
            "since": self._standing.since,
        }


def _says_something(progress: dict[str, Any]) -> bool:
    """Return whether there is more to show than that the job is queued, which is shown if nothing was written."""
    if progress["progress"] or progress["queue_position"] is not None:
        return True
    return progress["state"] not in (None, JobState.QUEUED)


async def push(task_instance: Any, key: str, value: Any) -> None:
    """Push an XCom of a deferred task; a failure is logged, which costs a picture, or some requests, and no task.

    :param task_instance: Airflow's, as the trigger has it.
    :param key: the XCom's key.
    :param value: JSON values.
    """
    try:
        await sync_to_async(XCom.set)(
            key=key,
            value=value,
            dag_id=task_instance.dag_id,
            task_id=task_instance.task_id,
            run_id=task_instance.run_id,
            map_index=task_instance.map_index,
        )
    except Exception as failure:  # noqa: BLE001 - as the docstring says
        log.warning("Could not write XCom %r", key, exc_info=failure)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
