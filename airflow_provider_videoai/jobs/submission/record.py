# SPDX-License-Identifier: Apache-2.0
"""Buy a job once: the submission record, and what it says to do next.

The record is written *before* the request that costs money ("submitting") and again when the job's id is known
("submitted"), under a key that stays the same over retries, clears and restarts. A later attempt reads it first.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NoReturn, Self

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.submission.writer import Writer
from airflow_provider_videoai.jobs.values.given_value import as_given
from airflow_provider_videoai.jobs.values.usage import Usage

__all__ = ["KEPT_STATE", "PLACE", "STORE_KEY", "VERSION", "Phase", "SubmissionRecord", "how_to_mend"]

STORE_KEY = "videoai_submission"
"""The key of the record in Airflow's task state store."""

VERSION = 1
"""Of the record. No version submits by a record of a newer one, or with keys unknown to it."""

PLACE = f"this task's state {STORE_KEY!r}"
"""Where a person finds the record of a task's one job; that of a batch's item stands elsewhere."""

KEPT_STATE = "From Airflow 3.4 on, clear it with its task state kept."
"""What a person who mended a record has to observe: a clear without that discards the record."""


def how_to_mend(place: str) -> str:
    """Say what a person writes in place of a record that no attempt can go on from.

    :param place: where the record is kept, such as :data:`PLACE`.
    """
    return (
        f'To attach to a job, make {place} {{"job_id": "<its id>", "phase": "submitted"}}; to submit again, and pay '
        f'for, another job, make it {{"phase": "failed"}}. Then clear the task. {KEPT_STATE}'
    )


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

    ``fingerprint`` says whether vendor, account and request are still the same; ``None``: a person wrote the record,
    and means the present ones. ``generation`` counts the jobs that this task bought before this one. A refused submit
    bought nothing: it is ``FAILED`` and has no ``job_id``. ``idempotency_key`` is the key of a submit in flight, for a
    vendor that takes such keys. ``usage`` is what the finished job used, as far as it is known. ``writer`` is the
    attempt that has a submit in flight. ``not_understood`` names what a newer version, or a person, wrote beside these
    fields: such a record is good for finding a job again, and never for buying one. ``edited`` says that a person put
    another ``job_id`` or key into a record that an attempt wrote.
    """

    phase: Phase
    fingerprint: str | None = None
    generation: int = 0
    job_id: str | None = None
    submitted_at: float | None = None
    idempotency_key: str | None = None
    usage: Usage | None = None
    writer: Writer | None = None
    not_understood: tuple[str, ...] = ()
    edited: bool = False

    @property
    def bought(self) -> int:
        """How many jobs this task has bought, this one included, or may have if an answer was lost."""
        refused = self.phase is Phase.FAILED and self.job_id is None
        return self.generation + (0 if refused else 1)

    @property
    def proven(self) -> bool:
        """Whether this version wrote it: then a job that is unknown to the vendor is over, and not mistyped."""
        return self.fingerprint is not None and not self.not_understood and not self.edited

    @property
    def seal(self) -> str | None:
        """What shows that job id, key and fingerprint are as an attempt wrote them; ``None`` without the last."""
        if self.fingerprint is None:
            return None
        parts = [self.fingerprint, str(self.job_id), *([self.idempotency_key] if self.idempotency_key else [])]
        return hashlib.sha256(" ".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; :meth:`from_json` reads them back."""
        values = {"version": VERSION} | asdict(self) | {"phase": self.phase.value, "seal": self.seal}
        del values["not_understood"], values["edited"]
        if self.idempotency_key is None:
            # Versions before it was added do not submit by a record with a field that is unknown to them.
            del values["idempotency_key"]
        if self.usage is None:
            del values["usage"]
        if self.writer is None:
            del values["writer"]
        else:
            values["writer"] = self.writer.to_json()
        return values

    @classmethod
    def from_json(cls, stored: Any, place: str = PLACE) -> Self:
        """Read what :meth:`to_json` of any version wrote, or a person by hand; see :func:`how_to_mend`.

        :param stored: from the task state store; anybody may have written it.
        :param place: where it is kept, for the error.
        :raises InvalidRequest: naming the field, the value and the rule.
        """
        try:
            return cls._read(stored)
        except _BrokenRuleError as broken:
            raise InvalidRequest(
                f"{place}: {broken}. Nothing was submitted; a job of an earlier attempt goes on. {how_to_mend(place)}"
            ) from None

    @classmethod
    def _read(cls, stored: Any) -> Self:
        given = _object(stored)
        if given.get("phase") is None and given.get("job_id") is None:
            _refuse("phase", None, f"one of {', '.join(Phase)}")
        known = {name: read(given[name]) for name, read in _FIELDS.items() if given.get(name) is not None}
        foreign = [as_given(name) for name in given if name not in _FIELDS and name != "seal"]
        if known.pop("version", VERSION) > VERSION:
            foreign.append(f"version {as_given(given['version'])}")
        values: dict[str, Any] = {"phase": Phase.SUBMITTED} | known
        record = cls(**values, not_understood=tuple(foreign))
        if record.job_id is None and record.phase not in (Phase.SUBMITTING, Phase.FAILED):
            _refuse("job_id", None, f"given in phase {record.phase.value!r}")
        return replace(record, edited=given.get("seal") not in (None, record.seal))

    def reached(self, phase: Phase, **changes: Any) -> SubmissionRecord:
        """Return the record after a further step, which this version understands.

        :param phase: the step.
        :param changes: other fields, by name.
        """
        usage = None if phase is Phase.SUBMITTING else self.usage  # the next job has used nothing yet
        # Only a submit in flight has a writer: versions before it was added submit by no record with a field more.
        values = {"phase": phase, "usage": usage, "writer": None, "not_understood": (), "edited": False}
        return replace(self, **values | changes)


def _object(stored: Any) -> Mapping[str, Any]:
    value = stored
    if isinstance(stored, str):  # a form may have kept the JSON as a text
        try:
            value = json.loads(stored)
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, Mapping):
        _refuse("the record", stored, "a JSON object")
    return value


class _BrokenRuleError(ValueError):
    """A field of a stored record breaks a rule."""


def _refuse(name: str, value: object, rule: str) -> NoReturn:
    raise _BrokenRuleError(f"{name} must be {rule}, not {as_given(value)}")


_MAX_NAMES = 5
_LONGEST_ID = 500
_MAX_JOBS = 1_000_000
_LATEST = datetime.max.replace(tzinfo=UTC).timestamp()
_FINGERPRINT = _KEY = re.compile("[0-9a-f]{32}")


def _version(value: Any) -> int:
    if type(value) is not int or value < 1:
        _refuse("version", value, "a whole number from 1 on")
    return value


def _phase(value: Any) -> Phase:
    try:
        return Phase(value.strip().lower())
    except (AttributeError, ValueError):
        _refuse("phase", value, f"one of {', '.join(Phase)}")


def _fingerprint(value: Any) -> str:
    if not isinstance(value, str) or not _FINGERPRINT.fullmatch(value):
        _refuse("fingerprint", value, "as an attempt wrote it, 32 hex digits, or left out")
    return value


def _generation(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _MAX_JOBS:
        _refuse("generation", value, f"a whole number from 0 to {_MAX_JOBS}, or left out")
    return value


def _job_id(value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if type(value) is int and 0 <= value < 10**64:
        text = str(value)
    if not 0 < len(text) <= _LONGEST_ID or not text.isprintable() or " " in text:
        rule = f"the job's id at the vendor, 1 to {_LONGEST_ID} printable characters without whitespace"
        _refuse("job_id", value, rule)
    return text


def _idempotency_key(value: Any) -> str:
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        _refuse("idempotency_key", value, "as an attempt wrote it, 32 hex digits, or left out")
    return value


def _submitted_at(value: Any) -> float:
    time = _epoch(value) if isinstance(value, str) else value
    if type(time) not in (int, float) or not 0 <= time <= _LATEST:  # "not": a NaN is in no order
        _refuse("submitted_at", value, 'epoch seconds, or a time such as "2026-05-11T08:00:00+00:00", or left out')
    return float(time)


def _epoch(text: str) -> float:
    try:
        time = datetime.fromisoformat(text.strip())
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return -1.0


def _writer(value: Any) -> Writer:
    try:
        return Writer.from_json(value)
    except ValueError:
        _refuse("writer", value, "as an attempt wrote it, or left out")


_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "version": _version,
    "phase": _phase,
    "fingerprint": _fingerprint,
    "generation": _generation,
    "job_id": _job_id,
    "submitted_at": _submitted_at,
    "idempotency_key": _idempotency_key,
    "usage": Usage.from_json,
    "writer": _writer,
}
