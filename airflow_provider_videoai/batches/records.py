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

A row may be changed, and later be what it was before. The entry under an item's id is that of the request it was last;
those of requests before it for which jobs were bought have entries of their own, under the id and the fingerprint.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_videoai.batches.entries import (
    GONE,
    SUBMISSION,
    Entry,
    ItemEnd,
    bound,
    divided,
    earlier_key,
    is_of,
    item_of,
    with_end,
)
from airflow_provider_videoai.batches.part_values import INDEX_KEY, VERSION, broken, items_of, part_key, parts_of
from airflow_provider_videoai.jobs.submission.fence import FENCE_SECONDS
from airflow_provider_videoai.jobs.submission.pauses import Clocks
from airflow_provider_videoai.jobs.submission.record import SubmissionRecord
from airflow_provider_videoai.jobs.submission.record_store import Store
from airflow_provider_videoai.jobs.values.printable import shown

__all__ = ["BatchRecords", "ItemStore"]

_PART_BYTES = 60_000
_ENTRY_BYTES = 1_060
"""Bytes of JSON that an entry may take beside its item's id: some 300 for a submit in flight, at the end up to this."""


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

    def change(self, changed: dict[_Part, int]) -> None:
        """Count a change that is still to be written; the lock of the records is held."""
        self.changes += 1
        changed[self] = self.changes

    def to_json(self) -> dict[str, Any]:
        return {"version": VERSION, "items": dict(self.items)}


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

    def entry(self, item_id: str, fingerprint: str) -> Entry | None:
        """Return what is known of an item's request; ``None`` if nothing is.

        :param item_id: the item's.
        :param fingerprint: of the request.
        """
        with self._lock:
            stored = self._stored(item_id)
        return None if stored is None else Entry.from_json(stored).of(fingerprint)

    def restore(self, requests: Mapping[str, str]) -> None:
        """Give items that are again what they were before the entries of those requests.

        :param requests: the fingerprint of each item's request as it is now, by the item's id.
        :raises VideoAIError: if they cannot be written.
        """
        earlier: dict[str, dict[str, Any]] = {}
        over: list[str] = []
        with self._lock:
            for item_id, fingerprint in requests.items():
                stored = self._stored(key := earlier_key(item_id, fingerprint))
                if stored is None or Entry.from_json(stored).of(fingerprint) is None:
                    continue
                present = Entry.from_json(self._stored(item_id) or {})
                # Of two of one request, the one under the item's id is the later: see below. What a person wrote there
                # counts, unless it is that another job is to be bought, which may be about another request.
                if present.of(fingerprint) is None or present.wants_another:
                    earlier[item_id] = stored
                if item_id in earlier or fingerprint in present.fingerprints:
                    over.append(key)
        self._set_aside((item_id, requests[item_id]) for item_id in earlier)
        changed: dict[_Part, int] = {}
        with self._lock:
            for item_id, stored in earlier.items():
                part = self._joined(item_id)
                ours, _ = divided(part.items.get(item_id, {}), requests[item_id])
                part.items[item_id] = {**ours, **stored}
                part.change(changed)
        self._write_all(changed)
        # Last: who is killed before leaves two of one request, and not none.
        changed = {}
        with self._lock:
            for key in over:
                part = self._part_of[key]
                part.items.pop(key, None)
                part.change(changed)
        self._write_all(changed)

    def bind(self, requests: Mapping[str, str]) -> None:
        """Note of records that a person wrote which requests they are about: the rows may be others later.

        :param requests: the fingerprints of items with such a record, by the items' ids.
        :raises VideoAIError: if they cannot be written.
        """
        changed: dict[_Part, int] = {}
        with self._lock:
            for item_id, fingerprint in requests.items():
                part = self._part_of[item_id]
                entry = part.items[item_id]
                part.items[item_id] = {**entry, SUBMISSION: bound(entry[SUBMISSION], fingerprint)}
                part.change(changed)
        self._write_all(changed)

    def in_flight_beside(self, requests: Mapping[str, str]) -> list[str]:
        """Return, for a person, the items with jobs that may be in flight for requests that are not among these.

        :param requests: the fingerprint of each item's request as it is now, by the item's id.
        """
        return [shown(item_of(key)[0]) for key, entry in self.beside(requests).items() if entry.in_flight]

    def beside(self, requests: Mapping[str, str]) -> dict[str, Entry]:
        """Return the entries that say something of requests that are not among these, by their keys.

        :param requests: the fingerprint of each item's request as it is now, by the item's id.
        """
        with self._lock:
            stored = {key: self._stored(key) for key in sorted(self._part_of)}
        found: dict[str, Entry] = {}
        for key, values in stored.items():
            item_id, earlier = item_of(key)
            fingerprint = requests.get(item_id)
            if values is None or (earlier is not None and earlier == fingerprint):
                continue
            if earlier is not None or fingerprint is None or not is_of(values, fingerprint):
                found[key] = Entry.from_json(values)
        return found

    def set_gone(self, keys: Collection[str]) -> None:
        """Mark these entries, and no others, as those whose requests this attempt did not find when it began.

        In the records, and not in the arguments of a deferral: those have no room for thousands of ids, and are lost if
        Airflow's own timeout ends it. What is submitted, or ends, is unmarked.

        :param keys: of entries, as :meth:`beside` has them.
        :raises VideoAIError: if they cannot be written.
        """
        changed: dict[_Part, int] = {}
        with self._lock:
            for key, part in self._part_of.items():
                entry = part.items.get(key)
                gone = key in keys
                if entry is None or (entry.get(GONE) is True) is gone:
                    continue
                kept = {name: value for name, value in entry.items() if name != GONE}
                part.items[key] = {**kept, GONE: True} if gone else kept
                part.change(changed)
        self._write_all(changed)

    def place_of(self, item_id: str) -> str:
        """Return the key of the state in which an item's entry is, for a person.

        :param item_id: of an item with an entry.
        """
        return part_key(self._part_of[item_id].number)

    def store_for(self, item_id: str, fingerprint: str) -> ItemStore:
        """Return the store of the submission record of an item's job.

        :param item_id: the item's.
        :param fingerprint: of its request.
        """
        with self._lock:
            number = self._joined(item_id).number
        return ItemStore(self, item_id, fingerprint, number, lasting=self.lasting)

    def end(self, ends: Iterable[tuple[str, SubmissionRecord | None, ItemEnd]]) -> None:
        """Note how items ended, in as few writes as possible.

        :param ends: the item's id, the last record of its job (``None``: as it is), and its end.
        :raises VideoAIError: if they cannot be written. They are to be learned again then, which buys nothing.
        """
        ends = list(ends)
        self._set_aside((item_id, end.fingerprint) for item_id, _, end in ends)
        changed: dict[_Part, int] = {}
        with self._lock:
            for item_id, record, end in ends:
                part = self._joined(item_id)
                ours, _ = divided(part.items.get(item_id, {}), end.fingerprint)
                part.items[item_id] = with_end(ours, record, end)
                part.change(changed)
        self._write_all(changed)

    # -- what an item's store does ---------------------------------------------------------------------------

    def submission(self, item_id: str, fingerprint: str) -> Any:
        """Return the stored record of an item's job, or ``None``; what was seen some time ago is read again.

        :param item_id: the item's.
        :param fingerprint: of the request whose job it is.
        """
        part = self._part_of[item_id]
        with part.writing:
            if part.number < self._indexed and self._clocks.passed(part.seen_at) > FENCE_SECONDS:
                self._refresh(part, item_id)
            with self._lock:
                return divided(part.items.get(item_id, {}), fingerprint)[0].get(SUBMISSION)

    def set_submission(self, item_id: str, fingerprint: str, value: Any) -> None:
        """Write the record of an item's job; ``None`` deletes it.

        :param item_id: the item's.
        :param fingerprint: of the request whose job it is.
        :param value: JSON values.
        """
        self._set_aside([(item_id, fingerprint)])
        part = self._part_of[item_id]
        with self._lock:
            before = part.items.get(item_id)
            ours, _ = divided(before or {}, fingerprint)
            kept = {name: kept for name, kept in ours.items() if name not in (SUBMISSION, GONE)}
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

    def _set_aside(self, requests: Iterable[tuple[str, str]]) -> None:
        """Keep what was bought for other requests of items, before their entries are written for these."""
        changed: dict[_Part, int] = {}
        with self._lock:
            for item_id, fingerprint in requests:
                _, other = divided(self._stored(item_id) or {}, fingerprint)
                if other is not None:
                    key = earlier_key(item_id, other[0])
                    part = self._joined(key)
                    part.items[key] = other[1]
                    part.change(changed)
        self._write_all(changed)

    def _stored(self, key: str) -> dict[str, Any] | None:
        part = self._part_of.get(key)
        return None if part is None else part.items.get(key)

    def _joined(self, key: str) -> _Part:
        part = self._part_of.get(key)
        if part is None:
            size = len(json.dumps(key)) + _ENTRY_BYTES
            if not self._parts or self._parts[-1].bytes + size > _PART_BYTES:
                self._parts.append(_Part(len(self._parts), {}))
            part = self._part_of[key] = self._parts[-1]
            part.bytes += size
        return part

    def _write_all(self, changed: Mapping[_Part, int]) -> None:
        for part, change in changed.items():
            self._write(part, change)

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
                self._store.set(INDEX_KEY, {"version": VERSION, "parts": parts})
                self._indexed = parts

    def _refresh(self, part: _Part, item_id: str) -> None:
        """Take in what is stored by now: another attempt's record, or what a person wrote."""
        began = self._clocks.now()
        stored = items_of(self._store, part.number, last=True)
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
    :param fingerprint: of the request whose job it is.
    :param number: of the part that has it.
    :param lasting: whether records outlive the attempt.
    """

    def __init__(self, records: BatchRecords, item_id: str, fingerprint: str, number: int, *, lasting: bool) -> None:
        self.lasting = lasting
        self.place = f"{SUBMISSION!r} of item {shown(item_id)} in this task's state {part_key(number)!r}"
        self._records = records
        self._request = item_id, fingerprint

    def get(self, _: str, /) -> Any:
        """Return the record as it is stored, or ``None``."""
        return self._records.submission(*self._request)

    def set(self, key: str, value: Any) -> None:  # noqa: ARG002 - a request has one record
        """Write the record."""
        self._records.set_submission(*self._request, value)

    def delete(self, key: str) -> None:  # noqa: ARG002 - a request has one record
        """Delete the record."""
        self._records.set_submission(*self._request, None)


def _read(store: Store, index: Any, clocks: Clocks) -> Iterator[_Part]:
    if index is None:
        # Without an index there are no parts, unless a person deleted it alone.
        if store.get(part_key(0)) is not None:
            raise broken(INDEX_KEY, "is missing, and parts of it are there")
        return
    for number in range(parts := parts_of(index)):
        began = clocks.now()
        items = items_of(store, number, last=number == parts - 1)
        size = sum(len(json.dumps(item_id)) + _ENTRY_BYTES for item_id in items)
        yield _Part(number, items, size, seen_at=began)
    # The index is written before a part: one that counts too few is a person's, and would hide what was bought.
    if store.get(part_key(parts)) is not None:
        raise broken(INDEX_KEY, f"counts {parts} parts, and there is another one")
