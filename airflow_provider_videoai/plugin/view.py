# SPDX-License-Identifier: Apache-2.0
"""What the page shows of a task: pure functions from records to JSON values. No response holds a URL of media.

What a task stored may be anything: these functions never fail, and take time in proportion to its jobs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from airflow_provider_videoai import registry
from airflow_provider_videoai.batches.batch_reference import BatchReference
from airflow_provider_videoai.jobs.errors import SubmitUncertain
from airflow_provider_videoai.jobs.job_reference import JobReference
from airflow_provider_videoai.jobs.model import JobState, iso_utc
from airflow_provider_videoai.jobs.values.outputs import MAX_OUTPUTS, OutputKind
from airflow_provider_videoai.jobs.values.usage import Usage
from airflow_provider_videoai.plugin.copies import copies_of
from airflow_provider_videoai.plugin.request import request_of
from airflow_provider_videoai.plugin.task import VideoTask
from airflow_provider_videoai.plugin.wording import is_url, kind_of, rows_of, shown, spoken

__all__ = [
    "VENDORS",
    "WAITING",
    "Media",
    "Shown",
    "epoch",
    "media_of",
    "page",
    "reason_of",
    "row",
    "state_of",
    "states_of",
]

VENDORS: dict[str, str] = {vendor: registry.connection_type(vendor).title for vendor in registry.VENDORS}
"""Vendor key -> its name for people."""


class Shown(StrEnum):
    """A job's state as the page shows it: the five of :class:`JobState`, and more."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABORTED = "aborted"
    UNWATCHED = "unwatched"
    """The task waits no more and did not see the end: it does not wait for it, timed out, or a user ended it."""
    REJECTED = "rejected"
    """There is no job: its submit was refused, by the vendor or before anything was sent."""
    UNCERTAIN = "uncertain"
    """The answer to the submit was lost: there may be a job, and it may have been bought."""
    UNREADABLE = "unreadable"
    """What the task stored of its jobs is nothing that this version can read."""


WAITING = frozenset(
    {"scheduled", "queued", "running", "restarting", "deferred", "up_for_retry", "up_for_reschedule", "awaiting_input"}
)
"""States of a task that has not ended."""
_ENDED = (Shown.SUCCEEDED, Shown.FAILED, Shown.ABORTED)
_WORST_FIRST = (JobState.FAILED, JobState.ABORTED, JobState.SUCCEEDED)


_KINDS = [kind.value for kind in OutputKind]
_LONGEST_REASON = 1500
_YEAR_10000 = 253_402_300_800
_MOST = 2**53 - 1
"""The largest whole number that a browser reads exactly."""


class Media(NamedTuple):
    """The URLs of a job's result as Airflow got them, and when that was (epoch seconds)."""

    media_url: str | None
    subtitles_url: str | None
    received_at: float | None
    outputs: tuple[str | None, ...] = ()
    """Of all outputs, in the order of the result."""


class _Jobs(NamedTuple):
    """What is known of a task's jobs, by their ids: their results, and their last statuses."""

    results: dict[str, Mapping[str, Any]]
    statuses: dict[str, Mapping[str, Any]]
    observed_at: float | None

    @classmethod
    def of(cls, task: VideoTask) -> _Jobs:
        """Index what the task stored by job id, once: a search per job would take quadratic time.

        :param task: as Airflow knows it.
        """
        return cls(_by_id(_results(task)), _by_id(_statuses(task)), _seconds(_status(task).get("observed_at")))

    def media(self, job_id: str) -> Media:
        """Return the URLs of a job's result, ``None`` for what a browser may not be sent to.

        :param job_id: one of the task's jobs.
        """
        result = self.results.get(job_id) or self.statuses.get(job_id) or {}
        received_at = epoch(result.get("finished_at")) or self.observed_at
        media, subtitles = result.get("media_url"), result.get("subtitles_url")
        return Media(
            media if is_url(media) else None,
            subtitles if is_url(subtitles) else None,
            received_at,
            tuple(url if is_url(url := each.get("url")) else None for each in _outputs(result)),
        )


def state_of(task: VideoTask) -> Shown:
    """Return the state of a task's jobs: of the worst, if they differ.

    :param task: as Airflow knows it.
    """
    if task.reference is None:
        return Shown.UNREADABLE
    if task.reference.refusal is not None:
        uncertain = task.reference.refusal.error == SubmitUncertain.__name__
        return Shown.UNCERTAIN if uncertain else Shown.REJECTED
    if (ended := _ended(task)) is not None:
        return Shown(ended)
    # Judged only if no end was seen: that a user marked the task as success proves nothing of its job.
    if task.state not in WAITING:
        return Shown.UNWATCHED
    state = _progress(task).get("state")
    return Shown.RUNNING if state == JobState.RUNNING else Shown.QUEUED


def states_of(task: VideoTask) -> dict[str, Shown]:
    """Return the state of each of a task's jobs, by its id: its own if its end was seen, else that of them all.

    :param task: as Airflow knows it.
    """
    together, statuses = state_of(task), _by_id(_statuses(task))
    ended = {job_id: state for job_id, status in statuses.items() if (state := status.get("state")) in _WORST_FIRST}
    jobs = task.reference.job_ids if task.reference else ()
    return {job_id: Shown(ended.get(job_id, together)) for job_id in jobs}


def row(task: VideoTask) -> dict[str, Any]:
    """Return what a list shows of a task.

    :param task: as Airflow knows it.
    :returns: JSON values; times in ISO 8601 UTC, progress in percent, ``None`` for what is unknown.
    """
    state, progress = state_of(task), _progress(task)
    return {
        **task.key._asdict(),
        "map_label": shown(task.map_label) if task.map_label is not None else None,
        **_names(task.reference),
        "state": state,
        "reason": reason_of(task.reference),
        "task_state": task.state,
        "jobs": len(task.reference.job_ids) if task.reference else 0,
        "progress": 100 if state is Shown.SUCCEEDED else _percent(progress.get("progress")),
        "queue_position": _whole(progress.get("queue_position")) if state is Shown.QUEUED else None,
        "submitted_at": _submitted_at(task),
        "ended_at": _ended_at(task, state),
    }


def page(task: VideoTask, rendered: Any = None, stored: Sequence[tuple[str, Any]] = ()) -> dict[str, Any]:
    """Return what the page of one task shows.

    :param task: as Airflow knows it.
    :param rendered: the arguments that it ran with; JSON values of any kind.
    :param stored: tasks of its run that stored results, by id, and what they returned; JSON values of any kind.
    :returns: :func:`row`, with the timeline, the source, the request, and one result per job with its copies.
    """
    jobs = _Jobs.of(task)
    copies = copies_of(task.reference, stored) if task.reference else {}
    job_ids = task.reference.job_ids if task.reference else ()
    return {
        **row(task),
        "timeline": _timeline(task),
        "conn_id": shown(task.reference.conn_id) if task.reference else "",
        "source": _source(task.reference.source) if task.reference else None,
        "request": request_of(task.reference, rendered) if task.reference else None,
        "observed_at": iso_utc(jobs.observed_at or epoch(_progress(task).get("observed_at"))),
        "results": [_result(jobs, job_id) | {"copies": copies.get(job_id, [])} for job_id in job_ids],
    }


def media_of(task: VideoTask, job_id: str) -> Media:
    """Return the URLs that Airflow keeps of a job's result.

    :param task: as Airflow knows it.
    :param job_id: one of its jobs.
    """
    return _Jobs.of(task).media(job_id)


def reason_of(reference: JobReference | BatchReference | None) -> str | None:
    """Return why a task, or a batch, has no job.

    :param reference: what it stored of its jobs.
    """
    return None if reference is None or reference.refusal is None else shown(reference.refusal.message, _LONGEST_REASON)


def _names(reference: JobReference | None) -> dict[str, Any]:
    if reference is None:
        return {"vendor": None, "vendor_name": "", "operation": ""}
    vendor = shown(reference.vendor)
    return {"vendor": vendor, "vendor_name": VENDORS.get(vendor, vendor), "operation": shown(reference.operation)}


def _result(jobs: _Jobs, job_id: str) -> dict[str, Any]:
    result, status = jobs.results.get(job_id, {}), jobs.statuses.get(job_id, {})
    media = jobs.media(job_id)
    state = result.get("state") or status.get("state")
    return {
        "job_id": job_id,
        "state": state if state in _WORST_FIRST else None,
        "media": kind_of(media.media_url) if media.media_url else None,
        "subtitles": media.subtitles_url is not None,
        "media_id": _text(result.get("media_id") or status.get("media_id")),
        "duration_ms": _number(result.get("duration_ms") or status.get("duration_ms")),
        "outputs": _others(result or status, media),
        "usage": _usage(result or status),
        "error": _error(status),
        "details": rows_of(result.get("details") or status.get("details")),
    }


def _outputs(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    outputs = result.get("outputs")
    return [_mapping(each) for each in outputs[:MAX_OUTPUTS]] if isinstance(outputs, list) else []


def _others(result: Mapping[str, Any], media: Media) -> list[dict[str, Any]]:
    """Return the outputs besides the one that is played, each with its number in the result."""
    others = [
        {
            "number": number,
            "kind": each.get("kind") if each.get("kind") in _KINDS else OutputKind.FILE.value,
            "label": _text(each.get("label")),
            "media_id": _text(each.get("media_id")),
            "media": url is not None,
        }
        for number, (each, url) in enumerate(zip(_outputs(result), media.outputs, strict=True))
    ]
    # The result's own media is one of its outputs as a rule, and the page plays it: it is not listed again.
    played = media.outputs.index(media.media_url) if media.media_url in media.outputs else 0
    return others[:played] + others[played + 1 :]


def _usage(result: Mapping[str, Any]) -> str | None:
    usage = Usage.from_json(result.get("usage"))
    return usage.describe() if usage else None


def _error(status: Mapping[str, Any]) -> str | None:
    code, message = (shown(said) if said else None for said in map(status.get, ("error_code", "error_message")))
    return ": ".join(filter(None, (code and f"code {code}", message))) or None


def _source(source: str | None) -> dict[str, Any] | None:
    if source is None:
        return None
    return {"media": kind_of(source) if is_url(source) else None, "text": shown(spoken(source))}


def _timeline(task: VideoTask) -> dict[str, str | None]:
    since = {**_mapping(_progress(task).get("since")), **_mapping(_status(task).get("since"))}
    return {
        "submitted": iso_utc(task.reference.submitted_at) if task.reference else None,
        "queued": iso_utc(epoch(since.get(JobState.QUEUED))),
        "running": iso_utc(epoch(since.get(JobState.RUNNING))),
        "ended": _ended_at(task, state_of(task)),
    }


def _submitted_at(task: VideoTask) -> str | None:
    known = task.started_at or task.seen_at
    submitted = iso_utc(task.reference.submitted_at) if task.reference else None
    return submitted or known.astimezone(UTC).isoformat(timespec="seconds")


def _ended_at(task: VideoTask, state: Shown) -> str | None:
    if state not in _ENDED:
        return None
    seen = epoch(task.xcoms.get("finished_at")) or _seconds(_status(task).get("observed_at"))
    return iso_utc(seen) or (task.ended_at.astimezone(UTC).isoformat(timespec="seconds") if task.ended_at else None)


def _ended(task: VideoTask) -> JobState | None:
    """Return how the jobs ended, if the last status of all of them says so; the task's own state proves nothing."""
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


def _by_id(found: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    # Of two with the same id the first counts, so the later ones go in first.
    return {job_id: each for each in reversed(found) if isinstance(job_id := each.get("job_id"), str)}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> float | None:
    """Return a number that is finite, not negative and exact in a browser; ``None`` for anything else."""
    # True is an int to Python. NaN passes no comparison.
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _MOST
    return value if known else None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _percent(value: Any) -> int | None:
    number = _whole(value)
    return None if number is None else min(number, 100)


def _seconds(value: Any) -> float | None:
    number = _number(value)
    return None if number is None or number >= _YEAR_10000 else number


def _text(value: Any) -> str | None:
    return shown(value) if isinstance(value, str) and value else None


def epoch(value: Any) -> float | None:
    """Read a time in ISO 8601 as epoch seconds; UTC unless it says otherwise.

    :param value: outside data; ``None`` is returned for what is no time.
    """
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
        return None if time is None else _seconds((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None
