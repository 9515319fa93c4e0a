# SPDX-License-Identifier: Apache-2.0
"""Ask for all waiting jobs of an account: one loop for thousands of tasks, as few requests as the vendor allows.

It carries out what each job's :class:`~airflow_provider_videoai.jobs.watch.Watch` decides.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
import time
import weakref
from collections.abc import Callable, Iterable
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

from airflow_provider_videoai.jobs.asking import Observer, Seen, noteworthy, question, told
from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.pool import aclose, share
from airflow_provider_videoai.jobs.throttle import Throttle
from airflow_provider_videoai.jobs.transport import Transport
from airflow_provider_videoai.jobs.vendor import Account
from airflow_provider_videoai.jobs.watch import Watch

_IN_FLIGHT = 50
_BREATH = 0.1  # seconds that a due job waits for others to share the waking up,
_LINGER = 0.5  # and, where a request has room for more, to share the request
_EARLY = 0.0001  # an alarm may ring so much too soon, by rounding alone


@dataclass(slots=True)
class _Waiter:
    """Who waits for so many jobs more."""

    left: int
    observer: Observer
    context: Context
    ended: asyncio.Future[None]

    @property
    def gone(self) -> bool:
        """Whether there is nobody any more to tell."""
        return self.ended.done()

    def fail(self, defect: Exception) -> None:
        if not self.gone:
            self.ended.set_exception(defect)

    def count_off(self) -> None:
        """One of the jobs is done."""
        self.left -= 1
        if not self.left:
            self.ended.set_result(None)


class _Waiting(NamedTuple):
    # A tuple is compared five times as fast as a dataclass; the numbers differ, so it goes no further than these.
    due_at: float
    number: int
    watch: Watch
    waiter: _Waiter


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
        self._throttle = Throttle(transport.limiters)
        self._queue: list[_Waiting] = []
        self._numbers = itertools.count()
        self.users = 0
        self._alarm: asyncio.TimerHandle | None = None
        self._asking: set[asyncio.Task[None]] = set()
        # More than a minute's worth of requests would only queue for the limit, and be stale when they leave.
        self._free = max(1, min(_IN_FLIGHT, int(self._vendor.rate_limit or _IN_FLIGHT)))
        self._breath = min(_BREATH, self._vendor.poll_floor)
        self._linger = min(_LINGER, self._vendor.poll_floor)

    @classmethod
    def shared(cls, transport: Transport) -> Poller:
        """Return the running loop's poller for the transport's account, to be entered; the last to leave closes it."""
        pollers = cls._known.setdefault(asyncio.get_running_loop(), {})
        key = (transport.vendor.key, transport.vendor.account)
        return pollers.get(key) or pollers.setdefault(key, cls(transport))

    async def __aenter__(self) -> Self:
        if not self.users:
            share(self._vendor.account)
        self.users += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        self.users -= 1
        if not self.users:
            del self._known[asyncio.get_running_loop()][self._vendor.key, self._vendor.account]
            await self.close()

    def watch(self, watches: Iterable[Watch], observer: Observer) -> asyncio.Future[None]:
        """Wait until all ``watches`` are done; ``observer`` is called after each ask that changed one, or failed.

        Cancel what is returned to leave. The observer runs in the caller's context: what it logs belongs to its task.
        """
        ended = asyncio.get_running_loop().create_future()
        pending = [watch for watch in watches if not watch.done]
        if not pending:
            ended.set_result(None)
        waiter = _Waiter(len(pending), observer, copy_context(), ended)
        for watch in pending:
            # Spread the first asks: after a restart of the triggerer every job arrives in the same instant. Jobs that
            # can share a request are not torn apart.
            watch.due_at += self._jitter(0.0, watch.cadence.floor if self._vendor.batch_size == 1 else self._linger)
            self._push(_Waiting(watch.due_at, next(self._numbers), watch, waiter))
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
        """Wake up when the next job is due and others had time to become due with it, unless all places are taken.

        Once to send full requests, and where there is none again to send one that has room.
        """
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._queue and self._free:
            overdue = self._clock() - self._queue[0].due_at
            patience = self._breath if overdue < self._breath - _EARLY else self._linger
            self._alarm = asyncio.get_running_loop().call_later(patience - overdue, self._ask_due)

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
        """Take the longest overdue job, and as many more due ones of its operation as one request may carry.

        Take none while there is room in the request and others may still come to share it.
        """
        batch: list[_Waiting] = []
        others: list[_Waiting] = []
        while self._queue and self._queue[0].due_at <= now and len(batch) < self._vendor.batch_size:
            entry = heapq.heappop(self._queue)
            if not entry.waiter.gone:
                same = not batch or entry.watch.operation == batch[0].watch.operation
                (batch if same else others).append(entry)
        room = len(batch) < self._vendor.batch_size
        if batch and room and now < batch[0].due_at + self._linger - _EARLY:
            batch, others = [], [*batch, *others]
        for entry in others:
            heapq.heappush(self._queue, entry)
        return batch

    async def _ask(self, batch: list[_Waiting]) -> None:
        watches = [entry.watch for entry in batch]
        try:
            told(watches, await self._answers(watches), self._clock())
        except Exception as defect:  # noqa: BLE001 - a defect ends the jobs of this request, not everybody's
            for entry in batch:
                entry.waiter.fail(defect)
        for entry in batch:
            self._settle(entry)

    async def _answers(self, watches: list[Watch]) -> Seen | VideoAIError:
        try:
            found = await self._transport.arun(question(self._vendor, watches))
        except VideoAIError as error:
            self._throttle.note(error)
            return error
        self._throttle.note(None)
        return found

    def _settle(self, entry: _Waiting) -> None:
        waiter = entry.waiter
        if waiter.gone:
            return
        try:
            if noteworthy(entry.watch):
                waiter.context.run(waiter.observer, entry.watch)
        except Exception as defect:  # noqa: BLE001 - it is this observer's, and the others are still to be told
            waiter.fail(defect)
        else:
            self._go_on(entry)

    def _go_on(self, entry: _Waiting) -> None:
        if entry.watch.done:
            entry.waiter.count_off()
            return
        due_at = entry.watch.due_at
        if self._vendor.batch_size == 1:  # jobs that can share a request had better stay together
            due_at += self._jitter(0.0, entry.watch.cadence.slack(max(0.0, due_at - self._clock())))
        self._push(entry._replace(due_at=due_at))
