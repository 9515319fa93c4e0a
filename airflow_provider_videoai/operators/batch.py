# SPDX-License-Identifier: Apache-2.0
"""Thousands of jobs in one task: submitted, waited for and kept, each paid for once."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from os import PathLike
from typing import Any, Literal, NoReturn, cast

from airflow.sdk import BaseOperatorLink, Context, ObjectStoragePath
from typing_extensions import override

from airflow_provider_videoai.airflow_compat import TaskDeferralError, TaskDeferralTimeout
from airflow_provider_videoai.batches.batch import Batch
from airflow_provider_videoai.batches.batch_reference import BatchReference, show_counts, show_reference
from airflow_provider_videoai.batches.failures import batch_failed
from airflow_provider_videoai.batches.item_submitters import ItemSubmitters
from airflow_provider_videoai.batches.items import Item, items_of
from airflow_provider_videoai.batches.kept import KeptFiles, check_destination
from airflow_provider_videoai.batches.manifest import Manifest, check_path
from airflow_provider_videoai.batches.pause import Pause
from airflow_provider_videoai.batches.records import BatchRecords
from airflow_provider_videoai.batches.report import BatchReport
from airflow_provider_videoai.batches.results import Results
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
from airflow_provider_videoai.jobs.values.printable import shortened
from airflow_provider_videoai.links import JOB_LINK
from airflow_provider_videoai.operators.job import JOB_TIMEOUT, QUOTA_TIMEOUT
from airflow_provider_videoai.registry import VENDORS
from airflow_provider_videoai.tasks.airflow_failures import airflow_boundary
from airflow_provider_videoai.tasks.arguments import choice, connection_id, count, flag, operation_of, seconds
from airflow_provider_videoai.tasks.origins import explained
from airflow_provider_videoai.tasks.own_task import check_own_task
from airflow_provider_videoai.tasks.task_jobs import completed
from airflow_provider_videoai.tasks.task_state import store_of
from airflow_provider_videoai.tasks.template_literals import RendersText, is_rendered_later
from airflow_provider_videoai.tasks.templated import Reference, Text
from airflow_provider_videoai.transfers.media import MAX_BYTES
from airflow_provider_videoai.transfers.outlets import add_outlet, check_outlets, report_outlets
from airflow_provider_videoai.triggers.batch import VideoBatchTrigger
from airflow_provider_videoai.triggers.event import outcome_of

__all__ = ["MAX_IN_FLIGHT", "VideoBatchOperator"]

MAX_IN_FLIGHT = 100
"""How many jobs of a batch are in flight at a vendor that documents no number."""
_MOST_IN_FLIGHT = 5_000
_BACKSTOP = timedelta(minutes=10)
_CHECKED_WHEN_PARSED = 100
"""Requests of a list that are validated when the DAG is parsed; more of them would slow each parsing down."""


class VideoBatchOperator(RendersText):
    """Submit many jobs of one operation, wait for all of them, and keep their results.

    Every job is paid for once, however often the task is killed, cleared or retried: an attempt attaches to what runs,
    uses what ended, and buys what is missing. Of a list that was changed it buys the new rows. Without a worker slot
    while all jobs are in flight.

    Returns how many items succeeded, failed and were skipped, and the path of the manifest:
    ``{"vendor", "operation", "items", "succeeded", "failed", "skipped", "manifest"}``.

    :param vendor: the vendor's key, ``viitor`` say.
    :param operation: what the jobs do; may be left out if the vendor has one operation.
    :param conn_id: the Airflow connection of the account; ``None``: the vendor's default one. (templated)
    :param input_conn_id: the Airflow connection of inputs in a store (``s3://bucket/key``) whose URL names none. They
        are signed when a job is bought, for as long as ``job_timeout``: an hour at least, 7 days at most.
    :param requests: the fields of each job's request, and perhaps an ``item_id``: a list of dicts, the output of a
        task (also of a mapped one), or the path or URL of a JSONL, JSON or CSV file. (templated)
    :param common: fields that all requests share. (templated)
    :param max_in_flight: how many jobs may be in flight; ``None``: what the vendor documents, else 100.
    :param tolerate: how many items may fail before the task does: a number, or a share such as ``"5%"``.
    :param destination: where results are kept, ``s3://conn@bucket/folder/{item_id}.mp4`` say; ``None`` keeps none.
        (templated)
    :param manifest: the URL of a ``.jsonl`` file that lists all items and what became of them. (templated)
    :param skip_existing: buy nothing for an item whose copy for the same request is at its destination.
    :param overwrite: replace other files at the destination; ``False`` fails their items instead.
    :param verify: check that a result is video or audio before it is kept; needs the extra ``media``.
    :param on_failed: ``retry`` what failed at the task's next attempt, or ``keep`` it failed.
    :param deferrable: wait in the triggerer, without a worker slot.
    :param poll_interval: fixed time between two status requests of a job; ``None`` adapts.
    :param job_timeout: how long a job may take, counted from its submit.
    :param quota_timeout: for how long the vendor may take no job while none is in flight.
    :param on_uncertain_submit: after a submit whose answer was lost, ``fail`` its item, or ``resubmit`` it at the next
        attempt.
    :raises InvalidRequest: for a wrong argument or request, before anything is bought.
    :raises BatchFailed: if more items failed than are tolerated, when all have ended.
    """

    template_fields: Collection[str] = ("requests", "common", "destination", "manifest", "conn_id")
    operator_extra_links: Collection[BaseOperatorLink] = (JOB_LINK,)
    ui_color = "#e8e4f8"

    def __init__(
        self,
        *,
        vendor: str,
        requests: Sequence[Mapping[str, Any]] | str | PathLike[str] | ObjectStoragePath | Reference,
        operation: str | None = None,
        conn_id: Text | None = None,
        input_conn_id: str | None = None,
        common: Mapping[str, Any] | Reference | None = None,
        max_in_flight: int | None = None,
        tolerate: int | str = 0,
        destination: Text | None = None,
        manifest: Text | None = None,
        skip_existing: bool = True,
        overwrite: bool = False,
        verify: bool = True,
        on_failed: Literal["retry", "keep"] = "retry",
        deferrable: bool = True,
        poll_interval: timedelta | float | None = None,
        job_timeout: timedelta | float = JOB_TIMEOUT,
        quota_timeout: timedelta | float = QUOTA_TIMEOUT,
        on_uncertain_submit: Literal["fail", "resubmit"] = "fail",
        **kwargs: Any,
    ) -> None:
        vendor = choice("vendor", vendor, tuple(VENDORS))
        self._hook_class = hook_class(vendor)
        if destination is not None and not is_rendered_later(destination):
            check_destination(destination)
        if manifest is not None and not is_rendered_later(manifest):
            check_path(manifest)
            add_outlet(self, kwargs, manifest)  # before super().__init__(): Airflow reads outlets there
        super().__init__(**kwargs)
        self.vendor = vendor
        self.operation = operation_of(self._hook_class.vendor_class, operation)
        self.conn_id = connection_id("conn_id", self._hook_class.default_conn_name if conn_id is None else conn_id)
        self.input_conn_id = None if input_conn_id is None else connection_id("input_conn_id", input_conn_id)
        self.requests = requests
        self.common = common
        self.max_in_flight = None if max_in_flight is None else count("max_in_flight", max_in_flight, _MOST_IN_FLIGHT)
        self.tolerate = tolerate
        self._tolerance = Tolerance.read(tolerate)
        self.destination = destination
        self.manifest = manifest
        self.skip_existing = flag("skip_existing", skip_existing)
        self.overwrite = flag("overwrite", overwrite)
        self.verify = flag("verify", verify)
        self.on_failed = choice("on_failed", on_failed, ("retry", "keep"))
        self.deferrable = flag("deferrable", deferrable)
        self.poll_interval = None if poll_interval is None else seconds("poll_interval", poll_interval)
        self.job_timeout = seconds("job_timeout", job_timeout)
        self.quota_timeout = seconds("quota_timeout", quota_timeout)
        self.on_uncertain_submit = choice("on_uncertain_submit", on_uncertain_submit, ("fail", "resubmit"))
        known = not any(map(is_rendered_later, (requests, common, conn_id)))
        if known and isinstance(requests, list | tuple) and len(requests) <= _CHECKED_WHEN_PARSED:
            self._items()
        # What on_kill may speak of; it runs in the middle of anything.
        self._submits: Submits | None = None

    @override
    def text_fields(self) -> Collection[str]:
        return ("destination", "manifest", "conn_id")

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
        hook = self._hook_class(cast(str, self.conn_id))
        items = self._items()
        kept = self._kept()
        if kept is not None:
            for item in items:  # all of them, before anything is bought
                kept.path_of(item)
        manifest = None if self.manifest is None else Manifest(cast(str, self.manifest), self.log)
        if begins:
            _check_stores(items, kept, manifest)
        check_outlets(self.outlets, [] if self.manifest is None else [cast(str, self.manifest)])
        store = store_of(context, self.log)
        records = BatchRecords(store)
        report = BatchReport(manifest, kept, self.log)
        if records:
            report.read()
        batch, submits = self._parts(context, hook, items, records, report, kept)
        submits.pause = Pause() if pause is None else pause
        self._submits = submits
        batch.begin()
        self._show_begin(context, submits, begins=begins)
        waiting = Waiting(
            batch=batch,
            submits=submits,
            transport=hook.transport,
            conn_id=str(self.conn_id),
            job_timeout=self.job_timeout,
            poll_interval=self.poll_interval,
            log=self.log,
        )
        if not begins and batch.running:
            batch.take_in(waiting.ends_of_trigger(event, context["ti"]))
        while True:
            submits.submit()
            batch.conclude()
            if batch.finished:
                return self._concluded(context, batch, report)
            if submits.submittable:
                continue
            submits.check_capacity(self.quota_timeout)
            show_counts(context["ti"], batch, self.log)
            defers = self.deferrable and store.lasting
            if defers and not waiting.short:
                report.publish_meanwhile(batch)
                self._defer(waiting)
            report.noted(batch)
            batch.take_in(waiting.on_worker(bounded=defers))

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
        )
        submitter = ItemSubmitters(
            context=context,
            transport=transport,
            operation=self.operation,
            priority=int(self.priority_weight),
            on_uncertain_submit=self.on_uncertain_submit,
            job_timeout=self.job_timeout,
            input_conn_id=self.input_conn_id,
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
                request_class=self._hook_class.vendor_class.requests[self.operation],
                vendor=self.vendor,
                conn_id=cast(str, self.conn_id),
                common=cast(Mapping[str, Any] | None, self.common),
            )

    def _kept(self) -> KeptFiles | None:
        if self.destination is None:
            return None
        return KeptFiles(
            cast(str, self.destination),
            vendor=self.vendor,
            operation=self.operation,
            conn_id=cast(str, self.conn_id),
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
        if not self._tolerance.allows(counts["failed"], counts["items"]):
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
