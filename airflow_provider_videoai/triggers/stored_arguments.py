# SPDX-License-Identifier: Apache-2.0
"""What a trigger is stored as: its arguments, checked before a job is bought, and again in the triggerer.

Airflow writes a trigger's arguments when the task defers, and each version in its own way. What it cannot write would
fail the task after the submit. JSON scalars of Python's own types are what every version writes and reads back equal.
In the triggerer they are outside data: another version of this package, or a person, may have written them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from airflow_provider_videoai.jobs.errors import InvalidRequest, VideoAIError
from airflow_provider_videoai.jobs.values.printable import is_printable, shown
from airflow_provider_videoai.registry import VENDORS

__all__ = [
    "COUNT",
    "JOB_IDS",
    "TEXT",
    "TIME",
    "VENDOR",
    "Rule",
    "TriggerArguments",
    "check_arguments",
    "check_received",
    "check_rules",
    "not_received",
]

Rule = tuple[str, Callable[[Any], bool]]
"""What an argument must be, for its error, and whether a value is that."""

_WIDEST = 2**63
_LATEST = 1e15
"""Seconds: later than any deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerArguments:
    """The arguments of a :class:`~airflow_provider_videoai.triggers.job.VideoJobTrigger`: JSON scalars, none secret.

    Every field has a default and none is checked here: a trigger of an earlier or later version, or one that a person
    changed, must be made without an error. :func:`check_received` checks it.

    :param vendor: the vendor's key, for example ``viitor``.
    :param operation: the operation of the jobs.
    :param conn_id: the Airflow connection of the account.
    :param job_ids: the jobs' ids, separated by spaces.
    :param submitted_at: epoch seconds of the submit; the polling schedule follows the jobs' age.
    :param deadline: epoch seconds at which waiting ends; ``None`` waits as long as Airflow lets it.
    :param poll_interval: fixed seconds between two status requests; ``None`` adapts.
    :param timeout: seconds to wait, for a task that starts in the triggerer and has no deadline yet.
    :param source_task_id: the task whose XCom ``source_key`` holds the ids, for a task that starts in the triggerer.
    :param source_key: see ``source_task_id``.
    :param finish: on success push the result and end the task in the triggerer, without a worker.
    :param many: the result is a list, also for one job.
    :param cancel_on_kill: cancel the one job if a person ends the task.
    :param parts: with ``finish``, the parts of the result that other tasks take, separated by spaces; ``None`` if that
        is not known: then all are pushed.
    """

    vendor: str = ""
    operation: str = ""
    conn_id: str = ""
    job_ids: str = ""
    submitted_at: float | None = None
    deadline: float | None = None
    poll_interval: float | None = None
    timeout: float | None = None
    source_task_id: str | None = None
    source_key: str | None = None
    finish: bool = False
    many: bool = False
    cancel_on_kill: bool = False
    parts: str | None = None

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """Read what was stored; arguments unknown to this version are left out."""
        # Names of a later version are dropped: a TypeError here would fail the wait for a paid job after a downgrade.
        known = stored if stored.keys() <= _NAMES else {name: stored[name] for name in _NAMES & stored.keys()}
        return cls(**known)

    def to_json(self) -> dict[str, Any]:
        """Return the arguments by name; :meth:`read` reads them back."""
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def starts_in_triggerer(self) -> bool:
        """Whether the task started in the triggerer: no worker ran before."""
        return self.timeout is not None


_NAMES = frozenset(TriggerArguments.__slots__)


def check_arguments(arguments: TriggerArguments) -> None:
    """Check arguments before they are stored.

    :param arguments: what the trigger is to be stored with.
    :raises InvalidRequest: naming the argument, if one is no JSON scalar.
    """
    for name, value in arguments.to_json().items():
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


def check_received(arguments: TriggerArguments) -> None:
    """Check arguments in the triggerer, so that nothing odd reaches the poller that other tasks share.

    :param arguments: what was stored, by this version or another.
    :raises VideoAIError: naming the argument, if this version cannot wait with it. A retry makes a new trigger.
    """
    check_rules(arguments, _RECEIVED, _RECEIVED_OR_NONE)
    if not (_is_text(arguments.job_ids) or _is_text(arguments.source_task_id)):
        raise not_received("job_ids", "a job's id, or several separated by spaces", arguments.job_ids)


def check_rules(arguments: object, rules: Mapping[str, Rule], rules_or_none: Mapping[str, Rule]) -> None:
    """Check arguments in the triggerer, each by its rule.

    :param arguments: an object with a field for each rule.
    :param rules: by the argument's name.
    :param rules_or_none: the same for arguments that may also be ``None``.
    :raises VideoAIError: naming the argument, if this version cannot wait with it. A retry makes a new trigger.
    """
    for name, (rule, holds) in rules.items():
        if not holds(value := getattr(arguments, name)):
            raise not_received(name, rule, value)
    # Apart, since most of them are None, and every wait that starts is checked.
    for name, (rule, holds) in rules_or_none.items():
        if (value := getattr(arguments, name)) is not None and not holds(value):
            raise not_received(name, f"{rule}, or None", value)


def not_received(name: str, rule: str, value: object) -> VideoAIError:
    """Return the error of an argument with which the triggerer cannot wait.

    :param name: of the argument.
    :param rule: what it must be.
    :param value: what it is: outside data.
    """
    return VideoAIError(
        f"{name}: must be {rule} for the triggerer to wait, not {shown(value)}: another version of this package, or "
        "a person, wrote it. A job that was bought goes on and is billed; a retry of this task attaches to it"
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _is_string(value: object) -> bool:
    return isinstance(value, str)


def _is_time(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value <= _LATEST  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]


TEXT: Rule = ("a non-empty string", _is_text)
_STRING: Rule = ("a string", _is_string)
TIME: Rule = ("a number of seconds, 0 or more", _is_time)
COUNT: Rule = ("a whole number, 0 or more", lambda value: type(value) is int and 0 <= value < _WIDEST)
VENDOR: Rule = (f"one of {', '.join(VENDORS)}", lambda value: isinstance(value, str) and value in VENDORS)
JOB_IDS: Rule = ("a string of printable characters", lambda value: isinstance(value, str) and is_printable(value))
_RECEIVED: Mapping[str, Rule] = {"vendor": VENDOR, "operation": TEXT, "conn_id": TEXT, "job_ids": JOB_IDS}
_RECEIVED_OR_NONE: Mapping[str, Rule] = {
    "source_task_id": _STRING,
    "source_key": _STRING,
    "parts": _STRING,
    "submitted_at": TIME,
    "deadline": TIME,
    "poll_interval": TIME,
    "timeout": TIME,
}
