# SPDX-License-Identifier: Apache-2.0
"""Read and write the record where it is kept, and note in it how the job went on."""

from __future__ import annotations

from typing import Any, Protocol

from airflow_provider_videoai.jobs.submission.record import STORE_KEY, Phase, SubmissionRecord
from airflow_provider_videoai.jobs.values.usage import Usage

__all__ = ["Store", "conclude", "hand_over", "load", "save", "take_back"]


class Store(Protocol):
    """Where records live. Values are plain JSON; ``lasting`` says whether they outlive the attempt.

    ``place`` says where a person finds and edits the record, as part of a sentence.

    Every method may raise, and then the attempt ends: what cannot be read or kept must not be paid for.
    """

    lasting: bool
    place: str

    def get(self, key: str, /) -> Any:
        """Return the value, or ``None``."""

    def set(self, key: str, value: Any) -> None:
        """Keep the value."""

    def delete(self, key: str) -> None:
        """Forget the value."""


def load(store: Store) -> SubmissionRecord | None:
    """Read the record of this task; see :meth:`SubmissionRecord.from_json` for what it raises.

    :param store: the task's.
    :raises InvalidRequest: for a value that breaks a rule.
    """
    stored = store.get(STORE_KEY)
    return None if stored is None else SubmissionRecord.from_json(stored, store.place)


def save(store: Store, record: SubmissionRecord) -> None:
    """Write the record; raise ``ValueError`` for one that a later attempt would not read back as it is.

    :param store: the task's.
    :param record: the record.
    :raises ValueError: for one that a later attempt would read back as another.
    """
    written = record.to_json()
    # Proven before it is stored: a record that stops the next attempt is found too late for a paid job.
    if SubmissionRecord.from_json(written) != record:
        raise ValueError("the submission record would be read back as another")
    store.set(STORE_KEY, written)


def hand_over(store: Store) -> None:
    """Note that others wait for the job's end.

    :param store: the task's.
    """
    if record := load(store):
        save(store, record.reached(Phase.HANDED_OVER))


def take_back(store: Store) -> SubmissionRecord | None:
    """Note that the task sees to the job's end itself again, and that nobody has had its result; return the record.

    :param store: the task's.
    """
    record = load(store)
    if record is not None and record.phase is Phase.HANDED_OVER:
        record = record.reached(Phase.SUBMITTED)
        save(store, record)
    return record


def conclude(store: Store, *, failed: bool, usage: Usage | None = None) -> None:
    """Note that the job ended, and what it used, so that a later attempt knows it without a request.

    :param store: the task's.
    :param failed: whether the job failed.
    :param usage: what it used, if known.
    """
    if record := load(store):
        save(store, record.reached(Phase.FAILED if failed else Phase.FINISHED, usage=usage))
