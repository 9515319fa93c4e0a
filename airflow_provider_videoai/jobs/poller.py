# SPDX-License-Identifier: Apache-2.0
"""Ask for all waiting jobs of an account: one loop for thousands of tasks, as few requests as the vendor allows.

:class:`Poller` serves the triggerer's event loop, :func:`wait` a worker that blocks. Both only carry out what each
job's :class:`~airflow_provider_videoai.jobs.watch.Watch` decides.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import ClassVar

from airflow_provider_videoai.jobs.errors import QuotaExceeded, VendorUnavailable, VideoAIError
from airflow_provider_videoai.jobs.model import JobStatus
from airflow_provider_videoai.jobs.transport import Transport, aclose
from airflow_provider_videoai.jobs.vendor import Account, Flow
from airflow_provider_videoai.jobs.watch import Watch

Observer = Callable[[Watch], None]

_IN_FLIGHT = 50
_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 120.0


@dataclass(slots=True, order=True)
class _Waiting:
    due_at: float
    number: int
    watch: Watch = field(compare=False)
    observer: Observer = field(compare=False)
    ended: asyncio.Future[None] = field(compare=False)


class Poller:
    """The one loop that asks for every waiting job of an account in one event loop. Ends when nobody waits."""

    _known: ClassVar[weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, Account], Poller]]] = (
        weakref.WeakKeyDictionary()
    )

    def __init__(
        self,
        transport: Transport,
        *,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._transport = transport
        self._vendor = transport.vendor
        self._clock = clock
        self._jitter = jitter
        self._throttle = Throttle(transport)
        self._queue: list[_Waiting] = []
        self._numbers = itertools.count()
        self.users = 0
        self._wake = asyncio.Event()
        self._asking: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(_IN_FLIGHT)
        self._task: asyncio.Task[None] | None = None

    @classmethod
    @asynccontextmanager
    async def shared(cls, transport: Transport) -> AsyncIterator[Poller]:
        """Share the running loop's poller for the transport's account; the last to leave closes it."""
        pollers = cls._known.setdefault(asyncio.get_running_loop(), {})
        key = (transport.vendor.key, transport.vendor.account)
        poller = pollers.setdefault(key, cls(transport))
        poller.users += 1
        try:
            yield poller
        finally:
            poller.users -= 1
            if not poller.users:
                del pollers[key]
                await poller.close()

    async def watch(self, watch: Watch, observer: Observer) -> None:
        """Wait until ``watch`` is done; ``observer`` is called after each ask that changed it, or failed."""
        entry = self._enter(watch, observer)
        try:
            await entry.ended
        finally:
            entry.ended.cancel()

    def _enter(self, watch: Watch, observer: Observer) -> _Waiting:
        # Spread the first asks: after a restart of the triggerer every job arrives in the same instant.
        watch.due_at += self._jitter(0.0, watch.cadence.floor)
        entry = _Waiting(watch.due_at, next(self._numbers), watch, observer, asyncio.get_running_loop().create_future())
        self._push(entry)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"videoai-poller-{self._vendor.key}")
        return entry

    def _push(self, entry: _Waiting) -> None:
        heapq.heappush(self._queue, entry)
        self._wake.set()

    async def close(self) -> None:
        """Stop asking, and close the account's connections."""
        for task in (self._task, *self._asking):
            if task is not None:
                task.cancel()
        await aclose(self._vendor.account)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            now = self._clock()
            if self._queue and self._queue[0].due_at <= now:
                await self._places.acquire()
                self._start(self._next_batch())
            else:
                await self._nap(self._queue[0].due_at - now if self._queue else None)

    async def _nap(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    def _next_batch(self) -> list[_Waiting]:
        """Take the longest overdue job, and as many more of its operation as one request may carry."""
        batch: list[_Waiting] = []
        others: list[_Waiting] = []
        while self._queue and len(batch) < self._vendor.batch_size:
            entry = heapq.heappop(self._queue)
            if entry.ended.done():
                continue
            same = not batch or entry.watch.operation == batch[0].watch.operation
            (batch if same else others).append(entry)
        for entry in others:
            heapq.heappush(self._queue, entry)
        return batch

    def _start(self, batch: list[_Waiting]) -> None:
        task = asyncio.create_task(self._ask(batch))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)
        task.add_done_callback(lambda _: self._places.release())

    async def _ask(self, batch: list[_Waiting]) -> None:
        watches = [entry.watch for entry in batch]
        try:
            found = await self._transport.arun(_question(self._transport, watches)) if watches else {}
        except VideoAIError as error:
            self._throttle.note(error)
            told(watches, error, self._clock())
        except Exception as defect:  # noqa: BLE001 - a defect ends the jobs of this request, not everybody's
            for entry in batch:
                if not entry.ended.done():
                    entry.ended.set_exception(defect)
        else:
            self._throttle.note(None)
            told(watches, found, self._clock())
        for entry in batch:
            self._settle(entry)

    def _settle(self, entry: _Waiting) -> None:
        if entry.ended.done():
            return
        if noteworthy(entry.watch):
            entry.observer(entry.watch)
        if entry.watch.done:
            entry.ended.set_result(None)
            return
        gap = entry.watch.due_at - self._clock()
        entry.due_at = entry.watch.due_at + self._jitter(0.0, 0.1 * max(gap, 0.0))
        self._push(entry)


class Throttle:
    """Slow the whole account down when the vendor says so, longer each time, until it answers again."""

    def __init__(self, transport: Transport) -> None:
        self._limiters = transport.limiters
        self._pause = _FIRST_PAUSE

    def note(self, error: VideoAIError | None) -> None:
        """Take in how a request went."""
        if error is None:
            self._pause = _FIRST_PAUSE
            return
        asked = error.retry_after if isinstance(error, QuotaExceeded | VendorUnavailable) else None
        if asked is None and not isinstance(error, QuotaExceeded):
            return
        self._limiters.slow_down(self._pause if asked is None else asked, time.monotonic())
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)


def wait(
    transport: Transport,
    watches: Sequence[Watch],
    observer: Observer,
    *,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Block until every watch is done; the same decisions as the poller's, for a task that keeps its worker."""
    throttle = Throttle(transport)
    while waiting := [watch for watch in watches if not watch.done]:
        if (nap := min(watch.due_at for watch in waiting) - clock()) > 0:
            sleep(nap)
        due = [watch for watch in waiting if watch.due_at <= clock()]
        for batch in batches(due, transport.vendor.batch_size):
            ask(transport, batch, throttle, clock())
            for watch in batch:
                if noteworthy(watch):
                    observer(watch)


def ask(transport: Transport, watches: Sequence[Watch], throttle: Throttle, now: float) -> None:
    """Ask once, blocking, for the jobs of at most one request, and tell each watch what was seen."""
    try:
        found = transport.run(_question(transport, watches))
    except VideoAIError as error:
        throttle.note(error)
        told(watches, error, now)
    else:
        throttle.note(None)
        told(watches, found, now)


def told(watches: Iterable[Watch], seen: dict[str, JobStatus] | VideoAIError, now: float) -> None:
    """Tell each watch its own part of an answer, or that there was none."""
    for watch in watches:
        if isinstance(seen, VideoAIError):
            watch.missed(seen, now)
        elif watch.job_id in seen:
            watch.saw(seen[watch.job_id], now)
        else:
            watch.unknown(now)


def noteworthy(watch: Watch) -> bool:
    """Return whether the last ask is news: another state, the end, or a failed ask."""
    return watch.changed or watch.done or watch.error is not None


def batches(watches: Iterable[Watch], size: int) -> Iterator[list[Watch]]:
    """Group watches by operation into lists of at most ``size``."""
    ordered = sorted(watches, key=lambda watch: watch.operation)
    for _, group in itertools.groupby(ordered, key=lambda watch: watch.operation):
        members = list(group)
        for start in range(0, len(members), size):
            yield members[start : start + size]


def _question(transport: Transport, watches: Sequence[Watch]) -> Flow[dict[str, JobStatus]]:
    job_ids = list(dict.fromkeys(watch.job_id for watch in watches))
    return transport.vendor.statuses(watches[0].operation, job_ids)
