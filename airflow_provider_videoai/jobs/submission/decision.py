# SPDX-License-Identifier: Apache-2.0
"""Decide what an attempt does about its job, from the record of earlier attempts. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from airflow_provider_videoai.jobs.submission.record import Phase, SubmissionRecord

_MOST_NAMES = 5


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
        record = SubmissionRecord(phase=Phase.SUBMITTING, fingerprint=fingerprint)
        return Decision(Action.SUBMIT, record, "first submit")
    if why := _why_another(stored, fingerprint, on_finished_job):
        return _submit_again(stored, fingerprint, why)
    if stored.job_id is None:
        if stored.phase is Phase.SUBMITTING and on_uncertain_submit == "resubmit":
            why = "a submit was cut short, and on_uncertain_submit is 'resubmit'"
            return _submit_again(stored, fingerprint, why)
        return Decision(Action.STOP, stored, "an earlier submit was cut short: the job may have been bought")
    if stored.phase is Phase.FINISHED:
        return Decision(Action.REUSE, stored, f"job {stored.job_id} was finished and paid for before")
    if stored.phase is Phase.SUBMITTING and caller_chooses_id:
        return Decision(Action.SETTLE, stored, "an earlier submit was cut short: its id is queried first")
    if stored.phase is Phase.SUBMITTING:  # only a person knows the id
        stored = replace(stored, phase=Phase.SUBMITTED)
    return Decision(Action.ATTACH, stored, f"job {stored.job_id} was submitted before")


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
        names = ", ".join(stored.not_understood[:_MOST_NAMES])
        what = f"the record holds what this version of the package does not know ({names}), so it does not submit by it"
        return Decision(Action.STOP, stored, f"{what}, though {why}")
    return Decision(Action.SUBMIT, next_record(stored, fingerprint), why)
