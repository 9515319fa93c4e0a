# SPDX-License-Identifier: Apache-2.0
"""What is known of a job: its state, one observation of it, its result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from airflow_provider_videoai.jobs.values.bounded_json import MAX_BYTES, bounded, normalised
from airflow_provider_videoai.jobs.values.outputs import (
    Derived,
    Output,
    bounded_outputs,
    derived,
    outputs_from_json,
    with_fields,
)
from airflow_provider_videoai.jobs.values.printable import shortened, shown
from airflow_provider_videoai.jobs.values.usage import Usage

__all__ = ["JobResult", "JobState", "JobStatus", "iso_utc"]


class JobState(StrEnum):
    """The state of a job, the same five states for every vendor."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABORTED = "aborted"

    @property
    def terminal(self) -> bool:
        """True when the job will not change any more."""
        return self in _TERMINAL


# Not in the class: there it would be another member of the enum.
_TERMINAL = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.ABORTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """One observation of a job.

    Unknown values are ``None``. ``media_url``, ``media_id`` and ``subtitles_url`` are derived from ``outputs``; given
    without it, they make it.

    :param job_id: the vendor's id of the job.
    :param state: the state, of the five that all vendors share.
    :param raw: the vendor's own state as text.
    :param progress: percent, 0-100.
    :param queue_position: the number of jobs ahead.
    :param error_code: the vendor's code for a failure.
    :param error_message: the vendor's words for a failure.
    :param media_url: where the main output is; may be signed, so it is in no ``repr``.
    :param subtitles_url: where the first subtitles are.
    :param media_id: the vendor's id of the main output.
    :param duration_ms: the length of the media in milliseconds.
    :param outputs: all that the job made.
    :param usage: what the job used, of what is paid for.
    :param details: the rest of the vendor's answer, under its own field names.
    """

    # Frozen, because watches of different tasks that wait for the same job share one.

    job_id: str
    state: JobState
    raw: str = ""
    progress: int | None = None
    queue_position: int | None = None
    error_code: str | None = None
    error_message: str | None = None
    media_url: str | None = field(default=None, repr=False)
    subtitles_url: str | None = field(default=None, repr=False)
    media_id: str | None = None
    duration_ms: int | None = None
    outputs: tuple[Output, ...] = ()
    usage: Usage | None = None
    details: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Keep the outputs and the single fields one."""
        _settle(self)

    def to_json(self, most_details: int = MAX_BYTES) -> dict[str, Any]:
        """Return JSON values; :meth:`from_json` reads them back.

        :param most_details: bytes to which ``details`` is cut.
        """
        return _plain(self, most_details)

    @classmethod
    def from_json(cls, stored: Any) -> Self:
        """Read what :meth:`to_json` of any version wrote.

        :param stored: outside data; keys that are unknown to this version are left out.
        :raises TypeError, KeyError, ValueError: for anything else.
        """
        return cls(**_read(stored, [each.name for each in fields(cls)]))

    def with_media(self, **media: Any) -> JobStatus:
        """Return a copy whose media fields are filled in.

        :param media: ``outputs``, or ``media_url``, ``media_id`` and ``subtitles_url`` of the main one; with or
            without other fields such as ``duration_ms``.
        """
        if "outputs" not in media:
            single = {name: media.get(name, getattr(self, name)) for name in Derived._fields}
            media |= single | {"outputs": with_fields(self.outputs, Derived(**single))}
        return replace(self, **media)

    def describe(self) -> str:
        """Say the state in a few words for a log line, without any URL."""
        words = [str(self.state)]
        if self.progress is not None and not self.state.terminal:
            words.append(f"{self.progress} %")
        if self.queue_position:
            words.append(f"{self.queue_position} ahead in the queue")
        return ", ".join(words)


_REQUIRED = {"vendor": str, "operation": str, "job_id": str, "state": str, "raw": str, "details": dict}
_PERCENT = range(101)
_INTEGERS = ("progress", "queue_position", "duration_ms")


def _read(stored: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return the checked values of these fields, as far as they are stored; unknown keys are left out."""
    if not isinstance(stored, Mapping):
        raise TypeError(f"a status or result must be an object, not {shown(stored)}")
    known = {name: normalised(stored[name]) for name in names if name in stored}
    read: dict[str, Any] = {
        "outputs": outputs_from_json(known.pop("outputs", None)),
        "usage": Usage.from_json(known.pop("usage", None)),
    }
    for name, value in known.items():
        _check_field(name, value)
    read["state"] = JobState(known["state"])
    return known | read


def _check_field(name: str, value: Any) -> None:
    kind = _REQUIRED.get(name) or (int if name in _INTEGERS else str)
    if value is None and name not in _REQUIRED:
        return
    # Not isinstance(): True would be a progress of 1.
    if type(value) is not kind or (name == "progress" and value not in _PERCENT):
        raise ValueError(f"{name}: must be of type {kind.__name__}, not {shown(value)}")


def _settle(of: JobStatus | JobResult) -> None:
    # Versions without outputs stored the single fields only.
    outputs = of.outputs
    if not outputs:
        if of.media_url is None and of.media_id is None and of.subtitles_url is None:
            return  # every poll of a job that has not ended
        outputs = with_fields((), Derived(of.media_url, of.subtitles_url, of.media_id))
    outputs = bounded_outputs(outputs)
    object.__setattr__(of, "outputs", outputs)
    for name, value in derived(outputs)._asdict().items():
        object.__setattr__(of, name, value)


def _plain(of: JobStatus | JobResult, most_details: int) -> dict[str, Any]:
    # Not asdict(): that copies every word of an hour of speech.
    values = {each.name: getattr(of, each.name) for each in fields(of)}
    return values | {
        "state": of.state.value,
        "outputs": [each.to_json() for each in of.outputs],
        "usage": of.usage.to_json() if of.usage else None,
        "details": bounded(of.details, most_details),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """What a job yields; its dict form is the task's ``return_value``.

    The fields that :class:`JobStatus` has as well mean the same.

    :param vendor: the vendor's key.
    :param operation: what the job did.
    :param submitted_at: ISO 8601 UTC; ``None`` if another task submitted the job.
    :param finished_at: ISO 8601 UTC: when its end was first seen.
    """

    vendor: str
    operation: str
    job_id: str
    state: JobState
    media_url: str | None = field(default=None, repr=False)
    subtitles_url: str | None = field(default=None, repr=False)
    media_id: str | None = None
    duration_ms: int | None = None
    outputs: tuple[Output, ...] = ()
    usage: Usage | None = None
    submitted_at: str | None = None
    finished_at: str | None = None
    details: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Keep the outputs and the single fields one."""
        _settle(self)

    @classmethod
    def of(
        cls,
        status: JobStatus,
        *,
        vendor: str,
        operation: str,
        submitted_at: float | None = None,
        finished_at: float | None = None,
    ) -> Self:
        """Make the result of a job from its last status.

        :param status: the last status.
        :param vendor: the vendor's key.
        :param operation: what the job did.
        :param submitted_at: epoch seconds; ``None`` if unknown.
        :param finished_at: epoch seconds; ``None`` for a job that has not ended.
        """
        return cls(
            vendor=vendor,
            operation=operation,
            job_id=status.job_id,
            state=status.state,
            duration_ms=status.duration_ms,
            outputs=status.outputs,
            usage=status.usage,
            submitted_at=iso_utc(submitted_at),
            finished_at=iso_utc(finished_at),
            details=status.details,
        )

    def describe(self) -> str:
        """Say in a few words what there is, without any URL."""
        parts = (
            "media" if self.media_url else "",
            f"{self.duration_ms / 1000:.1f} s long" if self.duration_ms is not None else "",
            "subtitles" if self.subtitles_url else "",
            f"media id {shortened(self.media_id)}" if self.media_id else "",
            f"{len(self.outputs)} outputs" if len(self.outputs) > (2 if self.subtitles_url else 1) else "",
            f"used {self.usage.describe()}" if self.usage and self.usage.known else "",
        )
        return ", ".join(filter(None, parts)) or "nothing but the job's state"

    def to_dict(self, most_details: int = MAX_BYTES) -> dict[str, Any]:
        """Return the XCom form: JSON values, absent ones null.

        :param most_details: bytes to which ``details`` is cut.
        """
        return _plain(self, most_details)

    @classmethod
    def from_dict(cls, stored: Any) -> Self:
        """Read what :meth:`to_dict` of any version returned.

        :param stored: outside data; keys that are unknown to this version are left out.
        :raises TypeError, KeyError, ValueError: for anything else.
        """
        return cls(**_read(stored, [each.name for each in fields(cls)]))


def iso_utc(seconds: float | None) -> str | None:
    """Format epoch seconds as ISO 8601 UTC.

    :param seconds: epoch seconds; outside data may hold any number.
    :returns: ``None`` for none, and for what lies outside of the calendar.
    """
    # Which of the three errors a wrong number raises depends on the number and on the platform.
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return None
