# SPDX-License-Identifier: Apache-2.0
"""Wait for jobs of a batch: what is waited for, and the wait on a worker. In the triggerer it is the trigger's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from airflow_provider_videoai.batches.batch import Batch
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.triggers.batch import BatchWait
from airflow_provider_videoai.triggers.batch_event import JobEnd, ends_of

if TYPE_CHECKING:
    from airflow_provider_videoai.jobs.polling.watch import Watch

__all__ = ["wait_of", "wait_on_worker"]


def wait_of(
    batch: Batch,
    *,
    vendor: str,
    conn_id: str,
    job_timeout: float,
    poll_interval: float | None,
    left: int,
    until: float | None,
) -> BatchWait:
    """Return what a batch waits for now; see :class:`BatchWait` for the parameters.

    :param batch: with the jobs in flight.
    """
    counts, jobs = batch.counts(), list(batch.running.values())
    operations = [job.item.request.polled_as for job in jobs]
    return BatchWait(
        vendor=vendor,
        conn_id=conn_id,
        job_ids=" ".join(job.job_id for job in jobs),
        operations=operations[0] if len(set(operations)) == 1 else " ".join(operations),
        submitted_at=" ".join(f"{job.submitted_at:.0f}" for job in jobs),
        job_timeout=job_timeout,
        poll_interval=poll_interval,
        left=left,
        until=until,
        items=counts["items"],
        succeeded=counts["succeeded"],
        failed=counts["failed"],
        skipped=counts["skipped"],
    )


def wait_on_worker(transport: Transport, wanted: BatchWait, log: Log) -> list[JobEnd]:
    """Block until few enough jobs are in flight, or a time has come; return how jobs ended.

    :param transport: of the account.
    :param wanted: what is waited for.
    :param log: the task's.
    """
    # Imported here: parsing a DAG file needs none of it.
    from airflow_provider_videoai.jobs.http.blocking_runner import run
    from airflow_provider_videoai.jobs.polling.account_session import AccountSession
    from airflow_provider_videoai.jobs.polling.progress_log import log_status
    from airflow_provider_videoai.jobs.polling.some_end import wait_for_some
    from airflow_provider_videoai.triggers.batch_waiting import batch_watches

    watches = batch_watches(transport.vendor, wanted)

    def saw(watch: Watch) -> None:
        if watch.error is not None:
            log_status(log, watch, transport.vendor.known_states, time.monotonic())

    async def wait() -> None:
        async with AccountSession(transport) as poller:
            await wait_for_some(poller, watches, saw, left=wanted.left, until=wanted.until)

    run(wait())
    return ends_of(watches)
