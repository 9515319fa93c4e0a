# SPDX-License-Identifier: Apache-2.0
"""Poll all waiting jobs per account: one loop for thousands of tasks, as few requests as the vendor allows.

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
from airflow_provider_videoai.jobs.in_flight.keeper import LeaseKeeper
from airflow_provider_videoai.jobs.polling.due_queue import DueQueue
from airflow_provider_videoai.jobs.polling.status_query import Observer, Seen, deliver, noteworthy, status_query
from airflow_provider_videoai.jobs.polling.throttle import Throttle
from airflow_provider_videoai.jobs.polling.watch import Outcome, Watch

__all__ = ["Poller"]

# Seconds: jobs that fall due within one slot share one wake-up of the event loop, if a request carries one job.
_SLOT = 0.1
# Seconds: jobs that fall due within one slot share one request, if it carries many.
_SLOT_OF_BATCHES = 0.25
# For so many slots a request that is not full is held back: jobs that fall due within a slot's length of each other
# then always share it, wherever the border between two slots lies.
_HELD_SLOTS = 2
# Requests of one slot are sent in groups of so many, spread over it: thousands at once would block the event loop, and
# one by one each would wake it up.
_AT_A_TIME = 4


@dataclass(slots=True)
class _Waiter:
    """Who waits for ``left`` more jobs."""

    # One per task, not one per job: a task may wait for thousands.
    left: int
    observer: Observer
    context: Context
    ended: asyncio.Future[None]

    @property
    def gone(self) -> bool:
        """Whether nobody waits any more."""
        return self.ended.done()

    def notify(self, watch: Watch) -> None:
        """Report what was seen of a job, if it changed; when the last job has ended, the wait ends.

        :param watch: a job of this waiter's.
        """
        if self.gone:
            return
        try:
            if noteworthy(watch):
                self.context.run(self.observer, watch)
        except Exception as defect:  # noqa: BLE001 - the defect is this observer's; others are still to be notified
            self.fail(defect)
        else:
            self.left -= watch.done
            if not self.left:
                self.ended.set_result(None)

    def fail(self, defect: Exception) -> None:
        """End the wait with an error.

        :param defect: is raised by whoever awaits it.
        """
        if not self.gone:
            self.ended.set_exception(defect)


def _wake(seconds: float, call: Callable[[], object]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(seconds, call)


class Poller:
    """Polls every waiting job of one account in one event loop.

    :param transport: sends the status requests; its rate limit is the account's.
    :param clock: gives monotonic seconds, by which polls are due.
    :param wall: gives epoch seconds, by which deadlines are judged.
    :param jitter: returns a number of seconds between two others.
    :param wake: calls a function in so many seconds of the clock; by default a timer of the running loop.
    """

    # A timer for the next due job instead of tasks that sleep: fewer wake-ups of the event loop per poll, and no task
    # per waiting job.

    def __init__(
        self,
        transport: Transport,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        jitter: Callable[[float, float], float] = random.uniform,
        wake: Callable[[float, Callable[[], object]], asyncio.TimerHandle] = _wake,
    ) -> None:
        self.transport = transport
        """Also good for whatever else a task needs of the account while it waits."""
        self._vendor = transport.vendor
        self._clock = clock
        self._wall = wall
        self._jitter = jitter
        self._wake = wake
        self._throttle = Throttle(transport.rate_limit)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: float | None = None
        self._in_flight: set[asyncio.Task[None]] = set()
        # More than a minute's worth of requests would only queue for the limit, and be stale when they leave.
        self._free = max(1, min(CONNECTIONS, int(self._vendor.rate_limit or CONNECTIONS)))
        floor = self._vendor.poll_floor
        self._slot = min(_SLOT if self._vendor.batch_size == 1 else _SLOT_OF_BATCHES, floor)
        self._paused_until = 0.0
        self._due_queue = DueQueue(self._vendor.batch_size, self._slot, _HELD_SLOTS * self._slot)
        self._waiters: dict[Watch, _Waiter] = {}
        self._leases = LeaseKeeper(transport, clock)

    def watch(self, watches: Iterable[Watch], observer: Observer) -> asyncio.Future[None]:
        """Wait until all jobs are done.

        :param watches: the jobs; each holds how its wait ended.
        :param observer: is called after each poll that changed a job, or failed.
        :returns: a future to await; cancel it to leave.
        """
        ended = asyncio.get_running_loop().create_future()
        pending = [watch for watch in watches if not watch.done]
        if not pending:
            ended.set_result(None)
        # The observer runs in the caller's context, from which Airflow's triggerer reads whose log a line belongs to.
        waiter = _Waiter(len(pending), observer, copy_context(), ended)
        for watch in pending:
            # Spread the first polls: after a restart of the triggerer every job arrives in the same instant. Jobs that
            # can share a request stay within one slot.
            watch.due_at += self._jitter(0.0, watch.cadence.floor if self._vendor.batch_size == 1 else self._slot)
            self._put(watch, waiter)
        self._set_timer()
        self._leases.keep_until(ended, [watch.job_id for watch in pending])
        return ended

    def _put(self, watch: Watch, waiter: _Waiter) -> None:
        self._waiters[watch] = waiter
        self._due_queue.put(watch)

    async def close(self) -> None:
        """Stop polling: nobody waits any more."""
        self._due_queue.clear()
        self._waiters.clear()
        self._set_timer()
        tasks = list(self._in_flight)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._leases.close()

    def _set_timer(self) -> None:
        """Wake up when the next job is due, unless all places for requests are taken."""
        at = self._due_queue.next_at if self._free else None
        if at is not None:
            at = max(at, self._paused_until)
        if at == self._timer_at:  # most calls: another job is due sooner
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        self._timer = None
        if at is not None:
            self._timer = self._wake(at - self._clock(), self._poll_due)

    def _poll_due(self) -> None:
        self._timer = self._timer_at = None
        now = self._clock()
        requests = self._due_queue.due(now) / self._vendor.batch_size
        self._paused_until = now + (self._slot * _AT_A_TIME / requests if requests > _AT_A_TIME else 0.0)
        may_leave = min(self._free, _AT_A_TIME)
        while may_leave and (batch := self._due_queue.take(now)):
            if awaited := self._awaited(batch):
                may_leave -= 1
                self._free -= 1
                task = asyncio.create_task(self._poll(awaited))
                self._in_flight.add(task)
                task.add_done_callback(self._polled)
        self._set_timer()

    def _awaited(self, watches: list[Watch]) -> dict[Watch, _Waiter]:
        """Take out who waits for each job, without those who have left meanwhile."""
        # They are dropped here, when they are due, and not searched for in the queue when they leave.
        awaited = {}
        for watch in watches:
            waiter = self._waiters.pop(watch, None)
            if waiter is not None and not waiter.gone:
                awaited[watch] = waiter
        return awaited

    def _polled(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._free += 1
        if self._free == 1:  # all places were taken, so no timer is set
            self._poll_due()

    async def _poll(self, awaited: dict[Watch, _Waiter]) -> None:
        try:
            deliver(awaited, await self._answers(list(awaited)), self._clock(), self._wall())
        except Exception as defect:  # noqa: BLE001 - a defect ends the waits of this request, not everybody's
            for waiter in awaited.values():
                waiter.fail(defect)
        self._leases.end([watch.job_id for watch in awaited if watch.outcome is Outcome.ENDED])
        for watch, waiter in awaited.items():
            waiter.notify(watch)
            if not (watch.done or waiter.gone):
                self._go_on(watch, waiter)
        self._set_timer()

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
