# SPDX-License-Identifier: Apache-2.0
"""The records of a batch in Airflow's task state store: an entry per item, by its id, many in one value.

One value per item would cost two requests to Airflow's API server for each, and one value for all would outgrow the
limit of the store (64 KB). So entries share values, and writes that come together share one: ten submits at a time
write about as often as one.

====================  =========================================================================================
key                   value
====================  =========================================================================================
``videoai_batch``     ``{"version": 1, "parts": 3}``
``videoai_batch_0``   ``{"version": 1, "items": {"<item id>": {"submission": {...}, "end": {...}}, ...}}``
====================  =========================================================================================
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_videoai.batches.entries import GONE, SUBMISSION, Entry, ItemEnd, with_end
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.submission.fence import FENCE_SECONDS
from airflow_provider_videoai.jobs.submission.pauses import Clocks
from airflow_provider_videoai.jobs.submission.record import KEPT_STATE, Phase, SubmissionRecord
from airflow_provider_videoai.jobs.submission.record_store import Store
from airflow_provider_videoai.jobs.values.given_value import as_given
from airflow_provider_videoai.jobs.values.printable import shown

__all__ = ["HOW_TO_START_OVER", "INDEX_KEY", "BatchRecords", "ItemStore", "part_key"]

INDEX_KEY = "videoai_batch"
_VERSION = 1
HOW_TO_START_OVER = (
    f'To submit every item again, and pay for it, make this task\'s state {INDEX_KEY!r} {{"version": {_VERSION}, '
    f'"parts": 0}} and clear the task. {KEPT_STATE}'
)
_PART_BYTES = 60_000
_ENTRY_BYTES = 1_060
"""Bytes of JSON that an entry may take beside its item's id: some 300 for a submit in flight, at the end up to this."""
_MAX_PARTS = 10_000
_IN_FLIGHT = (Phase.SUBMITTING, Phase.SUBMITTED, Phase.HANDED_OVER)


def part_key(number: int) -> str:
    """Return the key of a part.

    :param number: from 0 on.
    """
    return f"{INDEX_KEY}_{number}"


@dataclass(slots=True, eq=False)
class _Part:
    """Entries that share one value."""

    number: int
    items: dict[str, dict[str, Any]]
    bytes: int = 0
    # Each change has a number: whoever waits to write finds its change written by whoever wrote before.
    changes: int = 0
    written: int = 0
    seen_at: tuple[float, float] = (float("-inf"), float("-inf"))
    writing: threading.Lock = field(default_factory=threading.Lock)

    def to_json(self) -> dict[str, Any]:
        return {"version": _VERSION, "items": dict(self.items)}


class BatchRecords:
    """The entries of all items. Several threads may use it.

    :param store: the task's.
    :param clocks: by which it is noticed that this process was paused.
    :raises VideoAIError: if the store cannot be read.
    :raises InvalidRequest: if a value is not as this class wrote it, or is missing: it may say what was bought.
    """

    def __init__(self, store: Store, clocks: Clocks | None = None) -> None:
        self.lasting = store.lasting
        self._store = store
        self._clocks = clocks = clocks or Clocks()
        self._lock = threading.Lock()
        self._indexing = threading.Lock()
        self._parts: list[_Part] = []
        self._part_of: dict[str, _Part] = {}
        index = store.get(INDEX_KEY)
        self.stored = index is not None
        """Whether an earlier attempt, or a person, has begun the records."""
        for part in _read(store, index, clocks):
            self._parts.append(part)
            self._part_of.update(dict.fromkeys(part.items, part))
        self._indexed = len(self._parts)

    def __bool__(self) -> bool:
        """Whether there is any record."""
        return bool(self._part_of)

    def entry(self, item_id: str) -> Entry | None:
        """Return what is known of an item; ``None`` if nothing is.

        :param item_id: the item's.
        """
        with self._lock:
            part = self._part_of.get(item_id)
            stored = None if part is None else part.items.get(item_id)
        return None if stored is None else Entry.from_json(stored)

    def in_flight_beside(self, item_ids: Iterable[str]) -> list[str]:
        """Return, for a person, the items whose jobs may be in flight and that are not among these.

        :param item_ids: of the batch as it is now.
        """
        return [
            shown(item_id)
            for item_id, entry in self.beside(item_ids).items()
            if entry.record is not None and entry.end is None and entry.record.phase in _IN_FLIGHT
        ]

    def beside(self, item_ids: Iterable[str]) -> dict[str, Entry]:
        """Return the entries of items that are not among these, by their ids.

        :param item_ids: of the batch as it is now.
        """
        with self._lock:
            others = sorted(self._part_of.keys() - set(item_ids))
        entries = {item_id: self.entry(item_id) for item_id in others}
        return {item_id: entry for item_id, entry in entries.items() if entry is not None}

    def set_gone(self, item_ids: Collection[str]) -> None:
        """Mark these entries, and no others, as those whose requests this attempt did not find when it began.

        In the records, and not in the arguments of a deferral: those have no room for thousands of ids, and are lost if
        Airflow's own timeout ends it. What is submitted, or ends, is unmarked.

        :param item_ids: of items with an entry.
        :raises VideoAIError: if they cannot be written.
        """
        changed: dict[_Part, int] = {}
        with self._lock:
            for item_id, part in self._part_of.items():
                entry = part.items.get(item_id)
                gone = item_id in item_ids
                if entry is None or (entry.get(GONE) is True) is gone:
                    continue
                kept = {name: value for name, value in entry.items() if name != GONE}
                part.items[item_id] = {**kept, GONE: True} if gone else kept
                part.changes += 1
                changed[part] = part.changes
        for part, change in changed.items():
            self._write(part, change)

    def place_of(self, item_id: str) -> str:
        """Return the key of the state in which an item's entry is, for a person.

        :param item_id: of an item with an entry.
        """
        return part_key(self._part_of[item_id].number)

    def store_for(self, item_id: str) -> ItemStore:
        """Return the store of the submission record of an item's job.

        :param item_id: the item's.
        """
        with self._lock:
            number = self._joined(item_id).number
        return ItemStore(self, item_id, number, lasting=self.lasting)

    def end(self, ends: Iterable[tuple[str, SubmissionRecord | None, ItemEnd]]) -> None:
        """Note how items ended, in as few writes as possible.

        :param ends: the item's id, the last record of its job (``None``: as it is), and its end.
        :raises VideoAIError: if they cannot be written. They are to be learned again then, which buys nothing.
        """
        changed: dict[_Part, int] = {}
        with self._lock:
            for item_id, record, end in ends:
                part = self._joined(item_id)
                part.items[item_id] = with_end(part.items.get(item_id, {}), record, end)
                part.changes += 1
                changed[part] = part.changes
        for part, change in changed.items():
            self._write(part, change)

    # -- what an item's store does ---------------------------------------------------------------------------

    def submission(self, item_id: str) -> Any:
        """Return the stored record of an item's job, or ``None``; what was seen some time ago is read again.

        :param item_id: the item's.
        """
        part = self._part_of[item_id]
        with part.writing:
            if part.number < self._indexed and self._clocks.passed(part.seen_at) > FENCE_SECONDS:
                self._refresh(part, item_id)
            with self._lock:
                return part.items.get(item_id, {}).get(SUBMISSION)

    def set_submission(self, item_id: str, value: Any) -> None:
        """Write the record of an item's job; ``None`` deletes it.

        :param item_id: the item's.
        :param value: JSON values.
        """
        part = self._part_of[item_id]
        with self._lock:
            before = part.items.get(item_id)
            kept = {name: kept for name, kept in (before or {}).items() if name not in (SUBMISSION, GONE)}
            part.items[item_id] = kept if value is None else {**kept, SUBMISSION: value}
            part.changes += 1
            change = part.changes

        def undo() -> None:
            if before is None:
                part.items.pop(item_id, None)
            else:
                part.items[item_id] = before

        self._write(part, change, undo)

    # -- the values ------------------------------------------------------------------------------------------

    def _joined(self, item_id: str) -> _Part:
        part = self._part_of.get(item_id)
        if part is None:
            size = len(json.dumps(item_id)) + _ENTRY_BYTES
            if not self._parts or self._parts[-1].bytes + size > _PART_BYTES:
                self._parts.append(_Part(len(self._parts), {}))
            part = self._part_of[item_id] = self._parts[-1]
            part.bytes += size
        return part

    def _write(self, part: _Part, change: int, undo: Callable[[], None] | None = None) -> None:
        with part.writing:
            if part.written >= change:
                return
            try:
                if part.number >= self._indexed:
                    self._index(part.number + 1)
                with self._lock:
                    change, value = part.changes, part.to_json()
                began = self._clocks.now()
                self._store.set(part_key(part.number), value)
            except BaseException:
                # Before others write: they would write a submit that looks cut short, and was not sent.
                with self._lock:
                    if undo is not None:
                        undo()
                raise
            part.written, part.seen_at = change, began

    def _index(self, parts: int) -> None:
        # Before the part: one that the index does not count would not be read, and its jobs would be bought again.
        with self._indexing:
            if parts > self._indexed:
                self._store.set(INDEX_KEY, {"version": _VERSION, "parts": parts})
                self._indexed = parts

    def _refresh(self, part: _Part, item_id: str) -> None:
        """Take in what is stored by now: another attempt's record, or what a person wrote."""
        began = self._clocks.now()
        stored = _items_of(self._store, part.number, last=True)
        with self._lock:
            if part.changes == part.written:
                part.items, part.seen_at = stored, began
            elif item_id in stored:  # others' changes are about to be written
                part.items[item_id] = stored[item_id]
            else:
                part.items.pop(item_id, None)


class ItemStore:
    """Where the submission record of one item's job is kept, for whoever obtains the job.

    :param records: the batch's.
    :param item_id: the item's.
    :param number: of the part that has it.
    :param lasting: whether records outlive the attempt.
    """

    def __init__(self, records: BatchRecords, item_id: str, number: int, *, lasting: bool) -> None:
        self.lasting = lasting
        self.place = f"{SUBMISSION!r} of item {shown(item_id)} in this task's state {part_key(number)!r}"
        self._records = records
        self._item_id = item_id

    def get(self, _: str, /) -> Any:
        """Return the record as it is stored, or ``None``."""
        return self._records.submission(self._item_id)

    def set(self, key: str, value: Any) -> None:  # noqa: ARG002 - an item has one record
        """Write the record."""
        self._records.set_submission(self._item_id, value)

    def delete(self, key: str) -> None:  # noqa: ARG002 - an item has one record
        """Delete the record."""
        self._records.set_submission(self._item_id, None)


# -- reading -------------------------------------------------------------------------------------------------


def _read(store: Store, index: Any, clocks: Clocks) -> Iterator[_Part]:
    if index is None:
        # Without an index there are no parts, unless a person deleted it alone.
        if store.get(part_key(0)) is not None:
            raise _broken(INDEX_KEY, "is missing, and parts of it are there")
        return
    for number in range(parts := _parts_of(index)):
        began = clocks.now()
        items = _items_of(store, number, last=number == parts - 1)
        size = sum(len(json.dumps(item_id)) + _ENTRY_BYTES for item_id in items)
        yield _Part(number, items, size, seen_at=began)
    # The index is written before a part: one that counts too few is a person's, and would hide what was bought.
    if store.get(part_key(parts)) is not None:
        raise _broken(INDEX_KEY, f"counts {parts} parts, and there is another one")


def _parts_of(index: Any) -> int:
    parts = index.get("parts") if isinstance(index, Mapping) else None
    if not isinstance(index, Mapping) or index.get("version") != _VERSION:
        raise _broken(INDEX_KEY, "is of a version that is unknown to this one")
    if type(parts) is not int or not 0 <= parts <= _MAX_PARTS:
        raise _broken(INDEX_KEY, f"must count its parts, and says {as_given(parts)}")
    return parts


def _items_of(store: Store, number: int, *, last: bool) -> dict[str, dict[str, Any]]:
    key = part_key(number)
    stored = store.get(key)
    if isinstance(stored, str):  # a form may have kept the JSON as a text
        try:
            stored = json.loads(stored)
        except (ValueError, RecursionError):
            raise _broken(key, "is no JSON") from None
    if stored is None:
        if last:  # the index is written before its last part
            return {}
        raise _broken(key, "is missing")
    if not isinstance(stored, Mapping) or stored.get("version") != _VERSION:
        raise _broken(key, "is of a version that is unknown to this one")
    items = stored.get("items")
    if not isinstance(items, Mapping):
        raise _broken(key, "has no 'items'")
    return {
        item_id: dict(entry) if isinstance(entry, Mapping) else {SUBMISSION: entry} for item_id, entry in items.items()
    }


def _broken(key: str, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"this task's state {key!r} {why}: which jobs of the batch were bought is not known, so nothing was submitted. "
        f"Mend it. {HOW_TO_START_OVER} Delete {part_key(0)!r} and those after it as well: while one is there, an index "
        "that does not count it is refused."
    )
