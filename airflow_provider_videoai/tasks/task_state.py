# SPDX-License-Identifier: Apache-2.0
"""Where a task keeps its submission record: Airflow's task state store, which outlives retries, clears and crashes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import airflow.sdk

from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.submission.record import PLACE, how_to_mend
from airflow_provider_videoai.jobs.submission.record_store import Store
from airflow_provider_videoai.jobs.unexpected_errors import named

__all__ = ["NO_STORE", "AttemptStore", "TaskStateStore", "store_of"]

NO_STORE = (
    "This Airflow has no task state store (it came with 3.3): crash recovery is off. If this attempt dies after the "
    "submit, a retry submits, and may pay for, a new job."
)


class TaskStateStore:
    """Airflow's store for one task instance, its records kept until the DAG run is deleted.

    Every method raises :class:`VideoAIError` if the store does not do what it is for.
    """

    lasting = True
    place = PLACE

    def __init__(self, accessor: Any) -> None:
        self._accessor = accessor

    def get(self, key: str) -> Any:
        """Return the value, or ``None``."""
        with _store_errors("read", key):
            if not _is_airflows(self._accessor):
                return self._accessor.get(key)
            value = self._accessor.get(key, default=_ABSENT)
        # Taken for "no record", a value that the storage has lost would buy the job a second time.
        if value is None:
            raise VideoAIError(
                f"task state {key!r}: Airflow has a reference to it, and the storage behind it no value: whether this "
                f"task bought a job is not known any more, so nothing was submitted. {how_to_mend(PLACE)}"
            )
        return None if value is _ABSENT else value

    def set(self, key: str, value: Any) -> None:
        """Keep the value, however old the DAG run gets: a forgotten record would be a second purchase."""
        with _store_errors("written", key):
            # Looked up here: Airflow before 3.3 has no such name, and then no accessor either.
            self._accessor.set(key, value, retention=airflow.sdk.NEVER_EXPIRE)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]

    def delete(self, key: str) -> None:
        """Forget the value."""
        with _store_errors("deleted", key):
            self._accessor.delete(key)


_ABSENT = object()
_ARCHIVED = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


def _is_airflows(accessor: Any) -> bool:
    """Whether it takes a default, by which "no such key" differs from a value that its storage has lost."""
    # Only when a task runs, and then it is loaded.
    from airflow.sdk.execution_time import context

    known = getattr(context, "TaskStateStoreAccessor", None)
    return known is not None and isinstance(accessor, known)


@contextmanager
def _store_errors(done: str, key: str) -> Iterator[None]:
    try:
        yield
    except Exception as failure:
        if _superseded(failure):
            raise VideoAIError(
                f"task state {key!r} cannot be {done}: another attempt of this task took over, or its DAG run was "
                "deleted. This one ends; a job that was bought goes on"
            ) from failure
        raise VideoAIError(
            f"task state {key!r} cannot be {done} ({named(failure)}). A job that was bought "
            "goes on; without its record nothing is submitted. A retry tries again"
        ) from failure


def _superseded(failure: Exception) -> bool:
    """Whether the API server refused an attempt that is over: with 404, since Airflow 3.4 with 410."""
    detail = getattr(getattr(failure, "error", None), "detail", None)
    # Each retry has another UUID; the API server refuses what the attempt before it still wants to read or write.
    return isinstance(detail, Mapping) and detail.get("status_code") in _ARCHIVED


class AttemptStore(dict[str, Any]):
    """A store that lasts as long as this attempt."""

    lasting = False
    place = PLACE

    def set(self, key: str, value: Any) -> None:
        """Keep the value."""
        self[key] = value

    def delete(self, key: str) -> None:
        """Forget the value."""
        self.pop(key, None)


def store_of(context: Mapping[str, Any], log: Log | None = None) -> Store:
    """Return the store of the running task; if there is none, say in ``log``, if given, what is lost.

    :param context: Airflow's, of the running task.
    :param log: where to warn once that records do not outlive the attempt.
    """
    # XCom is no place for the record: Airflow clears XComs at the start of each attempt.
    accessor = context.get("task_state_store")
    if accessor is None:
        if log is not None:
            log.warning(NO_STORE)
        return AttemptStore()
    return TaskStateStore(accessor)
