# SPDX-License-Identifier: Apache-2.0
"""Ask for all waiting jobs of an account: one loop for thousands of tasks, as few requests as the vendor allows.

It carries out what each job's :class:`~airflow_provider_videoai.jobs.watch.Watch` decides.
"""

from __future__ import annotations

import asyncio
import random
import time
import weakref
from collections.abc import Callable, Iterable
from contextvars import copy_context
from typing import ClassVar, Self

from airflow_provider_videoai.jobs.asking import Observer, Seen, noteworthy, question, told
from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.pool import aclose, share
from airflow_provider_videoai.jobs.throttle import Throttle
from airflow_provider_videoai.jobs.transport import Transport
from airflow_provider_videoai.jobs.turns import Turns, Waiter, Waiting
from airflow_provider_videoai.jobs.vendor import Account
from airflow_provider_videoai.jobs.watch import Watch

_IN_FLIGHT = 50
_MOMENT = 0.005  # seconds that a due job waits for others to share the waking up,
_BREATH = 0.1  # where a request carries many, to share the request,
_LINGER = 0.5  # and so long where it still has room for more
_EARLY = 0.0001  # an alarm may ring so much too soon, by rounding alone


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
        self.users = 0
        self._alarm: asyncio.TimerHandle | None = None
        self._asking: set[asyncio.Task[None]] = set()
        # More than a minute's worth of requests would only queue for the limit, and be stale when they leave.
        self._free = max(1, min(_IN_FLIGHT, int(self._vendor.rate_limit or _IN_FLIGHT)))
        # Many that are asked for in the same moment only crowd the loop, unless they share a request.
        self._breath = min(_MOMENT if self._vendor.batch_size == 1 else _BREATH, self._vendor.poll_floor)
        self._linger = min(_LINGER, self._vendor.poll_floor)
        self._turns = Turns(self._vendor.batch_size, self._linger - _EARLY)

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
        waiter = Waiter(len(pending), observer, copy_context(), ended)
        for watch in pending:
            # Spread the first asks: after a restart of the triggerer every job arrives in the same instant. Jobs that
            # can share a request are not torn apart.
            watch.due_at += self._jitter(0.0, watch.cadence.floor if self._vendor.batch_size == 1 else self._linger)
            self._put(watch.due_at, Waiting(watch, waiter))
        return ended

    def _put(self, due_at: float, waiting: Waiting) -> None:
        first_at = self._turns.first_at
        self._turns.put(due_at, waiting)
        if self._turns.first_at != first_at:
            self._set_alarm()

    async def close(self) -> None:
        """Stop asking, and close the account's connections."""
        self._turns.clear()
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
        first_at = self._turns.first_at
        if first_at is not None and self._free:
            overdue = self._clock() - first_at
            patience = self._breath if overdue < self._breath - _EARLY else self._linger
            self._alarm = asyncio.get_running_loop().call_later(patience - overdue, self._ask_due)

    def _ask_due(self) -> None:
        now = self._clock()
        while self._free and (batch := self._turns.take(now)):
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

    async def _ask(self, batch: list[Waiting]) -> None:
        watches = [waiting.watch for waiting in batch]
        try:
            told(watches, await self._answers(watches), self._clock())
        except Exception as defect:  # noqa: BLE001 - a defect ends the jobs of this request, not everybody's
            for waiting in batch:
                waiting.waiter.fail(defect)
        for waiting in batch:
            self._settle(waiting)

    async def _answers(self, watches: list[Watch]) -> Seen | VideoAIError:
        try:
            found = await self._transport.arun(question(self._vendor, watches))
        except VideoAIError as error:
            self._throttle.note(error)
            return error
        self._throttle.note(None)
        return found

    def _settle(self, waiting: Waiting) -> None:
        waiter = waiting.waiter
        if waiter.gone:
            return
        try:
            if noteworthy(waiting.watch):
                waiter.context.run(waiter.observer, waiting.watch)
        except Exception as defect:  # noqa: BLE001 - it is this observer's, and the others are still to be told
            waiter.fail(defect)
        else:
            self._go_on(waiting)

    def _go_on(self, waiting: Waiting) -> None:
        if waiting.watch.done:
            waiting.waiter.count_off()
            return
        due_at = waiting.watch.due_at
        if self._vendor.batch_size == 1:  # jobs that can share a request had better stay together
            due_at += self._jitter(0.0, waiting.watch.cadence.slack(max(0.0, due_at - self._clock())))
        self._put(due_at, waiting)
