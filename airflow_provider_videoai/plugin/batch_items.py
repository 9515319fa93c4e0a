# SPDX-License-Identifier: Apache-2.0
"""The items of a batch as its page lists them: pure functions from records and a manifest's lines to rows.

Both are outside data, which people edit: what cannot be read is a row that says so, and harms no other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from airflow_provider_videoai.batches.entries import SUBMISSION, Entry, ItemEnd, item_of
from airflow_provider_videoai.batches.items import LONGEST_ITEM_ID
from airflow_provider_videoai.jobs.submission.record import Phase, SubmissionRecord
from airflow_provider_videoai.jobs.values.printable import is_printable
from airflow_provider_videoai.plugin.manifests import ManifestLine
from airflow_provider_videoai.plugin.paging import Wanted, page_of
from airflow_provider_videoai.plugin.wording import failure, shown
from airflow_provider_videoai.plugin.xcoms import plain_json

__all__ = ["BatchItem", "ItemShown", "ItemSort", "ItemsWanted", "items_of_part", "listed", "merged"]


class ItemShown(StrEnum):
    """An item's state; in the order of what may need a person first."""

    FAILED = "failed"
    UNREADABLE = "unreadable"
    """What is stored of it is nothing that this version can read."""
    RUNNING = "running"
    QUEUED = "queued"
    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"


_RANK = {state: rank for rank, state in enumerate(ItemShown)}
_MOST_OF_PART = 1000
"""Items of a part that are read; this package puts less than sixty into one."""
_LONGEST_JOB_ID = 1000
_LONGEST_ERROR = 400
_LATEST = 2.0**36
_DIGITS = re.compile(r"(\d+)")


class ItemSort(StrEnum):
    """The orders of the list."""

    FAILED = "failed"
    """What failed or may need a person first, what succeeded last."""
    NEWEST = "newest"
    """What ended last, or was submitted last, first."""
    ITEM = "item"
    """By id; numbers in it by their value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemsWanted(Wanted[ItemShown, ItemSort]):
    """What a user wants to see of a batch's items."""

    sort: ItemSort = ItemSort.FAILED


@dataclass(frozen=True, slots=True)
class BatchItem:
    """An item. ``place`` is where it is stored; times are epoch seconds; ``kept`` says that there is a copy.

    ``item_id`` is ``None`` for one that cannot be read; ``label`` is what is shown in place of it.
    """

    item_id: str | None
    label: str
    state: ItemShown
    place: str
    job_id: str | None = None
    error: str | None = None
    submitted_at: float | None = None
    ended_at: float | None = None
    kept: bool = False
    duration_ms: int | None = None
    line: ManifestLine | None = None

    @property
    def text(self) -> str:
        """What a search looks in."""
        words = (self.label, self.job_id, self.error, self.line and self.line.input)
        return "\n".join(word for word in words if word).casefold()


def items_of_part(place: str, text: str | None) -> list[BatchItem]:
    """Return the items of a part of a batch's records, without the requests that they were before.

    :param place: the part's key.
    :param text: the JSON text of it; ``None`` if it is too long.
    :returns: one item that is unreadable if the part is, or has too many.
    """
    stored = plain_json(text)
    items = stored.get("items") if isinstance(stored, Mapping) and stored.get("version") == 1 else None
    if not isinstance(items, Mapping) or len(items) > _MOST_OF_PART:
        return [BatchItem(None, place, ItemShown.UNREADABLE, place)]
    return [_item(place, item_id, entry) for item_id, entry in items.items() if item_of(item_id)[1] is None]


def _item(place: str, item_id: str, stored: Any) -> BatchItem:
    if not item_id or len(item_id) > LONGEST_ITEM_ID or not is_printable(item_id):
        return BatchItem(None, shown(item_id) or place, ItemShown.UNREADABLE, place)
    submission = stored.get(SUBMISSION) if isinstance(stored, Mapping) else None
    submitted_at: Any = None
    entry = None
    if isinstance(submission, Mapping):
        # Most items have ended, and to read a record for what its end says already takes longer than all else.
        entry = Entry.from_json({name: value for name, value in stored.items() if name != SUBMISSION})
        submitted_at = submission.get("submitted_at")
    if entry is None or entry.end is None or not _is_of(submission, entry.end.job_id):
        entry = Entry.from_json(stored)
    record, end = entry.record, entry.end
    if _goes_on(record, end):
        end = None  # of the job before this one
    job_id = (end.job_id if end is not None else None) or (record.job_id if record is not None else None)
    if job_id is not None and (len(job_id) > _LONGEST_JOB_ID or not is_printable(job_id)):
        return BatchItem(item_id, item_id, ItemShown.UNREADABLE, place)
    return BatchItem(
        item_id,
        item_id,
        ItemShown.UNREADABLE if entry.unreadable and end is None else _state(record, end),
        place,
        job_id,
        None if end is None or end.error is None else failure(end.error, _LONGEST_ERROR),
        _seconds(submitted_at),
        None if end is None else _seconds(end.at),
        end is not None and end.sha256 is not None,
        None if end is None else _duration(end.duration_ms),
    )


def _is_of(submission: Any, job_id: str | None) -> bool:
    return isinstance(submission, Mapping) and job_id is not None and submission.get("job_id") == job_id


def _goes_on(record: SubmissionRecord | None, end: ItemEnd | None) -> bool:
    """Whether another job than the one that ended is being submitted, or in flight."""
    in_flight = record is not None and record.phase in (Phase.SUBMITTING, Phase.SUBMITTED, Phase.HANDED_OVER)
    return in_flight and end is not None and record is not None and record.job_id != end.job_id


def _state(record: SubmissionRecord | None, end: ItemEnd | None) -> ItemShown:
    if end is not None:
        return ItemShown(end.state.value)
    if record is None or record.job_id is None:
        return ItemShown.QUEUED
    return ItemShown.FAILED if record.phase is Phase.FAILED else ItemShown.RUNNING


def _seconds(value: Any) -> float | None:
    # True is an int to Python. No time is later, and NaN passes no comparison.
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LATEST
    return value if known else None


def _duration(value: int | None) -> int | None:
    return value if value is not None and 0 <= value < 2**53 else None


def merged(items: Sequence[BatchItem], lines: Sequence[ManifestLine], *, trusted: bool) -> list[BatchItem]:
    """Return items with what a manifest says of them, and those that only the manifest lists.

    :param items: of the records.
    :param lines: of the manifest; of two of an item the later counts.
    :param trusted: whether the state of an item without a record is as the manifest says. Otherwise it is queued: the
        manifest may be that of an earlier run, at the same path.
    """
    by_id = {line.item_id: line for line in lines if line.item_id is not None}
    known = {item.item_id for item in items}
    found = [_with_line(item, None if item.item_id is None else by_id.get(item.item_id)) for item in items]
    found += [_of_line(line, trusted) for item_id, line in by_id.items() if item_id not in known]
    found += [_of_line(line, trusted) for line in lines if line.item_id is None]
    return found


def _with_line(item: BatchItem, line: ManifestLine | None) -> BatchItem:
    if line is None:
        return item
    # Of an earlier job of the item it says nothing but what was requested.
    if line.job_id != item.job_id:
        return replace(item, line=replace(line, media_url=None, usage=None))
    # Records keep the beginning of an error, and that of a lost answer says at its end how to go on.
    said = line.error if line.error and line.state == item.state else item.error
    return replace(item, line=line, error=said)


def _of_line(line: ManifestLine, trusted: bool) -> BatchItem:
    if line.item_id is None:
        return BatchItem(None, line.place, ItemShown.UNREADABLE, line.place)
    if not trusted:
        request = replace(line, media_url=None, usage=None)
        return BatchItem(line.item_id, line.item_id, ItemShown.QUEUED, line.place, line=request)
    return BatchItem(
        line.item_id,
        line.item_id,
        ItemShown(line.state),
        line.place,
        line.job_id,
        line.error,
        kept=line.kept,
        line=line,
    )


def listed(items: Sequence[BatchItem], wanted: ItemsWanted) -> dict[str, Any]:
    """Return a page of the items.

    :param items: all of them.
    :param wanted: which of them, in which order, and which page.
    :returns: as :func:`page_of` returns it.
    """
    search = wanted.words
    matching = [item for item in items if search in item.text] if search else items
    return page_of(matching, wanted, state_of=lambda item: item.state, ordered=_ordered)


def _ordered(items: list[BatchItem], sort: ItemSort) -> list[BatchItem]:
    match sort:
        case ItemSort.FAILED:
            return sorted(items, key=lambda item: _RANK[item.state])
        case ItemSort.NEWEST:
            return sorted(items, key=lambda item: -(item.ended_at or item.submitted_at or 0))
        case ItemSort.ITEM:
            return sorted(items, key=lambda item: _natural(item.label))


def _natural(label: str) -> list[tuple[int, int, str]]:
    parts = _DIGITS.split(label.casefold())
    return [(1, int(part), "") if number % 2 else (0, 0, part) for number, part in enumerate(parts)]
