# SPDX-License-Identifier: Apache-2.0
"""The life of a batch's task: what each of its workers does, from the first to the one that ends it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from datetime import timedelta
from typing import Any, NoReturn

from airflow.sdk import Context

from airflow_provider_videoai.airflow_compat import TaskDeferralError, TaskDeferralTimeout
from airflow_provider_videoai.batches.batch import Batch
from airflow_provider_videoai.batches.batch_reference import (
    BatchReference,
    show_counts,
    show_reference,
    shown_if_refused,
)
from airflow_provider_videoai.batches.failures import batch_failed
from airflow_provider_videoai.batches.item_submitters import ItemSubmitters
from airflow_provider_videoai.batches.items import Item, items_of
from airflow_provider_videoai.batches.kept import KeptFiles
from airflow_provider_videoai.batches.lease_renewal import LeaseRenewal
from airflow_provider_videoai.batches.manifest import Manifest
from airflow_provider_videoai.batches.pause import Pause
from airflow_provider_videoai.batches.records import BatchRecords
from airflow_provider_videoai.batches.report import BatchReport
from airflow_provider_videoai.batches.results import Results
from airflow_provider_videoai.batches.run import BatchRun
from airflow_provider_videoai.batches.submits import Submits
from airflow_provider_videoai.batches.tolerance import Tolerance
from airflow_provider_videoai.batches.waiting import Waiting
from airflow_provider_videoai.hooks.hook_class import hook_class
from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.model import JobResult, JobStatus
from airflow_provider_videoai.jobs.polling.progress_log import log_long_interval
from airflow_provider_videoai.jobs.polling.wait_errors import GOES_ON, Reason
from airflow_provider_videoai.jobs.polling.watch import Outcome
from airflow_provider_videoai.jobs.request import JobRequest
from airflow_provider_videoai.jobs.values.printable import shortened
from airflow_provider_videoai.tasks.airflow_failures import airflow_boundary
from airflow_provider_videoai.tasks.origins import explained
from airflow_provider_videoai.tasks.own_task import check_own_task
from airflow_provider_videoai.tasks.task_jobs import completed
from airflow_provider_videoai.tasks.task_state import store_of
from airflow_provider_videoai.tasks.template_literals import RendersText
from airflow_provider_videoai.transfers.media import MAX_BYTES
from airflow_provider_videoai.transfers.outlets import check_outlets, report_outlets
from airflow_provider_videoai.triggers.batch import VideoBatchTrigger
from airflow_provider_videoai.triggers.event import outcome_of

__all__ = ["BatchTask"]

MAX_IN_FLIGHT = 100
"""How many jobs of a batch are in flight at a vendor that documents no number."""
_BACKSTOP = timedelta(minutes=10)


class BatchTask(RendersText):
    """Base of :class:`~airflow_provider_videoai.operators.batch.VideoBatchOperator`, which takes the arguments."""

    vendor: str
    operation: str
    conn_id: Any
    input_conn_id: str | None
    requests: Any
    common: Any
    check_inputs: bool
    check_media: bool
    max_in_flight: int | None
    tolerate: int | str
    destination: Any
    manifest: Any
    skip_existing: bool
    overwrite: bool
    verify: bool
    on_failed: str
    deferrable: bool
    poll_interval: float | None
    job_timeout: float
    quota_timeout: float
    on_uncertain_submit: str
    # What on_kill may speak of; it runs in the middle of anything.
    _submits: Submits | None = None

    @property
    def _hook_class(self) -> type[VideoJobHook]:
        return hook_class(self.vendor)

    @property
    def _request_class(self) -> type[JobRequest]:
        return self._hook_class.vendor_class.requests[self.operation]

    # -- the task ------------------------------------------------------------------------------------------------

    def execute(self, context: Context) -> Any:
        """Submit what is missing, and wait.

        :param context: Airflow's, of the running task.
        :returns: how many items succeeded, failed and were skipped, and the path of the manifest.
        :raises VideoAIError: one of its subclasses, which says what became of the jobs and of the money.
        """
        with airflow_boundary():
            check_own_task(self, context)
            return self._run(context, begins=True)

    def go_on(self, context: Context, event: Any = None, pause: Any = None) -> Any:
        """Take in what ended, and submit what may be in flight now; Airflow calls it in the resumed task.

        :param context: Airflow's, of the running task.
        :param event: the trigger's. It is checked against an allow-list.
        :param pause: of the submits, while the vendor had no capacity.
        """
        with airflow_boundary():
            if event is not None and outcome_of(event) is not Outcome.ENDED:
                self._broke_off(Reason.read(event).said)
            return self._run(context, begins=False, event=event, pause=Pause.from_json(pause))

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after Airflow's own timeout of the deferral; report if the trigger itself failed.

        :param next_method: as in Airflow's base class, like the other arguments.
        """
        with airflow_boundary():
            try:
                return super().resume_execution(next_method, next_kwargs, context)
            except TaskDeferralTimeout:
                return self._run(context, begins=False)
            except TaskDeferralError as failure:
                self._broke_off(str(failure), failure)

    def on_kill(self) -> None:
        """Submit nothing more, and say what is known of the jobs; nothing is cancelled."""
        if (submits := self._submits) is None:
            return
        submits.stop()
        for cut_short in submits.cut_short():
            self.log.warning("%s", cut_short)
        self.log.info(
            "Stopped. %d jobs are in flight: each %s. When this task runs again, it attaches to them.",
            len(submits.batch.running),
            GOES_ON,
        )

    def _broke_off(self, why: str, cause: Exception | None = None) -> NoReturn:
        raise VideoAIError(
            f"The wait in the triggerer broke off: {shortened(why)}. Each job in flight {GOES_ON}; a retry attaches to "
            "them"
        ) from cause

    def _run(self, context: Context, *, begins: bool, event: Any = None, pause: Pause | None = None) -> dict[str, Any]:
        about = {"vendor": self.vendor, "operation": self.operation, "conn_id": str(self.conn_id)}
        # Later it has begun, and the page lists it as it was.
        with shown_if_refused(context["ti"], self.log, **about) if begins else nullcontext():
            run = self._prepared(context, pause, begins=begins)
        self._submits = run.submits
        self._show_begin(context, run.submits, begins=begins)
        if not run.go_on(event, begins=begins):
            self._defer(run.waiting)
        return self._concluded(context, run.batch, run.report)

    def _prepared(self, context: Context, pause: Pause | None, *, begins: bool) -> BatchRun:
        """Check and read all that a worker needs, before anything is sent."""
        hook = self._hook_class(self.conn_id)
        items = self._items()
        kept = self._kept()
        if kept is not None:
            for item in items:  # all of them, before anything is bought
                kept.path_of(item)
        manifest = None if self.manifest is None else Manifest(self.manifest, self.log)
        if begins:
            _check_stores(items, kept, manifest)
        check_outlets(self.outlets, [] if self.manifest is None else [self.manifest])
        store = store_of(context, self.log)
        records = BatchRecords(store)
        report = BatchReport(manifest, kept, self.log, known=bool(records))
        batch, submits = self._parts(context, hook, items, records, report, kept)
        submits.pause = Pause() if pause is None else pause
        batch.begin()
        waiting = Waiting(
            batch=batch,
            submits=submits,
            transport=hook.transport,
            conn_id=str(self.conn_id),
            job_timeout=self.job_timeout,
            poll_interval=self.poll_interval,
            log=self.log,
        )
        return BatchRun(
            batch=batch,
            submits=submits,
            waiting=waiting,
            report=report,
            task_instance=context["ti"],
            quota_timeout=self.quota_timeout,
            defers=self.deferrable and store.lasting,
            log=self.log,
        )

    def _parts(
        self,
        context: Context,
        hook: VideoJobHook,
        items: list[Item],
        records: BatchRecords,
        report: BatchReport,
        kept: KeptFiles | None,
    ) -> tuple[Batch, Submits]:
        transport = hook.transport

        def complete(item: Item, status: JobStatus, submitted_at: float | None) -> JobResult:
            return completed(transport, status, item.request.polled_as, submitted_at)

        attempt = context["ti"].try_number
        results = Results(attempt=attempt, records=records, complete=complete, kept=kept, log=self.log)
        batch = Batch(
            items=items,
            records=records,
            results=results,
            title=transport.vendor.title,
            report=report,
            retries_failed=self.on_failed == "retry",
            paid_retries=getattr(getattr(self, "retry_policy", None), "paid_retries", None),
            leases=LeaseRenewal(transport) if transport.vendor.limits_jobs_in_flight else None,
        )
        submitter = ItemSubmitters(
            context=context,
            transport=transport,
            operation=self.operation,
            priority=int(self.priority_weight),
            on_uncertain_submit=self.on_uncertain_submit,
            job_timeout=self.job_timeout,
            input_conn_id=self.input_conn_id,
            check_inputs=self.check_inputs,
            check_media=self.check_media,
            log=self.log,
        )
        documented = transport.vendor.in_flight_limit(self.operation)
        return batch, Submits(
            batch=batch,
            submitter=submitter,
            max_in_flight=self.max_in_flight or (MAX_IN_FLIGHT if documented is None else documented[1]),
            skip_existing=self.skip_existing,
        )

    def _items(self) -> list[Item]:
        with explained(self.empty_origins):
            return items_of(
                self.requests,
                request_class=self._request_class,
                vendor=self.vendor,
                conn_id=self.conn_id,
                common=self.common,
            )

    def _kept(self) -> KeptFiles | None:
        if self.destination is None:
            return None
        return KeptFiles(
            self.destination,
            vendor=self.vendor,
            operation=self.operation,
            conn_id=self.conn_id,
            overwrite=self.overwrite,
            verify=self.verify,
            max_bytes=MAX_BYTES,
            log=self.log,
        )

    def _show_begin(self, context: Context, submits: Submits, *, begins: bool) -> None:
        batch = submits.batch
        counts = batch.counts()
        if begins:
            reference = BatchReference.of(self.vendor, self.operation, str(self.conn_id), submits, self.manifest)
            show_reference(context["ti"], reference, self.log)
            show_counts(context["ti"], batch, self.log)
            log_long_interval(self.log, self.poll_interval)
        self.operator_extra_links = ()  # Airflow writes links when a worker ends; this one is written
        said = "Batch of %d %s items: %d to submit, %d in flight, %d ended"
        self.log.info(said, counts["items"], self.operation, counts["queued"], counts["running"], len(batch.ended))

    # -- waiting -------------------------------------------------------------------------------------------------

    def _defer(self, waiting: Waiting) -> NoReturn:
        batch, pause = waiting.batch, waiting.submits.pause
        latest = max((job.submitted_at for job in batch.running.values()), default=time.time())
        said = "%d jobs are in flight, %d items are queued: waiting in the triggerer"
        self.log.info(said, len(batch.running), len(batch.waiting))
        self.defer(
            trigger=VideoBatchTrigger(**asdict(waiting.wanted())),
            method_name="go_on",
            kwargs={"pause": pause.to_json()},
            # Later than any job's deadline, which the trigger sees to by itself.
            timeout=timedelta(seconds=max(0.0, latest + self.job_timeout - time.time())) + _BACKSTOP,
        )

    # -- the end -------------------------------------------------------------------------------------------------

    def _concluded(self, context: Context, batch: Batch, report: BatchReport) -> dict[str, Any]:
        counts = batch.counts()
        show_counts(context["ti"], batch, self.log)
        report.publish(batch)
        summary = {
            "vendor": self.vendor,
            "operation": self.operation,
            **{name: counts[name] for name in ("items", "succeeded", "failed", "skipped")},
            "manifest": self.manifest,
        }
        if not Tolerance.read(self.tolerate).allows(counts["failed"], counts["items"]):
            raise batch_failed(batch, self.tolerate)
        report_outlets(self.outlets, context["outlet_events"], [summary | {"path": self.manifest}], None)
        return summary


def _check_stores(items: Sequence[Item], kept: KeptFiles | None, manifest: Manifest | None) -> None:
    """Report a store whose package is missing before anything is bought: results are kept only after it."""
    if kept is not None:
        for item in items[:1]:  # all copies of a batch are in one store
            kept.check_store(item)
    if manifest is not None:
        manifest.check_store()
