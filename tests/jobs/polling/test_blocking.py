# SPDX-License-Identifier: Apache-2.0
"""A task that keeps its worker slot waits by the same decisions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.errors import JobNotFound
from airflow_provider_videoai.jobs.polling.blocking import batches, poll_once, wait
from airflow_provider_videoai.jobs.polling.cadence import Cadence
from airflow_provider_videoai.jobs.polling.throttle import Throttle
from airflow_provider_videoai.jobs.polling.watch import Outcome, Watch
from airflow_provider_videoai.jobs.protocol.call import Call
from tests.jobs.polling.lab import NOW
from tests.jobs.polling.watches import all_done, ids_of, new_watch, poll, rows, skipping_poller

pytestmark = pytest.mark.filterwarnings("error")


# -- the blocking side -----------------------------------------------------------------------------------------


class Clock:
    """Time that passes only by sleeping."""

    now = NOW

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


answers = st.sampled_from(["queued", "running", "running", "succeeded", "failed", "missing", 1, 2, 3, 5, 6])
jobs = st.lists(
    st.tuples(st.lists(answers, max_size=12), st.none() | st.floats(1, 400), st.none() | st.floats(0.5, 30)),
    min_size=1,
    max_size=4,
)


class ScriptedVendor:
    """A vendor that answers by each job's own script, one answer per poll; a script that ran out repeats its end."""

    def __init__(self, scripts: list[list[Any]], clock: Callable[[], float]) -> None:
        self._scripts = [script or ["running"] for script in scripts]
        self._clock = clock
        self.polls: list[tuple[float, str]] = []

    def __call__(self, call: Call) -> Any:
        (job_id,) = ids_of(call)
        self.polls.append((round(self._clock(), 3), job_id))
        script = self._scripts[int(job_id)]
        said = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(said, int):
            return {"code": said}
        return rows([], "") if said == "missing" else rows([job_id], said)


def watches_of(scripts: list[Any]) -> list[Watch]:
    return [
        new_watch(
            str(number),
            deadline=NOW + (deadline or 3600),
            cadence=Cadence(floor=1.0, interval=interval),
        )
        for number, (_, deadline, interval) in enumerate(scripts)
    ]


def end_of(watch: Watch) -> tuple[Any, ...]:
    return watch.outcome, watch.status, type(watch.error), watch.polls, watch.due_at


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(jobs)
def test_blocking_and_async_side_decide_alike(open_lab: Any, scripted: Any, skip_time: Any, scripts: list[Any]) -> None:
    async def run() -> None:
        vendor.append(ScriptedVendor([list(script) for script, *_ in scripts], asyncio.get_running_loop().time))
        poller = skipping_poller(scripted(open_lab(poll_floor=0.0), vendor[0]))  # so that it lingers for nobody
        assert set(await poll(poller, deferred)) == {None}

    vendor: list[ScriptedVendor] = []
    deferred, blocking = watches_of(scripts), watches_of(scripts)
    skip_time(run())
    clock = Clock()
    vendor.append(ScriptedVendor([list(script) for script, *_ in scripts], clock))
    wait(scripted(open_lab(), vendor[1]), blocking, lambda _: None, clock=clock, wall=clock, sleep=clock.sleep)
    assert sorted(vendor[0].polls) == sorted(vendor[1].polls)
    for one, other in zip(deferred, blocking, strict=True):
        assert end_of(one) == pytest.approx(end_of(other))


def test_blocking_side_asks_for_many_jobs_in_one_request(open_lab: Any, scripted: Any) -> None:
    clock = Clock()

    transport = scripted(open_lab("batch_lab"), all_done)
    watches = [new_watch(str(number)) for number in range(250)]
    wait(transport, watches, lambda _: None, clock=clock, wall=clock, sleep=clock.sleep)
    assert [len(ids_of(call)) for call in transport.calls] == [100, 100, 50]


def test_gap_is_counted_from_the_answer_not_from_the_question(open_lab: Any, scripted: Any) -> None:
    clock = Clock()
    polled: list[float] = []

    def slow(call: Call) -> Any:
        polled.append(clock.now)
        clock.now += 20
        return rows(ids_of(call), "succeeded" if len(polled) == 3 else "running")

    watch = new_watch("j", cadence=Cadence(floor=1.0, interval=5.0))
    wait(scripted(open_lab(), slow), [watch], lambda _: None, clock=clock, wall=clock, sleep=clock.sleep)
    assert polled == [NOW + 3, NOW + 28, NOW + 53]


def test_waiting_for_nothing_asks_nothing(open_lab: Any, scripted: Any) -> None:
    transport = scripted(open_lab(), all_done)
    wait(transport, [], lambda _: None)
    assert transport.calls == []


@pytest.mark.parametrize(
    ("operations", "size", "groups"),
    [
        ("", 3, []),
        ("aaaa", 3, [3, 1]),
        ("abab", 3, [2, 2]),
        ("abab", 1, [1, 1, 1, 1]),
    ],
)
def test_batches_hold_one_operation_each(operations: str, size: int, groups: list[int]) -> None:
    watches = [new_watch(str(number), operation=operation) for number, operation in enumerate(operations)]
    made = list(batches(watches, size))
    assert [len(batch) for batch in made] == groups
    assert all(len({watch.operation for watch in batch}) == 1 for batch in made)


def test_blocking_side_spares_the_others_too(open_lab: Any, scripted: Any) -> None:
    def answer(call: Call) -> Any:
        return {"code": 1} if "bad" in ids_of(call) else rows(ids_of(call))

    watches = [new_watch(job_id) for job_id in ("a", "bad", "b", "c")]
    transport = scripted(open_lab("batch_lab"), answer)
    poll_once(transport, watches, Throttle(transport.rate_limit))
    assert [watch.outcome for watch in watches] == [Outcome.ENDED, None, Outcome.ENDED, Outcome.ENDED]
    assert isinstance(watches[1].error, JobNotFound)
