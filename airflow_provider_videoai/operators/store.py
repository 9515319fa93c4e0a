# SPDX-License-Identifier: Apache-2.0
"""Where a task keeps its submission record: Airflow's task state store, which outlives retries, clears and crashes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import airflow.sdk

from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.submission import Store

NO_STORE = (
    "This Airflow has no task state store (it came with 3.3): crash recovery is off. If this attempt dies after the "
    "submit, a retry submits, and may pay for, a new job."
)


class TaskStateStore:
    """Airflow's store for one task instance, its records kept until the DAG run is deleted."""

    lasting = True

    def __init__(self, accessor: Any) -> None:
        self._accessor = accessor

    def get(self, key: str) -> Any:
        """Return the value, or ``None``."""
        return self._accessor.get(key)

    def set(self, key: str, value: Any) -> None:
        """Keep the value, however old the DAG run gets: a forgotten record would be a second purchase."""
        # Looked up here: Airflow before 3.3 has no such name, and then no accessor either.
        self._accessor.set(key, value, retention=airflow.sdk.NEVER_EXPIRE)  # type: ignore[attr-defined]

    def delete(self, key: str) -> None:
        """Forget the value."""
        self._accessor.delete(key)


class AttemptStore(dict[str, Any]):
    """A store that lasts as long as this attempt."""

    lasting = False

    def set(self, key: str, value: Any) -> None:
        """Keep the value."""
        self[key] = value

    def delete(self, key: str) -> None:
        """Forget the value."""
        self.pop(key, None)


def store_of(context: Mapping[str, Any], log: Log | None = None) -> Store:
    """Return the store of the running task; where there is none, say in ``log``, if given, what is lost."""
    accessor = context.get("task_state_store")
    if accessor is None:
        if log is not None:
            log.warning(NO_STORE)
        return AttemptStore()
    return TaskStateStore(accessor)
