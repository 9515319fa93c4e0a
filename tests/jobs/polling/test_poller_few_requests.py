# SPDX-License-Identifier: Apache-2.0
"""Few requests: who shares one, who leaves together with whom, and who is polled first."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.polling.cadence import Cadence
from airflow_provider_videoai.jobs.polling.poller import Poller
from airflow_provider_videoai.jobs.polling.watch import Outcome
from airflow_provider_videoai.jobs.protocol.call import Call
from tests.jobs.polling.lab import NOW
from tests.jobs.polling.watches import all_done, ids_of, new_watch, poll, rows, skipping_poller

pytestmark = pytest.mark.filterwarnings("error")


def test_a_thousand_jobs_take_a_hundred_in_a_request(open_lab: Any, scripted: Any, skip_time: Any) -> None:
    """After a restart of the triggerer they all arrive in one instant, and end together ten minutes later."""

    def answer(call: Call) -> Any:
        polled.extend(ids_of(call))
        over = asyncio.get_running_loop().time() > NOW + 600
        return rows(ids_of(call), "succeeded" if over else "running")

    async def run() -> None:
        assert set(await poll(skipping_poller(transport, jitter=True), watches)) == {None}

    polled: list[str] = []
    transport = scripted(open_lab("batch_lab", poll_floor=1.0), answer, latency=0.2)
    watches = [new_watch(f"job-{number}") for number in range(1000)]
    skip_time(run())
    assert all(watch.outcome is Outcome.ENDED for watch in watches)
    assert len(polled) / len(watches) < 50  # polls of each job, in ten minutes
    assert len(transport.calls) < 700  # one a second, not 27,000
    assert max(len(ids_of(call)) for call in transport.calls) == 100


def test_jobs_that_came_together_share_their_requests_to_the_end(open_lab: Any, scripted: Any, skip_time: Any) -> None:
    """The clips of a mapped task: a hundred jobs within two seconds, for an hour."""

    def answer(call: Call) -> Any:
        over = asyncio.get_running_loop().time() > NOW + 3600
        return rows(ids_of(call), "succeeded" if over else "running")

    async def run() -> None:
        await poll(skipping_poller(transport, jitter=True), watches)

    watches = [new_watch(str(number), submitted_at=NOW - number / 50) for number in range(100)]
    transport = scripted(open_lab("batch_lab", poll_floor=1.0), answer, latency=0.2)
    skip_time(run())
    assert {len(ids_of(call)) for call in transport.calls} == {100}


def test_jobs_of_a_vendor_that_answers_for_one_are_asked_side_by_side(
    open_lab: Any, scripted: Any, skip_time: Any
) -> None:
    async def run() -> float:
        await poll(skipping_poller(transport), [new_watch(str(number)) for number in range(400)])
        return asyncio.get_running_loop().time() - NOW

    transport = scripted(open_lab(poll_floor=0.0), all_done, latency=1.0)
    assert skip_time(run()) == pytest.approx(3 + 2 * 1.0)  # 400 jobs, 200 at a time, a second each
    assert len(transport.calls) == 400


def test_a_vendor_that_takes_its_time_delays_the_next_ask_of_no_job(
    open_lab: Any, scripted: Any, skip_time: Any
) -> None:
    polled: dict[str, list[float]] = defaultdict(list)

    def answer(call: Call) -> Any:
        now = asyncio.get_running_loop().time()
        polled[ids_of(call)[0]].append(now)
        return rows(ids_of(call), "succeeded" if now > NOW + 60 else "running")

    async def run() -> None:
        cadence = Cadence(floor=1.0, interval=10.0)
        watches = [new_watch(str(n), NOW + n / 150, cadence=cadence) for n in range(1500)]
        await poll(skipping_poller(transport), watches)

    transport = scripted(open_lab(poll_floor=1.0), answer, latency=1.0)  # 150 polls a second, so 150 in flight
    skip_time(run())
    gaps = [later - earlier for times in polled.values() for earlier, later in pairwise(times)]
    assert max(gaps) < 10 + 1.0 + 0.5


@pytest.mark.parametrize(("limit", "most"), [(6, 6), (0.5, 1), (1000, 200), (None, 200)])
def test_no_more_requests_are_under_way_than_the_account_may_send_in_a_minute(
    open_lab: Any, scripted: Any, skip_time: Any, limit: float | None, most: int
) -> None:
    async def run() -> None:
        poller = skipping_poller(transport)
        waiting = asyncio.ensure_future(poll(poller, [new_watch(str(number)) for number in range(250)]))
        await asyncio.sleep(5)
        assert len(poller._in_flight) == most
        await waiting

    transport = scripted(open_lab(max_requests_per_minute=limit), all_done, latency=10)
    skip_time(run())


def test_longest_overdue_job_is_asked_first(open_lab: Any, scripted: Any, skip_time: Any) -> None:
    async def run() -> None:
        await poll(skipping_poller(transport), [new_watch(str(n), started_at=NOW - n) for n in (1, 5, 3, 4, 2, 0)])

    transport = scripted(open_lab("batch_lab", batch_size=2, max_requests_per_minute=1), all_done, latency=60)
    skip_time(run())
    assert [ids_of(call) for call in transport.calls] == [["5", "4"], ["3", "2"], ["1", "0"]]


@pytest.mark.parametrize(("jobs", "last_by"), [(1, 3.1), (4, 3.1), (10, 3.21), (100, 3.4), (350, 3.6)])
def test_jobs_that_fall_due_in_one_slot_share_the_wake_up_but_do_not_crowd(
    open_lab: Any, scripted: Any, skip_time: Any, jobs: int, last_by: float
) -> None:
    def answer(call: Call) -> Any:
        left[round(asyncio.get_running_loop().time() - NOW, 3)] += 1
        return all_done(call)

    async def run() -> None:
        watches = [new_watch(str(n), started_at=NOW + 0.01 + n / 4000) for n in range(jobs)]
        await poll(skipping_poller(transport), watches)

    left: Counter[float] = Counter()
    transport = scripted(open_lab(poll_floor=1.0), answer)
    skip_time(run())
    assert left.total() == jobs
    assert min(left) == 3.1
    assert max(left.values()) == min(jobs, 4)
    assert max(left) <= last_by


@pytest.mark.parametrize(
    ("jobs", "sent"),
    [
        (100, {3.25: [100]}),  # full: it waits for nobody
        (99, {3.6: [99]}),
        (250, {3.25: [100, 100], 3.6: [50]}),
    ],
)
def test_full_requests_leave_first_and_one_with_room_waits_half_a_second_for_more(
    open_lab: Any, scripted: Any, skip_time: Any, jobs: int, sent: dict[float, list[int]]
) -> None:
    def answer(call: Call) -> Any:
        left[round(asyncio.get_running_loop().time() - NOW, 3)].append(len(ids_of(call)))
        return all_done(call)

    async def run() -> None:
        await poll(skipping_poller(transport), [new_watch(str(n), NOW + 0.1) for n in range(jobs)])

    left: dict[float, list[int]] = defaultdict(list)
    transport = scripted(open_lab("batch_lab", poll_floor=1.0), answer)
    skip_time(run())
    assert left == sent


@pytest.mark.parametrize("first", [0.0, 0.05, 0.125, 0.2, 0.249])
def test_a_few_jobs_that_came_together_share_one_request_wherever_a_slot_ends(
    open_lab: Any, scripted: Any, skip_time: Any, first: float
) -> None:
    async def run() -> None:
        clock = asyncio.get_running_loop().time
        poller = Poller(transport, clock=clock, wall=clock, jitter=lambda _, most: next(spread) * most)
        await poll(poller, [new_watch(str(n), NOW + first) for n in range(5)])

    spread = iter([0.0, 0.25, 0.5, 0.75, 1.0])
    transport = scripted(open_lab("batch_lab", poll_floor=1.0), all_done)
    skip_time(run())
    assert [ids_of(call) for call in transport.calls] == [list("01234")]


def test_jobs_of_two_operations_never_share_a_request(open_lab: Any, scripted: Any, skip_time: Any) -> None:
    async def run() -> None:
        watches = [new_watch(str(n), operation=("develop", "reprint")[n % 2]) for n in range(8)]
        await poll(skipping_poller(transport), watches)

    transport = scripted(open_lab("batch_lab"), all_done)
    skip_time(run())
    polled = {json.loads(call.body)["operation"]: ids_of(call) for call in transport.calls}
    assert polled == {"develop": list("0246"), "reprint": list("1357")}


def test_two_tasks_that_wait_for_one_job_share_its_answer(open_lab: Any, scripted: Any, skip_time: Any) -> None:
    async def run() -> None:
        await poll(skipping_poller(transport), watches)

    watches = [new_watch("same"), new_watch("same")]
    transport = scripted(open_lab("batch_lab"), all_done)
    skip_time(run())
    assert [ids_of(call) for call in transport.calls] == [["same"]]
    assert [watch.outcome for watch in watches] == [Outcome.ENDED] * 2


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["lab", "batch_lab"]),
    st.lists(st.tuples(st.floats(0, 30), st.sampled_from([None, 2.0, 7.0])), min_size=1, max_size=30),
)
def test_no_job_is_asked_before_its_floor_or_its_fixed_interval(
    open_lab: Any, scripted: Any, skip_time: Any, key: str, arrivals: list[tuple[float, float | None]]
) -> None:
    """A request that leaves for one job must not drag others along before their time."""
    polled: dict[str, list[float]] = defaultdict(list)

    async def run() -> None:
        loop = asyncio.get_running_loop()

        def answer(call: Call) -> Any:
            for job_id in ids_of(call):
                polled[job_id].append(loop.time())
            return rows(ids_of(call), "succeeded" if loop.time() > NOW + 60 else "running")

        async def arrive(number: int, delay: float, interval: float | None) -> None:
            await asyncio.sleep(delay)
            watch = new_watch(str(number), loop.time(), cadence=Cadence(floor=1.0, interval=interval))
            await poller.watch([watch], lambda _: None)

        poller = skipping_poller(scripted(open_lab(key, poll_floor=1.0), answer, 0.05), jitter=True)
        await asyncio.gather(*(arrive(number, *arrival) for number, arrival in enumerate(arrivals)))
        await poller.close()

    skip_time(run())
    for number, (_, interval) in enumerate(arrivals):
        times = polled[str(number)]
        least = max(interval or 2.0, 1.0)
        assert all(later - earlier >= least - 1e-3 for earlier, later in pairwise(times))
