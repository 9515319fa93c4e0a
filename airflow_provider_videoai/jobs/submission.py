# SPDX-License-Identifier: Apache-2.0
"""Buy a job once: the submission record, and what it says to do next.

The record is written *before* the request that costs money ("submitting") and again when the job's id is known
("submitted"), under a key that stays the same over retries, clears and restarts. A later attempt reads it first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Protocol, Self

STORE_KEY = "videoai_submission"
"""The key of the record in Airflow's task state store."""


class Phase(StrEnum):
    """How far a submission got."""

    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    HANDED_OVER = "handed_over"
    """Submitted, and others wait for its end: a sensor, or the triggerer. They do not note it here."""
    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionRecord:
    """What is kept about a submit. ``submitted_at`` is epoch seconds; no field is secret.

    ``fingerprint`` tells whether vendor, account and request are still the same; ``generation`` counts the jobs that
    this task bought before this one. A refused submit bought nothing: it is ``FAILED`` and has no ``job_id``.
    """

    phase: Phase
    fingerprint: str
    generation: int = 0
    job_id: str | None = None
    submitted_at: float | None = None

    @property
    def bought(self) -> int:
        """How many jobs this task has bought, this one included, or may have where an answer was lost."""
        refused = self.phase is Phase.FAILED and self.job_id is None
        return self.generation + (0 if refused else 1)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; :meth:`from_json` reads them back."""
        return asdict(self) | {"phase": self.phase.value}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote; raise ``TypeError``, ``KeyError`` or ``ValueError`` for anything else."""
        record = cls(**{**stored, "phase": Phase(stored["phase"])})
        # People edit the record by hand after an uncertain submit.
        if not isinstance(record.job_id, str | None):
            raise TypeError("job_id must be a text or null")
        return record

    def reached(self, phase: Phase, **changes: Any) -> SubmissionRecord:
        """Return the record after a further step."""
        return replace(self, phase=phase, **changes)


class Action(StrEnum):
    """What an attempt does about its job."""

    SUBMIT = "submit"
    ATTACH = "attach"
    REUSE = "reuse"
    SETTLE = "settle"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, on which record, and why (for the log)."""

    action: Action
    record: SubmissionRecord
    why: str


def decide(
    stored: SubmissionRecord | None,
    fingerprint: str,
    *,
    caller_chooses_id: bool = False,
    on_uncertain_submit: str = "fail",
    on_finished_job: str = "reuse",
) -> Decision:
    """Decide between buying, attaching, reusing, settling and stopping. Pure."""
    if stored is None:
        return Decision(
            Action.SUBMIT, SubmissionRecord(phase=Phase.SUBMITTING, fingerprint=fingerprint), "first submit"
        )
    if stored.fingerprint != fingerprint:
        return _submit_anew(stored, fingerprint, "the request or its account changed since the last submit")
    if stored.phase is Phase.FAILED:
        return _submit_anew(stored, fingerprint, "the last submit was refused, or its job failed")
    if stored.phase is Phase.FINISHED and on_finished_job == "resubmit":
        return _submit_anew(stored, fingerprint, "on_finished_job is 'resubmit'")
    if stored.phase is Phase.FINISHED and stored.job_id is not None:
        return Decision(Action.REUSE, stored, f"job {stored.job_id} was finished and paid for before")
    if stored.phase in (Phase.SUBMITTED, Phase.HANDED_OVER) and stored.job_id is not None:
        return Decision(Action.ATTACH, stored, f"job {stored.job_id} was submitted before")
    if caller_chooses_id and stored.job_id is not None:
        return Decision(Action.SETTLE, stored, "an earlier submit was cut short: asking the vendor about its id")
    if on_uncertain_submit == "resubmit":
        return _submit_anew(stored, fingerprint, "a submit was cut short, and on_uncertain_submit is 'resubmit'")
    return Decision(Action.STOP, stored, "an earlier submit was cut short: the job may have been bought")


def anew(stored: SubmissionRecord, fingerprint: str) -> SubmissionRecord:
    """Return the record of the next job after ``stored``: of another generation, and so of another derived id."""
    return SubmissionRecord(phase=Phase.SUBMITTING, fingerprint=fingerprint, generation=stored.bought)


def _submit_anew(stored: SubmissionRecord, fingerprint: str, why: str) -> Decision:
    return Decision(Action.SUBMIT, anew(stored, fingerprint), why)


class Store(Protocol):
    """Where records live. Values are plain JSON; ``lasting`` tells whether they outlive the attempt."""

    lasting: bool

    def get(self, key: str) -> Any:
        """Return the value, or ``None``."""

    def set(self, key: str, value: Any) -> None:
        """Keep the value."""

    def delete(self, key: str) -> None:
        """Forget the value."""


def load(store: Store) -> SubmissionRecord | None:
    """Read the record of this task; a foreign value raises ``ValueError`` rather than being taken for "none"."""
    stored = store.get(STORE_KEY)
    if stored is None:
        return None
    try:
        return SubmissionRecord.from_json(stored)
    except (TypeError, KeyError, ValueError) as broken:
        raise ValueError(f"the task state {STORE_KEY!r} is not a submission record") from broken


def save(store: Store, record: SubmissionRecord) -> None:
    """Write the record."""
    store.set(STORE_KEY, record.to_json())


def hand_over(store: Store) -> None:
    """Note that others wait for the job's end."""
    if record := load(store):
        save(store, record.reached(Phase.HANDED_OVER))


def conclude(store: Store, *, failed: bool) -> None:
    """Note that the job ended, so that a later attempt knows without asking."""
    if record := load(store):
        save(store, record.reached(Phase.FAILED if failed else Phase.FINISHED))


def derived_job_id(identity: tuple[str, ...], fingerprint: str, generation: int) -> str:
    """Derive a 32-character job id for a vendor that lets the caller choose it.

    The fingerprint is part of it: should the record ever be lost, a changed request cannot be taken for the old job.
    """
    content = "\x00".join((*identity, fingerprint, str(generation)))
    return hashlib.sha256(content.encode()).hexdigest()[:32]
