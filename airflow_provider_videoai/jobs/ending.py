# SPDX-License-Identifier: Apache-2.0
"""Say how the waiting ended: the typed error whose text tells what became of the job and of the money."""

from __future__ import annotations

from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    InvalidRequest,
    JobAborted,
    JobFailed,
    JobNotFound,
    JobTimedOut,
    ResultUnavailable,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.jobs.watch import Outcome, Watch

_REFUSALS: dict[str, type[VideoAIError]] = {
    kind.__name__: kind for kind in (AuthenticationFailed, InvalidRequest, ResultUnavailable)
}
_GOES_ON = "The job goes on at the vendor and is billed"
_ATTACHES = "a retry or a clear of this task attaches to it."

RAISE_JOB_TIMEOUT = (
    "job_timeout counts from its submit: a retry attaches to it, asks once, and fails again unless it has ended. To "
    "wait longer, raise job_timeout and clear the task, or wait with the vendor's sensor."
)
"""How to go on after an operator's deadline."""
CLEAR_SENSOR = "To wait longer, clear the sensor: its timeout counts from the start of the wait."
"""How to go on after a sensor's deadline."""


def failure_of(status: JobStatus, title: str) -> JobFailed:
    """Return the error for a job that failed or was aborted; its code and message are the vendor's."""
    kind, verb = (JobAborted, "was aborted") if status.state is JobState.ABORTED else (JobFailed, "failed")
    reasons = (f"code {status.error_code}" if status.error_code else "", status.error_message or "")
    why = ": ".join(reason for reason in reasons if reason) or "the vendor gives no reason"
    what_next = "The task that submitted it submits, and may pay for, a new one when it is retried."
    text = f"{title} job {status.job_id} {verb} at the vendor ({why}). {what_next}"
    return kind(text, code=status.error_code, job_id=status.job_id)


def refusal_name(watch: Watch) -> str | None:
    """Return the name by which :func:`error_of` finds the class of a permanent error again."""
    return type(watch.error).__name__ if watch.error is not None else None


def error_of(
    outcome: Outcome,
    *,
    job_id: str,
    title: str,
    said: str = "",
    refusal: str | None = None,
    to_wait_longer: str = RAISE_JOB_TIMEOUT,
) -> VideoAIError:
    """Return the error for a wait that ended without a terminal state; ``said`` is the last thing known."""
    tail = f" Last: {said}." if said else ""
    match outcome:
        case Outcome.TIMED_OUT:
            text = f"{title} job {job_id} did not end in time.{tail} {_GOES_ON}. {to_wait_longer}"
            return JobTimedOut(text, job_id=job_id)
        case Outcome.NOT_FOUND:
            return JobNotFound(
                f"{title} does not know job {job_id!r}: a wrong id, another account's, or one long forgotten.{tail}",
                job_id=job_id,
            )
        case Outcome.REFUSED:
            return _REFUSALS.get(refusal or "", AuthenticationFailed)(
                f"{title} job {job_id} cannot be asked for any more.{tail} What was bought stays bought.", job_id=job_id
            )
        case _:
            text = f"{title} could not be asked about job {job_id} for too long.{tail} {_GOES_ON}; {_ATTACHES}"
            return VendorUnavailable(text, job_id=job_id)


def said_of(watch: Watch) -> str:
    """Return the last thing known of a job, for an error text."""
    if watch.error is not None:
        return watch.error.message.rstrip(".")
    return watch.status.describe() if watch.status is not None else ""
