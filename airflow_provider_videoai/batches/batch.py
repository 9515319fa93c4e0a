# SPDX-License-Identifier: Apache-2.0
"""Carry out a batch on a worker: submit what may be in flight, take in what ended, keep results.

====================  =======================================  ==========================================
step                  where                                    what it costs
====================  =======================================  ==========================================
submit                several threads, each by a ``Submitter``  a job each, and a record before and after
wait                  the triggerer, or this worker            polls
take in what ended    several threads, each with one result    a copy each, if results are kept
====================  =======================================  ==========================================

What a worker learned is written before it lets go of the task: whoever comes after it begins from the records.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from airflow_provider_videoai.batches.entries import ItemEnd, ItemState, NextStep, next_step
from airflow_provider_videoai.batches.items import Item
from airflow_provider_videoai.batches.kept import Kept
from airflow_provider_videoai.batches.pause import Pause
from airflow_provider_videoai.batches.records import BatchRecords
from airflow_provider_videoai.batches.results import Learned, Results, RunningJob
from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    InvalidRequest,
    JobFailed,
    QuotaExceeded,
    ResultUnavailable,
    SubmitRejected,
    SubmitUncertain,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.model import JobResult, JobStatus
from airflow_provider_videoai.jobs.polling.wait_errors import error_of
from airflow_provider_videoai.jobs.polling.watch import Outcome
from airflow_provider_videoai.jobs.submission.record_store import Store
from airflow_provider_videoai.jobs.submission.submitter import Submitter
from airflow_provider_videoai.jobs.values.printable import shown
from airflow_provider_videoai.triggers.batch_event import JobEnd

__all__ = ["SUBMITTERS", "Batch", "Report"]

SUBMITTERS = 16
"""How many submits are in flight at a time; more would only wait for a vendor's rate limit."""
_FEW = 8
"""So many results are not worth a worker's start of their own."""
_FLUSH = 10.0
"""Seconds after which ends that were learned are written, while others are still being learned."""
_SETTLES = 2
"""How often an attempt submits an item again after a lost answer that the vendor can be queried about."""


class Report(Protocol):
    """Shows how far a batch is."""

    def ended(self, item: Item, end: ItemEnd, result: JobResult | None, kept: Kept | None) -> None:
        """Take in how an item ended on this worker."""

    def noted(self, batch: Batch) -> None:
        """Take in that ends were written, while others are still being learned."""


@dataclass(slots=True, kw_only=True)
class Batch:
    """The items of a batch, and how far each is. One per worker.

    :param items: all of them, in the user's order.
    :param records: of the task.
    :param submitter: makes what obtains an item's job.
    :param results: fetches, and keeps, what jobs made.
    :param max_in_flight: how many jobs may be in flight.
    :param skip_existing: look for a copy before a job is bought.
    :param title: the vendor's name, for messages.
    :param pause: of the submits; it outlives a deferral.
    :param report: gets how items ended on this worker, from any thread.
    """

    items: Sequence[Item]
    records: BatchRecords
    submitter: Callable[[Item, Store], Submitter]
    results: Results
    max_in_flight: int
    skip_existing: bool
    title: str
    pause: Pause
    report: Report
    running: dict[str, RunningJob] = field(default_factory=dict, init=False)
    """By the vendor's id of the job."""
    ended: dict[str, ItemEnd] = field(default_factory=dict, init=False)
    """By the item's id."""
    refusal: QuotaExceeded | VendorUnavailable | None = field(default=None, init=False)
    """Why the last submit that found no capacity was refused."""
    _waiting: deque[Item] = field(default_factory=deque, init=False)
    _obtaining: dict[int, Submitter | None] = field(default_factory=dict, init=False)
    # By thread, not by item: one that is to be submitted again may be another thread's before this one lets go of it.
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _stopped: bool = field(default=False, init=False)
    _settled: Counter[str] = field(default_factory=Counter, init=False)
    _terminal: list[tuple[RunningJob, JobStatus]] = field(default_factory=list, init=False)

    # -- how far it is -----------------------------------------------------------------------------------------

    def begin(self, *, retries_failed: bool, paid_retries: int | None) -> None:
        """Sort the items by what the records say of them; nothing is sent.

        :param retries_failed: whether an attempt tries again what failed in the one before.
        :param paid_retries: how many jobs may be bought in place of one that failed; ``None`` sets no limit.
        """
        for item in self.items:
            entry = self.records.entry(item.item_id)
            step = next_step(
                entry,
                item,
                attempt=self.results.attempt,
                retries_failed=retries_failed,
                paid_retries=paid_retries,
                keeps=self.results.kept is not None,
            )
            if step is NextStep.NOTHING and entry is not None and entry.end is not None:
                self.ended[item.item_id] = entry.end
            elif step is NextStep.WAIT and entry is not None and entry.record is not None:
                # A record that a person wrote has no time: the job counts as one of now.
                self._runs(RunningJob(item, str(entry.record.job_id), entry.record.submitted_at or time.time()))
            else:
                self._waiting.append(item)

    @property
    def waiting(self) -> int:
        """How many items have no job yet."""
        return len(self._waiting)

    @property
    def left(self) -> int:
        """How many jobs may still be in flight when a worker is to go on."""
        # Half of them, so that the starts of workers grow with items / max_in_flight and the vendor has work meanwhile.
        # Results that are kept are not left to the end, since their URLs expire.
        running = len(self.running)
        return running // 2 if self._waiting or (self.results.kept is not None and running > _FEW) else 0

    @property
    def finished(self) -> bool:
        """Whether all items have ended."""
        return len(self.ended) == len(self.items)

    @property
    def until(self) -> float | None:
        """When a worker is to go on in any case, to submit again, in epoch seconds."""
        return self.pause.until if self._waiting and self.pause.lasts else None

    def counts(self) -> dict[str, int]:
        """Return how many items there are, and how many in each state."""
        states = Counter(end.state for end in self.ended.values())
        return {
            "items": len(self.items),
            "queued": len(self.items) - len(self.running) - len(self.ended),
            "running": len(self.running),
            **{state.value: states[state] for state in ItemState},
        }

    def cut_short(self) -> list[str]:
        """Return what is known of submits that are in flight, for a task that is being stopped."""
        said = (submitter.cut_short() for submitter in list(self._obtaining.values()) if submitter is not None)
        return [each for each in said if each]

    def stop(self) -> None:
        """Submit nothing more; what is being submitted goes on."""
        self._stopped = True

    # -- submitting --------------------------------------------------------------------------------------------

    def submit(self) -> None:
        """Submit until so many jobs are in flight as may be, nothing is left, or the vendor has no capacity.

        :raises AuthenticationFailed: if the vendor refuses the credentials.
        :raises VideoAIError: if a record cannot be read or written, or an earlier copy cannot be looked for.
        """
        # Again, if items of a round ended without a job in flight.
        while threads := self.submittable:
            with ThreadPoolExecutor(threads, "videoai-submit") as pool:
                for future in [pool.submit(self._submit_on) for _ in range(threads)]:
                    future.result()

    @property
    def submittable(self) -> int:
        """How many threads have something to submit now."""
        if self._stopped or self.pause.lasts:
            return 0
        free = self.max_in_flight - len(self.running) - len(self._terminal)
        return max(0, min(SUBMITTERS, len(self._waiting), free))

    def _submit_on(self) -> None:
        try:
            while (item := self._next()) is not None:
                self._obtain(item)
        except BaseException:
            self._stopped = True  # the other threads' submits are not worth more than this error
            raise

    def _next(self) -> Item | None:
        with self._lock:
            in_flight = len(self.running) + len(self._terminal) + len(self._obtaining)
            if self._stopped or self.pause.lasts or not self._waiting or in_flight >= self.max_in_flight:
                return None
            item = self._waiting.popleft()
            self._obtaining[threading.get_ident()] = None
            return item

    def _obtain(self, item: Item) -> None:
        try:
            if not self._skipped(item):
                self._submit_one(item)
        finally:
            del self._obtaining[threading.get_ident()]

    def _skipped(self, item: Item) -> bool:
        """Look for an earlier copy, if nothing was bought for the item yet."""
        entry = self.records.entry(item.item_id)
        kept_files = self.results.kept
        if kept_files is None or not self.skip_existing or (entry is not None and (entry.record or entry.unreadable)):
            return False
        kept = kept_files.find(item)
        if kept is None:
            return False
        self._note([self.results.skipped(item, kept)])
        return True

    def _submit_one(self, item: Item) -> None:
        submitter = self.submitter(item, self.records.store_for(item.item_id))
        self._obtaining[threading.get_ident()] = submitter
        try:
            job = submitter.obtain(item.request)
        except AuthenticationFailed:
            raise
        except (QuotaExceeded, VendorUnavailable) as refusal:
            self.refusal = refusal
            self.pause.refused(refusal)  # first, or another thread would take the item at once
            self._again(item)
        except SubmitUncertain as uncertain:
            if uncertain.retry_helps and self._settled[item.item_id] < _SETTLES and submitter.settles:
                self._settled[item.item_id] += 1
                self._again(item)
            else:
                self._failed(item, uncertain)
        except (InvalidRequest, SubmitRejected, JobFailed) as refused:
            self._failed(item, refused)
        else:
            self.pause.accepted()
            running = RunningJob(item, job.job_id, job.submitted_at)
            if job.status is not None and job.status.state.terminal:
                self._terminal.append((running, job.status))
            else:
                self._runs(running)

    def _runs(self, job: RunningJob) -> None:
        with self._lock:
            known = self.running.setdefault(job.job_id, job)
        if known is not job:
            # A person's mistake, or a vendor's: each item has a result of its own, or none.
            whose = f"its job {shown(job.job_id)} is that of {shown(known.item.item_id)}"
            self._failed(job.item, InvalidRequest(whose))

    def _again(self, item: Item) -> None:
        with self._lock:
            self._waiting.appendleft(item)

    def _failed(self, item: Item, error: VideoAIError) -> None:
        self._note([self.results.failed(item, error)])

    # -- taking in what ended ----------------------------------------------------------------------------------

    def take_in(self, ends: Iterable[JobEnd]) -> None:
        """Take in how jobs ended: fetch and keep results, and write all that was learned.

        :param ends: of jobs in flight; others are left out.
        :raises VideoAIError: if the vendor, or the user's store, is not available; the jobs are attached to later.
        """
        failed: list[Learned] = []
        interrupted: VideoAIError | None = None
        for end in ends:
            running = self.running.get(end.job_id)
            if running is None:
                continue
            if end.status is not None:
                self._terminal.append((self.running.pop(end.job_id), end.status))
                continue
            error = error_of(end.outcome, job_id=end.job_id, title=self.title, reason=end.reason)
            if end.outcome in (Outcome.TIMED_OUT, Outcome.NOT_FOUND) or isinstance(error, _OF_ONE_JOB):
                del self.running[end.job_id]
                failed.append(self.results.failed(running.item, error))
            else:
                interrupted = error
        self._note(failed)
        self.conclude()
        if interrupted is not None:
            raise interrupted

    def conclude(self) -> None:
        """Fetch and keep the results of jobs that ended, several at a time.

        :raises VideoAIError: as :meth:`take_in`.
        """
        terminal, self._terminal = self._terminal, []
        learned: list[Learned] = []
        written_at = time.monotonic()
        try:
            for each in self.results.of(terminal):
                learned.append(each)
                if time.monotonic() - written_at > _FLUSH:
                    self._note(learned)
                    learned, written_at = [], time.monotonic()
                    self.report.noted(self)
        finally:
            self._note(learned)

    def _note(self, learned: Sequence[Learned]) -> None:
        self.records.end([(each.item.item_id, each.record, each.end) for each in learned])
        for each in learned:
            with self._lock:
                self.ended[each.item.item_id] = each.end
            self.report.ended(each.item, each.end, each.result, each.kept)


_OF_ONE_JOB = (InvalidRequest, ResultUnavailable)
