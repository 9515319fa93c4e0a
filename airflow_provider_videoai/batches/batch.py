# SPDX-License-Identifier: Apache-2.0
"""The items of a batch on a worker: how far each is, and what became of those that ended.

====================  ========================================  ==========================================
step                  where                                     what it costs
====================  ========================================  ==========================================
submit                several threads, each by a ``Submitter``  a job each, and a record before and after
wait                  the triggerer, or this worker             polls
take in what ended    several threads, each with one result     a copy each, if results are kept
====================  ========================================  ==========================================

What a worker learned is written before it lets go of the task: whoever comes after it begins from the records.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from airflow_provider_videoai.batches.entries import Entry, ItemEnd, ItemState, NextStep, item_of, next_step
from airflow_provider_videoai.batches.items import Item
from airflow_provider_videoai.batches.kept import Kept
from airflow_provider_videoai.batches.lease_renewal import LeaseRenewal
from airflow_provider_videoai.batches.records import BatchRecords
from airflow_provider_videoai.batches.results import Learned, Results, RunningJob
from airflow_provider_videoai.jobs.errors import (
    InvalidRequest,
    JobFailed,
    ResultUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.model import JobResult, JobStatus
from airflow_provider_videoai.jobs.polling.wait_errors import error_of
from airflow_provider_videoai.jobs.polling.watch import Outcome
from airflow_provider_videoai.jobs.submission.record import SubmissionRecord
from airflow_provider_videoai.jobs.values.printable import shown
from airflow_provider_videoai.jobs.values.usage import usage_of_all
from airflow_provider_videoai.triggers.batch_event import JobEnd

__all__ = ["Batch", "Report"]

_FEW = 8
"""So many results are not worth a worker's start of their own."""
_FLUSH = 10.0
"""Seconds after which ends that were learned are written, while others are still being learned."""


class Report(Protocol):
    """Shows how far a batch is."""

    def ended(self, item: Item, end: ItemEnd, result: JobResult | None, kept: Kept | None) -> None:
        """Take in how an item ended on this worker."""

    def secure(self) -> None:
        """Write what is known of the items that ended and is in no record."""

    def noted(self, batch: Batch) -> None:
        """Take in that ends were written, while others are still being learned."""


@dataclass(slots=True, kw_only=True)
class Batch:
    """The items of a batch, and how far each is. One per worker.

    :param items: all of them, in the user's order.
    :param records: of the task.
    :param results: fetches, and keeps, what jobs made.
    :param title: the vendor's name, for messages.
    :param report: gets how items ended on this worker, from any thread.
    :param retries_failed: whether an attempt tries again what failed in the one before.
    :param paid_retries: how many jobs may be bought in place of one that failed; ``None`` sets no limit.
    :param leases: of jobs in flight; ``None`` renews none.
    """

    items: Sequence[Item]
    records: BatchRecords
    results: Results
    title: str
    report: Report
    retries_failed: bool = True
    paid_retries: int | None = None
    leases: LeaseRenewal | None = None
    running: dict[str, RunningJob] = field(default_factory=dict, init=False)
    """By the vendor's id of the job."""
    ended: dict[str, ItemEnd] = field(default_factory=dict, init=False)
    """By the item's id."""
    waiting: deque[Item] = field(default_factory=deque, init=False)
    """Those that have no job yet."""
    made: deque[RunningJob] = field(default_factory=deque, init=False)
    """Jobs that ended before, of items whose copy is to be at another place: to be fetched, and never bought again."""
    others: dict[str, Entry] = field(default_factory=dict, init=False)
    """What the records had of requests that are not among these, by the keys of their entries."""
    _fetched_again: set[str] = field(default_factory=set, init=False)
    _terminal: list[tuple[RunningJob, JobStatus]] = field(default_factory=list, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    # -- how far it is -----------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Sort the items by what the records say of them; nothing is sent.

        :raises VideoAIError: if a record cannot be written: of a row that is again what it was, or by a person.
        """
        self.others = self.records.beside(self.requests)
        self.records.restore(self.requests)
        refused: list[Item] = []
        by_hand: dict[str, str] = {}
        for item in self.items:
            entry = self.entry(item)
            if entry is not None and entry.is_by_hand:
                by_hand[item.item_id] = item.fingerprint
            step = self._next_step(entry, item, self.results.attempt)
            if step is NextStep.NOTHING and entry is not None and entry.end is not None:
                self.ended[item.item_id] = entry.end
            elif step is NextStep.WAIT and entry is not None and entry.record is not None:
                self.runs(_job_of(item, entry.record))
            elif step is NextStep.FETCH and entry is not None:
                self.fetches(item, entry)
            else:
                # Last: refused for a reason of its own, it would else be the first again on each worker, and pause all.
                (refused if entry is not None and entry.was_refused else self.waiting).append(item)
        self.waiting += refused
        self.records.bind(by_hand)

    @property
    def requests(self) -> dict[str, str]:
        """The fingerprints of the items' requests, by the items' ids."""
        return {item.item_id: item.fingerprint for item in self.items}

    def entry(self, item: Item) -> Entry | None:
        """Return what the records say of an item's request; ``None`` if that is nothing.

        :param item: the item.
        """
        return self.records.entry(item.item_id, item.fingerprint)

    def _next_step(self, entry: Entry | None, item: Item, attempt: int) -> NextStep:
        return self._step_of(entry, attempt, self.results.place_of(item))

    def _step_of(self, entry: Entry | None, attempt: int, place: str | None) -> NextStep:
        return next_step(
            entry,
            attempt=attempt,
            retries_failed=self.retries_failed,
            paid_retries=self.paid_retries,
            place=place,
        )

    def check_replaceable(self, item: Item) -> None:
        """Refuse an item whose job failed if no other may be bought in its place.

        :param item: one that has no end: the attempt that saw its job fail may have been killed.
        :raises JobFailed: of that job.
        """
        entry = self.entry(item)
        if entry is None or entry.record is None:
            return
        if entry.failed_for_good(retries_failed=self.retries_failed, paid_retries=self.paid_retries):
            job_id = entry.record.job_id
            raise JobFailed(f"job {job_id} failed before, and no other may be bought in its place", job_id=job_id)

    def lost(self) -> list[str]:
        """Return the items with a job or an end that this attempt had among its requests, and has no more.

        Not by their number: a row that is gone, and one of an earlier attempt that is back, would even out.
        """
        lost = [key for key, entry in self.others.items() if not entry.gone and self._was_known(entry)]
        return list(dict.fromkeys(item_of(key)[0] for key in lost))

    def _was_known(self, entry: Entry) -> bool:
        attempt = self.results.attempt
        steps = (self._step_of(entry.of(fingerprint or ""), attempt, None) for fingerprint in entry.fingerprints)
        return any(step is not NextStep.OBTAIN for step in steps)

    @property
    def retry_helps(self) -> bool:
        """Whether another attempt may help one of the items that failed."""
        ends = ((item, self.ended.get(item.item_id)) for item in self.items)
        tried = [item for item, end in ends if end is not None and end.state is ItemState.FAILED and not end.final]
        attempt = self.results.attempt + 1
        steps = (self._next_step(self.entry(item), item, attempt) for item in tried)
        return any(step is not NextStep.NOTHING for step in steps)

    @property
    def any_ended_well(self) -> bool:
        """Whether an item ended well in this attempt: then neither the vendor nor the user's store refuses them all."""
        good, attempt = (ItemState.SUCCEEDED, ItemState.SKIPPED), self.results.attempt
        return any(end.attempt == attempt and end.state in good for end in list(self.ended.values()))

    @property
    def in_flight(self) -> int:
        """How many jobs are in flight, or ended and are not taken in yet."""
        return len(self.running) + len(self._terminal)

    @property
    def known(self) -> set[str]:
        """The items with a job, or an end, for the request that they are now."""
        return {*self.jobs(), *(job.item.item_id for job in self.made), *self.ended}

    def jobs(self) -> dict[str, RunningJob]:
        """Return the jobs in flight, and those that ended and are not taken in yet, by their items' ids."""
        with self._lock:
            running = list(self.running.values())
        return {job.item.item_id: job for job in [*running, *(job for job, _ in list(self._terminal))]}

    def renew_leases(self) -> None:
        """Renew the leases of the jobs in flight, if that is due; from any thread."""
        if self.leases is not None:
            self.leases.renew(self._running_ids)

    def _running_ids(self) -> list[str]:
        with self._lock:
            return list(self.running)

    @property
    def left(self) -> int:
        """How many jobs may still be in flight when a worker is to go on."""
        # Half of them, so that the starts of workers grow with items / max_in_flight and the vendor has work meanwhile.
        # Results that are kept are not left to the end, since their URLs expire.
        running = len(self.running)
        return running // 2 if self.waiting or (self.results.kept is not None and running > _FEW) else 0

    @property
    def finished(self) -> bool:
        """Whether all items have ended."""
        return len(self.ended) == len(self.items)

    def counts(self) -> dict[str, int]:
        """Return how many items there are, and how many in each state."""
        states = Counter(end.state for end in self.ended.values())
        running = len(self.jobs().keys() - self.ended.keys())
        return {
            "items": len(self.items),
            "queued": len(self.items) - running - len(self.ended),
            "running": running,
            **{state.value: states[state] for state in ItemState},
        }

    def summary(self) -> dict[str, Any]:
        """Return how the items ended, and what their jobs used as far as vendors say.

        ``reused`` counts, of those that succeeded, the ones that an earlier attempt of the task had taken in.
        """
        counts, ends = self.counts(), self.ended.values()
        attempt, good = self.results.attempt, ItemState.SUCCEEDED
        records = (entry.record for item in self.items if (entry := self.entry(item)) is not None)
        used = usage_of_all(record.usage for record in records if record is not None and record.usage is not None)
        return {
            "total": counts["items"],
            **{name: counts[name] for name in ("succeeded", "failed", "skipped")},
            "reused": sum(end.state is good and end.attempt != attempt for end in ends),
            "usage": None if used is None else used.to_json(),
        }

    # -- what submits bring ------------------------------------------------------------------------------------

    def runs(self, job: RunningJob) -> None:
        """Take in that an item's job is in flight.

        :param job: the job.
        """
        with self._lock:
            known = self.running.setdefault(job.job_id, job)
        if known is not job:
            # A person's mistake, or a vendor's: each item has a result of its own, or none.
            whose = f"its job {shown(job.job_id)} is that of {shown(known.item.item_id)}"
            self.failed(job.item, InvalidRequest(whose))

    def fetches(self, item: Item, entry: Entry) -> None:
        """Take in that an item's job ended before, and is to be fetched; it is not bought again if it is gone.

        :param item: the item.
        :param entry: what the records say of it.
        """
        if entry.record is not None:
            self.made.append(_job_of(item, entry.record))

    def fetch_again(self, most: int) -> int:
        """Take jobs of :attr:`made` for jobs in flight, and return how many of them are that now.

        :param most: how many of them at a time.
        """
        self._fetched_again &= self.running.keys()
        while self.made and len(self._fetched_again) < most:
            job = self.made.popleft()
            self.runs(job)
            self._fetched_again.add(job.job_id)
        return len(self._fetched_again)

    def ran(self, job: RunningJob, status: JobStatus) -> None:
        """Take in that an item's job had ended before anybody waited for it; :meth:`conclude` fetches its result.

        :param job: the job.
        :param status: the terminal one.
        """
        self._terminal.append((job, status))

    def failed(self, item: Item, error: VideoAIError) -> None:
        """Note that an item has no job, or none that counts.

        :param item: the item.
        :param error: why.
        """
        self.note([self.results.failed(item, error)])

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
            of_one = end.alone or end.outcome in (Outcome.TIMED_OUT, Outcome.NOT_FOUND)
            if of_one or isinstance(error, _OF_ONE_JOB):
                del self.running[end.job_id]
                failed.append(self.results.failed(running.item, error))
            else:
                interrupted = error
        self.note(failed)
        self.conclude()
        if interrupted is not None:
            raise interrupted

    def conclude(self) -> None:
        """Fetch and keep the results of jobs that ended, several at a time.

        :raises VideoAIError: as :meth:`take_in`.
        """
        learned: list[Learned] = []
        written_at = time.monotonic()
        try:
            for each in self.results.of(list(self._terminal)):
                learned.append(each)
                self.renew_leases()
                if time.monotonic() - written_at > _FLUSH:
                    self.note(learned)
                    learned, written_at = [], time.monotonic()
                    self.report.noted(self)
        finally:
            self.note(learned)
            # What is left was interrupted: its jobs were bought, and the next attempt fetches their results.
            self._terminal = [each for each in self._terminal if each[0].item.item_id not in self.ended]

    def note(self, learned: Sequence[Learned]) -> None:
        """Write how items ended, and report it.

        :param learned: the ends.
        :raises VideoAIError: if they cannot be written.
        """
        for each in learned:
            self.report.ended(each.item, each.end, each.result, each.kept)
        # Before the records, which hold no URL and say to the next attempt that it need not fetch any: of an item that
        # is not kept, nothing else has it.
        if any(each.result is not None and each.kept is None for each in learned):
            self.report.secure()
        self.records.end([(each.item.item_id, each.record, each.end) for each in learned])
        for each in learned:
            with self._lock:
                self.ended[each.item.item_id] = each.end


def _job_of(item: Item, record: SubmissionRecord) -> RunningJob:
    # A record that a person wrote has no time: the job counts as one of now.
    return RunningJob(item, str(record.job_id), record.submitted_at or time.time())


_OF_ONE_JOB = (InvalidRequest, ResultUnavailable)
