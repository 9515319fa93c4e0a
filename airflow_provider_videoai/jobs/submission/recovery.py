# SPDX-License-Identifier: Apache-2.0
"""Say how a submit goes on whose outcome is not known: what the next attempt does, and what a person has to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider_videoai.jobs.model import iso_utc
from airflow_provider_videoai.jobs.protocol.idempotency import Idempotency
from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from airflow_provider_videoai.jobs.submission.fence import FENCE_SECONDS
from airflow_provider_videoai.jobs.submission.record import KEPT_STATE, Phase, SubmissionRecord
from airflow_provider_videoai.jobs.submission.writer import Writer

__all__ = ["Recovery"]


@dataclass(frozen=True, slots=True)
class Recovery:
    """What can be done about a lost submit at one vendor.

    :param vendor: whose job it is.
    :param lasting: whether the record outlives the attempt.
    :param place: where a person finds the record, as part of a sentence.
    :param on_uncertain_submit: ``fail`` or ``resubmit``, as the user chose.
    :param clock: returns epoch seconds.
    :param writer: this attempt, if it is known.
    """

    vendor: Vendor
    lasting: bool
    place: str
    on_uncertain_submit: str
    clock: Callable[[], float]
    writer: Writer | None = None

    def key_expired(self, record: SubmissionRecord) -> bool:
        """Return whether the vendor may have forgotten the record's idempotency key.

        :param record: with an idempotency key.
        """
        # Without a time nobody knows how old the key is; a clock that was set back must not make it younger.
        age = None if record.submitted_at is None else abs(self.clock() - record.submitted_at)
        return age is None or age > self.vendor.idempotency_window

    def automatic(self, record: SubmissionRecord) -> bool:
        """Return whether the next attempt finds the job without a person, and without paying for another.

        :param record: of the submit whose outcome is not known.
        """
        return self.lasting and (self._queries(record) or self._repeats(record))

    def retry_helps(self, record: SubmissionRecord) -> bool:
        """Return whether another attempt does anything but stop.

        :param record: of the submit whose outcome is not known.
        """
        return self.automatic(record) or self.on_uncertain_submit == "resubmit"

    def after_lost_record(self, record: SubmissionRecord, job_id: str) -> str:
        """Say how to go on if the job's id is known, but could not be recorded.

        :param record: as it was written before the submit.
        :param job_id: what the vendor answered.
        """
        if self.automatic(record):
            return f"The next attempt {self._next_step(record)}."
        by_hand = json.dumps({"job_id": job_id, "phase": Phase.SUBMITTED})
        return (
            f"Set 'job_id' to {job_id!r} and 'phase' to 'submitted' in {self.place}, or replace it all by {by_hand}, "
            f"and clear the task: it attaches. {KEPT_STATE}"
        )

    def after_lost_answer(self, record: SubmissionRecord, why: str) -> str:
        """Say why the outcome is unknown, when the submit was sent, and how to go on.

        :param record: of the submit.
        :param why: what happened.
        """
        title, job_id = self.vendor.title, record.job_id
        sent = f"{why.rstrip('.')}. {self._sent(record)}"
        if self.automatic(record):
            return f"{sent} The next attempt {self._next_step(record)}."
        if not self.lasting:
            look = f" Look for job {job_id} at {title} first." if job_id is not None else ""
            return f"{sent} This Airflow keeps no record of it: another attempt submits again, and may pay twice.{look}"
        if self.on_uncertain_submit == "resubmit":
            return f"{sent} The next attempt submits again, and may pay twice: on_uncertain_submit is 'resubmit'."
        return (
            f"{sent} It is not submitted again by itself. {self._alive(record)}Look for a job of that time in "
            f"{title}'s console. If it is there, set 'job_id' to its id and 'phase' to 'submitted' in {self.place} "
            "(if that is a reference and no record, replace it all by "
            '{"job_id": "<its id>", "phase": "submitted"}) and clear the task: it attaches. If it is not, clear the '
            "task with on_uncertain_submit='resubmit', or replace that state by "
            f'{{"phase": "failed"}} first. {KEPT_STATE}'
        )

    def _sent(self, record: SubmissionRecord) -> str:
        """Say between which times the submit was sent, by the clocks of Airflow's machines."""
        title = self.vendor.title
        if record.submitted_at is None:
            return f"Sent to {title} at a time that is not recorded."
        if record.writer is None or record.writer == self.writer:
            until = self.clock()
        else:  # an attempt that is gone sent it within the time that a request may take, if at all
            until = record.submitted_at + FENCE_SECONDS + self.vendor.account.options.timeout
        until = max(until, record.submitted_at)
        return f"Sent to {title} between {iso_utc(record.submitted_at)} and {iso_utc(until)}."

    def _alive(self, record: SubmissionRecord) -> str:
        """Warn of another attempt that may have been paused with the record written and the submit unsent."""
        if record.writer is None or record.writer == self.writer:
            return ""
        return f"That was {record.writer}, which may still be alive: make sure that it is gone first. "

    def _next_step(self, record: SubmissionRecord) -> str:
        if self._queries(record):
            return f"queries {self.vendor.title} for job {record.job_id} before it submits again"
        return f"repeats it under the same idempotency key, for which {self.vendor.title} makes no second job"

    def _queries(self, record: SubmissionRecord) -> bool:
        return self.vendor.idempotency is Idempotency.CALLER_ID and record.job_id is not None

    def _repeats(self, record: SubmissionRecord) -> bool:
        # With a job id there is nothing to repeat: a person may have added it, and the job is then attached to.
        keyed = self.vendor.idempotency is Idempotency.HEADER and record.idempotency_key is not None
        return keyed and record.job_id is None and not self.key_expired(record)
