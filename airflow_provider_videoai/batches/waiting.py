# SPDX-License-Identifier: Apache-2.0
"""Wait for jobs of a batch: what the trigger waits for, and the wait on a worker."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_videoai.batches.arguments import BatchArguments
from airflow_provider_videoai.batches.batch import Batch
from airflow_provider_videoai.batches.submits import Submits
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.triggers import batch as trigger
from airflow_provider_videoai.triggers.batch import BatchWait
from airflow_provider_videoai.triggers.batch_event import JobEnd, ended_in_trigger, ends_of

if TYPE_CHECKING:
    from airflow_provider_videoai.jobs.polling.watch import Watch

__all__ = ["Waiting"]

_LOOK_AGAIN = 60.0
"""Seconds for which a worker polls what a trigger said nothing about."""


@dataclass(slots=True, kw_only=True)
class Waiting:
    """The waits of one worker for the jobs of a batch.

    :param given: the arguments of the batch.
    :param batch: with the jobs in flight.
    :param submits: which say when a worker is to submit again.
    :param transport: of the account.
    :param log: the task's.
    """

    given: BatchArguments
    batch: Batch
    submits: Submits
    transport: Transport
    log: Log
    short: bool = field(default=False, init=False)
    """Whether jobs ended so soon, the last time, that this worker waits for the next ones itself."""

    # A deferral lasts that long at least, and then another worker is started, which takes some seconds of CPU time: to
    # wait here for half as long occupies a worker's slot no longer than that.
    @property
    def _short_seconds(self) -> float:
        return trigger.LEAST_DEFERRAL / 2

    def wanted(self) -> BatchWait:
        """Return what the batch waits for now."""
        return self._wanted(self.batch.left, self.submits.until)

    def on_worker(self, *, bounded: bool) -> list[JobEnd]:
        """Block until few enough jobs are in flight, or it is time to submit again; return how jobs ended.

        :param bounded: wait for some seconds only: for jobs that end soon.
        """
        if not bounded:
            return self._wait(self.wanted())
        left, until = self.batch.left, time.time() + self._short_seconds
        resumes = self.submits.until
        ends = self._wait(self._wanted(left, until if resumes is None else min(until, resumes)))
        self.short = bool(ends) and len(self.batch.running) - len(ends) <= left
        return ends

    def for_ended(self, jobs: int) -> list[JobEnd]:
        """Block until so many jobs in flight have ended, and return how. For those of which it is known.

        :param jobs: how many.
        """
        return self._wait(self._wanted(len(self.batch.running) - jobs, None))

    def ends_of_trigger(self, event: Any, task_instance: Any) -> list[JobEnd]:
        """Return how jobs ended that the trigger waited for; what it did not say, the vendor is queried for.

        :param event: the trigger's; ``None`` if there is none.
        :param task_instance: the running one.
        """
        running = self.batch.running
        seen = ended_in_trigger(event, task_instance, running, self.log)
        if seen is None:
            return self._wait(self._wanted(len(running) - 1, time.time() + _LOOK_AGAIN))
        submitted_at = max(job.submitted_at for job in running.values())
        enough = len(running) - len(seen) <= self.batch.left
        # Twice as long: it was seconds until the triggerer began.
        self.short = enough and float(event["at"]) - submitted_at < 2 * self._short_seconds
        return seen

    def _wanted(self, left: int, until: float | None) -> BatchWait:
        counts, jobs = self.batch.counts(), list(self.batch.running.values())
        operations = [job.item.request.polled_as for job in jobs]
        return BatchWait(
            vendor=self.transport.vendor.key,
            conn_id=self.given.conn_id,
            job_ids=" ".join(job.job_id for job in jobs),
            operations=operations[0] if len(set(operations)) == 1 else " ".join(operations),
            submitted_at=" ".join(f"{job.submitted_at:.0f}" for job in jobs),
            job_timeout=self.given.job_timeout,
            poll_interval=self.given.poll_interval,
            left=left,
            until=until,
            items=counts["items"],
            succeeded=counts["succeeded"],
            failed=counts["failed"],
            skipped=counts["skipped"],
        )

    def _wait(self, wanted: BatchWait) -> list[JobEnd]:
        # Imported here: parsing a DAG file needs none of it.
        from airflow_provider_videoai.jobs.http.blocking_runner import run
        from airflow_provider_videoai.jobs.polling.account_session import AccountSession
        from airflow_provider_videoai.jobs.polling.progress_log import log_status
        from airflow_provider_videoai.jobs.polling.some_end import wait_for_some
        from airflow_provider_videoai.triggers.batch_waiting import batch_watches

        watches = batch_watches(self.transport.vendor, wanted)

        def saw(watch: Watch) -> None:
            if watch.error is not None:
                log_status(self.log, watch, self.transport.vendor.known_states, time.monotonic())

        async def wait() -> None:
            async with AccountSession(self.transport) as poller:
                await wait_for_some(poller, watches, saw, left=wanted.left, until=wanted.until)

        run(wait())
        return ends_of(watches)
