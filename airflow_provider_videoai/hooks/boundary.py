# SPDX-License-Identifier: Apache-2.0
"""Where errors meet Airflow: what a retry cannot mend does not use retries up.

Each error below also exists as one that Airflow does not retry (an ``AirflowFailException``); it stays an instance
of its own class, so ``except`` and failure callbacks see the same tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_videoai.hooks.airflow_errors import AirflowFailException
from airflow_provider_videoai.jobs import errors


class _InvalidRequest(errors.InvalidRequest, AirflowFailException):
    pass


class _SubmitRejected(errors.SubmitRejected, AirflowFailException):
    pass


class _AuthenticationFailed(errors.AuthenticationFailed, AirflowFailException):
    pass


class _ContentRejected(errors.ContentRejected, AirflowFailException):
    pass


class _SubmitUncertain(errors.SubmitUncertain, AirflowFailException):
    pass


class _JobNotFound(errors.JobNotFound, AirflowFailException):
    pass


class _ResultUnavailable(errors.ResultUnavailable, AirflowFailException):
    pass


_FINAL: dict[type[errors.VideoAIError], type[errors.VideoAIError]] = {
    kind.__mro__[1]: kind
    for kind in (
        _InvalidRequest,
        _SubmitRejected,
        _AuthenticationFailed,
        _ContentRejected,
        _SubmitUncertain,
        _JobNotFound,
        _ResultUnavailable,
    )
}
for _final in _FINAL.values():
    _final.__name__ = _final.__qualname__ = _final.__name__.removeprefix("_")


def for_airflow(error: errors.VideoAIError) -> errors.VideoAIError:
    """Return the error as a task raises it: one that Airflow does not retry where a retry cannot help."""
    final = _FINAL.get(type(error))
    if final is None or _retry_helps(error):
        return error
    return final(error.message, code=error.code, job_id=error.job_id)


def _retry_helps(error: errors.VideoAIError) -> bool:
    match error:
        case errors.SubmitRejected():
            return error.temporary
        case errors.SubmitUncertain():
            return error.retry_helps
        case _:
            return False


@contextmanager
def airflow_boundary() -> Iterator[None]:
    """Raise this package's errors as :func:`for_airflow` makes them."""
    try:
        yield
    except errors.VideoAIError as error:
        final = for_airflow(error)
        if final is error:
            raise
        raise final from error
