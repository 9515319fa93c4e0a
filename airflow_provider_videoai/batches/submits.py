# SPDX-License-Identifier: Apache-2.0
"""Submit the items of a batch, several at a time, until so many jobs are in flight as may be."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from airflow_provider_videoai.batches.batch import Batch
from airflow_provider_videoai.batches.entries import Entry
from airflow_provider_videoai.batches.items import Item
from airflow_provider_videoai.batches.kept import Kept
from airflow_provider_videoai.batches.pause import Pause
from airflow_provider_videoai.batches.refusals import LATER, Fault, Refusals
from airflow_provider_videoai.batches.results import RunningJob
from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    InvalidRequest,
    JobFailed,
    JobNotFound,
    QuotaExceeded,
    ResultUnavailable,
    StorageFailed,
    SubmitRejected,
    SubmitUncertain,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.in_flight.leases import InFlightLimitReached
from airflow_provider_videoai.jobs.submission.record_store import Store
from airflow_provider_videoai.jobs.submission.submitter import SubmittedJob, Submitter
from airflow_provider_videoai.uploads.media_check import InputUnavailable

__all__ = ["SUBMITTERS", "Submits"]

SUBMITTERS = 16
"""How many submits are in flight at a time; more would only wait for a vendor's rate limit."""
_SETTLES = 2
"""How often an attempt submits an item again after a lost answer that the vendor can be queried about."""
_PAUSES = 4
"""After so many pauses, four minutes in all, the vendor that took others is not out of order: the item is to blame."""
_LOST = 16
"""After so many lost answers without a job that was accepted, each further item would be one to look for by hand."""
_OF_ONE_ITEM = (InvalidRequest, JobFailed, JobNotFound, ResultUnavailable, SubmitRejected)


@dataclass(slots=True, kw_only=True)
class Submits:
    """The submits of one worker.

    :param batch: whose items are submitted.
    :param submitter: makes what obtains an item's job.
    :param max_in_flight: how many jobs may be in flight.
    :param skip_existing: look for a copy before a job is bought.
    :param pause: of the submits; it outlives a deferral.
    """

    batch: Batch
    submitter: Callable[[Item, Store], Submitter]
    max_in_flight: int
    skip_existing: bool
    pause: Pause = field(default_factory=Pause)
    refusal: SubmitRejected | StorageFailed | VendorUnavailable | None = field(default=None, init=False)
    """Why the last submit that found no capacity was refused."""
    # By thread, not by item: one that is to be submitted again may be another thread's before this one lets go of it.
    _obtaining: dict[int, Submitter | None] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _stopped: bool = field(default=False, init=False)
    _were_running: bool = field(init=False)
    """Whether jobs of the batch were in flight when it was last looked."""
    _settled: Counter[str] = field(default_factory=Counter, init=False)
    _lost: int = field(default=0, init=False)
    """How many answers were lost since a job was accepted."""
    _by_store: Refusals = field(default_factory=Refusals, init=False)
    _by_vendor: Refusals = field(default_factory=Refusals, init=False)

    def __post_init__(self) -> None:
        self._were_running = bool(self.batch.running)

    def submit(self) -> None:
        """Submit until so many jobs are in flight as may be, nothing is left, or the vendor has no capacity.

        :raises AuthenticationFailed: if the vendor refuses the credentials.
        :raises VideoAIError: if a record cannot be read or written, or an earlier copy cannot be looked for.
        """
        # Again, if items of a round ended without a job in flight.
        while threads := self.submittable:
            with ThreadPoolExecutor(threads, "videoai-submit") as pool:
                try:
                    for future in [pool.submit(self._submit_on) for _ in range(threads)]:
                        future.result()
                except BaseException:
                    # Such as execution_timeout, which only this thread gets: the others would buy on, and this one
                    # wait for them, until as many jobs are in flight as may be.
                    self.stop()
                    raise

    @property
    def submittable(self) -> int:
        """How many threads have something to submit now."""
        if self._stopped or self.pause.lasts:
            return 0
        free = self.max_in_flight - self.batch.in_flight
        # After answers were lost, one shows whether they still are: each further item might be one to look for by hand.
        most = 1 if self.pause.for_lost else SUBMITTERS
        return max(0, min(most, len(self.batch.waiting), free))

    @property
    def until(self) -> float | None:
        """When a worker is to go on in any case, to submit again, in epoch seconds."""
        return self.pause.until if self.batch.waiting and self.pause.lasts else None

    def check_capacity(self, quota_timeout: float) -> None:
        """Give up if the vendor takes no job for too long or refuses the account, or the user's store is not there.

        Of a batch of which the vendor took all other items, only the last one is given up.

        :param quota_timeout: seconds.
        :raises SubmitRejected, StorageFailed, VendorUnavailable: the last refusal.
        """
        # While jobs are in flight a full queue is what a batch makes of a vendor; alone it is somebody else's.
        were_running, self._were_running = self._were_running, bool(self.batch.running)
        if self._were_running:
            return
        if were_running:
            self.pause.alone()
        refusal = self.refusal
        if refusal is None:
            return
        if isinstance(refusal, StorageFailed):
            at_once = not (self._by_store.any_passed or self.batch.any_ended_well)
        else:
            at_once = _is_of_account(refusal)
        if at_once or self.pause.lasted() >= quota_timeout:
            if at_once or not self._is_of_last_item(refusal):
                raise refusal
            self.batch.failed(self.batch.waiting.popleft(), refusal)

    def _is_of_last_item(self, refusal: VideoAIError) -> bool:
        """Whether a vendor that says it is full took all others, so that one item is not worth the whole attempt."""
        by_vendor = isinstance(refusal, QuotaExceeded) and not isinstance(refusal, InFlightLimitReached)
        return by_vendor and len(self.batch.waiting) == 1 and self.batch.any_ended_well

    def cut_short(self) -> list[str]:
        """Return what is known of submits that are in flight, for a task that is being stopped."""
        said = (submitter.cut_short() for submitter in list(self._obtaining.values()) if submitter is not None)
        return [each for each in said if each]

    def stop(self) -> None:
        """Submit nothing more; what is being submitted goes on."""
        self._stopped = True

    def _submit_on(self) -> None:
        try:
            alone = self.pause.for_lost
            while (item := self._next()) is not None:
                self._obtain(item)
                self.batch.renew_leases()
                if alone:
                    return
        except BaseException:
            self._stopped = True  # the other threads' submits are not worth more than this error
            raise

    def _next(self) -> Item | None:
        waiting = self.batch.waiting
        with self._lock:
            in_flight = self.batch.in_flight + len(self._obtaining)
            if self._stopped or self.pause.lasts or not waiting or in_flight >= self.max_in_flight:
                return None
            item = waiting.popleft()
            self._obtaining[threading.get_ident()] = None
            return item

    def _obtain(self, item: Item) -> None:
        try:
            if not self._skipped(item):
                self.batch.check_replaceable(item)
                self._submit_one(item)
            self._by_store.passed()
        except AuthenticationFailed:
            raise
        except _OF_ONE_ITEM as refused:  # also of what its store said
            self._by_store.passed()
            self.batch.failed(item, refused)
        except StorageFailed as failure:  # its input cannot be signed, or nobody knows whether it is kept
            fault = self._by_store.refused(item.item_id, others_passed=self.batch.any_ended_well)
            if fault is Fault.ALL:  # as for a vendor: what is in flight is taken in before the attempt ends
                self._pause_for(failure)
            self._later_or_failed(item, fault, failure)
        finally:
            del self._obtaining[threading.get_ident()]

    def _later_or_failed(self, item: Item, fault: Fault, failure: VideoAIError) -> None:
        if fault is Fault.ITEM:
            self.batch.failed(item, failure)
            return
        with self._lock:
            self.batch.waiting.insert(LATER, item)

    def _skipped(self, item: Item) -> bool:
        """Look for an earlier copy, if no job of the item may be in flight."""
        batch = self.batch
        entry = batch.entry(item)
        kept_files = batch.results.kept
        in_flight = entry is not None and entry.may_be_in_flight
        has_finished = entry is not None and entry.has_finished
        # The copy of its own job counts in any case, or the job might be bought again for it.
        if kept_files is None or in_flight or not (self.skip_existing or has_finished):
            return False
        try:
            kept = kept_files.find(item)
        except InvalidRequest:
            batch.check_replaceable(item)
            if entry is None or not has_finished:
                raise
            # Perhaps its own copy, stored by an attempt that ended before it wrote what the copy is of: fetched, that
            # shows.
            batch.fetches(item, entry)
            return True
        if kept is None or not (self.skip_existing or _is_of(entry, kept)):
            return False
        batch.note([batch.results.skipped(item, kept)])
        return True

    def _submit_one(self, item: Item) -> None:
        submitter = self.submitter(item, self.batch.records.store_for(item.item_id, item.fingerprint))
        self._obtaining[threading.get_ident()] = submitter
        try:
            job = submitter.obtain(item.request)
        except AuthenticationFailed:
            raise
        except InputUnavailable as unavailable:
            self.batch.failed(item, unavailable)  # before VendorUnavailable, which it is to whoever has one job
        except (SubmitRejected, VendorUnavailable) as refusal:
            fault = self._fault(item, refusal)
            if fault is Fault.ALL:
                self._pause_for(refusal)  # first, or another thread would take the item at once
                # It waits for the lease under its own name, and keeps its place among the account's tasks. A vendor
                # that is full may mean this one item only: it is not to be the first again after each pause.
                self._again(item, first=isinstance(refusal, InFlightLimitReached))
            else:
                self._later_or_failed(item, fault, refusal)
        except SubmitUncertain as uncertain:
            if uncertain.retry_helps and self._settled[item.item_id] < _SETTLES and submitter.settles:
                self._settled[item.item_id] += 1
                self._again(item, first=True)
            else:
                if submitter.lost_answer:
                    self._lost_one(uncertain)  # first, or another thread would submit the next item at once
                self.batch.failed(item, uncertain)
        else:
            self._obtained(item, job)

    def _obtained(self, item: Item, job: SubmittedJob) -> None:
        if job.fresh:  # that an earlier attempt's job is there says nothing of submits
            self._lost = 0
            self.pause.accepted()
            self._by_vendor.passed()
        running = RunningJob(item, job.job_id, job.submitted_at)
        if job.status is not None and job.status.state.terminal:
            self.batch.ran(running, job.status)
        else:
            self.batch.runs(running)

    def _lost_one(self, uncertain: SubmitUncertain) -> None:
        with self._lock:
            self._lost += 1
        # After a pause for them the first one shows that it is not over.
        if (self._lost >= _LOST or self.pause.for_lost) and not self.pause.lasts:
            said = f"Answers to submits are lost, one after the other; the last: {uncertain.message}"
            self._pause_for(VendorUnavailable(said, code=uncertain.code), lost=True)

    def _fault(self, item: Item, refusal: SubmitRejected | VendorUnavailable) -> Fault:
        if isinstance(refusal, VendorUnavailable) and refusal.job_id is not None:
            return Fault.ITEM  # said of one job that was bought before
        if isinstance(refusal, QuotaExceeded | VendorUnavailable) or _is_of_account(refusal):
            return Fault.ALL
        # An error of the vendor's own, of which it says that it passes: one row after the other would fail by it.
        if not _is_temporary(refusal):
            return Fault.ITEM
        waited = self.pause.tries >= _PAUSES
        return self._by_vendor.refused(item.item_id, others_passed=waited and self.batch.any_ended_well)

    def _pause_for(self, refusal: SubmitRejected | StorageFailed | VendorUnavailable, *, lost: bool = False) -> None:
        self.refusal = refusal
        if seconds := self.pause.refused(refusal, lost=lost):
            self.batch.results.log.info("Nothing is submitted for %.0f seconds: %s", seconds, refusal.message)

    def _again(self, item: Item, *, first: bool) -> None:
        with self._lock:
            (self.batch.waiting.appendleft if first else self.batch.waiting.append)(item)


def _is_of(entry: Entry | None, kept: Kept) -> bool:
    """Whether a copy is of the job that an entry is about."""
    return entry is not None and entry.record is not None and entry.record.job_id == kept.job_id


def _is_of_account(refusal: VideoAIError) -> bool:
    """Whether every other submit would be refused as well. What is in flight goes on, and is taken in first."""
    return isinstance(refusal, SubmitRejected) and refusal.of_account


def _is_temporary(refusal: VideoAIError) -> bool:
    return isinstance(refusal, SubmitRejected) and refusal.temporary
