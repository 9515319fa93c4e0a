# SPDX-License-Identifier: Apache-2.0
"""Go on where the trigger ended: check its event, then take the result from the last status or query the vendor."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from airflow_provider_videoai.airflow_compat import TaskDeferralTimeout
from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.model import JobResult, JobStatus
from airflow_provider_videoai.jobs.polling.wait_errors import Reason, error_of
from airflow_provider_videoai.jobs.polling.watch import Outcome
from airflow_provider_videoai.tasks.task_jobs import Jobs
from airflow_provider_videoai.triggers.event import outcome_of

__all__ = ["FRESH", "deferral_error", "results_after"]

FRESH = 300.0
"""Seconds for which a status that the trigger pushed is used without querying the vendor again."""


def results_after(event: object, jobs: Jobs, task_instance: Any) -> list[JobResult]:
    """Return the results of jobs that the trigger saw end; raise the typed error of any other end.

    :param event: what Airflow handed to the worker; anything that is not on the list is an error.
    :param jobs: the jobs of the task.
    :param task_instance: the running one, whose XCom ``status`` holds the last statuses.
    :returns: the results, in the order of the ids.
    :raises VideoAIError: of the first job that has no result.
    """
    outcome = outcome_of(event)
    if outcome is not Outcome.ENDED:
        details: Mapping[str, Any] = event if isinstance(event, Mapping) else {}
        # An id that is none of the task's own must not reach the error text as the job that was paid for.
        named = details.get("job_id")
        job_id = named if isinstance(named, str) and named in jobs.job_ids else jobs.job_ids[0]
        raise jobs.error_of(outcome, job_id, Reason.read(details))
    statuses = _last_statuses(task_instance, jobs)
    # A status that is missing or old costs one request; result URLs of an old one may have expired.
    return jobs.completed(statuses) if statuses else jobs.wait(poll_at_once=True)


def deferral_error(failure: Exception, job_id: str, title: str) -> VideoAIError:
    """Return the error for a deferral that Airflow itself ended.

    :param failure: Airflow's, a ``TaskDeferralTimeout`` or a ``TaskDeferralError``.
    :param job_id: the job that was waited for.
    :param title: the vendor's name in the error's text.
    """
    outcome = Outcome.TIMED_OUT if isinstance(failure, TaskDeferralTimeout) else Outcome.UNAVAILABLE
    reason = Reason(said=f"Airflow's trigger ended with {failure}")
    return error_of(outcome, job_id=job_id, title=title, reason=reason)


def _last_statuses(task_instance: Any, jobs: Jobs) -> list[JobStatus]:
    """Return the fresh terminal statuses that the trigger pushed for exactly these jobs, else nothing."""
    try:
        pushed = task_instance.xcom_pull(
            key="status", task_ids=task_instance.task_id, map_indexes=task_instance.map_index
        )
        if pushed is None:
            return []
        statuses = [JobStatus.from_json(stored) for stored in pushed["jobs"]]
        age = time.time() - float(pushed["observed_at"])
    except Exception as failure:  # noqa: BLE001 - it only saves a request, whatever Airflow or a hand made of it
        jobs.log.info("The trigger's last status cannot be read (%s): querying the vendor", type(failure).__name__)
        return []
    # All of them, in order: a status of other jobs would be returned as the result of these.
    complete = [status.job_id for status in statuses] == list(jobs.job_ids)
    fresh = abs(age) < FRESH  # the clocks of the triggerer and of this worker may be apart
    return statuses if fresh and complete and all(status.state.terminal for status in statuses) else []
