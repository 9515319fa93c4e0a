# SPDX-License-Identifier: Apache-2.0
"""What is kept of one item of a batch: the submission record of its job, and how the item ended. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from airflow_provider_videoai.jobs.errors import InvalidRequest, VideoAIError
from airflow_provider_videoai.jobs.polling.wait_errors import public_name
from airflow_provider_videoai.jobs.submission.record import Phase, SubmissionRecord
from airflow_provider_videoai.jobs.submission.retry_advice import may_buy_another
from airflow_provider_videoai.jobs.values.printable import shortened

__all__ = [
    "GONE",
    "SUBMISSION",
    "Entry",
    "ItemEnd",
    "ItemState",
    "NextStep",
    "bound",
    "divided",
    "earlier_key",
    "error_to_json",
    "is_of",
    "item_of",
    "next_step",
    "with_end",
]

SUBMISSION = "submission"
"""The name of the record in an entry."""
GONE = "gone"
"""The name of the mark of an entry whose request the attempt did not find when it began."""
_END = "end"
_EARLIER_KEY = re.compile("(.+)\n([0-9a-f]{32})")
# Many entries share one value of the task state store, which has a limit: see records.py.
_LONGEST_MESSAGE, _LONGEST_CODE = 160, 40
_MOST_BYTES = 330


class ItemState(StrEnum):
    """How an item ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    """An earlier batch made the same, and its copy is where this one's would be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemEnd:
    """How an item ended. No URL: those of results may be signed, and expire.

    :param fingerprint: of the item's request at that time.
    :param attempt: of the task, as Airflow counts them from 1; a later one may try again what failed.
    :param at: epoch seconds.
    :param job_id: of the job that made it; ``None`` if none was bought.
    :param error: ``{"type": "JobFailed", "message": "...", "code": "..." or None}`` of an item that failed. Stored, its
        message is shortened.
    :param sha256: of the copy in the user's storage; ``None`` if there is none.
    :param place: of the copy, as :func:`~airflow_provider_videoai.batches.kept.place_of` returns it; ``None`` if an
        earlier version wrote this.
    :param duration_ms: the length of the media in milliseconds, if known.
    :param final: whether another attempt cannot help an item that failed, whatever the user allows to be bought.
    """

    state: ItemState
    fingerprint: str
    attempt: int
    at: float
    job_id: str | None = None
    error: Mapping[str, Any] | None = None
    sha256: str | None = None
    place: str | None = None
    duration_ms: int | None = None
    final: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; :meth:`from_json` reads them back, all but the whole message of an error."""
        values = {name: getattr(self, name) for name in self.__slots__} | {"state": self.state.value}
        if self.error is not None:
            values["error"] = {**self.error, "message": _short(self.error["message"])}
        return {name: value for name, value in values.items() if value is not None and value is not False}

    @classmethod
    def from_json(cls, stored: Any) -> Self | None:
        """Read what :meth:`to_json` of any version wrote.

        :param stored: outside data.
        :returns: ``None`` for anything else: then the item's record alone counts, which costs a status request.
        """
        if not isinstance(stored, Mapping) or stored.get("state") not in list(ItemState):
            return None
        values = {name: stored[name] for name, kind in _KINDS.items() if type(stored.get(name)) in kind}
        if not {"fingerprint", "attempt", "at"} <= values.keys() or not _is_error(values.get("error")):
            return None
        return cls(state=ItemState(stored["state"]), **values)


def _short(message: str) -> str:
    text = shortened(message, _LONGEST_MESSAGE)
    # Vendors write Chinese, too, of which JSON has six bytes for a character.
    size = len(json.dumps(text))
    return text if size <= _MOST_BYTES else shortened(message, _LONGEST_MESSAGE * _MOST_BYTES // size)


_KINDS: Mapping[str, tuple[type, ...]] = {
    "fingerprint": (str,),
    "attempt": (int,),
    "at": (int, float),
    "job_id": (str,),
    "error": (dict,),
    "sha256": (str,),
    "place": (str,),
    "duration_ms": (int,),
    "final": (bool,),
}


def error_to_json(error: VideoAIError) -> dict[str, Any]:
    """Return an error as an item's end has it, with its whole message.

    :param error: what the item failed with.
    """
    return {
        "type": public_name(error),
        "message": error.message,
        "code": None if error.code is None else shortened(error.code, _LONGEST_CODE),
    }


def _is_error(value: Any) -> bool:
    return value is None or (
        type(value.get("type")) is type(value.get("message")) is str
        and type(value.get("code")) in (str, type(None))
        and value.keys() <= {"type", "message", "code"}
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """What the task state says of an item.

    :param record: of the item's job, if there is one.
    :param end: how the item ended, if it did.
    :param unreadable: whether there is a record that breaks a rule. Whoever submits reads it again, and says which.
    :param gone: whether the attempt, when it began, found no row for it, or another request in its row.
    """

    record: SubmissionRecord | None = None
    end: ItemEnd | None = None
    unreadable: bool = False
    gone: bool = False

    @classmethod
    def from_json(cls, stored: Any) -> Self:
        """Read an entry as it is stored.

        :param stored: outside data; people edit it.
        """
        values = stored if isinstance(stored, Mapping) else {SUBMISSION: stored}
        end, gone = ItemEnd.from_json(values.get(_END)), values.get(GONE) is True
        if values.get(SUBMISSION) is None:
            return cls(None, end, gone=gone)
        try:
            return cls(SubmissionRecord.from_json(values[SUBMISSION]), end, gone=gone)
        except InvalidRequest:
            return cls(None, end, unreadable=True, gone=gone)

    @property
    def fingerprints(self) -> set[str | None]:
        """Those of the requests that it is about; ``None`` in a person's record, which means the present request."""
        parts = (self.record, self.end)
        return {part.fingerprint for part in parts if part is not None}

    @property
    def was_refused(self) -> bool:
        """Whether the vendor refused the last submit."""
        return self.record is not None and self.record.phase is Phase.FAILED and self.record.job_id is None

    @property
    def may_be_in_flight(self) -> bool:
        """Whether a job may be in flight."""
        return self.unreadable if self.record is None else self.record.phase not in (Phase.FINISHED, Phase.FAILED)

    @property
    def has_finished(self) -> bool:
        """Whether a job was bought, and finished."""
        return self.record is not None and self.record.phase is Phase.FINISHED

    @property
    def in_flight(self) -> bool:
        """Whether the vendor has its job, or may have, and how that ended is not known."""
        record, end = self.record, self.end
        if record is None or record.phase in (Phase.FINISHED, Phase.FAILED):
            return False
        return end is None or (end.state is ItemState.SUCCEEDED and _is_of_another_job(record, end))

    @property
    def is_by_hand(self) -> bool:
        """Whether a person wrote which job it is, and not for which request."""
        return self.record is not None and self.record.fingerprint is None and self.record.job_id is not None

    @property
    def wants_another(self) -> bool:
        """Whether a person wrote that the next attempt is to submit."""
        return self.was_refused and self.record is not None and self.record.fingerprint is None

    def failed_for_good(self, *, retries_failed: bool, paid_retries: int | None) -> bool:
        """Return whether its job failed, and no other may be bought in its place.

        :param retries_failed: whether failed items are tried again.
        :param paid_retries: how many jobs may be bought in place of one that failed; ``None`` sets no limit.
        """
        record = self.record
        if record is None or record.phase is not Phase.FAILED or record.job_id is None:
            return False
        return not (retries_failed and may_buy_another(record.bought, paid_retries))

    def of(self, fingerprint: str) -> Self | None:
        """Return what it says of a request; ``None`` if that is nothing.

        :param fingerprint: of the request.
        """
        record, end = self.record, self.end
        if record is not None and record.fingerprint not in (None, fingerprint):
            record = None
        if end is not None and end.fingerprint != fingerprint:
            end = None
        if record is None and end is None and not self.unreadable:
            return None
        return replace(self, record=record, end=end)

    def is_about_another(self, fingerprint: str) -> bool:
        """Return whether it says something about another request than this one, too or alone.

        :param fingerprint: of the request.
        """
        return not self.fingerprints <= {None, fingerprint}


def earlier_key(item_id: str, fingerprint: str) -> str:
    """Return the key of an entry of a request that was an item's before the present one.

    :param item_id: the item's.
    :param fingerprint: of that request.
    """
    return f"{item_id}\n{fingerprint}"  # no item's id has a line break


def item_of(key: str) -> tuple[str, str | None]:
    """Return the item of an entry, and the fingerprint if it is one of an earlier request.

    :param key: of the entry.
    """
    earlier = _EARLIER_KEY.fullmatch(key)
    return (key, None) if earlier is None else (earlier[1], earlier[2])


def is_of(stored: Mapping[str, Any], fingerprint: str) -> bool:
    """Return whether a stored entry says nothing of another request than this one.

    :param stored: the entry.
    :param fingerprint: of the request.
    """
    parts = [stored[name] for name in (SUBMISSION, _END) if name in stored]
    # Nearly always; and to read an entry takes longer than all else that is done with it.
    if all(isinstance(part, Mapping) and part.get("fingerprint") == fingerprint for part in parts):
        return True
    return not Entry.from_json(stored).is_about_another(fingerprint)


def divided(stored: Mapping[str, Any], fingerprint: str) -> tuple[dict[str, Any], tuple[str, dict[str, Any]] | None]:
    """Divide a stored entry into what it says of a request, and what is to be kept of the one before.

    :param stored: the entry so far.
    :param fingerprint: of the request.
    :returns: the second is the other request's fingerprint and entry; ``None`` if nothing was bought for it.
    """
    ours = dict(stored)
    if is_of(stored, fingerprint):
        return ours, None
    entry = Entry.from_json(stored)
    record, end, other = entry.record, entry.end, None
    if end is not None and end.fingerprint != fingerprint:
        del ours[_END]
    if record is not None and record.fingerprint not in (None, fingerprint):
        del ours[SUBMISSION]
        ours.pop(GONE, None)
        if record.bought:
            kept = {name: stored[name] for name in (SUBMISSION, GONE) if name in stored}
            if end is not None and end.fingerprint == record.fingerprint:
                # Another copy may take the place of its own.
                kept[_END] = replace(end, sha256=None).to_json()
            other = str(record.fingerprint), kept
    return ours, other


def bound(submission: Any, fingerprint: str) -> dict[str, Any]:
    """Return a stored submission record that a person wrote such that it is about one request.

    No attempt vouches for its job id by that: as long as the vendor does not, it may be mistyped.

    :param submission: the record as it is stored.
    :param fingerprint: of the request.
    """
    values = json.loads(submission) if isinstance(submission, str) else submission
    phase = SubmissionRecord.from_json(values).phase
    if phase is Phase.SUBMITTING:
        phase = Phase.SUBMITTED  # who knows the id knows that much, and the job is waited for
    return {**values, "phase": phase.value, "fingerprint": fingerprint, "seal": ""}


def with_end(stored: Mapping[str, Any], record: SubmissionRecord | None, end: ItemEnd) -> dict[str, Any]:
    """Return a stored entry with its item's end.

    :param stored: the entry so far.
    :param record: of the job that ended; ``None`` leaves the stored one.
    """
    kept = {name: value for name, value in stored.items() if name != GONE}
    return {**kept, **({} if record is None else {SUBMISSION: record.to_json()}), _END: end.to_json()}


class NextStep(StrEnum):
    """What an attempt does about an item."""

    OBTAIN = "obtain"
    """Submit, settle, reuse or stop, as the record of its job says."""
    WAIT = "wait"
    """Its job is in flight."""
    FETCH = "fetch"
    """Its job ended, and its copy is at another place than it is to be now."""
    NOTHING = "nothing"
    """It has ended."""


def next_step(
    entry: Entry | None,
    *,
    attempt: int,
    retries_failed: bool,
    paid_retries: int | None,
    place: str | None,
) -> NextStep:
    """Decide what to do about an item. Pure; what a submission record means is decided where a job is obtained.

    :param entry: what the task state says of its request as it is now.
    :param attempt: of the task: what failed in an earlier one may be tried again.
    :param retries_failed: whether failed items are tried again.
    :param paid_retries: how many jobs may be bought in place of one that failed; ``None`` sets no limit.
    :param place: of the item's copy; ``None`` if results are not kept.
    """
    if entry is None:
        return NextStep.OBTAIN
    record, end = entry.record, entry.end
    if end is not None and end.state is ItemState.SUCCEEDED:
        end = None if record is None or _is_of_another_job(record, end) else end
    # What failed or was skipped before may have changed since: a failed job may be replaced, a copy may be gone.
    elif end is not None and end.attempt == attempt:
        return NextStep.NOTHING
    if record is None:
        return NextStep.OBTAIN
    if end is not None and entry.has_finished and place is not None and end.place not in (None, place):
        # Not obtained: a job whose media is gone would be replaced, and paid for again, for a copy that there is.
        return NextStep.FETCH
    if end is not None and end.state is ItemState.SUCCEEDED:
        return NextStep.OBTAIN if place is not None and end.sha256 is None else NextStep.NOTHING
    if end is not None and entry.failed_for_good(retries_failed=retries_failed, paid_retries=paid_retries):
        return NextStep.NOTHING
    return NextStep.WAIT if record.phase in (Phase.SUBMITTED, Phase.HANDED_OVER) else NextStep.OBTAIN


def _is_of_another_job(record: SubmissionRecord, end: ItemEnd) -> bool:
    """Whether another job was bought since, may have been, or was written into the record by a person."""
    was_refused = record.phase is Phase.FAILED and record.job_id is None and record.fingerprint is not None
    return end.job_id not in (None, record.job_id) and not was_refused
