# SPDX-License-Identifier: Apache-2.0
"""Ask for all waiting jobs of an account: one loop for thousands of tasks, as few requests as the vendor allows.

It carries out what each job's :class:`~airflow_provider_videoai.jobs.polling.watch.Watch` decides.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from contextvars import Context, copy_context
from dataclasses import dataclass

from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.http.connections import CONNECTIONS
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.polling.due_queue import DueQueue
from airflow_provider_videoai.jobs.polling.status_query import Observer, Seen, deliver, noteworthy, status_query
from airflow_provider_videoai.jobs.polling.throttle import Throttle
from airflow_provider_videoai.jobs.polling.watch import Watch

_MOMENT = 0.1  # seconds in which jobs that fall due one after the other share the waking up,
_MOMENT_TO_SHARE = 0.25  # or one request, where it carries many
# For so many moments a request is held back that has room for more: jobs that fall due within one of each other then
# always share it, wherever the border of the moment lies.
_PATIENCE = 2
# So many requests leave at a time, and a moment's are spread over it. One by one they would wake up the loop each; more
# together and the garbage collector takes the objects of those under way for ones that stay: it counts what there is
# more of than before, and goes over everything each time it has come to believe that the process grew by a quarter.
_AT_A_TIME = 4


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

    def tell(self, watch: Watch) -> None:
        """Pass on what was seen of a job, if it is news; the end of the last ends the wait."""
        if self.gone:
            return
        try:
            if noteworthy(watch):
                self.context.run(self.observer, watch)
        except Exception as defect:  # noqa: BLE001 - it is this observer's, and the others are still to be told
            self.fail(defect)
        else:
            self.left -= watch.done
            if not self.left:
                self.ended.set_result(None)

    def fail(self, defect: Exception) -> None:
        """End the wait with an error."""
        if not self.gone:
            self.ended.set_exception(defect)


class Poller:
    """The one loop that asks for every waiting job of an account in one event loop. Ends when nobody waits."""

    def __init__(
        self,
        transport: Transport,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.transport = transport
        """Also good for whatever else a task needs of the account while it waits."""
        self._vendor = transport.vendor
        self._clock = clock
        self._wall = wall
        self._jitter = jitter
        self._throttle = Throttle(transport.rate_limit)
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at: float | None = None
        self._asking: set[asyncio.Task[None]] = set()
        # More than a minute's worth of requests would only queue for the limit, and be stale when they leave.
        self._free = max(1, min(CONNECTIONS, int(self._vendor.rate_limit or CONNECTIONS)))
        floor = self._vendor.poll_floor
        self._moment = min(_MOMENT if self._vendor.batch_size == 1 else _MOMENT_TO_SHARE, floor)
        self._resting_until = 0.0
        self._due_queue = DueQueue(self._vendor.batch_size, self._moment, _PATIENCE * self._moment)
        self._waiters: dict[Watch, _Waiter] = {}

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
            watch.due_at += self._jitter(0.0, watch.cadence.floor if self._vendor.batch_size == 1 else self._moment)
            self._put(watch, waiter)
        self._set_alarm()
        return ended

    def _put(self, watch: Watch, waiter: _Waiter) -> None:
        self._waiters[watch] = waiter
        self._due_queue.put(watch)

    async def close(self) -> None:
        """Stop polling: nobody waits any more."""
        self._due_queue.clear()
        self._waiters.clear()
        self._set_alarm()
        tasks = list(self._asking)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _set_alarm(self) -> None:
        """Wake up for the next turn, unless all places are taken."""
        at = self._due_queue.next_at if self._free else None
        if at is not None:
            at = max(at, self._resting_until)
        if at == self._alarm_at:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = None
        if at is not None:
            self._alarm = asyncio.get_running_loop().call_later(at - self._clock(), self._ask_due)

    def _ask_due(self) -> None:
        self._alarm = self._alarm_at = None
        now = self._clock()
        requests = self._due_queue.due(now) / self._vendor.batch_size
        self._resting_until = now + (self._moment * _AT_A_TIME / requests if requests > _AT_A_TIME else 0.0)
        may_leave = min(self._free, _AT_A_TIME)
        while may_leave and (batch := self._due_queue.take(now)):
            if awaited := self._awaited(batch):
                may_leave -= 1
                self._free -= 1
                task = asyncio.create_task(self._ask(awaited))
                self._asking.add(task)
                task.add_done_callback(self._asked)
        self._set_alarm()

    def _awaited(self, watches: list[Watch]) -> dict[Watch, _Waiter]:
        """Take out who waits for each, without those who have left meanwhile."""
        awaited = {}
        for watch in watches:
            waiter = self._waiters.pop(watch, None)
            if waiter is not None and not waiter.gone:
                awaited[watch] = waiter
        return awaited

    def _asked(self, task: asyncio.Task[None]) -> None:
        self._asking.discard(task)
        self._free += 1
        if self._free == 1:  # all places were taken
            self._ask_due()

    async def _ask(self, awaited: dict[Watch, _Waiter]) -> None:
        try:
            deliver(awaited, await self._answers(list(awaited)), self._clock(), self._wall())
        except Exception as defect:  # noqa: BLE001 - a defect ends the jobs of this request, not everybody's
            for waiter in awaited.values():
                waiter.fail(defect)
        for watch, waiter in awaited.items():
            waiter.tell(watch)
            if not (watch.done or waiter.gone):
                self._go_on(watch, waiter)
        self._set_alarm()

    async def _answers(self, watches: list[Watch]) -> Seen | VideoAIError:
        try:
            found = await self.transport.arun(status_query(self._vendor, watches))
        except VideoAIError as error:
            self._throttle.note(error)
            return error
        self._throttle.note(None)
        return found

    def _go_on(self, watch: Watch, waiter: _Waiter) -> None:
        if self._vendor.batch_size == 1:  # jobs that can share a request had better stay together
            watch.due_at += self._jitter(0.0, watch.cadence.slack(max(0.0, watch.due_at - self._clock())))
        self._put(watch, waiter)
