# SPDX-License-Identifier: Apache-2.0
"""What the page shows of a task: pure functions from records to JSON. No answer holds an address of media."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from airflow_provider_videoai.jobs.model import JobState, iso_utc
from airflow_provider_videoai.plugin.task import VideoTask
from airflow_provider_videoai.plugin.wording import is_url, kind_of, rows_of, shown
from airflow_provider_videoai.provider_info import PROVIDER_INFO

VENDORS: dict[str, str] = {each["connection-type"]: each["hook-name"] for each in PROVIDER_INFO["connection-types"]}
"""Vendor key -> its name for people."""


class Shown(StrEnum):
    """A job's state as the page shows it: the five of :class:`JobState`, and one more."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABORTED = "aborted"
    UNWATCHED = "unwatched"
    """The task waits no more and did not see the end: it does not wait for it, timed out, or a user ended it."""


_WAITING = frozenset(
    {"scheduled", "queued", "running", "restarting", "deferred", "up_for_retry", "up_for_reschedule", "awaiting_input"}
)
_WORST_FIRST = (JobState.FAILED, JobState.ABORTED, JobState.SUCCEEDED)


class Media(NamedTuple):
    """Where the result of a job was when Airflow was told, and when that was (epoch seconds)."""

    media_url: str | None
    subtitles_url: str | None
    told_at: float | None


def state_of(task: VideoTask) -> Shown:
    """Return the state of a task's jobs: of the worst, where they differ."""
    if (ended := _ended(task)) is not None:
        return Shown(ended)
    if task.state not in _WAITING:
        return Shown.UNWATCHED
    state = _progress(task).get("state")
    return Shown.RUNNING if state == JobState.RUNNING else Shown.QUEUED


def row(task: VideoTask) -> dict[str, Any]:
    """Return what a list shows of a task; times are ISO 8601, progress is percent."""
    state, progress = state_of(task), _progress(task)
    return {
        **task.key._asdict(),
        "vendor": task.card.vendor,
        "vendor_name": VENDORS.get(task.card.vendor, task.card.vendor),
        "operation": task.card.operation,
        "state": state,
        "task_state": task.state,
        "jobs": len(task.card.job_ids),
        "progress": 100 if state is Shown.SUCCEEDED else _whole(progress.get("progress")),
        "queue_position": _whole(progress.get("queue_position")) if state is Shown.QUEUED else None,
        "submitted_at": _submitted_at(task),
        "ended_at": _ended_at(task, state),
    }


def page(task: VideoTask) -> dict[str, Any]:
    """Return what the page of one task shows."""
    return {
        **row(task),
        "timeline": _timeline(task),
        "conn_id": task.card.conn_id,
        "source": _source(task.card.source),
        "results": [_result(task, job_id) for job_id in task.card.job_ids],
    }


def media_of(task: VideoTask, job_id: str) -> Media:
    """Return the addresses that Airflow keeps of a job's result."""
    result = _by_id(_results(task), job_id) or _by_id(_statuses(task), job_id) or {}
    told_at = _epoch(result.get("finished_at")) or _number(_status(task).get("observed_at"))
    media, subtitles = result.get("media_url"), result.get("subtitles_url")
    return Media(media if is_url(media) else None, subtitles if is_url(subtitles) else None, told_at)


def _result(task: VideoTask, job_id: str) -> dict[str, Any]:
    result = _by_id(_results(task), job_id) or {}
    status = _by_id(_statuses(task), job_id) or {}
    media = media_of(task, job_id)
    state = result.get("state") or status.get("state")
    return {
        "job_id": job_id,
        "state": state if state in _WORST_FIRST else None,
        "media": kind_of(media.media_url) if media.media_url else None,
        "subtitles": media.subtitles_url is not None,
        "media_id": _text(result.get("media_id") or status.get("media_id")),
        "duration_ms": _number(result.get("duration_ms") or status.get("duration_ms")),
        "error": _error(status),
        "details": rows_of(result.get("details") or status.get("details")),
    }


def _error(status: Mapping[str, Any]) -> str | None:
    code, message = status.get("error_code"), status.get("error_message")
    return _text(": ".join(map(str, filter(None, (code and f"code {code}", message)))))


def _source(source: str | None) -> dict[str, Any] | None:
    if source is None:
        return None
    return {"media": kind_of(source) if is_url(source) else None, "text": shown(source)}


def _timeline(task: VideoTask) -> dict[str, str | None]:
    since = {**_mapping(_progress(task).get("since")), **_mapping(_status(task).get("since"))}
    return {
        "submitted": iso_utc(task.card.submitted_at),
        "queued": _text(since.get(JobState.QUEUED)),
        "running": _text(since.get(JobState.RUNNING)),
        "ended": _ended_at(task, state_of(task)),
    }


def _submitted_at(task: VideoTask) -> str | None:
    known = task.started_at or task.seen_at
    return iso_utc(task.card.submitted_at) or known.astimezone(UTC).isoformat(timespec="seconds")


def _ended_at(task: VideoTask, state: Shown) -> str | None:
    if state in (Shown.QUEUED, Shown.RUNNING, Shown.UNWATCHED):
        return None
    told = _text(task.xcoms.get("finished_at")) or iso_utc(_number(_status(task).get("observed_at")))
    return told or (task.ended_at.astimezone(UTC).isoformat(timespec="seconds") if task.ended_at else None)


def _ended(task: VideoTask) -> JobState | None:
    """Return how the jobs ended, where the last word about all of them says so; the task's own state proves nothing."""
    states = [status.get("state") for status in _statuses(task)] or [task.xcoms.get("state")]
    if not all(state in _WORST_FIRST for state in states):
        return None
    return next(state for state in _WORST_FIRST if state in states)


def _progress(task: VideoTask) -> Mapping[str, Any]:
    return _mapping(task.xcoms.get("progress"))


def _status(task: VideoTask) -> Mapping[str, Any]:
    return _mapping(task.xcoms.get("status"))


def _statuses(task: VideoTask) -> list[Mapping[str, Any]]:
    jobs = _status(task).get("jobs")
    return [_mapping(job) for job in jobs] if isinstance(jobs, list) else []


def _results(task: VideoTask) -> list[Mapping[str, Any]]:
    returned = task.xcoms.get("return_value")
    return [_mapping(result) for result in (returned if isinstance(returned, list) else [returned])]


def _by_id(found: Sequence[Mapping[str, Any]], job_id: str) -> Mapping[str, Any] | None:
    return next((each for each in found if each.get("job_id") == job_id), None)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else max(0, int(number))


def _text(value: Any) -> str | None:
    return shown(value) if isinstance(value, str) and value else None


def _epoch(value: Any) -> float | None:
    try:
        return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else None
    except ValueError:
        return None
