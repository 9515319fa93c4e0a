# SPDX-License-Identifier: Apache-2.0
"""One provider, one process, one event loop, as in Airflow's triggerer; prints what it measured as a line of JSON.

A run has four parts, an ``interval`` being the seconds between two polls of a job: one interval for the first trigger,
which loads and opens what a process needs once, one to start all others, ``polls`` intervals in which nothing ends (in
them CPU is measured), one interval over which the jobs end.
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

from benchmarks.providers import PROVIDERS, Provider, Wait
from benchmarks.schedule import Schedule

_TICK = 0.005
_GRACE = 60.0  # seconds after which a provider that falls behind is stopped, on top of two intervals


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One instant of a run: monotonic seconds, CPU seconds so far, bytes of memory, job-polls so far."""

    at: float
    cpu: float
    memory: int
    job_polls: int


@dataclass
class Measured:
    """A run. Seconds and bytes; delays are from each job's end to its event; stalls are of a 5 ms ticker.

    ``first_cpu`` is that of the first trigger, ``start_cpu`` that of all others' start, ``cpu`` that of waiting.
    ``longest_block`` is the most CPU time that the loop used between two ticks: a busy machine does not lengthen it.
    """

    provider: str
    jobs: int
    interval: float
    events: int
    failure: str | None
    first_cpu: float
    start_cpu: float
    cpu: float
    seconds: float
    job_polls: int
    memory: int
    delay_p50: float | None
    delay_p99: float | None
    stall_p99: float
    stall_max: float
    longest_block: float
    tally: dict[str, int]


@dataclass
class SingleRun:
    """One run of a provider."""

    provider: Provider
    jobs: int
    interval: float
    polls: int
    url: str
    at_once: bool
    stalls: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    failure: str | None = None
    longest_block: float = 0.0

    async def run(self) -> Measured:
        """Start all triggers, wait for all events, and return the measurements."""
        gc.collect()
        began = time.time()
        schedule = Schedule(first_end=began + self.interval * (2 + self.polls), span=self.interval)
        await self._control(f"begin?first_end={schedule.first_end}&span={schedule.span}")
        async with self._ticking():
            before = await self._snapshot()
            tasks = [self._started(0, schedule)]
            await _sleep_until(began + self.interval)
            first = await self._snapshot()
            tasks += await self._others_started(schedule, began + self.interval)
            await _sleep_until(began + 2 * self.interval)
            steady = await self._snapshot()
            await _sleep_until(schedule.first_end)
            end = await self._snapshot()
            await self._finished(tasks, schedule.first_end + 3 * self.interval + _GRACE)
        return self._measured(before, first, steady, end, await self._control("tally"))

    async def _others_started(self, schedule: Schedule, began: float) -> list[asyncio.Task[None]]:
        tasks = []
        for number in range(1, self.jobs):
            if self.at_once:
                await asyncio.sleep(0)  # the triggerer yields to the loop twice for each trigger that it starts
                await asyncio.sleep(0)
            else:
                await _sleep_until(began + self.interval * number / self.jobs)
            tasks.append(self._started(number, schedule))
        return tasks

    def _started(self, number: int, schedule: Schedule) -> asyncio.Task[None]:
        trigger = self.provider.trigger(Wait(number, self.interval, schedule, self.url))
        return asyncio.create_task(self._watch(trigger, schedule.end_of(number)))

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
            self.longest_block = max(self.longest_block, time.thread_time() - busy)

    async def _control(self, what: str) -> dict[str, int]:
        def response() -> Any:
            with urlopen(f"{self.url}/run/{what}", timeout=60) as body:  # noqa: S310 - our own server
                return json.load(body)

        return await asyncio.to_thread(response)

    async def _snapshot(self) -> Snapshot:
        job_polls = (await self._control("tally"))["job_polls"]
        return Snapshot(time.monotonic(), _cpu(), psutil.Process().memory_info().rss, job_polls)

    def _measured(
        self, before: Snapshot, first: Snapshot, steady: Snapshot, end: Snapshot, tally: dict[str, int]
    ) -> Measured:
        return Measured(
            provider=self.provider.key,
            jobs=self.jobs,
            interval=self.interval,
            events=len(self.delays),
            failure=self.failure,
            first_cpu=first.cpu - before.cpu,
            start_cpu=steady.cpu - first.cpu,
            cpu=end.cpu - steady.cpu,
            seconds=end.at - steady.at,
            job_polls=end.job_polls - steady.job_polls,
            memory=end.memory - before.memory,
            delay_p50=_percentile(self.delays, 50),
            delay_p99=_percentile(self.delays, 99),
            stall_p99=_percentile(self.stalls, 99) or 0.0,
            stall_max=max(self.stalls),
            longest_block=self.longest_block,
            tally=tally,
        )


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _percentile(values: list[float], percent: int) -> float | None:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else None


async def _sleep_until(at: float) -> None:
    await asyncio.sleep(at - time.time())


def main() -> None:
    """Run one provider; see the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("provider", choices=PROVIDERS)
    parser.add_argument("--jobs", type=int, required=True)
    parser.add_argument("--interval", type=float, required=True, help="seconds between two polls of a job")
    parser.add_argument("--polls", type=int, required=True, help="intervals in which CPU is measured")
    parser.add_argument("--url", required=True, help="the server's address")
    parser.add_argument("--at-once", action="store_true", help="start all triggers together, as after a restart")
    options = parser.parse_args()
    provider = PROVIDERS[options.provider]
    os.environ["AIRFLOW_CONN_BENCH"] = json.dumps(provider.connection(options.url))
    provider.trigger(Wait(0, options.interval, Schedule(0.0, 0.0), options.url))  # its imports are not measured
    single_run = SingleRun(provider, options.jobs, options.interval, options.polls, options.url, options.at_once)
    print(json.dumps(asdict(asyncio.run(single_run.run()))))


if __name__ == "__main__":
    main()
