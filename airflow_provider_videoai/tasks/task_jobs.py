# SPDX-License-Identifier: Apache-2.0
"""Wait on a worker, and turn the last statuses into results or typed errors."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from airflow_provider_videoai.files.lineage import report_lineage
from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.jobs.errors import (
    QuotaExceeded,
    ResultUnavailable,
    VendorUnavailable,
    VideoAIError,
    failure_of,
)
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.job_reference import JobReference
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.model import JobResult, JobState, JobStatus
from airflow_provider_videoai.jobs.polling.blocking import wait
from airflow_provider_videoai.jobs.polling.cadence import Cadence
from airflow_provider_videoai.jobs.polling.progress_log import log_result, log_status
from airflow_provider_videoai.jobs.polling.wait_errors import RAISE_JOB_TIMEOUT, Reason, error_of
from airflow_provider_videoai.jobs.polling.watch import Outcome, Watch
from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from airflow_provider_videoai.jobs.values.bounded_json import details_limit
from airflow_provider_videoai.tasks.xcom import obstacle_to, show

__all__ = ["Jobs", "completed", "job_reference_of", "returned", "watches_of"]

_TRANSIENT = retry_if_exception_type((VendorUnavailable, QuotaExceeded))
_RETRY_SECONDS = 120.0
"""Seconds for which a failing result call is retried; it costs nothing, the job is paid for."""


def watches_of(
    vendor: Vendor,
    operation: str,
    job_ids: Sequence[str],
    *,
    submitted_at: float | None,
    poll_interval: float | None,
    deadline: float | None,
) -> list[Watch]:
    """Make a watch for each job, to be polled soon. Times are epoch seconds; a job that is not ours is new.

    :param vendor: the vendor of the jobs.
    :param operation: the operation to poll them by.
    :param job_ids: one or more.
    :param submitted_at: epoch seconds; ``None`` for jobs of others.
    :param poll_interval: fixed seconds between two polls; ``None`` is adaptive.
    :param deadline: epoch seconds; ``None`` sets none.
    """
    now = time.monotonic()
    # A submit that the worker's clock puts in the future counts as one of now.
    age = 0.0 if submitted_at is None else max(0.0, time.time() - submitted_at)
    cadence = _cadence(vendor.poll_floor, poll_interval)
    return [
        Watch(
            job_id=job_id,
            operation=operation,
            submitted_at=submitted_at,
            started_at=now,
            age=age,
            deadline=deadline,
            tolerance=vendor.account.options.outage_tolerance,
            cadence=cadence,
        )
        for job_id in job_ids
    ]


@cache
def _cadence(floor: float, interval: float | None) -> Cadence:
    # Thousands of waiting jobs have the same.
    return Cadence(floor=floor, interval=interval)


def job_reference_of(
    vendor: Vendor, operation: str, conn_id: str, job_ids: Sequence[str], submitted_at: float | None
) -> JobReference:
    """Return what a task that only waits for jobs reports of them; ``operation`` is the one to poll them by.

    :param vendor: the vendor of the jobs.
    :param operation: the operation to poll them by.
    :param conn_id: the id of the account's connection.
    :param job_ids: one or more.
    :param submitted_at: epoch seconds, if known.
    """
    return JobReference(
        vendor=vendor.key,
        operation=vendor.require(operation).operation,
        polled_as=operation,
        conn_id=conn_id,
        job_ids=tuple(job_ids),
        submitted_at=submitted_at,
    )


def returned(results: Sequence[JobResult]) -> list[dict[str, Any]]:
    """Return results as XComs; raise :class:`ResultUnavailable` for what Airflow cannot carry.

    :param results: of the jobs, in the order of their ids.
    :raises ResultUnavailable: for what Airflow cannot carry.
    """
    values = [result.to_dict(details_limit(len(results))) for result in results]
    if (obstacle := obstacle_to(values)) is not None:
        raise ResultUnavailable(
            f"the job succeeded and was paid for, but Airflow cannot carry its result ({type(obstacle).__name__}: "
            f"{obstacle}). Fetch it with the vendor's hook: {results[0].operation} job {results[0].job_id}",
            job_id=results[0].job_id,
        ) from obstacle
    return values


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """The jobs of one task: ids in the user's order, all of one account and operation.

    Times are epoch seconds. ``sources`` are what was worked on, ``to_wait_longer`` is what an error advises whose
    deadline passed; ``task_instance`` is Airflow's.
    """

    hook: VideoJobHook
    operation: str
    job_ids: Sequence[str]
    log: Log
    task_instance: Any = field(repr=False)
    submitted_at: float | None = None
    poll_interval: float | None = None
    deadline: float | None = field(default=None)
    to_wait_longer: str = RAISE_JOB_TIMEOUT
    sources: Sequence[str | None] = ()

    def reference(self) -> JobReference:
        """Return what a task that only waits for the jobs reports of them."""
        return job_reference_of(
            self.hook.transport.vendor, self.operation, self.hook.conn_id, self.job_ids, self.submitted_at
        )

    def watches(self, *, poll_at_once: bool = False) -> list[Watch]:
        """Make a watch for each job; the first poll is due soon, or at once.

        :param poll_at_once: whether the first poll is due at once, as for a job of an earlier attempt.
        """
        watches = watches_of(
            self.hook.transport.vendor,
            self.operation,
            self.job_ids,
            submitted_at=self.submitted_at,
            poll_interval=self.poll_interval,
            deadline=self.deadline,
        )
        for watch in watches if poll_at_once else ():
            watch.due_at = watch.started_at
        return watches

    def wait(self, *, poll_at_once: bool = False) -> list[JobResult]:
        """Block until all jobs ended, then return their results; raise the typed error of one that has none.

        :param poll_at_once: see :meth:`watches`.
        :returns: the results, in the order of the ids.
        :raises VideoAIError: of the first job that has no result.
        """
        watches = self.watches(poll_at_once=poll_at_once)
        wait(self.hook.transport, watches, self.log_status)
        return self.results(watches)

    def log_status(self, watch: Watch) -> None:
        """Log the last status of a job if it is news.

        :param watch: the watch of the job.
        """
        log_status(self.log, watch, self.hook.vendor_class.known_states, time.monotonic())

    def results(self, watches: Sequence[Watch]) -> list[JobResult]:
        """Return the results of jobs whose waiting on this worker is over, or raise the first error.

        :param watches: all of them over.
        :returns: the results, in the order of the ids.
        :raises VideoAIError: of the first job that has no result.
        """
        # Before any error: the page judges how a job ended by this XCom alone, not by the state of the task.
        self.show_end([watch.status for watch in watches])
        for watch in watches:
            if watch.outcome is not Outcome.ENDED:
                raise self.error_of(watch.outcome or Outcome.UNAVAILABLE, watch.job_id, Reason.of_watch(watch))
        return self.completed([watch.status for watch in watches if watch.status is not None])

    def show_end(self, statuses: Sequence[JobStatus | None]) -> None:
        """Push XCom ``status``, the last status of each job, as the triggerer does if that waits.

        :param statuses: in the order of the ids; ``None`` for a job that was not seen.
        """
        most = details_limit(len(statuses))
        seen = [status.to_json(most) if status else None for status in statuses]
        show(self.task_instance, "status", {"observed_at": time.time(), "jobs": seen}, self.log)

    def error_of(self, outcome: Outcome, job_id: str, reason: Reason) -> VideoAIError:
        """Return the typed error of a wait that ended without a terminal state.

        :param outcome: how the wait ended.
        :param job_id: the job.
        :param reason: what is known of the cause.
        """
        title = self.hook.vendor_class.title
        return error_of(outcome, job_id=job_id, title=title, reason=reason, to_wait_longer=self.to_wait_longer)

    def check_deadline(self, status: JobStatus) -> None:
        """Raise ``JobTimedOut`` if the deadline has passed for a job that the vendor just said goes on.

        :param status: the status, just observed.
        :raises JobTimedOut: if the deadline has passed.
        """
        # Checked before a deferral: a retry after the deadline would only defer in order to time out again.
        if self.deadline is not None and time.time() >= self.deadline:
            raise self.error_of(Outcome.TIMED_OUT, status.job_id, Reason(said=status.describe()))

    def completed(self, statuses: Sequence[JobStatus]) -> list[JobResult]:
        """Turn terminal statuses into results; raise :class:`JobFailed` for the first that failed.

        :param statuses: terminal ones, in the order of the ids.
        :returns: the results in that order, with URLs as they are now.
        :raises JobFailed: for the first that failed or was aborted.
        """
        for status in statuses:
            if status.state is not JobState.SUCCEEDED:
                raise failure_of(status, self.hook.vendor_class.title)
        results = [completed(self.hook.transport, status, self.operation, self.submitted_at) for status in statuses]
        for result in results:
            log_result(self.log, result)
        report_lineage(self.hook, inputs=self.sources, outputs=[result.media_url for result in results])
        return results


def completed(transport: Transport, status: JobStatus, operation: str, submitted_at: float | None) -> JobResult:
    """Make a job's result of its last status, on a worker; transient errors are retried for two minutes.

    :param transport: of the account.
    :param status: a terminal one.
    :param operation: the operation that the job is polled by.
    :param submitted_at: epoch seconds, if known.
    :raises JobFailed: if the job failed or was aborted.
    :raises VideoAIError: if its result cannot be fetched.
    """
    for attempt in Retrying(
        retry=_TRANSIENT,
        stop=stop_after_delay(_RETRY_SECONDS),
        wait=wait_random_exponential(max=30),
        reraise=True,
    ):
        with attempt:
            return transport.run(VideoJobHook.completed(transport.vendor, status, operation, submitted_at))
    raise AssertionError("tenacity returns or raises")
