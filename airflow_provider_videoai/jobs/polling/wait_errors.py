# SPDX-License-Identifier: Apache-2.0
"""Make the typed error for a wait that ended without a result; its text says what became of the job and the money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from airflow_provider_videoai.jobs import errors
from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    ContentRejected,
    InvalidRequest,
    JobFailed,
    JobNotFound,
    JobTimedOut,
    QuotaExceeded,
    ResultUnavailable,
    SubmitRejected,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.polling.watch import Outcome, Watch
from airflow_provider_videoai.jobs.values.printable import shortened, shown

__all__ = ["CLEAR_SENSOR", "GOES_ON", "RAISE_JOB_TIMEOUT", "Reason", "error_of", "public_name"]

_TREE: dict[str, type[VideoAIError]] = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, VideoAIError)
}
# Not JobFailed: only a status may say that a job failed, because a failed job may be replaced, for money.
_REFUSALS = {name: kind for name, kind in _TREE.items() if not issubclass(kind, JobFailed)}
_FINAL = (AuthenticationFailed, InvalidRequest, JobNotFound, ResultUnavailable, SubmitRejected, ContentRejected)
_LONGEST_SAID = 2000
# A Reason is read from what another process stored, and perhaps another version: a longer Retry-After is a mistake.
_LONGEST_PAUSE = 86_400.0
GOES_ON = "goes on at the vendor and is billed"
"""What is true of a job that nobody waits for any more and that was not cancelled."""
_ATTACHES = "a retry or a clear of this task attaches to it."

RAISE_JOB_TIMEOUT = (
    "job_timeout counts from its submit: a retry attaches to it, polls once, and fails again unless it has ended. To "
    "wait longer, raise job_timeout and clear the task, or wait with the vendor's sensor."
)
"""How to go on after an operator's deadline."""
CLEAR_SENSOR = "To wait longer, clear the sensor: its timeout counts from the start of the wait."
"""How to go on after a sensor's deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a wait ended without a terminal state, as it travels from the triggerer to a worker: scalars, no URL.

    :param said: the last thing known.
    :param refusal: the name of the error's class, if there was one.
    :param code: the vendor's code.
    :param retry_after: the pause in seconds that the vendor wants.
    """

    said: str = ""
    refusal: str | None = None
    code: str | None = None
    retry_after: float | None = None

    @classmethod
    def of(cls, error: VideoAIError) -> Self:
        """Return what is kept of an error.

        :param error: what ended the wait.
        """
        return cls(
            said=error.message.rstrip("."),
            refusal=public_name(error),
            code=error.code,
            retry_after=getattr(error, "retry_after", None),
        )

    @classmethod
    def of_watch(cls, watch: Watch) -> Self:
        """Return why the wait for a job ended.

        :param watch: the job.
        """
        if watch.error is not None:
            return cls.of(watch.error)
        return cls(said=watch.status.describe() if watch.status is not None else "")

    @classmethod
    def read(cls, stored: Mapping[Any, Any]) -> Self:
        """Read what another process, or another version, wrote.

        :param stored: outside data; what is not of its type is left out.
        """
        said, refusal, code = (stored.get(name) for name in ("said", "refusal", "code"))
        return cls(
            said=shortened(said, _LONGEST_SAID) if isinstance(said, str) else "",
            refusal=shortened(refusal) if isinstance(refusal, str) else None,
            code=shortened(code) if isinstance(code, str) else None,
            retry_after=_seconds(stored.get("retry_after")),
        )


def error_of(
    outcome: Outcome,
    *,
    job_id: str,
    title: str,
    reason: Reason = Reason(),
    to_wait_longer: str = RAISE_JOB_TIMEOUT,
) -> VideoAIError:
    """Return the error for a wait that ended without a terminal state.

    :param outcome: how it ended.
    :param job_id: the job that was waited for.
    :param title: the vendor's name in the error's text.
    :param reason: the last thing known.
    :param to_wait_longer: what to do after a deadline, which differs for operators and sensors.
    """
    tail = f" Last: {reason.said}." if reason.said else ""
    shown_id = shortened(job_id)
    match outcome:
        case Outcome.TIMED_OUT:
            known = f"The job {GOES_ON}"
            if reason.refusal == JobNotFound.__name__:
                # Of an id that was never seen nobody can say that there is a job, and so that it costs anything.
                known = (
                    f"The id was unknown to {title} when it was polled last: it is wrong, another account's or long "
                    f"forgotten, or so new that it is not listed yet. If there is such a job, it {GOES_ON}"
                )
            text = f"{title} job {shown_id} did not end in time.{tail} {known}. {to_wait_longer}"
            return JobTimedOut(text, code=reason.code, job_id=job_id)
        case Outcome.NOT_FOUND:
            text = f"Job {shown(job_id)} is unknown to {title}: a wrong id, another account's, or one long forgotten."
            return JobNotFound(f"{text}{tail}", code=reason.code, job_id=job_id)
        case Outcome.REFUSED:
            return _refused(reason, job_id, f"{title} job {shown_id}", tail)
        case _:
            text = (
                f"{title} could not be queried about job {shown_id} for too long.{tail} The job {GOES_ON}; {_ATTACHES}"
            )
            return VendorUnavailable(text, code=reason.code, job_id=job_id, retry_after=reason.retry_after)


def _refused(reason: Reason, job_id: str, job: str, tail: str) -> VideoAIError:
    # By name, among this package's errors only: the triggerer may run another version than the worker.
    kind = _REFUSALS.get(reason.refusal or "")
    if kind is None:
        unknown = f"an error unknown to this version ({reason.refusal or 'without a name'})"
        text = f"The wait for {job} ended with {unknown}.{tail} The job {GOES_ON}; {_ATTACHES}"
        return VideoAIError(text, code=reason.code, job_id=job_id)
    if kind in _FINAL:
        text = f"{job} cannot be polled any more.{tail} What was bought stays bought."
    else:
        text = f"The wait for {job} was interrupted.{tail} The job {GOES_ON}; {_ATTACHES}"
    error = kind(text, code=reason.code, job_id=job_id)
    if isinstance(error, QuotaExceeded | VendorUnavailable):
        error.retry_after = reason.retry_after
    return error


def public_name(error: VideoAIError) -> str:
    """Return the name of the error's class, or of the nearest one that a worker of any version knows.

    :param error: of this package.
    """
    return next(kind.__name__ for kind in type(error).__mro__ if _TREE.get(kind.__name__) is kind)


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LONGEST_PAUSE:
        return None
    return float(value)
