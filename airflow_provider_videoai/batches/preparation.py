# SPDX-License-Identifier: Apache-2.0
"""Make what a worker runs of a batch's arguments: all is checked and read, and nothing is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from airflow.sdk import BaseOperator, Context

from airflow_provider_videoai.batches.arguments import BatchArguments
from airflow_provider_videoai.batches.batch import Batch
from airflow_provider_videoai.batches.failures import forgotten
from airflow_provider_videoai.batches.item_submitters import ItemSubmitters
from airflow_provider_videoai.batches.items import Item
from airflow_provider_videoai.batches.kept import KeptFiles
from airflow_provider_videoai.batches.lease_renewal import LeaseRenewal
from airflow_provider_videoai.batches.manifest import Manifest
from airflow_provider_videoai.batches.pause import Pause
from airflow_provider_videoai.batches.records import BatchRecords
from airflow_provider_videoai.batches.report import BatchReport
from airflow_provider_videoai.batches.results import Results
from airflow_provider_videoai.batches.run import BatchRun
from airflow_provider_videoai.batches.submits import Submits
from airflow_provider_videoai.batches.waiting import Waiting
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.model import JobResult, JobStatus
from airflow_provider_videoai.jobs.polling.wait_errors import GOES_ON
from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from airflow_provider_videoai.jobs.values.printable import shown
from airflow_provider_videoai.tasks.earlier_attempts import may_be_forgotten
from airflow_provider_videoai.tasks.task_jobs import completed
from airflow_provider_videoai.tasks.task_state import store_of
from airflow_provider_videoai.transfers.media import MAX_BYTES
from airflow_provider_videoai.transfers.outlets import check_outlets

__all__ = ["prepared"]

_MAX_IN_FLIGHT = 100
"""How many jobs of a batch are in flight at a vendor that documents no number."""
_GONE = (
    "%d jobs that this task bought, or may have, are of rows that are not among the requests any more, or were changed "
    f"(%s%s): each {GOES_ON}, and nobody fetches what it makes. Put the rows back and clear the task to have it."
)
_SHOWN = 10
_OTHER_ROWS = (
    "requests: {:,} of {:,} rows whose jobs this attempt submitted, or saw end, are gone, or are other requests than "
    "when it began to wait ({}{}): a template was rendered otherwise, or a file was written again. Nothing more was "
    "submitted, since each worker of the attempt might buy them again. Rows that differ are bought when the task is "
    "cleared."
)


def prepared(
    given: BatchArguments,
    items: Sequence[Item],
    task: BaseOperator,
    context: Context,
    *,
    begins: bool,
    pause: Pause | None,
) -> BatchRun:
    """Return one worker's part of a batch.

    :param given: the batch's arguments.
    :param items: its requests.
    :param task: its operator, as it runs.
    :param context: Airflow's, of the running task.
    :param begins: whether this is the first worker of the attempt.
    :param pause: of the submits, if the last worker left one.
    :raises VideoAIError: for whatever would keep the batch from its end, before anything is bought.
    """
    kept = _kept_files(given, items, task, context)
    manifest = None if given.manifest is None else Manifest(given.manifest, task.log)
    if begins:
        _check_stores(items, kept, manifest)
    check_outlets(task.outlets, [] if given.manifest is None else [given.manifest])
    store = store_of(context, task.log)
    records = BatchRecords(store)
    if not records.stored and given.on_uncertain_submit != "resubmit" and may_be_forgotten(context):
        raise forgotten()
    report = BatchReport(manifest, kept, task.log, known=bool(records))
    transport = given.hook_class(given.conn_id).transport
    results = Results(
        attempt=context["ti"].try_number,
        records=records,
        complete=_completing(transport),
        kept=kept,
        log=task.log,
    )
    batch = Batch(
        items=items,
        records=records,
        results=results,
        title=transport.vendor.title,
        report=report,
        retries_failed=given.on_failed == "retry",
        # Of VideoAIRetryPolicy, if the task has one; Airflow before 3.3 has no policies at all.
        paid_retries=getattr(getattr(task, "retry_policy", None), "paid_retries", None),
        leases=LeaseRenewal(transport) if transport.vendor.limits_jobs_in_flight else None,
    )
    batch.begin()
    if begins:
        records.set_gone(records.beside(batch.requests))
    elif lost := batch.lost():
        # A template that is never rendered alike would have each worker buy all rows, without an end.
        named = ", ".join(map(shown, lost[:_SHOWN]))
        more = ", ..." if len(lost) > _SHOWN else ""
        raise InvalidRequest(_OTHER_ROWS.format(len(lost), len(batch.known | set(lost)), named, more))
    submits = Submits(
        batch=batch,
        submitter=ItemSubmitters(
            given=given,
            context=context,
            transport=transport,
            task=task,
            paid_retries=batch.paid_retries if batch.retries_failed else 0,
        ),
        max_in_flight=given.max_in_flight or _most_in_flight(transport.vendor, given.operation),
        skip_existing=given.skip_existing,
        pause=Pause() if pause is None else pause,
    )
    if begins and (gone := records.in_flight_beside(batch.requests)):
        task.log.warning(_GONE, len(gone), ", ".join(gone[:_SHOWN]), ", ..." if len(gone) > _SHOWN else "")
    return BatchRun(
        batch=batch,
        submits=submits,
        waiting=Waiting(given=given, batch=batch, submits=submits, transport=transport, log=task.log),
        report=report,
        task_instance=context["ti"],
        quota_timeout=given.quota_timeout,
        defers=given.deferrable and store.lasting,
        log=task.log,
    )


def _kept_files(given: BatchArguments, items: Sequence[Item], task: BaseOperator, context: Context) -> KeptFiles | None:
    if given.destination is None:
        return None
    instance = context["ti"]
    kept = KeptFiles(
        given.destination,
        vendor=given.vendor,
        operation=given.operation,
        conn_id=given.conn_id,
        task=f"{instance.dag_id}\n{instance.task_id}\n{instance.map_index}",
        overwrite=given.overwrite,
        verify=given.verify,
        max_bytes=MAX_BYTES,
        log=task.log,
    )
    for item in items:  # all of them, before anything is bought
        kept.path_of(item)
    return kept


def _check_stores(items: Sequence[Item], kept: KeptFiles | None, manifest: Manifest | None) -> None:
    """Report a store whose package or connection is missing before anything is bought: what is kept comes after it."""
    if kept is not None:
        for item in items:  # their store is one, but not every name may be in it
            kept.check_store(item)
        kept.check_connection(items[0])
    if manifest is not None:
        manifest.check_store()


def _completing(transport: Transport) -> Callable[[Item, JobStatus, float | None], JobResult]:
    def complete(item: Item, status: JobStatus, submitted_at: float | None) -> JobResult:
        return completed(transport, status, item.request.polled_as, submitted_at)

    return complete


def _most_in_flight(vendor: Vendor, operation: str) -> int:
    limit = vendor.in_flight_limit(operation)
    return _MAX_IN_FLIGHT if limit is None else limit[1]
