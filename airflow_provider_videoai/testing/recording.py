# SPDX-License-Identifier: Apache-2.0
"""Record by attempt of a task what a DAG run logs and buys."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog
from airflow.sdk.execution_time import supervisor
from typing_extensions import override

from airflow_provider_videoai.sandbox import Sandbox

__all__ = ["Attempt", "Recorder"]

# Of what Airflow does around a task; the task's own lines come by other loggers.
_AROUND = (
    "airflow.api_fastapi",
    "airflow.dag_processing",
    "airflow.models",
    "airflow.sdk.api",
    "airflow.sdk.definitions",
    "airflow.serialization",
    "airflow.task_runner",
    "httpcore",
    "httpx",
    "py.warnings",
)


@dataclass
class Attempt:
    """What one attempt of a task did, before and after a deferral.

    :param number: from 1.
    :param lines: of its log.
    :param error: what it raised.
    :param bought: submissions of the sandbox's ledger that were charged.
    """

    task_id: str
    map_index: int
    number: int
    lines: list[str] = field(default_factory=list)
    error: str | None = None
    bought: list[dict[str, Any]] = field(default_factory=list)

    def raised(self, error: BaseException) -> None:
        """Note what it raised.

        :param error: the exception.
        """
        self.error = f"{type(error).__name__}: {error}"


class Recorder:
    """Records one run.

    :param sandbox: whose ledger says what was bought.
    """

    # `dag.test()` runs one task after the other, and its trigger after it, all in this process: whatever happens
    # belongs to the task that was started last.

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._attempts: dict[tuple[str, int, int], Attempt] = {}
        self._now: Attempt | None = None
        self._seen = len(self._submissions())

    @property
    def attempts(self) -> list[Attempt]:
        """All attempts so far, in the order in which they began."""
        return list(self._attempts.values())

    @contextmanager
    def recording(self, patch: pytest.MonkeyPatch) -> Iterator[None]:
        """Record what happens within.

        :param patch: undoes what is replaced.
        """
        run_task = supervisor.run_task_in_process

        def recorded(ti: Any, *others: Any, **named: Any) -> Any:
            attempt = self._begin(ti)
            try:
                result = run_task(ti, *others, **named)
            except Exception as broken:  # Airflow's own, around the task; it logs it and fails the task
                attempt.raised(broken)
                raise
            if result.error is not None:
                attempt.raised(result.error)
            return result

        patch.setattr(supervisor, "run_task_in_process", recorded)
        handler = _Handler(self._write)
        # Airflow has two logging systems. Loggers of structlog that were used keep this very list.
        processors = structlog.get_config()["processors"]
        processors.insert(-1, self._take)
        logging.getLogger().addHandler(handler)
        try:
            yield
        finally:
            logging.getLogger().removeHandler(handler)
            processors.remove(self._take)
            self._take_in_purchases()

    def _begin(self, ti: Any) -> Attempt:
        self._take_in_purchases()
        key = ti.task_id, ti.map_index, ti.try_number
        self._now = self._attempts.setdefault(key, Attempt(*key))
        return self._now

    def _submissions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._sandbox.ledger()["submissions"]
        return found

    def _take_in_purchases(self) -> None:
        submissions = self._submissions()
        if self._now is not None:
            self._now.bought += [each for each in submissions[self._seen :] if each["charged"]]
        self._seen = len(submissions)

    def _write(self, logger: str, level: str, text: str) -> None:
        if self._now is None or logger.startswith(_AROUND) or text.startswith("::"):
            return
        self._now.lines += f"{level.upper()} {text}".splitlines()

    def _take(self, _: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        text = f"{event.get('event', '')}{_error(event.get('exc_info'))}"
        self._write(str(event.get("logger", "")), str(event.get("level", method)), text)
        return event


class _Handler(logging.Handler):
    def __init__(self, write: Any) -> None:
        super().__init__()
        self._write = write

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self._write(record.name, record.levelname, f"{record.getMessage()}{_error(record.exc_info)}")


def _error(exc_info: Any) -> str:
    """Return the exception as lines to add, from either system's form of it; pytest captures the traceback."""
    error = exc_info[1] if isinstance(exc_info, tuple) else sys.exc_info()[1] if exc_info is True else exc_info
    if not isinstance(error, BaseException):
        return ""
    return "\n" + "".join(traceback.format_exception_only(error))
