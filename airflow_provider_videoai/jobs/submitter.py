# SPDX-License-Identifier: Apache-2.0
"""Carry out what the submission record says: buy, attach, reuse, settle or stop."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from airflow_provider_videoai.jobs.ending import failure_of
from airflow_provider_videoai.jobs.errors import (
    InvalidRequest,
    ResultUnavailable,
    SubmitRejected,
    SubmitUncertain,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.fingerprint import fingerprint_of
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.model import JobState, JobStatus, iso_utc
from airflow_provider_videoai.jobs.request import JobRequest
from airflow_provider_videoai.jobs.retry import may_buy_another
from airflow_provider_videoai.jobs.submission import (
    STORE_KEY,
    Action,
    Decision,
    Phase,
    Store,
    SubmissionRecord,
    anew,
    decide,
    derived_job_id,
    load,
    save,
)
from airflow_provider_videoai.jobs.transport import Transport

_NOTHING_BOUGHT = (InvalidRequest, SubmitRejected, VendorUnavailable)


@dataclass(frozen=True, slots=True)
class SubmittedJob:
    """A job that was bought, now or by an earlier attempt. ``submitted_at`` is epoch seconds.

    ``status`` is what the vendor just said of an earlier attempt's job, ``None`` where it was not or cannot be asked.
    """

    job_id: str
    submitted_at: float
    fresh: bool
    status: JobStatus | None = field(default=None, compare=False)


@dataclass(slots=True, kw_only=True)
class Submitter:
    """Obtains the one job of a task.

    ``identity`` names the task without its try number; empty: not recoverable. ``paid_retries`` is how many jobs may
    be bought in place of ones that failed; ``None`` sets no limit. ``ready`` completes a request that is about to be
    submitted, for example by uploading a file; it buys nothing, and what it changes is no part of the fingerprint.
    """

    transport: Transport
    store: Store
    identity: tuple[str, ...]
    log: Log
    on_uncertain_submit: str = "fail"
    on_finished_job: str = "reuse"
    paid_retries: int | None = None
    ready: Callable[[JobRequest], JobRequest] = field(default=lambda request: request)
    clock: Callable[[], float] = field(default=time.time)
    _under_way: SubmissionRecord | None = field(default=None, init=False)

    def obtain(self, request: JobRequest) -> SubmittedJob:
        """Return the task's job: an earlier attempt's where there is one, else submit it.

        Raises :class:`SubmitUncertain` where a job may have been bought, and ``JobFailed`` where an earlier attempt's
        job failed and ``paid_retries`` allow no other. After a refusal, an :class:`InvalidRequest` or a
        :class:`VendorUnavailable` (nothing was sent) the next attempt is free to submit.
        """
        fingerprint = self._fingerprint(request)
        return self._carry_out(self._decide(load(self.store), fingerprint), request)

    def cut_short(self) -> str | None:
        """Say what is known of a submit that is under way, and how to go on if it ends here; ``None``: none is.

        For a task that is being stopped: it reads no store and sends nothing.
        """
        if self._under_way is None:
            return None
        why = "A submit is under way, and its answer may not be noted any more: the job may have been bought"
        return self._how_to_go_on(self._under_way, why)

    def _decide(self, stored: SubmissionRecord | None, fingerprint: str) -> Decision:
        return decide(
            stored,
            fingerprint,
            caller_chooses_id=self.transport.vendor.caller_chooses_id,
            on_uncertain_submit=self.on_uncertain_submit,
            on_finished_job=self.on_finished_job,
        )

    def _carry_out(self, decision: Decision, request: JobRequest) -> SubmittedJob:
        match decision.action:
            case Action.SUBMIT:
                if decision.record.generation:
                    self.log.info("Submitting anew: %s", decision.why)
                return self._buy(request, decision.record)
            case Action.ATTACH:
                return self._attach(request, decision)
            case Action.REUSE:
                return self._reuse(request, decision)
            case Action.SETTLE:
                return self._settle(request, decision.record)
            case Action.STOP:
                text = self._how_to_go_on(decision.record, decision.why)
                raise SubmitUncertain(text, job_id=decision.record.job_id)

    def _buy(self, request: JobRequest, record: SubmissionRecord) -> SubmittedJob:
        request = self.ready(request)  # before the record says that a submit is under way
        chosen = request.chosen_id or record.job_id or self._chosen_id(record)
        record = record.reached(Phase.SUBMITTING, job_id=chosen, submitted_at=self.clock())
        save(self.store, record)
        with self._in_sight(record):
            job_id = self._sent(request, record)
            # Told before it is recorded: should that fail, the log is where the id is found.
            self.log.info("Submitted %s job %s to %s", request.operation, job_id, self.transport.vendor.title)
            submitted = record.reached(Phase.SUBMITTED, job_id=job_id)
            self._note(submitted)
        return SubmittedJob(job_id, submitted.submitted_at or self.clock(), fresh=True)

    def _note(self, submitted: SubmissionRecord) -> None:
        try:
            save(self.store, submitted)
        except Exception as failure:
            job_id, asks_first = submitted.job_id, self.transport.vendor.caller_chooses_id
            why = f"Job {job_id} was bought, but Airflow did not record its id ({type(failure).__name__})"
            by_hand = f"Set 'job_id' to {job_id!r} and 'phase' to 'submitted' in this task's state {STORE_KEY!r}"
            how = (
                "The next attempt asks for it before it submits again"
                if asks_first
                else f"{by_hand} and clear the task: it attaches"
            )
            raise SubmitUncertain(f"{why}. {how}.", job_id=job_id, retry_helps=asks_first) from failure

    @contextmanager
    def _in_sight(self, record: SubmissionRecord) -> Iterator[None]:
        # Not `finally`: what ends the task from outside is no Exception, and then this is what there is to say.
        self._under_way = record
        try:
            yield
        except Exception:
            self._under_way = None
            raise
        self._under_way = None

    def _sent(self, request: JobRequest, record: SubmissionRecord) -> str:
        chosen = record.job_id
        try:
            return self.transport.run(self.transport.vendor.buy(request, chosen))
        except SubmitUncertain as uncertain:
            text = self._how_to_go_on(record, uncertain.message)
            raise SubmitUncertain(
                text, code=uncertain.code, job_id=chosen, retry_helps=self._retry_helps(chosen)
            ) from uncertain
        except _NOTHING_BOUGHT:
            save(self.store, record.reached(Phase.FAILED, job_id=None))
            raise

    def _attach(self, request: JobRequest, decision: Decision) -> SubmittedJob:
        record = decision.record
        status = self._look(request.polled_as, record)
        match status:
            case JobStatus(state=JobState.SUCCEEDED) if record.phase is Phase.SUBMITTED:
                # Nobody has had its result yet, so it cannot be the user's wish to have another instead.
                return self._reuse(request, decision)
            case JobStatus(state=JobState.SUCCEEDED):
                return self._ended(record.reached(Phase.FINISHED), request)
            case JobStatus(state=JobState.FAILED | JobState.ABORTED):
                if not may_buy_another(record.bought, self.paid_retries):
                    save(self.store, record.reached(Phase.FAILED))
                    raise failure_of(status, self.transport.vendor.title)
                return self._ended(record.reached(Phase.FAILED), request)
        self.log.info("%s: attaching to it instead of submitting again", decision.why)
        return self._found(record, status)

    def _ended(self, record: SubmissionRecord, request: JobRequest) -> SubmittedJob:
        save(self.store, record)
        return self._carry_out(self._decide(record, record.fingerprint), request)

    def _look(self, operation: str, record: SubmissionRecord) -> JobStatus | None:
        job_id = record.job_id or ""
        try:
            return self.transport.run(self.transport.vendor.statuses(operation, [job_id])).get(job_id)
        except VideoAIError as failure:
            self.log.info("Job %s cannot be asked for at once: %s", job_id, failure)
            return None

    def _reuse(self, request: JobRequest, decision: Decision) -> SubmittedJob:
        record = decision.record
        try:
            status = self._kept(request.polled_as, record.job_id or "")
        except ResultUnavailable:
            status = None
        if status is None:
            self.log.warning("%s, but its media is gone: submitting anew", decision.why)
            return self._buy(request, anew(record, record.fingerprint))
        self.log.info("%s: using its result", decision.why)
        return self._found(record, status)

    def _kept(self, operation: str, job_id: str) -> JobStatus | None:
        # A status call that is refused for any other reason proves nothing, and must not lead to a second purchase.
        vendor = self.transport.vendor
        status = self.transport.run(vendor.statuses(operation, [job_id])).get(job_id)
        if status is not None and status.state is JobState.SUCCEEDED:
            return self.transport.run(vendor.result(operation, status))
        return status

    def _found(self, record: SubmissionRecord, status: JobStatus | None = None) -> SubmittedJob:
        return SubmittedJob(record.job_id or "", record.submitted_at or self.clock(), fresh=False, status=status)

    def _settle(self, request: JobRequest, record: SubmissionRecord) -> SubmittedJob:
        job_id = record.job_id or ""
        if job_id in self.transport.run(self.transport.vendor.statuses(request.polled_as, [job_id])):
            self.log.info("The vendor knows job %s: an earlier submit had reached it", job_id)
            save(self.store, record.reached(Phase.SUBMITTED))
            return self._found(record)
        self.log.info("The vendor does not know job %s: the earlier submit never reached it", job_id)
        return self._buy(request, record)

    def _chosen_id(self, record: SubmissionRecord) -> str | None:
        if not self.transport.vendor.caller_chooses_id:
            return None
        return (
            derived_job_id(self.identity, record.fingerprint, record.generation) if self.identity else uuid.uuid4().hex
        )

    def _fingerprint(self, request: JobRequest) -> str:
        vendor = self.transport.vendor
        return fingerprint_of(vendor.key, vendor.account.conn_id, request.operation, request.to_vendor())

    def _retry_helps(self, chosen: str | None) -> bool:
        asks_first = self.transport.vendor.caller_chooses_id and chosen is not None
        return asks_first or self.on_uncertain_submit == "resubmit"

    def _how_to_go_on(self, record: SubmissionRecord, why: str) -> str:
        title = self.transport.vendor.title
        sent = f"{why.rstrip('.')}. Sent to {title} at {iso_utc(record.submitted_at)}."
        named_by_us = self.transport.vendor.caller_chooses_id and record.job_id is not None
        if not self.store.lasting:
            how = "under the same id" if named_by_us else "and may pay twice"
            return f"{sent} This Airflow keeps no record of it: another attempt submits again, {how}."
        if named_by_us:
            return f"{sent} The next attempt asks {title} for job {record.job_id} before it submits again."
        if self.on_uncertain_submit == "resubmit":
            return f"{sent} The next attempt submits again, and may pay twice: on_uncertain_submit is 'resubmit'."
        return (
            f"{sent} It is not submitted again by itself. Look for a job of that time in {title}'s console. If it is "
            f"there, set 'job_id' to its id and 'phase' to 'submitted' in this task's state {STORE_KEY!r} and clear "
            "the task: it attaches. If it is not, clear the task with on_uncertain_submit='resubmit', or delete that "
            "state first."
        )
