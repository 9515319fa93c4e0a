# SPDX-License-Identifier: Apache-2.0
"""What the jobs of a batch made: fetched, kept in the user's storage, and how each item ended by it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_videoai.batches.entries import ItemEnd, ItemState, error_to_json
from airflow_provider_videoai.batches.items import Item
from airflow_provider_videoai.batches.kept import Kept, KeptFiles, place_of
from airflow_provider_videoai.batches.records import BatchRecords
from airflow_provider_videoai.jobs.errors import (
    InvalidRequest,
    JobFailed,
    JobNotFound,
    ResultUnavailable,
    StorageFailed,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.model import JobResult, JobStatus
from airflow_provider_videoai.jobs.submission.record import Phase, SubmissionRecord
from airflow_provider_videoai.jobs.values.printable import shown
from airflow_provider_videoai.tasks.airflow_failures import retry_helps

__all__ = ["Learned", "Results", "RunningJob"]

_FETCHERS = 16
"""How many results are fetched at a time; at most vendors that takes no request."""
_KEEPERS = 4
"""How many results are copied at a time: a copy holds some MB in memory."""
_STORE_DOWN = 8
"""After so many copies in a row that the user's store refused, it is not the items'."""
# What the vendor says about one job, and not about itself.
_NO_RESULT = (InvalidRequest, JobNotFound, ResultUnavailable)
_NO_COPY = (*_NO_RESULT, JobFailed, VendorUnavailable)


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A job in flight.

    :param item: whose job it is.
    :param submitted_at: epoch seconds.
    """

    item: Item
    job_id: str
    submitted_at: float


@dataclass(frozen=True, slots=True)
class Learned:
    """How one item ended, before it is written.

    :param record: the last one of its job; ``None``: as it is.
    :param result: of its job, if it has one.
    :param kept: its copy, if it has one.
    """

    item: Item
    record: SubmissionRecord | None
    end: ItemEnd
    result: JobResult | None = None
    kept: Kept | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Makes the end of an item.

    :param attempt: of the task, as Airflow counts them.
    :param records: of the batch.
    :param complete: fetches the result of a job that ended; raises ``JobFailed`` for one that failed.
    :param kept: copies results; ``None`` if they are not kept.
    :param log: the task's.
    """

    attempt: int
    records: BatchRecords
    complete: Callable[[Item, JobStatus, float | None], JobResult]
    kept: KeptFiles | None
    log: Log

    def of(self, ended: Sequence[tuple[RunningJob, JobStatus]]) -> Iterator[Learned]:
        """Fetch and keep results, several at a time; yield each as it comes.

        A copy that the user's store refused is made again when the others are. If it is refused again, though another
        one was made meanwhile, it is the item that fails: a name that is a folder, an object that is locked.

        :param ended: jobs, with their terminal statuses.
        :raises VideoAIError: if the vendor, or the user's store, is not available; then no further one is begun.
        """
        if not ended:
            return
        threads = min(_KEEPERS if self.kept else _FETCHERS, len(ended))
        refused: list[tuple[RunningJob, JobStatus]] = []
        of_items = 0  # so many of them, from the first on, were followed by a copy: then the store is there
        with ThreadPoolExecutor(threads, "videoai-results") as pool:
            futures = {pool.submit(self._of_one, *each): each for each in ended}
            try:
                for future in as_completed(futures):
                    try:
                        learned = future.result()
                    except StorageFailed:
                        refused.append(futures[future])
                        if len(refused) - of_items >= _STORE_DOWN:
                            raise
                        continue
                    of_items = of_items if learned.kept is None else len(refused)
                    yield learned
            finally:
                for future in futures:
                    future.cancel()
        for number, (running, status) in enumerate(refused):
            yield self._of_one(running, status, store_is_there=number < of_items)

    def place_of(self, item: Item) -> str | None:
        """Return what identifies the place of an item's copy; ``None`` if results are not kept.

        :param item: of the batch.
        """
        return None if self.kept is None else place_of(self.kept.path_of(item))

    def skipped(self, item: Item, kept: Kept) -> Learned:
        """Return the end of an item that an earlier batch made.

        :param kept: its copy.
        """
        end = self._end(item, ItemState.SKIPPED, kept.job_id, sha256=kept.sha256, duration_ms=kept.duration_ms)
        return Learned(item, None, end, None, kept)

    def failed(self, item: Item, error: VideoAIError, record: SubmissionRecord | None = None) -> Learned:
        """Return the end of an item that has no result, and log why.

        :param error: why.
        :param record: of its job, if that is to be written.
        """
        self.log.warning("Item %s: %s", shown(item.item_id), error.message)
        job_id = error.job_id or (record.job_id if record else None)
        end = self._end(item, ItemState.FAILED, job_id, error=error_to_json(error), final=not retry_helps(error))
        before = self.records.entry(item.item_id, item.fingerprint)
        if before is not None and before.end is not None and before.has_finished:
            end = replace(end, place=before.end.place)  # its copy is still there
        return Learned(item, record, end)

    def _of_one(self, running: RunningJob, status: JobStatus, *, store_is_there: bool = False) -> Learned:
        item = running.item
        entry = self.records.entry(item.item_id, item.fingerprint)
        record = entry.record if entry is not None and entry.record is not None else None
        record = record or SubmissionRecord(phase=Phase.SUBMITTED, job_id=running.job_id)
        try:
            result = self.complete(item, status, running.submitted_at)
        except JobFailed as failure:
            return self.failed(item, failure, record.reached(Phase.FAILED, fingerprint=item.fingerprint))
        except _NO_RESULT as failure:
            return self.failed(item, failure)
        record = record.reached(Phase.FINISHED, fingerprint=item.fingerprint, usage=result.usage)
        kept = None
        if self.kept is not None:
            try:
                kept = self.kept.keep(item, result)
            except _NO_COPY as failure:  # of this one item
                return self.failed(item, failure, record)
            except StorageFailed as failure:
                if not store_is_there:
                    raise
                return self.failed(item, failure, record)
        duration_ms = result.duration_ms if kept is None or kept.duration_ms is None else kept.duration_ms
        sha256 = None if kept is None else kept.sha256
        end = self._end(item, ItemState.SUCCEEDED, running.job_id, sha256=sha256, duration_ms=duration_ms)
        return Learned(item, record, end, result, kept)

    def _end(self, item: Item, state: ItemState, job_id: str | None, **fields: Any) -> ItemEnd:
        return ItemEnd(
            state=state,
            fingerprint=item.fingerprint,
            attempt=self.attempt,
            at=time.time(),
            job_id=job_id,
            place=self.place_of(item) if fields.get("sha256") else None,
            **fields,
        )
