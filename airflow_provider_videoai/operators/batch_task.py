# SPDX-License-Identifier: Apache-2.0
"""The life of a batch's task: what each of its workers does, from the first to the one that ends it."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any, NoReturn

from airflow.sdk import AssetAlias, Context

from airflow_provider_videoai.airflow_compat import TaskDeferralError, TaskDeferralTimeout
from airflow_provider_videoai.batches.arguments import BatchArguments
from airflow_provider_videoai.batches.batch_reference import (
    BatchReference,
    show_counts,
    show_reference,
    shown_if_refused,
)
from airflow_provider_videoai.batches.failures import batch_failed
from airflow_provider_videoai.batches.items import Item
from airflow_provider_videoai.batches.manifest_place import check_manifest
from airflow_provider_videoai.batches.pause import Pause
from airflow_provider_videoai.batches.preparation import prepared
from airflow_provider_videoai.batches.run import BatchRun
from airflow_provider_videoai.batches.submits import Submits
from airflow_provider_videoai.batches.tolerance import Tolerance
from airflow_provider_videoai.jobs.errors import InvalidRequest, VideoAIError
from airflow_provider_videoai.jobs.polling.progress_log import log_long_interval
from airflow_provider_videoai.jobs.polling.wait_errors import GOES_ON, Reason
from airflow_provider_videoai.jobs.polling.watch import Outcome
from airflow_provider_videoai.jobs.values.printable import shortened
from airflow_provider_videoai.tasks.airflow_failures import airflow_boundary
from airflow_provider_videoai.tasks.connection_fields import KeepsConnection, connection_in, optional_connection_in
from airflow_provider_videoai.tasks.origins import explained
from airflow_provider_videoai.tasks.own_task import check_own_task
from airflow_provider_videoai.transfers.outlets import report_outlets
from airflow_provider_videoai.triggers.batch import VideoBatchTrigger
from airflow_provider_videoai.triggers.event import outcome_of

__all__ = ["BatchTask"]

_BACKSTOP = timedelta(minutes=10)
_BOUGHT_BEFORE = (
    f"That is of this attempt: each job that this task bought before, and that has not ended, {GOES_ON}; mend it and "
    "clear the task, which attaches to them."
)


class BatchTask(KeepsConnection):
    """Base of :class:`~airflow_provider_videoai.operators.batch.VideoBatchOperator`, which takes the arguments.

    Every worker does the same, first or not: read the arguments and the records, submit what may be in flight, take in
    what ended; then it defers, or all items have ended.
    """

    vendor: str
    operation: str
    # What on_kill may speak of; it runs in the middle of anything.
    _submits: Submits | None = None

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

    # -- one worker ------------------------------------------------------------------------------------------------

    def _run(self, context: Context, *, begins: bool, event: Any = None, pause: Pause | None = None) -> dict[str, Any]:
        about = {"vendor": self.vendor, "operation": self.operation, "conn_id": str(self.conn_id)}
        # Later it has begun, and the page lists it as it was.
        try:
            with shown_if_refused(context["ti"], self.log, **about) if begins else nullcontext():
                given = self._given()
                self._check_came()
                check_manifest(self, context["ti"], given.manifest, given.requests)
                run = prepared(given, self._items(given), self, context, begins=begins, pause=pause)
        except VideoAIError as refused:
            if not begins or context["ti"].try_number > 1:
                refused.add(_BOUGHT_BEFORE)
            raise
        self._submits = run.submits
        self._show_begin(context, given, run, begins=begins)
        if not run.go_on(event, begins=begins):
            self._defer(given, run)
        return self._concluded(context, given, run)

    def _given(self) -> BatchArguments:
        conn_id, input_conn_id = connection_in(self, "conn_id"), optional_connection_in(self, "input_conn_id")
        return replace(BatchArguments.of(self), conn_id=conn_id, input_conn_id=input_conn_id)

    def _items(self, given: BatchArguments) -> list[Item]:
        with explained(self.empty_origins):
            return given.items()

    def _check_came(self) -> None:
        """Refuse an argument that another task was to give and did not: without it results would not be kept."""
        with explained(self.empty_origins):
            for name in ("common", "destination", "manifest"):
                if getattr(self, name) is None and any(field == name for field, _ in self.empty_origins):
                    raise InvalidRequest(f"{name}: came empty; nothing was sent, nothing was bought")

    def _show_begin(self, context: Context, given: BatchArguments, run: BatchRun, *, begins: bool) -> None:
        counts = run.batch.counts()
        if begins:
            reference = BatchReference.of(given.vendor, given.operation, given.conn_id, run.submits, given.manifest)
            show_reference(context["ti"], reference, self.log)
            show_counts(context["ti"], run.batch, self.log)
            log_long_interval(self.log, given.poll_interval)
        self.operator_extra_links = ()  # Airflow writes links when a worker ends; this one is written
        said = "Batch of %d %s items: %d to submit, %d in flight, %d ended"
        ended = len(run.batch.ended)
        self.log.info(said, counts["items"], given.operation, counts["queued"], counts["running"], ended)

    def _defer(self, given: BatchArguments, run: BatchRun) -> NoReturn:
        running = run.batch.running
        latest = max((job.submitted_at for job in running.values()), default=time.time())
        said = "%d jobs are in flight, %d items are queued: waiting in the triggerer"
        self.log.info(said, len(running), len(run.batch.waiting))
        self.defer(
            trigger=VideoBatchTrigger(**asdict(run.waiting.wanted())),
            method_name="go_on",
            kwargs={"pause": run.submits.pause.to_json(), **self._kept_connection()},
            # Later than any job's deadline, which the trigger sees to by itself.
            timeout=timedelta(seconds=max(0.0, latest + given.job_timeout - time.time())) + _BACKSTOP,
        )

    def _concluded(self, context: Context, given: BatchArguments, run: BatchRun) -> dict[str, Any]:
        show_counts(context["ti"], run.batch, self.log)
        run.report.publish(run.batch)
        summary = {
            "vendor": given.vendor,
            "operation": given.operation,
            **run.batch.summary(),
            "manifest": given.manifest,
        }
        if not Tolerance.read(given.tolerate).allows(summary["failed"], summary["total"]):
            raise batch_failed(run.batch, given.tolerate)
        # An alias gets an asset of the manifest, and without one nothing.
        outlets = [each for each in self.outlets if given.manifest is not None or not isinstance(each, AssetAlias)]
        report_outlets(outlets, context["outlet_events"], [summary | {"path": given.manifest}], None)
        return summary

    def _broke_off(self, why: str, cause: Exception | None = None) -> NoReturn:
        raise VideoAIError(
            f"The wait in the triggerer broke off: {shortened(why)}. Each job in flight {GOES_ON}; a retry attaches to "
            "them"
        ) from cause
