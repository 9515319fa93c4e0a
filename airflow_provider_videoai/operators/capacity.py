# SPDX-License-Identifier: Apache-2.0
"""Wait for capacity, and submit again: of a vendor whose queue is full, or among the jobs that an account may have."""

from __future__ import annotations

import random
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_videoai.jobs.errors import QuotaExceeded
from airflow_provider_videoai.jobs.in_flight.leases import InFlightLimitReached
from airflow_provider_videoai.triggers.job import LEAST_DEFERRAL

if TYPE_CHECKING:
    from airflow_provider_videoai.operators.job_task import JobTask

__all__ = ["wait_for_capacity"]

_FIRST_PAUSE = 15.0
"""Seconds before a submit that met a full queue is repeated; twice as long each time, with jitter."""
_LONGEST_PAUSE = 300.0
_BACKSTOP = timedelta(minutes=10)
"""How much later than the task's own limit Airflow ends the deferral."""


def wait_for_capacity(task: JobTask, full: QuotaExceeded, since: float, tries: int) -> None:
    """Wait until a submit may find capacity: deferred, or here if the task is not deferrable.

    :param task: the running one.
    :param full: what the last submit met.
    :param since: when there was first no capacity, in epoch seconds.
    :param tries: how many submits met it before.
    :raises QuotaExceeded: ``full``, if ``quota_timeout`` has passed.
    """
    left = since + task.quota_timeout - time.time()
    # Counted from the first refusal and not from this resume, as each deferral starts the task again.
    if left <= 0:
        raise full
    if task.deferrable and isinstance(full, InFlightLimitReached):
        _wait_for_lease(task, full, since, left)
    growing = min(_FIRST_PAUSE * 2**tries, _LONGEST_PAUSE) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
    pause = growing if full.retry_after is None else full.retry_after  # the vendor's Retry-After, as it is
    # Not shorter than a deferral may be, and a vendor that wants no pause at all is not hammered.
    pause = max(min(pause, left), LEAST_DEFERRAL)
    task.log.info("%s Submitting again in %.0f seconds", full, pause)
    if task.deferrable:
        # Few tasks ever need it, and every DAG file would pay for it.
        from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger

        task.defer(
            trigger=TimeDeltaTrigger(timedelta(seconds=pause)),
            method_name="submit_again",
            # Carried along: the operator is made again for each resume and remembers nothing.
            kwargs={"since": since, "tries": tries + 1},
        )
    time.sleep(pause)


def _wait_for_lease(task: JobTask, full: InFlightLimitReached, since: float, left: float) -> None:
    # Whoever waits by itself, with pauses, would leave the place of a job that ended unused for as long as its pause.
    from airflow_provider_videoai.triggers.lease import LeaseTrigger

    task.log.info("%s Waiting for a lease in the triggerer, %.0f minutes at most", full, left / 60)
    trigger = LeaseTrigger(
        vendor=task.hook_class.vendor_class.key,
        conn_id=task.conn_id,
        operation=task.request_class.operation,
        lease=full.request.name,
        priority=full.request.priority,
        until=since + task.quota_timeout,
    )
    # Later than the trigger's own end: after a deferral timeout Airflow does not call submit_again().
    timeout = timedelta(seconds=left) + _BACKSTOP
    task.defer(trigger=trigger, method_name="submit_again", kwargs={"since": since}, timeout=timeout)
