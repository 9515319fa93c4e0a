# SPDX-License-Identifier: Apache-2.0
"""What the list shows of a batch: pure functions from records to JSON values, which never fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_videoai.batches.batch_reference import BatchReference
from airflow_provider_videoai.jobs.model import iso_utc
from airflow_provider_videoai.plugin import view
from airflow_provider_videoai.plugin.task import VideoTask
from airflow_provider_videoai.plugin.view import VENDORS, Shown
from airflow_provider_videoai.plugin.wording import shown
from airflow_provider_videoai.triggers.batch_event import COUNTS_KEY

__all__ = ["counts_of", "row", "state_of"]

_STATES = ("succeeded", "skipped", "failed", "running", "queued")
_MOST = 10_000_000
_LATEST = 2.0**36
"""Epoch seconds: what is later, or not finite, is no time."""


def counts_of(task: VideoTask) -> dict[str, Any] | None:
    """Return how many items of a batch are in each state.

    :param task: as Airflow knows it.
    :returns: ``items``, the five states, and ``at``, the time of that in ISO 8601 UTC or ``None``; ``None`` if they are
        unknown.
    """
    stored = task.xcoms.get(COUNTS_KEY)
    if not isinstance(stored, Mapping):
        return None
    counts: dict[str, Any] = {name: stored.get(name) for name in _STATES}
    if not all(type(count) is int and 0 <= count <= _MOST for count in counts.values()):
        return None
    # The sum, and not what is stored as the sum: the parts of a bar have to fill it.
    return {"items": sum(counts.values()), **counts, "at": iso_utc(_seconds(stored.get("at")))}


def state_of(task: VideoTask) -> Shown:
    """Return the state of a batch.

    :param task: as Airflow knows it.
    """
    if task.batch is None:
        return Shown.UNREADABLE
    if task.batch.refusal is not None:
        return Shown.REJECTED
    counts = counts_of(task)
    if task.state in view.WAITING:
        return Shown.RUNNING if counts and counts["queued"] < counts["items"] else Shown.QUEUED
    if counts is None or counts["queued"] or counts["running"]:
        return Shown.UNWATCHED
    # All items have ended: how many may fail is the task's own matter. One that was cleared has no state, for hours
    # while what is before it runs again; then only the counts speak.
    well = task.state == "success" if task.state is not None else not counts["failed"]
    return Shown.SUCCEEDED if well else Shown.FAILED


def row(task: VideoTask) -> dict[str, Any]:
    """Return what a list shows of a batch: the fields of a job's row, and ``batch``, its counts.

    :param task: as Airflow knows it.
    """
    counts, state = counts_of(task), state_of(task)
    ended = None if counts is None else counts["items"] - counts["running"] - counts["queued"]
    began = task.started_at or task.seen_at
    return {
        **task.key._asdict(),
        "map_label": shown(task.map_label) if task.map_label is not None else None,
        **_names(task.batch),
        "state": state,
        "reason": view.reason_of(task.batch),
        "task_state": task.state,
        "jobs": 0 if counts is None else counts["items"],
        "progress": None if counts is None or ended is None else 100 * ended // max(counts["items"], 1),
        "queue_position": None,
        "submitted_at": iso_utc(began.timestamp()),
        "ended_at": iso_utc(task.ended_at.timestamp()) if task.ended_at and task.state not in view.WAITING else None,
        "batch": counts or {},
    }


def _names(reference: BatchReference | None) -> dict[str, str | None]:
    if reference is None:
        return {"vendor": None, "vendor_name": "", "operation": ""}
    vendor = shown(reference.vendor)
    return {"vendor": vendor, "vendor_name": VENDORS.get(vendor, vendor), "operation": shown(reference.operation)}


def _seconds(value: Any) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LATEST
    return value if known else None
