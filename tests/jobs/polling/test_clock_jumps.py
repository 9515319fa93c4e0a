# SPDX-License-Identifier: Apache-2.0
"""A wall clock that is set, forwards or back, harms no wait: only deadlines are judged by it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.polling.blocking import wait
from airflow_provider_videoai.jobs.polling.cadence import Cadence
from airflow_provider_videoai.jobs.polling.poller import Poller
from airflow_provider_videoai.jobs.polling.watch import Outcome, Watch
from airflow_provider_videoai.jobs.protocol.call import Call
from airflow_provider_videoai.tasks import task_jobs as waiting
from tests.jobs.polling.lab import NOW
from tests.jobs.polling.watches import ids_of, new_watch, rows

HOUR, DAY = 3600.0, 86400.0

Jumps = list[tuple[float, float]]
"""When the wall clock is set, in seconds from the start, and by how much."""
Script = list[Any]
"""What the vendor says of a job, poll by poll: a state, "missing", or the code of an error; the last one stays."""

jumps = st.lists(st.tuples(st.floats(0, 2000), st.floats(-DAY, DAY)), max_size=6)
says = st.sampled_from(["queued", "running", "running", "missing", 2, 6])
ends = st.sampled_from(["succeeded", "failed", 6, "missing"])  # the last two: gives up after a while
scripts = st.lists(st.tuples(st.lists(says, max_size=8), ends), min_size=1, max_size=3)


class Clock:
    """Time that passes by sleeping only, with a wall clock beside it that is set now and then."""

    def __init__(self, jumps: Jumps) -> None:
        self._now = NOW
        self._jumps = jumps

    def __call__(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._now + sum(by for at, by in self._jumps if at <= self._now - NOW)

    def sleep(self, seconds: float) -> None:
        self._now += max(seconds, 1e-6)


class ScriptedVendor:
    """A vendor that answers by each job's own script, and notes when it was polled."""

    def __init__(self, given: list[Script], clock: Any) -> None:
        self._given = [list(script) for script in given]
        self._clock = clock
        self.polls: list[tuple[float, str]] = []

    def __call__(self, call: Call) -> Any:
        (job_id,) = ids_of(call)
        self.polls.append((round(self._clock() - NOW, 3), job_id))
        script = self._given[int(job_id)]
        said = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(said, int):
            return {"code": said}
        return rows([], "") if said == "missing" else rows([job_id], said)


def watches_of(given: list[Script], deadline: float | None = None) -> list[Watch]:
    return [
        new_watch(str(number), cadence=Cadence(floor=1.0), tolerance=600.0, deadline=deadline)
        for number in range(len(given))
    ]


def blocking(lab: Any, scripted: Any, given: list[Script], jumps: Jumps, deadline: float | None = None) -> Any:
    clock, watches = Clock(jumps), watches_of(given, deadline)
    vendor = ScriptedVendor(given, clock)
    wait(scripted(lab, vendor), watches, lambda _: None, clock=clock, wall=clock.wall, sleep=clock.sleep)
    return vendor.polls, [watch.outcome for watch in watches]


def deferred(
    lab: Any, scripted: Any, skip_time: Any, given: list[Script], jumps: Jumps, deadline: float | None = None
) -> Any:
    async def run() -> Any:
        clock = asyncio.get_running_loop().time
        vendor, watches = ScriptedVendor(given, clock), watches_of(given, deadline)
        poller = Poller(
            scripted(lab, vendor),
            clock=clock,
            wall=lambda: clock() + sum(by for at, by in jumps if at <= clock() - NOW),
            jitter=lambda *_: 0.0,
        )
        await poller.watch(watches, lambda _: None)
        await poller.close()
        return vendor.polls, [watch.outcome for watch in watches]

    return skip_time(run())


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scripts, jumps)
@example([(["running"] * 6, "succeeded")], [(4.0, -HOUR)])
@example([(["running", 6, "running"], "succeeded")], [(5.5, HOUR)])
@example([(["running", "missing", "running"], "succeeded")], [(5.5, HOUR)])
def test_jumps_of_the_wall_clock_change_neither_polls_nor_outcomes(
    open_lab: Any, scripted: Any, skip_time: Any, scripts: list[tuple[Script, Any]], jumps: Jumps
) -> None:
    given = [[*script, end] for script, end in scripts]
    lab = open_lab(poll_floor=0.0)
    assert blocking(lab, scripted, given, jumps) == blocking(lab, scripted, given, [])
    assert deferred(lab, scripted, skip_time, given, jumps) == deferred(lab, scripted, skip_time, given, [])


@pytest.mark.parametrize("side", ["blocking", "deferred"])
@pytest.mark.parametrize(
    ("script", "by", "outcome"),
    [
        (["running", "succeeded"], DAY, Outcome.ENDED),
        (["running", "running", "succeeded"], DAY, Outcome.TIMED_OUT),
        (["running"] * 9 + ["succeeded"], -DAY, Outcome.ENDED),
    ],
    ids=["ended before it was judged", "passed", "far again"],
)
def test_deadline_is_judged_by_the_wall_clock_and_after_a_poll(
    open_lab: Any, scripted: Any, skip_time: Any, side: str, script: Script, by: float, outcome: Outcome
) -> None:
    lab, jumps, deadline = open_lab(poll_floor=0.0), [(4.0, by)], NOW + HOUR
    if side == "blocking":
        _, outcomes = blocking(lab, scripted, [script], jumps, deadline)
    else:
        _, outcomes = deferred(lab, scripted, skip_time, [script], jumps, deadline)
    assert outcomes == [outcome]


@pytest.mark.parametrize(("ahead", "age"), [(DAY, 0.0), (0.0, 0.0), (-90.0, 90.0)])
def test_job_submitted_by_a_machine_whose_clock_is_ahead_is_new(
    open_lab: Any, monkeypatch: pytest.MonkeyPatch, ahead: float, age: float
) -> None:
    monkeypatch.setattr(waiting, "time", SimpleNamespace(time=lambda: NOW, monotonic=lambda: 7.0))
    (watch,) = waiting.watches_of(
        open_lab(), "develop", ["j"], submitted_at=NOW + ahead, poll_interval=None, deadline=None
    )
    assert watch.age_at(watch.started_at) == age
    assert watch.age_at(watch.started_at - DAY) == age
    assert watch.age_at(watch.started_at + 10) == age + 10
