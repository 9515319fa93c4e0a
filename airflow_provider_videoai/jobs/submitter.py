# SPDX-License-Identifier: Apache-2.0
"""Carry out what the submission record says: buy, attach, reuse, settle or stop."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from airflow_provider_videoai.jobs.errors import (
    ResultUnavailable,
    SubmitUncertain,
    VideoAIError,
)
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.model import JobState, iso_utc
from airflow_provider_videoai.jobs.request import JobRequest
from airflow_provider_videoai.jobs.submission import (
    STORE_KEY,
    Action,
    Decision,
    Phase,
    Store,
    SubmissionRecord,
    decide,
    anew,
    derived_job_id,
    fingerprint_of,
    load,
    save,
)
from airflow_provider_videoai.jobs.transport import Transport


@dataclass(frozen=True, slots=True)
class SubmittedJob:
    """A job that was bought, now or by an earlier attempt. ``submitted_at`` is epoch seconds."""

    job_id: str
    submitted_at: float
    fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitter:
    """Obtains the one job of a task. ``identity`` names the task without its try number; empty: not recoverable."""

    transport: Transport
    store: Store
    identity: tuple[str, ...]
    log: Log
    on_uncertain_submit: str = "fail"
    on_finished_job: str = "reuse"
    clock: Callable[[], float] = field(default=time.time)

    def obtain(self, request: JobRequest) -> SubmittedJob:
        """Return the task's job: an earlier attempt's where there is one, else submit it.

        Raises :class:`SubmitUncertain` where a job may have been bought; any other error of a submit, a refusal or
        ``VendorUnavailable``, means that nothing was bought, and the next attempt is free to submit.
        """
        fingerprint = self._fingerprint(request)
        decision = decide(
            load(self.store),
            fingerprint,
            caller_chooses_id=self.transport.vendor.caller_chooses_id,
            on_uncertain_submit=self.on_uncertain_submit,
            on_finished_job=self.on_finished_job,
        )
        match decision.action:
            case Action.SUBMIT:
                if decision.record.generation:
                    self.log.info("Submitting anew: %s", decision.why)
                return self._buy(request, decision.record)
            case Action.ATTACH:
                return self._attach(decision)
            case Action.REUSE:
                return self._reuse(request, decision)
            case Action.SETTLE:
                return self._settle(request, decision.record)
            case Action.STOP:
                text = self._how_to_go_on(decision.record, decision.why)
                raise SubmitUncertain(text, job_id=decision.record.job_id)

    def _buy(self, request: JobRequest, record: SubmissionRecord) -> SubmittedJob:
        vendor = self.transport.vendor
        chosen = getattr(request, "trans_no", None) or record.job_id or self._chosen_id(record)
        record = record.reached(Phase.SUBMITTING, job_id=chosen, submitted_at=self.clock())
        save(self.store, record)
        try:
            job_id = self.transport.run(vendor.submit(request, chosen))
        except SubmitUncertain as uncertain:
            text = self._how_to_go_on(record, uncertain.message)
            raise SubmitUncertain(text, code=uncertain.code, job_id=chosen) from uncertain
        except VideoAIError:
            save(self.store, record.reached(Phase.FAILED))
            raise
        submitted = record.reached(Phase.SUBMITTED, job_id=job_id)
        save(self.store, submitted)
        self.log.info("Submitted %s job %s to %s", request.operation, job_id, vendor.title)
        return SubmittedJob(job_id, submitted.submitted_at or self.clock(), fresh=True)

    def _attach(self, decision: Decision) -> SubmittedJob:
        self.log.info("%s: attaching to it instead of submitting again", decision.why)
        record = decision.record
        return SubmittedJob(record.job_id or "", record.submitted_at or self.clock(), fresh=False)

    def _reuse(self, request: JobRequest, decision: Decision) -> SubmittedJob:
        record = decision.record
        job_id = record.job_id or ""
        if self._is_gone(request.polled_as, job_id):
            self.log.warning("%s, but its media is gone: submitting anew", decision.why)
            return self._buy(request, anew(record, record.fingerprint))
        self.log.info("%s: using its result", decision.why)
        return SubmittedJob(job_id, record.submitted_at or self.clock(), fresh=False)

    def _is_gone(self, operation: str, job_id: str) -> bool:
        # A status call that is refused for any other reason proves nothing, and must not lead to a second purchase.
        vendor = self.transport.vendor
        try:
            status = self.transport.run(vendor.statuses(operation, [job_id])).get(job_id)
            if status is not None and status.state is JobState.SUCCEEDED:
                self.transport.run(vendor.result(operation, status))
        except ResultUnavailable:
            return True
        return status is None

    def _settle(self, request: JobRequest, record: SubmissionRecord) -> SubmittedJob:
        job_id = record.job_id or ""
        if job_id in self.transport.run(self.transport.vendor.statuses(request.polled_as, [job_id])):
            self.log.info("The vendor knows job %s: an earlier submit had reached it", job_id)
            save(self.store, record.reached(Phase.SUBMITTED))
            return SubmittedJob(job_id, record.submitted_at or self.clock(), fresh=False)
        self.log.info("The vendor does not know job %s: the earlier submit never reached it", job_id)
        return self._buy(request, record)

    def _chosen_id(self, record: SubmissionRecord) -> str | None:
        if not self.transport.vendor.caller_chooses_id:
            return None
        return derived_job_id(self.identity, record.generation) if self.identity else uuid.uuid4().hex

    def _fingerprint(self, request: JobRequest) -> str:
        vendor = self.transport.vendor
        return fingerprint_of(vendor.key, vendor.account.conn_id, request.operation, request.to_vendor())

    def _how_to_go_on(self, record: SubmissionRecord, why: str) -> str:
        title = self.transport.vendor.title
        sent = f"{why.rstrip('.')}. Sent to {title} at {iso_utc(record.submitted_at)}."
        if self.transport.vendor.caller_chooses_id:
            return f"{sent} The next attempt asks {title} for job {record.job_id} before it submits again."
        if self.on_uncertain_submit == "resubmit":
            return f"{sent} The next attempt submits again, and may pay twice: on_uncertain_submit is 'resubmit'."
        return (
            f"{sent} It is not submitted again by itself. Look for a job of that time in {title}'s console. If it is there, set 'job_id' to its id and 'phase' to "
            f"'submitted' in this task's state {STORE_KEY!r} and clear the task: it attaches. If it is not, clear the "
            "task with on_uncertain_submit='resubmit', or delete that state first."
        )
