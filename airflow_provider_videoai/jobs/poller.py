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
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import ClassVar

from airflow_provider_videoai.jobs.errors import (
    InvalidRequest,
    JobNotFound,
    QuotaExceeded,
    ResultUnavailable,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.model import JobStatus
from airflow_provider_videoai.jobs.pool import aclose, share
from airflow_provider_videoai.jobs.transport import Transport
from airflow_provider_videoai.jobs.vendor import Account, Flow, Vendor
from airflow_provider_videoai.jobs.watch import Watch

Observer = Callable[[Watch], None]
Seen = dict[str, JobStatus | VideoAIError]

_IN_FLIGHT = 50
_LINGER = 1.0  # seconds that a due job waits for others to share its request,
_BREATH = 0.1  # or, where each has its own, to share the waking up
_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 120.0
_LONGEST_ASKED = 900.0  # a vendor's Retry-After may be a mistake; asking once in so long harms nobody
_OF_ONE_JOB = (InvalidRequest, JobNotFound, ResultUnavailable)


@dataclass(slots=True, order=True)
class _Waiting:
    due_at: float
    number: int
    watch: Watch = field(compare=False)
    observer: Observer = field(compare=False)
    ended: asyncio.Future[None] = field(compare=False)
    context: Context = field(compare=False)


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
        self._alarm: asyncio.TimerHandle | None = None
        self._asking: set[asyncio.Task[None]] = set()
        # More than a minute's worth of requests would only queue for the limit, and be stale when they leave.
        self._free = max(1, min(_IN_FLIGHT, int(self._vendor.rate_limit or _IN_FLIGHT)))
        self._linger = min(_LINGER if self._vendor.batch_size > 1 else _BREATH, self._vendor.poll_floor)

    @classmethod
    @asynccontextmanager
    async def shared(cls, transport: Transport) -> AsyncIterator[Poller]:
        """Share the running loop's poller for the transport's account; the last to leave closes it."""
        pollers = cls._known.setdefault(asyncio.get_running_loop(), {})
        key = (transport.vendor.key, transport.vendor.account)
        if key not in pollers:
            pollers[key] = cls(transport)
            share(transport.vendor.account)
        poller = pollers[key]
        poller.users += 1
        try:
            yield poller
        finally:
            poller.users -= 1
            if not poller.users:
                del pollers[key]
                await poller.close()

    def watch(self, watch: Watch, observer: Observer) -> asyncio.Future[None]:
        """Wait until ``watch`` is done; ``observer`` is called after each ask that changed it, or failed.

        Cancel what is returned to leave. The observer runs in the caller's context: what it logs belongs to its task.
        """
        # Spread the first asks: after a restart of the triggerer every job arrives in the same instant.
        watch.due_at += self._jitter(0.0, watch.cadence.floor)
        ended = asyncio.get_running_loop().create_future()
        self._push(_Waiting(watch.due_at, next(self._numbers), watch, observer, ended, copy_context()))
        return ended

    def _push(self, entry: _Waiting) -> None:
        heapq.heappush(self._queue, entry)
        if self._queue[0] is entry:
            self._set_alarm()

    async def close(self) -> None:
        """Stop asking, and close the account's connections."""
        self._queue.clear()
        self._set_alarm()
        tasks = list(self._asking)
        for task in tasks:
            task.cancel()
        await aclose(self._vendor.account)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _set_alarm(self) -> None:
        """Wake up when the next job is due and others had time to become due with it, unless all places are taken."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._queue and self._free:
            nap = self._queue[0].due_at + self._linger - self._clock()
            self._alarm = asyncio.get_running_loop().call_later(nap, self._ask_due)

    def _ask_due(self) -> None:
        now = self._clock()
        while self._free and (batch := self._next_batch(now)):
            self._free -= 1
            task = asyncio.create_task(self._ask(batch))
            self._asking.add(task)
            task.add_done_callback(self._asked)
        self._set_alarm()

    def _asked(self, task: asyncio.Task[None]) -> None:
        self._asking.discard(task)
        self._free += 1
        if self._free == 1:  # all places were taken
            self._ask_due()

    def _next_batch(self, now: float) -> list[_Waiting]:
        """Take the longest overdue job, and as many more due ones of its operation as one request may carry."""
        batch: list[_Waiting] = []
        others: list[_Waiting] = []
        while self._queue and self._queue[0].due_at <= now and len(batch) < self._vendor.batch_size:
            entry = heapq.heappop(self._queue)
            if not entry.ended.done():
                same = not batch or entry.watch.operation == batch[0].watch.operation
                (batch if same else others).append(entry)
        for entry in others:
            heapq.heappush(self._queue, entry)
        return batch

    async def _ask(self, batch: list[_Waiting]) -> None:
        watches = [entry.watch for entry in batch]
        try:
            told(watches, await self._answers(watches), self._clock())
        except Exception as defect:  # noqa: BLE001 - a defect ends the jobs of this request, not everybody's
            for entry in batch:
                _fail(entry, defect)
        for entry in batch:
            self._settle(entry)

    async def _answers(self, watches: list[Watch]) -> Seen | VideoAIError:
        try:
            found = await self._transport.arun(_question(self._vendor, watches))
        except VideoAIError as error:
            self._throttle.note(error)
            return error
        self._throttle.note(None)
        return found

    def _settle(self, entry: _Waiting) -> None:
        if entry.ended.done():
            return
        try:
            if noteworthy(entry.watch):
                entry.context.run(entry.observer, entry.watch)
        except Exception as defect:  # noqa: BLE001 - it is this observer's, and the others are still to be told
            _fail(entry, defect)
        else:
            self._go_on(entry)

    def _go_on(self, entry: _Waiting) -> None:
        if entry.watch.done:
            entry.ended.set_result(None)
            return
        entry.due_at = entry.watch.due_at
        if self._vendor.batch_size == 1:  # jobs that can share a request had better stay together
            entry.due_at += self._jitter(0.0, entry.watch.cadence.slack(max(0.0, entry.due_at - self._clock())))
        self._push(entry)


def _fail(entry: _Waiting, defect: Exception) -> None:
    if not entry.ended.done():
        entry.ended.set_exception(defect)


class Throttle:
    """Slow the whole account down when the vendor says so, longer each time, until it answers again."""

    def __init__(self, transport: Transport) -> None:
        self._limiters = transport.limiters
        self._pause = _FIRST_PAUSE

    def note(self, error: VideoAIError | None) -> None:
        """Take in how a request went."""
        now = time.monotonic()
        if error is None:
            self._pause = _FIRST_PAUSE
        elif isinstance(error, QuotaExceeded | VendorUnavailable) and error.retry_after is not None:
            self._limiters.slow_down(min(error.retry_after, _LONGEST_ASKED), now)
        elif isinstance(error, QuotaExceeded) and not self._limiters.quiet(now):
            # What fails while the account is quiet had left before: many refusals of one burst count once.
            self._limiters.slow_down(self._pause, now)
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
            seen = _seen(transport, batch, throttle)
            told(batch, seen, clock())
            for watch in batch:
                if noteworthy(watch):
                    observer(watch)


def ask(transport: Transport, watches: Sequence[Watch], throttle: Throttle, now: float) -> None:
    """Ask once, blocking, for the jobs of at most one request, and tell each watch what was seen."""
    told(watches, _seen(transport, watches, throttle), now)


def _seen(transport: Transport, watches: Sequence[Watch], throttle: Throttle) -> Seen | VideoAIError:
    try:
        found = transport.run(_question(transport.vendor, watches))
    except VideoAIError as error:
        throttle.note(error)
        return error
    throttle.note(None)
    return found


def told(watches: Iterable[Watch], seen: Seen | VideoAIError, now: float) -> None:
    """Tell each watch its own part of an answer, or that there was none."""
    for watch in watches:
        mine = seen if isinstance(seen, VideoAIError) else seen.get(watch.job_id)
        if mine is None:
            watch.unknown(now)
        elif isinstance(mine, VideoAIError):
            watch.missed(mine, now)
        else:
            watch.saw(mine, now)


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


def _question(vendor: Vendor, watches: Sequence[Watch]) -> Flow[Seen]:
    return _sifted(vendor, watches[0].operation, list(dict.fromkeys(watch.job_id for watch in watches)))


def _sifted(vendor: Vendor, operation: str, job_ids: list[str]) -> Flow[Seen]:
    """Ask for many jobs; where one of them spoils the whole request, find it by halves and spare the others."""
    try:
        return {**(yield from vendor.statuses(operation, job_ids))}
    except _OF_ONE_JOB as refused:
        if len(job_ids) == 1:
            return {job_ids[0]: refused}
    half = len(job_ids) // 2
    first = yield from _sifted(vendor, operation, job_ids[:half])
    rest = yield from _sifted(vendor, operation, job_ids[half:])
    return first | rest
