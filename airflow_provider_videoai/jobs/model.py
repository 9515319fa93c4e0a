# SPDX-License-Identifier: Apache-2.0
"""What is known of a job: its state, one observation of it, its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from airflow_provider_videoai.jobs.values.bounded_json import MOST_BYTES, bounded, normalised
from airflow_provider_videoai.jobs.values.printable import shortened, shown


class JobState(StrEnum):
    """Where a job stands, the same five states for every vendor."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABORTED = "aborted"

    @property
    def terminal(self) -> bool:
        """True when the job will not change any more."""
        return self in _TERMINAL


_TERMINAL = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.ABORTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """One observation of a job.

    ``progress`` is percent (0-100), ``queue_position`` the number of jobs ahead, ``raw`` the vendor's own state as
    text, ``error_code``/``error_message`` the vendor's words for a failure, ``duration_ms`` the media's length in
    milliseconds, ``details`` the rest that the vendor said, under its own field names. Unknown values are ``None``.
    """

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
    details: dict[str, Any] = field(default_factory=dict, repr=False)

    def to_json(self, most_details: int = MOST_BYTES) -> dict[str, Any]:
        """Return plain JSON values, ``details`` cut to so many bytes; :meth:`from_json` reads them back."""
        return _plain(self, most_details)

    @classmethod
    def from_json(cls, stored: Any) -> Self:
        """Read what :meth:`to_json` of any version wrote; raise ``TypeError``, ``KeyError`` or ``ValueError`` else.

        Keys that this version does not know are left out.
        """
        if not isinstance(stored, Mapping):
            raise TypeError(f"a status must be an object, not {shown(stored)}")
        known = {each.name: normalised(stored[each.name]) for each in fields(cls) if each.name in stored}
        for name, value in known.items():
            _check_field(name, value)
        return cls(**known | {"state": JobState(known["state"])})

    def with_media(self, **media: Any) -> JobStatus:
        """Return a copy whose media fields are filled in."""
        return replace(self, **media)

    def describe(self) -> str:
        """Say the state in a few words for a log line, without any URL."""
        words = [str(self.state)]
        if self.progress is not None and not self.state.terminal:
            words.append(f"{self.progress} %")
        if self.queue_position:
            words.append(f"{self.queue_position} ahead in the queue")
        return ", ".join(words)


_REQUIRED = {"job_id": str, "state": str, "raw": str, "details": dict}
_PERCENT = range(101)
_INTEGERS = ("progress", "queue_position", "duration_ms")


def _check_field(name: str, value: Any) -> None:
    kind = _REQUIRED.get(name) or (int if name in _INTEGERS else str)
    if value is None and name not in _REQUIRED:
        return
    if type(value) is not kind or (name == "progress" and value not in _PERCENT):
        raise ValueError(f"{name}: must be a status's {kind.__name__}, not {shown(value)}")


def _plain(of: JobStatus | JobResult, most_details: int) -> dict[str, Any]:
    # Not asdict(): that copies every word of an hour of speech.
    values = {each.name: getattr(of, each.name) for each in fields(of)}
    return values | {"state": of.state.value, "details": bounded(of.details, most_details)}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """What a job yields; its dict form is the task's ``return_value``. Times are ISO 8601 UTC."""

    vendor: str
    operation: str
    job_id: str
    state: JobState
    media_url: str | None = field(default=None, repr=False)
    subtitles_url: str | None = field(default=None, repr=False)
    media_id: str | None = None
    duration_ms: int | None = None
    submitted_at: str | None = None
    finished_at: str | None = None
    details: dict[str, Any] = field(default_factory=dict, repr=False)

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
        """Make the result of a job from its last status; times are epoch seconds."""
        return cls(
            vendor=vendor,
            operation=operation,
            job_id=status.job_id,
            state=status.state,
            media_url=status.media_url,
            subtitles_url=status.subtitles_url,
            media_id=status.media_id,
            duration_ms=status.duration_ms,
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
        )
        return ", ".join(filter(None, parts)) or "nothing but the job's state"

    def to_dict(self, most_details: int = MOST_BYTES) -> dict[str, Any]:
        """Return the XCom form: plain JSON values, absent ones null, ``details`` cut to so many bytes."""
        return _plain(self, most_details)


def iso_utc(seconds: float | None) -> str | None:
    """Write epoch seconds as ISO 8601 UTC; ``None`` for none, and for what lies outside of the calendar."""
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return None
