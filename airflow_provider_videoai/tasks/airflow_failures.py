# SPDX-License-Identifier: Apache-2.0
"""Where errors meet Airflow: only this package's leave, and what a retry cannot mend does not use retries up.

Each error below is the one of its name in :mod:`airflow_provider_videoai.jobs.errors`, and one that Airflow does not
retry (an ``AirflowFailException``) as well: ``except`` and failure callbacks see the same tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_videoai.airflow_compat import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
)
from airflow_provider_videoai.jobs import errors
from airflow_provider_videoai.jobs.unexpected_errors import unexpected

__all__ = [
    "AuthenticationFailed",
    "BatchFailed",
    "ContentRejected",
    "InvalidRequest",
    "JobNotFound",
    "ResultUnavailable",
    "SubmitRejected",
    "SubmitUncertain",
    "airflow_boundary",
    "for_airflow",
    "retry_helps",
]

_AIRFLOWS_OWN = (AirflowFailException, AirflowRescheduleException, AirflowSensorTimeout, AirflowSkipException)
"""How a task says to Airflow what is to become of it."""


class InvalidRequest(errors.InvalidRequest, AirflowFailException):
    """See :class:`airflow_provider_videoai.jobs.errors.InvalidRequest`."""


class SubmitRejected(errors.SubmitRejected, AirflowFailException):
    """See :class:`airflow_provider_videoai.jobs.errors.SubmitRejected`."""


class AuthenticationFailed(errors.AuthenticationFailed, AirflowFailException):
    """See :class:`airflow_provider_videoai.jobs.errors.AuthenticationFailed`."""


class BatchFailed(errors.BatchFailed, AirflowFailException):
    """See :class:`airflow_provider_videoai.jobs.errors.BatchFailed`."""


class ContentRejected(errors.ContentRejected, AirflowFailException):
    """See :class:`airflow_provider_videoai.jobs.errors.ContentRejected`."""


class SubmitUncertain(errors.SubmitUncertain, AirflowFailException):
    """See :class:`airflow_provider_videoai.jobs.errors.SubmitUncertain`."""


class JobNotFound(errors.JobNotFound, AirflowFailException):
    """See :class:`airflow_provider_videoai.jobs.errors.JobNotFound`."""


class ResultUnavailable(errors.ResultUnavailable, AirflowFailException):
    """See :class:`airflow_provider_videoai.jobs.errors.ResultUnavailable`."""


_FINAL: dict[type[errors.VideoAIError], type[errors.VideoAIError]] = {
    errors.InvalidRequest: InvalidRequest,
    errors.SubmitRejected: SubmitRejected,
    errors.AuthenticationFailed: AuthenticationFailed,
    errors.BatchFailed: BatchFailed,
    errors.ContentRejected: ContentRejected,
    errors.SubmitUncertain: SubmitUncertain,
    errors.JobNotFound: JobNotFound,
    errors.ResultUnavailable: ResultUnavailable,
}


def for_airflow(error: errors.VideoAIError) -> errors.VideoAIError:
    """Return the error as a task raises it: one that Airflow does not retry if a retry cannot help.

    :param error: what the engine raised.
    :returns: the error itself, or one of the same class that Airflow takes for final.
    """
    kind = _FINAL.get(type(error))
    if kind is None or retry_helps(error):
        return error
    final = kind(error.message)
    # All attributes go along: callbacks and retry policies read the job id and code of the error.
    final.__dict__.update(error.__dict__)
    return final


def retry_helps(error: errors.VideoAIError) -> bool:
    """Return whether another attempt may help, by the error alone.

    :param error: what the engine raised, or one item of a batch failed with.
    """
    match error:
        case errors.SubmitRejected():
            return error.temporary
        case errors.SubmitUncertain() | errors.BatchFailed():
            return error.retry_helps
        case _:
            return type(error) not in _FINAL


@contextmanager
def airflow_boundary() -> Iterator[None]:
    """Raise this package's errors as :func:`for_airflow` makes them, and any other as one of this package."""
    try:
        yield
    except errors.VideoAIError as error:
        final = for_airflow(error)
        if final is error:
            raise
        raise final from error
    # These pass unchanged: wrapped, a skip or a reschedule would be a failure of the task.
    except _AIRFLOWS_OWN:
        raise
    except Exception as failure:
        raise unexpected(failure) from failure
