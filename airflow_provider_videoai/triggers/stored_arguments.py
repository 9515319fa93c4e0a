# SPDX-License-Identifier: Apache-2.0
"""Check a trigger's arguments on their way: before a job is bought, and where the triggerer received them.

Airflow writes a trigger's arguments when the task defers, and each version in its own way. What it cannot write would
fail the task after the submit. JSON scalars of Python's own types are what every version writes and reads back equal.
In the triggerer they are outside data: another version of this package, or a person, may have written them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow.triggers.base import BaseTrigger

from airflow_provider_videoai.jobs.errors import InvalidRequest, VideoAIError
from airflow_provider_videoai.jobs.values.printable import is_printable, shown
from airflow_provider_videoai.registry import VENDORS

_WIDEST = 2**63
_LATEST = 1e15
"""Seconds: later than any deadline."""


def check_arguments(trigger: BaseTrigger) -> None:
    """Raise :class:`InvalidRequest`, naming the argument, where one of the trigger's is no JSON scalar."""
    _, arguments = trigger.serialize()
    for name, value in arguments.items():
        if not _travels(value):
            given = repr(value) if type(value) in (int, float) else f"a {type(value).__name__}"
            raise InvalidRequest(
                f"{name}: must be a plain str, bool, finite number or None to reach the triggerer, not {given}; "
                "nothing was sent, nothing was bought"
            )


def _travels(value: Any) -> bool:
    # Not isinstance: of a subclass Airflow writes something else than the value, or nothing at all.
    if type(value) in (int, float):
        return bool(-_WIDEST <= value < _WIDEST)  # false for NaN as well
    return value is None or type(value) in (str, bool)


def check_received(trigger: BaseTrigger) -> None:
    """Raise :class:`VideoAIError`, naming the argument, if this version cannot wait by what it received.

    A retry mends it: it makes a trigger of its own. What is odd must not reach the poller that other tasks share.
    """
    _, arguments = trigger.serialize()
    for name, (rule, holds) in _RECEIVED.items():
        if not holds(arguments[name]):
            raise _not_received(name, rule, arguments[name])
    if not (_is_text(arguments["job_ids"]) or _is_text(arguments["source_task_id"])):
        raise _not_received("job_ids", "a job's id, or several separated by blanks", arguments["job_ids"])


def _not_received(name: str, rule: str, value: object) -> VideoAIError:
    return VideoAIError(
        f"{name}: must be {rule} for the triggerer to wait by, not {shown(value)}: another version of this package, or "
        "a person, wrote it. A job that was bought goes on and is billed; a retry of this task attaches to it"
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_text_or_none(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_time(value: object) -> bool:
    return value is None or (type(value) in (int, float) and 0 <= value <= _LATEST)  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]


_TEXT = ("a non-empty string", _is_text)
_TEXT_OR_NONE = ("a string or None", _is_text_or_none)
_TIME = ("a number of seconds, 0 or more, or None", _is_time)
_RECEIVED: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "vendor": (f"one of {', '.join(VENDORS)}", lambda value: isinstance(value, str) and value in VENDORS),
    "operation": _TEXT,
    "conn_id": _TEXT,
    "job_ids": ("a string of printable characters", lambda value: isinstance(value, str) and is_printable(value)),
    "source_task_id": _TEXT_OR_NONE,
    "source_key": _TEXT_OR_NONE,
    "submitted_at": _TIME,
    "deadline": _TIME,
    "poll_interval": _TIME,
    "timeout": _TIME,
}
