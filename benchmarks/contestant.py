# SPDX-License-Identifier: Apache-2.0
"""One contender, one process, one event loop, as in Airflow's triggerer; prints what it measured as a line of JSON.

A run has three parts, an ``interval`` being the seconds between two asks for one job: one interval to start all
triggers, ``polls`` intervals in which nothing ends (in them CPU is measured), one interval over which the jobs end.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import resource
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.request import urlopen

import greenback
import psutil
from airflow.triggers.base import BaseTrigger

from benchmarks.contenders import CONTENDERS, Contender, Wait
from benchmarks.schedule import Schedule

_TICK = 0.005
_GRACE = 60.0  # seconds after which a contender that falls behind is stopped, on top of two intervals


@dataclass(frozen=True, slots=True)
class Mark:
    """One moment of a run: monotonic seconds, CPU seconds so far, bytes of memory, jobs asked for so far."""

    at: float
    cpu: float
    memory: int
    asks: int


@dataclass
class Measured:
    """A run. Seconds and bytes; delays are in noticing each job's end; stalls are of a 5 ms ticker.

    ``longest_turn`` is the most CPU time that the loop took between two ticks: a busy machine does not lengthen it.
    """

    contender: str
    jobs: int
    interval: float
    events: int
    failure: str | None
    start_cpu: float
    cpu: float
    seconds: float
    asks: int
    memory: int
    delay_p50: float | None
    delay_p99: float | None
    stall_p99: float
    stall_max: float
    longest_turn: float
    tally: dict[str, int]


@dataclass
class Race:
    """One run of a contender."""

    contender: Contender
    jobs: int
    interval: float
    polls: int
    url: str
    at_once: bool
    stalls: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    failure: str | None = None
    longest_turn: float = 0.0

    async def run(self) -> Measured:
        """Start all triggers, wait for all events, and return what it took."""
        gc.collect()
        began = time.time()
        schedule = Schedule(first_end=began + self.interval * (1 + self.polls), span=self.interval)
        await self._tell(f"begin?first_end={schedule.first_end}&span={schedule.span}")
        async with self._ticking():
            start = await self._mark()
            tasks = await self._started(schedule, began)
            await _sleep_until(began + self.interval)
            calm = await self._mark()
            await _sleep_until(schedule.first_end)
            end = await self._mark()
            await self._finished(tasks, schedule.first_end + 3 * self.interval + _GRACE)
        return self._measured(start, calm, end, await self._tell("told"))

    async def _started(self, schedule: Schedule, began: float) -> list[asyncio.Task[None]]:
        tasks = []
        for number in range(self.jobs):
            if self.at_once:
                await asyncio.sleep(0)  # the triggerer gives way twice for each trigger that it starts
                await asyncio.sleep(0)
            else:
                await _sleep_until(began + self.interval * number / self.jobs)
            trigger = self.contender.trigger(Wait(number, self.interval, schedule, self.url))
            tasks.append(asyncio.create_task(self._watch(trigger, schedule.end_of(number))))
        return tasks

    async def _watch(self, trigger: BaseTrigger, ends_at: float) -> None:
        await greenback.ensure_portal()  # so does the triggerer, for each trigger
        async for event in trigger.run():
            self.delays.append(time.time() - ends_at)
            if self.delays[-1] < 0:
                self.failure = f"an event came before its job ended: {event.payload}"

    async def _finished(self, tasks: list[asyncio.Task[None]], until: float) -> None:
        _, late = await asyncio.wait(tasks, timeout=until - time.time())
        for task in late:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                self.failure = f"{type(ended).__name__}: {ended}"

    @asynccontextmanager
    async def _ticking(self) -> AsyncIterator[None]:
        ticker = asyncio.create_task(self._tick())
        try:
            yield
        finally:
            ticker.cancel()

    async def _tick(self) -> None:
        while True:
            before, busy = time.monotonic(), time.thread_time()
            await asyncio.sleep(_TICK)
            self.stalls.append(time.monotonic() - before - _TICK)
            self.longest_turn = max(self.longest_turn, time.thread_time() - busy)

    async def _tell(self, what: str) -> dict[str, int]:
        def told() -> Any:
            with urlopen(f"{self.url}/run/{what}", timeout=60) as answer:  # noqa: S310 - our own server
                return json.load(answer)

        return await asyncio.to_thread(told)

    async def _mark(self) -> Mark:
        asks = (await self._tell("told"))["asks"]
        return Mark(time.monotonic(), _cpu(), psutil.Process().memory_info().rss, asks)

    def _measured(self, start: Mark, calm: Mark, end: Mark, tally: dict[str, int]) -> Measured:
        return Measured(
            contender=self.contender.key,
            jobs=self.jobs,
            interval=self.interval,
            events=len(self.delays),
            failure=self.failure,
            start_cpu=calm.cpu - start.cpu,
            cpu=end.cpu - calm.cpu,
            seconds=end.at - calm.at,
            asks=end.asks - calm.asks,
            memory=end.memory - start.memory,
            delay_p50=_percentile(self.delays, 50),
            delay_p99=_percentile(self.delays, 99),
            stall_p99=_percentile(self.stalls, 99) or 0.0,
            stall_max=max(self.stalls),
            longest_turn=self.longest_turn,
            tally=tally,
        )


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _percentile(values: list[float], percent: int) -> float | None:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else None


async def _sleep_until(moment: float) -> None:
    await asyncio.sleep(moment - time.time())


def main() -> None:
    """Run one contender; see the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contender", choices=CONTENDERS)
    parser.add_argument("--jobs", type=int, required=True)
    parser.add_argument("--interval", type=float, required=True, help="seconds between two asks for one job")
    parser.add_argument("--polls", type=int, required=True, help="intervals in which CPU is measured")
    parser.add_argument("--url", required=True, help="the server's address")
    parser.add_argument("--at-once", action="store_true", help="start all triggers together, as after a restart")
    options = parser.parse_args()
    contender = CONTENDERS[options.contender]
    os.environ["AIRFLOW_CONN_BENCH"] = json.dumps(contender.connection(options.url))
    contender.trigger(Wait(0, options.interval, Schedule(0.0, 0.0), options.url))  # its imports are not measured
    race = Race(contender, options.jobs, options.interval, options.polls, options.url, options.at_once)
    print(json.dumps(asdict(asyncio.run(race.run()))))


if __name__ == "__main__":
    main()
