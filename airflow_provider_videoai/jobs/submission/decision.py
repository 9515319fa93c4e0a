# SPDX-License-Identifier: Apache-2.0
"""Decide what an attempt does about its job, from the record of earlier attempts. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from airflow_provider_videoai.jobs.protocol.idempotency import Idempotency
from airflow_provider_videoai.jobs.submission.record import Phase, SubmissionRecord

__all__ = ["FIRST", "FORGOTTEN", "Action", "Decision", "decide", "next_record"]

FIRST = "first submit"
FORGOTTEN = (
    "The task was cleared, and nothing is stored of its earlier attempts: Airflow discards that unless the clear keeps "
    "the task's state. One of them may have bought a job; with on_uncertain_submit='resubmit' another is bought then"
)
_MAX_NAMES = 5


class Action(StrEnum):
    """What an attempt does about its job."""

    SUBMIT = "submit"
    ATTACH = "attach"
    REUSE = "reuse"
    SETTLE = "settle"
    REPEAT = "repeat"
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
    idempotency: Idempotency = Idempotency.NONE,
    key_expired: bool = False,
    on_uncertain_submit: str = "fail",
    on_finished_job: str = "reuse",
    forgotten: bool = False,
) -> Decision:
    """Decide between submitting, attaching, reusing, settling, repeating and stopping. Pure.

    :param stored: the record of the last attempt, if there is one.
    :param fingerprint: of the request as it would be submitted now.
    :param idempotency: of the vendor.
    :param key_expired: whether the vendor recognises the record's idempotency key no longer.
    :param on_uncertain_submit: ``fail`` or ``resubmit``, as the user chose.
    :param on_finished_job: ``reuse`` or ``resubmit``, as the user chose.
    :param forgotten: whether there may have been a record that was discarded.
    """
    if stored is None and forgotten and on_uncertain_submit != "resubmit":
        return Decision(Action.STOP, SubmissionRecord(phase=Phase.SUBMITTING), FORGOTTEN)
    if stored is None:
        record = SubmissionRecord(phase=Phase.SUBMITTING, fingerprint=fingerprint)
        return Decision(Action.SUBMIT, record, FORGOTTEN if forgotten else FIRST)
    # First of all: a changed request wants another job, whatever became of the one before.
    if why := _why_another(stored, fingerprint, on_finished_job):
        return _submit_again(stored, fingerprint, why)
    if stored.job_id is None:
        return _without_id(stored, fingerprint, idempotency, key_expired, on_uncertain_submit)
    # Before the ways to query it: a finished job was paid for, and is used whatever the vendor's idempotency.
    if stored.phase is Phase.FINISHED:
        return Decision(Action.REUSE, stored, f"job {stored.job_id} was finished and paid for before")
    if stored.phase is Phase.SUBMITTING and idempotency is Idempotency.CALLER_ID:
        return Decision(Action.SETTLE, stored, "an earlier submit was cut short: its id is queried first")
    if stored.phase is Phase.SUBMITTING:  # only a person knows the id
        stored = replace(stored, phase=Phase.SUBMITTED)
    return Decision(Action.ATTACH, stored, f"job {stored.job_id} was submitted before")


def _without_id(
    stored: SubmissionRecord, fingerprint: str, idempotency: Idempotency, key_expired: bool, on_uncertain_submit: str
) -> Decision:
    cut_short = "an earlier submit was cut short"
    submitting = stored.phase is Phase.SUBMITTING
    keyed = submitting and stored.idempotency_key is not None and idempotency is Idempotency.HEADER
    # Under a key that a person changed, or that another version meant otherwise, the vendor would see a new submit.
    if keyed and stored.proven and not key_expired:
        return Decision(Action.REPEAT, stored, f"{cut_short}: it is repeated under its idempotency key")
    if submitting and on_uncertain_submit == "resubmit":
        return _submit_again(stored, fingerprint, "a submit was cut short, and on_uncertain_submit is 'resubmit'")
    expired = ", and its idempotency key has expired since" if keyed and key_expired else ""
    return Decision(Action.STOP, stored, f"{cut_short}{expired}: the job may have been bought")


def _why_another(stored: SubmissionRecord, fingerprint: str, on_finished_job: str) -> str | None:
    """Say why another job is wanted although there is a record, ``None`` if none is."""
    if stored.fingerprint not in (None, fingerprint):
        return "the request or its account changed since the last submit"
    if stored.phase is Phase.FAILED:
        return "the last submit was refused, or its job failed"
    if stored.phase is Phase.FINISHED and on_finished_job == "resubmit":
        return "on_finished_job is 'resubmit'"
    return None


def next_record(stored: SubmissionRecord, fingerprint: str) -> SubmissionRecord:
    """Return the record of the next job after ``stored``."""
    return SubmissionRecord(phase=Phase.SUBMITTING, fingerprint=fingerprint, generation=stored.bought)


def _submit_again(stored: SubmissionRecord, fingerprint: str, why: str) -> Decision:
    if stored.not_understood:
        names = ", ".join(stored.not_understood[:_MAX_NAMES])
        what = f"the record holds what is unknown to this version of the package ({names}), so it does not submit by it"
        return Decision(Action.STOP, stored, f"{what}, though {why}")
    return Decision(Action.SUBMIT, next_record(stored, fingerprint), why)
