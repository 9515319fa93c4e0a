# SPDX-License-Identifier: Apache-2.0
"""Carry out what the submission record says: buy, attach, reuse, settle or stop."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    InvalidRequest,
    QuotaExceeded,
    ResultUnavailable,
    SubmitRejected,
    SubmitUncertain,
    VendorUnavailable,
    VideoAIError,
    failure_of,
)
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.in_flight.leases import JobLease
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.jobs.protocol.idempotency import Idempotency
from airflow_provider_videoai.jobs.request import JobRequest
from airflow_provider_videoai.jobs.submission.decision import FIRST, Action, Decision, decide, next_record
from airflow_provider_videoai.jobs.submission.fence import Fence
from airflow_provider_videoai.jobs.submission.fingerprint import fingerprint_of
from airflow_provider_videoai.jobs.submission.pauses import Clocks
from airflow_provider_videoai.jobs.submission.record import Phase, SubmissionRecord, how_to_mend
from airflow_provider_videoai.jobs.submission.record_store import Store, load, save
from airflow_provider_videoai.jobs.submission.recovery import Recovery
from airflow_provider_videoai.jobs.submission.retry_advice import may_buy_another
from airflow_provider_videoai.jobs.submission.writer import Writer
from airflow_provider_videoai.jobs.unexpected_errors import named

__all__ = ["GONE_AGAIN_AFTER", "SubmittedJob", "Submitter"]

GONE_AGAIN_AFTER = (3.0, 12.0)
"""Seconds before a finished job that is gone is queried again, and again, before another is bought in its place."""

_NOTHING_BOUGHT = (InvalidRequest, SubmitRejected, VendorUnavailable)
_REPEATS = 2
"""How often an attempt repeats a submit that carries an idempotency key, after the first time."""


@dataclass(frozen=True, slots=True)
class SubmittedJob:
    """A job that was bought, now or by an earlier attempt. ``submitted_at`` is epoch seconds.

    ``status`` is what the vendor just said of an earlier attempt's job, ``None`` if it was not polled, or in vain.
    """

    job_id: str
    submitted_at: float
    fresh: bool
    status: JobStatus | None = field(default=None, compare=False)


@dataclass(slots=True, kw_only=True)
class Submitter:
    """Obtains the one job of a task.

    ``paid_retries`` is how many jobs may be bought in place of ones that failed; ``None`` sets no limit. ``ready``
    completes a request that is about to be submitted, for example by uploading a file; it buys nothing, and what it
    changes is no part of the fingerprint. ``writer`` is this attempt, as the record of a submit in flight names it.
    ``lease`` is taken before a job is bought, if the account's jobs in flight are limited. ``forgotten`` says that a
    record may have been discarded, if there is none.
    """

    transport: Transport
    store: Store
    log: Log
    on_uncertain_submit: str = "fail"
    on_finished_job: str = "reuse"
    paid_retries: int | None = None
    writer: Writer | None = None
    lease: JobLease | None = None
    forgotten: bool = False
    ready: Callable[[JobRequest], JobRequest] = field(default=lambda request: request)
    clock: Callable[[], float] = field(default=time.time)
    sleep: Callable[[float], None] = field(default=time.sleep)
    lost_answer: bool = field(default=False, init=False)
    """Whether this attempt sent a submit and knows nothing of what became of it."""
    _in_flight: SubmissionRecord | None = field(default=None, init=False)

    def obtain(self, request: JobRequest) -> SubmittedJob:
        """Return the task's job: an earlier attempt's where there is one, else submit it.

        Raises :class:`SubmitUncertain` if a job may have been bought, and ``JobFailed`` if an earlier attempt's job
        failed and ``paid_retries`` allow no other. After a refusal, an :class:`InvalidRequest` or a
        :class:`VendorUnavailable` (nothing was sent) the next attempt is free to submit; a record that cannot be
        understood is an :class:`InvalidRequest` as well, and stays so until a person mends it.

        :param request: validated; its fingerprint decides whether an earlier job is its own.
        """
        fingerprint = self._fingerprint(request)
        return self._carry_out(self._decide(load(self.store), fingerprint), request)

    def cut_short(self) -> str | None:
        """Say what is known of a submit that is in flight, and how to go on if it ends here; ``None``: none is.

        For a task that is being stopped: it reads no store and sends nothing.
        """
        if self._in_flight is None:
            return None
        why = "A submit is in flight, and its answer may not be recorded any more: the job may have been bought"
        return self._recovery.after_lost_answer(self._in_flight, why)

    @property
    def settles(self) -> bool:
        """Whether the vendor can be queried for a job whose answer was lost, or the submit repeated under its key."""
        return self.transport.vendor.idempotency is not Idempotency.NONE

    @property
    def _recovery(self) -> Recovery:
        return Recovery(
            self.transport.vendor,
            self.store.lasting,
            self.store.place,
            self.on_uncertain_submit,
            self.clock,
            self.writer,
        )

    def _decide(self, stored: SubmissionRecord | None, fingerprint: str) -> Decision:
        return decide(
            stored,
            fingerprint,
            idempotency=self.transport.vendor.idempotency,
            key_expired=stored is not None and self._recovery.key_expired(stored),
            on_uncertain_submit=self.on_uncertain_submit,
            on_finished_job=self.on_finished_job,
            forgotten=self.forgotten,
        )

    def _carry_out(self, decision: Decision, request: JobRequest) -> SubmittedJob:
        match decision.action:
            case Action.SUBMIT:
                if decision.why != FIRST:
                    self.log.info("Submitting again: %s", decision.why)
                return self._buy(request, decision.record)
            case Action.ATTACH:
                return self._attach(request, decision)
            case Action.REUSE:
                return self._reuse(request, decision)
            case Action.SETTLE:
                return self._settle(request, decision.record)
            case Action.REPEAT:
                self.log.info("Repeating a submit: %s", decision.why)
                return self._buy(request, decision.record)
            case Action.STOP:
                raise self._stopped(decision.record, decision.why)

    def _buy(self, request: JobRequest, record: SubmissionRecord) -> SubmittedJob:
        request = self.ready(request)  # before the record says that a submit is in flight
        again = record.phase is Phase.SUBMITTING and bool(record.job_id or record.idempotency_key)
        record = self._keyed(request, record)
        # Before the record is written: a request that cannot be written must not leave a submit that looks cut short.
        self._prove(request, record.job_id or record.idempotency_key)
        if self.lease is not None:
            self.lease.take()
        fence = Fence(self.store, record, lambda: self._announce(record), Clocks(self.clock))
        with self._in_sight():
            job_id = self._sent(request, record, fence, again=again)
            # Logged before it is recorded: should that fail, the log is where the id is found.
            self.log.info("Submitted %s job %s to %s", request.operation, job_id, self.transport.vendor.title)
            submitted = record.reached(Phase.SUBMITTED, job_id=job_id, idempotency_key=None)
            self._note(submitted, record)
        if self.lease is not None:
            self.lease.submitted(job_id)
        return SubmittedJob(job_id, submitted.submitted_at or self.clock(), fresh=True)

    def _prove(self, request: JobRequest, key: str | None) -> None:
        """Raise for a request that cannot be written as the vendor wants it, while nothing says that it was sent."""
        flow = self.transport.vendor.buy(request, key)
        try:
            next(flow, None)
        except VideoAIError:
            raise
        except Exception as failure:
            raise InvalidRequest(
                f"{request.operation} request cannot be written for {self.transport.vendor.title} "
                f"({named(failure)}); nothing was sent, nothing was bought"
            ) from failure
        finally:
            flow.close()

    def _announce(self, record: SubmissionRecord) -> None:
        try:
            save(self.store, record)
            # From here on it is others' to see: before, nothing is in flight.
            self._in_flight = record
        except Exception as failure:
            why = f"The submission record cannot be written ({named(failure)})"
            raise VideoAIError(
                f"{why}: nothing was submitted, nothing was bought. If it was written after all, the next attempt "
                f'takes this submit for one that was cut short: then make {self.store.place} {{"phase": "failed"}}'
            ) from failure

    def _note(self, submitted: SubmissionRecord, recorded: SubmissionRecord) -> None:
        try:
            save(self.store, submitted)
        except Exception as failure:
            job_id = str(submitted.job_id)
            why = f"Job {job_id} was bought, but Airflow did not record its id ({named(failure)})"
            how_to_go_on = self._recovery.after_lost_record(recorded, job_id)
            raise SubmitUncertain(
                f"{why}. {how_to_go_on}", job_id=job_id, retry_helps=self._recovery.automatic(recorded)
            ) from failure

    @contextmanager
    def _in_sight(self) -> Iterator[None]:
        # Not `finally`: what ends the task from outside is no Exception, and then this is what there is to say.
        try:
            yield
        except Exception:
            self._in_flight = None
            raise
        self._in_flight = None

    def _sent(
        self, request: JobRequest, record: SubmissionRecord, fence: Fence, *, again: bool, repeats: int = _REPEATS
    ) -> str:
        """Send the submit and return the job's id; ``again`` if one under the same key may have been carried out."""
        try:
            flow = self.transport.vendor.buy(request, record.job_id or record.idempotency_key)
            return self.transport.run(flow, before_purchase=fence)
        except SubmitUncertain as uncertain:
            # Without a key a repetition might be a second purchase: the next attempt or a person settles the loss.
            if record.idempotency_key is None or not repeats:
                raise self._uncertain(record, uncertain.message, uncertain.code) from uncertain
            pause = random.uniform(0.5, 1.0) * 2 ** (_REPEATS - repeats)  # noqa: S311 - jitter
            self.log.warning("%s. Repeating it under its idempotency key in %.1f s", uncertain.message, pause)
        except _NOTHING_BOUGHT as refused:
            if not again:
                if fence.announced:
                    self._note_refusal(record)
                if self.lease is not None:
                    self.lease.give_back()
            elif record.idempotency_key is not None and not isinstance(refused, QuotaExceeded | AuthenticationFailed):
                # It refuses this request only, say for a conflict with the first one, which may still be worked on.
                why = f"{refused.message} A request before it, under the same idempotency key, may have bought the job"
                raise self._uncertain(record, why, refused.code) from refused
            raise
        except Exception as defect:
            if defect is fence.failure:
                raise
            why = f"The submit ended with {named(defect)}: the job may have been bought"
            raise self._uncertain(record, why) from defect
        self.sleep(pause)
        return self._sent(request, record, fence, again=True, repeats=repeats - 1)

    def _note_refusal(self, record: SubmissionRecord) -> None:
        try:
            save(self.store, record.reached(Phase.FAILED, job_id=None, idempotency_key=None))
        except Exception as failure:  # noqa: BLE001 - what the vendor said is raised, and says more
            self.log.warning(
                "Nothing was bought, but Airflow did not record that (%s): the next attempt takes this submit for one "
                'that was cut short. Make %s {"phase": "failed"} first.',
                named(failure),
                self.store.place,
            )

    def _uncertain(self, record: SubmissionRecord, why: str, code: str | None = None) -> SubmitUncertain:
        self.lost_answer = True
        text = self._recovery.after_lost_answer(record, why)
        return SubmitUncertain(text, code=code, job_id=record.job_id, retry_helps=self._recovery.retry_helps(record))

    def _attach(self, request: JobRequest, decision: Decision) -> SubmittedJob:
        record = decision.record
        status = self._look(request.polled_as, record)
        match status:
            case JobStatus(state=JobState.SUCCEEDED) if record.phase is Phase.SUBMITTED:
                # Nobody has had its result yet, so it cannot be the user's wish to have another instead.
                return self._reuse(request, decision)
            case JobStatus(state=JobState.SUCCEEDED):
                return self._ended(record.reached(Phase.FINISHED), request)
            # Ended while nobody waited: the failure counts against paid_retries as if this task had seen it.
            case JobStatus(state=JobState.FAILED | JobState.ABORTED):
                if not may_buy_another(record.bought, self.paid_retries):
                    save(self.store, record.reached(Phase.FAILED))
                    raise failure_of(status, self.transport.vendor.title)
                return self._ended(record.reached(Phase.FAILED), request)
        self.log.info("%s: attaching to it instead of submitting again", decision.why)
        return self._found(request, record, status)

    def _ended(self, record: SubmissionRecord, request: JobRequest) -> SubmittedJob:
        save(self.store, record)
        return self._carry_out(self._decide(record, self._fingerprint(request)), request)

    def _look(self, operation: str, record: SubmissionRecord) -> JobStatus | None:
        job_id = record.job_id or ""
        try:
            status = self.transport.run(self.transport.vendor.statuses(operation, [job_id])).get(job_id)
        except VideoAIError as failure:
            self.log.info("The status of job %s cannot be queried at once: %s", job_id, failure)
            return None
        if self.lease is not None and status is not None and status.state.terminal:
            self.lease.ended(job_id)  # nobody will wait for it, and so nobody else ends its lease
        return status

    def _reuse(self, request: JobRequest, decision: Decision) -> SubmittedJob:
        record = decision.record
        status = self._kept_at_last(request.polled_as, record.job_id or "")
        if status is None:
            self._require_proven(record)
            self.log.warning("%s, but its media is gone: submitting again", decision.why)
            return self._buy(request, next_record(record, self._fingerprint(request)))
        self.log.info("%s: using its result", decision.why)
        return self._found(request, record, status)

    def _kept_at_last(self, operation: str, job_id: str) -> JobStatus | None:
        """Return the status of a finished job; ``None`` if it, or its media, is gone each of three times."""
        # One odd answer must not buy another job. Sooner than a wait would: this job is not too new to be found, and a
        # batch may have thousands of them.
        for pause in (*GONE_AGAIN_AFTER, None):
            with suppress(ResultUnavailable):
                if (status := self._kept(operation, job_id)) is not None:
                    return status
            if pause is not None:
                self.sleep(pause)
        return None

    def _kept(self, operation: str, job_id: str) -> JobStatus | None:
        # A status call that is refused for any other reason proves nothing, and must not lead to a second purchase.
        vendor = self.transport.vendor
        status = self.transport.run(vendor.statuses(operation, [job_id])).get(job_id)
        if status is not None and status.state is JobState.SUCCEEDED:
            return self.transport.run(vendor.result(operation, status))
        return status

    def _found(self, request: JobRequest, record: SubmissionRecord, status: JobStatus | None) -> SubmittedJob:
        submitted_at = record.submitted_at or self.clock()
        if status is not None and record.fingerprint is None:
            # What a person wrote becomes this request's record, kept as long as others.
            fingerprint = self._fingerprint(request)
            save(self.store, record.reached(record.phase, fingerprint=fingerprint, submitted_at=submitted_at))
        return SubmittedJob(record.job_id or "", submitted_at, fresh=False, status=status)

    def _settle(self, request: JobRequest, record: SubmissionRecord) -> SubmittedJob:
        job_id = record.job_id or ""
        if job_id in self.transport.run(self.transport.vendor.query(request.polled_as, [job_id])):
            self.log.info("The vendor knows job %s: an earlier submit had reached it", job_id)
            save(self.store, record.reached(Phase.SUBMITTED, fingerprint=self._fingerprint(request)))
            return self._found(request, record, None)
        self._require_proven(record)
        self.log.info("Job %s is unknown to the vendor: the earlier submit never reached it", job_id)
        return self._buy(request, record)

    def _require_proven(self, record: SubmissionRecord) -> None:
        if not record.proven:
            why = f"Job {record.job_id} of the submission record is unknown to {self.transport.vendor.title}, or over"
            raise self._stopped(record, why)

    def _stopped(self, record: SubmissionRecord, why: str) -> SubmitUncertain:
        sent_nothing = f"{why}. This attempt sent nothing. {how_to_mend(self.store.place)}"
        text = self._recovery.after_lost_answer(record, why) if record.proven else sent_nothing
        return SubmitUncertain(text, job_id=record.job_id)

    def _keyed(self, request: JobRequest, record: SubmissionRecord) -> SubmissionRecord:
        """Return the record of a submit that is about to be sent, with the job id or the key to send it under.

        That is the one of an earlier submit of the same job, else the user's id, else a random one.
        """
        job_id = key = None
        sent_at = self.clock()
        match self.transport.vendor.idempotency:
            case Idempotency.CALLER_ID:
                if record.job_id is None and request.chosen_id is not None:
                    self._require_unused(request, request.chosen_id)
                job_id = record.job_id or request.chosen_id or uuid.uuid4().hex
            case Idempotency.HEADER if record.idempotency_key is not None:
                key, sent_at = record.idempotency_key, record.submitted_at or sent_at  # the key's age counts on
            case Idempotency.HEADER:
                key = uuid.uuid4().hex
        return record.reached(
            Phase.SUBMITTING, job_id=job_id, idempotency_key=key, submitted_at=sent_at, writer=self.writer
        )

    def _require_unused(self, request: JobRequest, job_id: str) -> None:
        """Raise if the vendor has a job of the user's id: another task's, or one of this task's that is over.

        Queried later, a job of that id might be an older one as well as the one whose answer was lost.
        """
        title = self.transport.vendor.title
        if job_id in self.transport.run(self.transport.vendor.query(request.polled_as, [job_id])):
            raise SubmitRejected(
                f"{title} already has a job {job_id!r}, and this task's submission record does not say that it is its "
                "own. Nothing was sent, nothing was bought. Choose another id, or leave it out",
                job_id=job_id,
            )

    def _fingerprint(self, request: JobRequest) -> str:
        vendor = self.transport.vendor
        return fingerprint_of(vendor.key, vendor.account.conn_id, request.operation, request.to_vendor())
