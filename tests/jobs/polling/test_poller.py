# SPDX-License-Identifier: Apache-2.0
"""One job's trouble is its own, and each hears of its own job."""

from __future__ import annotations

import asyncio
import contextlib
from contextvars import ContextVar
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import VendorUnavailable
from airflow_provider_videoai.jobs.http.connections import CONNECTIONS
from airflow_provider_videoai.jobs.model import JobState
from airflow_provider_videoai.jobs.polling.cadence import Cadence
from airflow_provider_videoai.jobs.polling.watch import Outcome, Watch
from airflow_provider_videoai.jobs.protocol.call import Call
from tests.jobs.polling.lab import NOW
from tests.jobs.polling.watches import all_done, ids_of, new_watch, poll, rows, skipping_poller

pytestmark = pytest.mark.filterwarnings("error")


def test_job_that_the_vendor_does_not_know_harms_no_other(open_lab: Any, scripted: Any, skip_time: Any) -> None:
    async def run() -> None:
        await poll(skipping_poller(transport), watches)

    watches = [new_watch("known"), new_watch("lost")]
    transport = scripted(open_lab("batch_lab"), lambda call: rows([each for each in ids_of(call) if each == "known"]))
    skip_time(run())
    assert [watch.outcome for watch in watches] == [Outcome.ENDED, Outcome.NOT_FOUND]
    assert watches[0].polls == 1


@pytest.mark.parametrize(
    ("code", "outcome"), [(1, Outcome.NOT_FOUND), (8, Outcome.NOT_FOUND), (5, Outcome.REFUSED), (7, Outcome.REFUSED)]
)
def test_job_that_spoils_its_request_is_found_and_the_others_are_spared(
    open_lab: Any, scripted: Any, skip_time: Any, code: int, outcome: Outcome
) -> None:
    def answer(call: Call) -> Any:
        return {"code": code} if "bad" in ids_of(call) else rows(ids_of(call))

    async def run() -> None:
        await poll(skipping_poller(transport), [*watches, bad])

    watches, bad = [new_watch(str(number)) for number in range(99)], new_watch("bad")
    transport = scripted(open_lab("batch_lab"), answer)
    skip_time(run())
    assert {watch.outcome for watch in watches} == {Outcome.ENDED}
    assert {watch.polls for watch in watches} == {1}
    assert bad.outcome is outcome


def test_failed_request_is_tolerated_and_concerns_its_jobs_only(open_lab: Any, scripted: Any, skip_time: Any) -> None:
    def answer(call: Call) -> Any:
        if ids_of(call) == ["unlucky"] and len(transport.calls) < 6:
            raise VendorUnavailable("lights out")
        return rows(ids_of(call))

    async def run() -> None:
        await poll(skipping_poller(transport), watches, lambda watch: noted.append((watch.job_id, watch.error)))

    noted: list[tuple[str, Any]] = []
    watches = [new_watch("unlucky"), new_watch("lucky")]
    transport = scripted(open_lab(), answer)
    skip_time(run())
    assert [watch.outcome for watch in watches] == [Outcome.ENDED, Outcome.ENDED]
    assert watches[1].polls == 1
    assert watches[0].polls > 2
    assert [error for job_id, error in noted if job_id == "lucky"] == [None]


def test_outage_longer_than_the_tolerance_ends_the_wait(open_lab: Any, scripted: Any, skip_time: Any) -> None:
    async def run() -> None:
        await poll(skipping_poller(transport), [watch])

    watch = new_watch("j")
    transport = scripted(open_lab(), lambda _: {"code": 6})
    skip_time(run())
    assert watch.outcome is Outcome.UNAVAILABLE


def test_defect_ends_the_jobs_of_its_own_request_and_no_others(open_lab: Any, scripted: Any, skip_time: Any) -> None:
    def answer(call: Call) -> Any:
        return {"code": 0} if "cursed" in ids_of(call) else rows(ids_of(call))  # no "jobs": a KeyError in the vendor

    async def run() -> list[Any]:
        return await poll(skipping_poller(transport), watches)

    watches = [new_watch("cursed"), new_watch("fine")]
    transport = scripted(open_lab(), answer)
    cursed, fine = skip_time(run())
    assert isinstance(cursed, KeyError)
    assert fine is None
    assert watches[1].outcome is Outcome.ENDED


def test_observer_that_fails_ends_its_own_wait_only(open_lab: Any, scripted: Any, skip_time: Any) -> None:
    def observe(watch: Watch) -> None:
        if watch.job_id == "b":
            raise ZeroDivisionError

    async def run() -> list[Any]:
        return await poll(skipping_poller(transport), [new_watch(job_id) for job_id in "abc"], observe)

    transport = scripted(open_lab("batch_lab"), all_done)
    first, second, third = skip_time(run())
    assert (first, third) == (None, None)
    assert isinstance(second, ZeroDivisionError)


def test_cancelled_watcher_leaves_at_once_and_the_others_go_on(open_lab: Any, scripted: Any, skip_time: Any) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        poller = skipping_poller(transport)
        leaving, staying = (asyncio.ensure_future(poller.watch([watch], lambda _: None)) for watch in watches)
        await asyncio.sleep(10)
        leaving.cancel()
        before = loop.time()
        with contextlib.suppress(asyncio.CancelledError):
            await leaving
        assert loop.time() == before
        await staying
        await poller.close()

    def answer(call: Call) -> Any:
        return rows(ids_of(call), "succeeded" if len(transport.calls) == 20 else "running")

    watches = [new_watch("leaving"), new_watch("staying")]
    transport = scripted(open_lab(), answer)
    skip_time(run())
    assert not watches[0].done
    assert watches[1].outcome is Outcome.ENDED
    assert sum(ids_of(call) == ["leaving"] for call in transport.calls) < 6


def test_watcher_that_is_cancelled_while_it_is_asked_for_disturbs_nobody(
    open_lab: Any, scripted: Any, skip_time: Any
) -> None:
    async def run() -> None:
        poller = skipping_poller(transport)
        leaving, staying = (
            asyncio.ensure_future(poller.watch([new_watch(job_id)], lambda _: None))
            for job_id in ("leaving", "staying")
        )
        await asyncio.sleep(9)  # the request is in flight
        assert poller._in_flight
        leaving.cancel()
        await staying
        await poller.close()

    transport = scripted(open_lab("batch_lab"), all_done, latency=60)
    skip_time(run())
    assert len(transport.calls) == 1


def test_requests_for_nobody_are_not_sent(open_lab: Any, scripted: Any, skip_time: Any) -> None:
    async def run() -> None:
        poller = skipping_poller(transport)
        waits = [asyncio.ensure_future(poller.watch([new_watch(str(n))], lambda _: None)) for n in range(3)]
        await asyncio.sleep(1)
        for each in waits:
            each.cancel()
        await asyncio.sleep(100)
        assert poller._free == CONNECTIONS
        await poller.watch([new_watch("late", NOW + 101)], lambda _: None)
        await poller.close()

    transport = scripted(open_lab(), all_done)
    skip_time(run())
    assert [ids_of(call) for call in transport.calls] == [["late"]]


def test_observer_runs_in_the_context_of_its_own_task(open_lab: Any, scripted: Any, skip_time: Any) -> None:
    """The triggerer reads from the context to which task a log line belongs."""
    task: ContextVar[str] = ContextVar("task")

    async def wait_for(job_id: str) -> None:
        task.set(job_id)
        await poller_of[0].watch([new_watch(job_id)], lambda watch: heard.append((watch.job_id, task.get())))

    async def run() -> None:
        poller_of.append(skipping_poller(transport))
        await asyncio.gather(*(wait_for(job_id) for job_id in "abc"))
        await poller_of[0].close()

    poller_of: list[Any] = []
    heard: list[tuple[str, str]] = []
    transport = scripted(open_lab("batch_lab"), all_done)
    skip_time(run())
    assert heard == [("a", "a"), ("b", "b"), ("c", "c")]


def test_observer_hears_of_news_only(open_lab: Any, scripted: Any, skip_time: Any) -> None:
    states = iter(["queued", "queued", "running", "running", "succeeded"])

    async def run() -> None:
        await poll(skipping_poller(transport), [watch], lambda watch: heard.append(watch.status.state))

    heard: list[JobState] = []
    watch = new_watch("j")
    transport = scripted(open_lab(), lambda call: rows(ids_of(call), next(states)))
    skip_time(run())
    assert heard == ["queued", "running", "succeeded"]
    assert watch.polls == 5


# -- jitter ----------------------------------------------------------------------------------------------------


def polled_at(scripted: Any, skip_time: Any, vendor: Any, watches: list[Watch], rounds: int) -> list[dict[str, float]]:
    """Wait for jobs that end at their poll number ``rounds``; return when each was polled, round by round."""
    seen: list[dict[str, float]] = [{} for _ in range(rounds)]

    def answer(call: Call) -> Any:
        found = []
        for job_id in ids_of(call):
            number = next(number for number, polls in enumerate(seen) if job_id not in polls)
            seen[number][job_id] = asyncio.get_running_loop().time() - NOW
            found += rows([job_id], "succeeded" if number == rounds - 1 else "running")["jobs"]
        return {"code": 0, "jobs": found}

    async def run() -> None:
        await poll(skipping_poller(scripted(vendor, answer), jitter=True), watches)

    skip_time(run())
    return seen


def test_jobs_that_arrive_together_are_first_polled_over_the_vendors_floor(
    open_lab: Any, scripted: Any, skip_time: Any
) -> None:
    """After a restart of the triggerer every job arrives in the same instant."""
    watches = [new_watch(str(number), cadence=Cadence(floor=10.0)) for number in range(100)]
    (first,) = polled_at(scripted, skip_time, open_lab(), watches, rounds=1)
    assert 10 <= min(first.values()) < 13
    assert 17 < max(first.values()) < 20.2
    assert len({round(at) for at in first.values()}) > 8


def test_jobs_of_the_same_interval_drift_apart_poll_by_poll(open_lab: Any, scripted: Any, skip_time: Any) -> None:
    watches = [new_watch(str(number), cadence=Cadence(floor=1.0, interval=100.0)) for number in range(100)]
    first, second = polled_at(scripted, skip_time, open_lab(), watches, rounds=2)
    late = [second[job_id] - first[job_id] - 100 for job_id in first]
    assert 0 <= min(late) < 0.4
    assert 1.6 < max(late) < 2.3


def test_jobs_that_can_share_a_request_are_not_torn_apart(open_lab: Any, scripted: Any, skip_time: Any) -> None:
    watches = [new_watch(str(number), cadence=Cadence(floor=10.0, interval=100.0)) for number in range(100)]
    vendor = open_lab("batch_lab", poll_floor=10.0)
    rounds = polled_at(scripted, skip_time, vendor, watches, rounds=3)
    assert [len(set(polls.values())) for polls in rounds] == [1, 1, 1]
