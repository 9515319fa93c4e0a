# SPDX-License-Identifier: Apache-2.0
"""Let the waits of a DAG run pass at once: the sandbox's clock is advanced by as much as would have been waited.

All that is replaced in this package and in Airflow is named here, and only while a run lasts. Intervals, deadlines and
what a poll decides stay those of a real run; only nobody sleeps.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pytest

from airflow_provider_videoai.batches.submits import Submits
from airflow_provider_videoai.jobs.errors import QuotaExceeded
from airflow_provider_videoai.jobs.http.rate_limit import RateLimit
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.polling import account_session, blocking
from airflow_provider_videoai.jobs.polling.poller import Poller
from airflow_provider_videoai.jobs.polling.status_query import Observer
from airflow_provider_videoai.jobs.polling.watch import Watch
from airflow_provider_videoai.jobs.submission import submitter
from airflow_provider_videoai.operators import job_task as operators
from airflow_provider_videoai.sandbox import Sandbox
from airflow_provider_videoai.tasks import task_jobs

__all__ = ["replace_waits"]

_FIRST_PAUSE, _LONGEST_PAUSE = 15.0, 300.0
"""Seconds between two submits to a full queue, as the operators pause without jitter."""


def replace_waits(sandbox: Sandbox, patch: pytest.MonkeyPatch) -> None:
    """Replace all waits of this package, and the delay of Airflow's retries.

    :param sandbox: whose clock is advanced.
    :param patch: undoes it.
    """
    from airflow.models.taskinstance import TaskInstance

    def poller(transport: Transport) -> Poller:
        passing = _PassingTime(sandbox)
        return Poller(transport, clock=passing.monotonic, wall=passing.wall, wake=passing.wake)

    def wait(transport: Transport, watches: Sequence[Watch], observer: Observer) -> None:
        passing = _PassingTime(sandbox)
        blocking.wait(transport, watches, observer, clock=passing.monotonic, wall=passing.wall, sleep=passing.sleep)

    patch.setattr(account_session, "Poller", poller)
    patch.setattr(task_jobs, "wait", wait)
    # Nor does an account's rate limit hold anybody up: its minutes are not the sandbox's.
    patch.setattr(RateLimit, "reserve", lambda *_: 0.0)
    patch.setattr(submitter, "GONE_AGAIN_AFTER", (0.0, 0.0))
    patch.setattr(operators, "wait_for_capacity", _FullQueue(sandbox))
    patch.setattr(Submits, "check_capacity", _full_for_batch(sandbox))
    patch.setattr(TaskInstance, "next_retry_datetime", _now)


class _PassingTime:
    """The time of one wait: it starts at the real one, and passes when somebody would sleep.

    :param sandbox: whose clock is advanced by as much.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._skipped = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self._skipped

    def wall(self) -> float:
        return time.time() + self._skipped

    def sleep(self, seconds: float) -> None:
        self._skipped += max(0.0, seconds)
        # Rendering takes real time: without waiting for it here, hours of polls would pass before a video is there.
        self._sandbox.clock(advance=max(0.0, seconds), await_media=True)

    def wake(self, seconds: float, call: Callable[[], object]) -> asyncio.TimerHandle:
        # The time passes when the timer fires: it may be cancelled for an earlier one.
        return asyncio.get_running_loop().call_later(0.0, self._woken, seconds, call)

    def _woken(self, seconds: float, call: Callable[[], object]) -> None:
        self.sleep(seconds)
        call()


class _FullQueue:
    """Submits again at once if the vendor's queue is full; ``quota_timeout`` ends it as if it had waited."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._skipped = 0.0

    def __call__(self, task: Any, full: QuotaExceeded, since: float, tries: int) -> None:
        if not tries:
            self._skipped = 0.0
        left = since + task.quota_timeout - time.time() - self._skipped
        if left <= 0:
            raise full
        growing = min(_FIRST_PAUSE * 2**tries, _LONGEST_PAUSE)
        pause = min(left, max(1.0, growing if full.retry_after is None else full.retry_after))
        task.log.info("%s Submitting again, as if %.0f seconds had passed", full, pause)
        self._skipped += pause
        self._sandbox.clock(advance=pause)


def _full_for_batch(sandbox: Sandbox) -> Callable[[Submits, float], None]:
    """Submit a batch's items again at once if the vendor's queue is full and nothing of the batch is in flight."""
    check = Submits.check_capacity

    # Not by a deferral: `dag.test()` of Airflow 3.3 forgets since when the queue was full.
    def check_capacity(submits: Submits, quota_timeout: float) -> None:
        check(submits, quota_timeout)
        pause = submits.pause
        while pause.since is not None and pause.lasts and submits.batch.waiting and not submits.batch.running:
            seconds = pause.until - pause.clock()
            sandbox.clock(advance=max(0.0, seconds))
            pause.since -= seconds
            pause.until -= seconds
            submits.submit()
            check(submits, quota_timeout)

    return check_capacity


def _now(task_instance: Any) -> datetime:
    """Return when a task that is up for retry may run: when its last attempt ended."""
    ended: datetime = task_instance.end_date
    return ended
