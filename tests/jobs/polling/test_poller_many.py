# SPDX-License-Identifier: Apache-2.0
"""One task that waits for many jobs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airflow_provider_videoai.jobs.polling.watch import Outcome, Watch
from airflow_provider_videoai.jobs.protocol.call import Call
from tests.jobs.polling.lab import NOW
from tests.jobs.polling.watches import all_done, ids_of, new_watch, rows, skipping_poller


def test_the_wait_is_over_when_the_last_job_is(open_lab: Any, scripted: Any, skip_time: Any) -> None:
    def answer(call: Call) -> Any:
        over = asyncio.get_running_loop().time() > NOW + 10 * int(ids_of(call)[0])
        return rows(ids_of(call), "succeeded" if over else "running")

    async def run() -> float:
        poller = skipping_poller(scripted(open_lab(), answer))
        await poller.watch(watches, lambda _: None)
        await poller.close()
        return asyncio.get_running_loop().time()

    watches = [new_watch(str(number)) for number in (3, 1, 2)]
    assert skip_time(run()) > NOW + 30
    assert {watch.outcome for watch in watches} == {Outcome.ENDED}


@pytest.mark.parametrize("key", ["lab", "batch_lab"])
def test_a_job_that_is_due_sooner_does_not_wait_for_the_first(
    open_lab: Any, scripted: Any, skip_time: Any, key: str
) -> None:
    def answer(call: Call) -> Any:
        for job_id in ids_of(call):
            polled[job_id] = asyncio.get_running_loop().time() - NOW
        return all_done(call)

    async def run() -> None:
        poller = skipping_poller(scripted(open_lab(key, poll_floor=1.0), answer))
        await poller.watch(
            [new_watch("late", NOW + 100), new_watch("soon"), new_watch("last", NOW + 200)], lambda _: None
        )
        await poller.close()

    polled: dict[str, float] = {}
    skip_time(run())
    assert polled == pytest.approx({"soon": 3, "late": 103, "last": 203}, abs=0.6)


def test_jobs_that_are_done_are_not_asked_for_again(open_lab: Any, scripted: Any, skip_time: Any) -> None:
    async def run() -> None:
        poller = skipping_poller(transport)
        await poller.watch(watches, lambda _: None)
        await poller.watch(watches, lambda _: None)
        await poller.watch([*watches, new_watch("c", NOW + 60)], lambda _: None)
        await poller.close()

    transport = scripted(open_lab("batch_lab"), all_done)
    watches = [new_watch("a"), new_watch("b")]
    skip_time(run())
    assert [ids_of(call) for call in transport.calls] == [["a", "b"], ["c"]]


def test_who_leaves_leaves_with_all_its_jobs(open_lab: Any, scripted: Any, skip_time: Any) -> None:
    async def run() -> None:
        poller = skipping_poller(transport)
        leaving = poller.watch([new_watch(str(number)) for number in range(3)], lambda _: None)
        await asyncio.sleep(1)
        leaving.cancel()
        await asyncio.sleep(100)
        await poller.close()

    transport = scripted(open_lab(), all_done)
    skip_time(run())
    assert not transport.calls


def test_who_leaves_and_comes_again_is_asked_for_like_any_other(open_lab: Any, scripted: Any, skip_time: Any) -> None:
    async def run() -> None:
        poller = skipping_poller(transport)
        poller.watch([watch], lambda _: None).cancel()
        await poller.watch([watch], lambda _: None)
        await asyncio.sleep(10)
        await poller.close()

    transport = scripted(open_lab(), all_done, latency=1.0)
    watch = new_watch("j")
    skip_time(run())
    assert [ids_of(call) for call in transport.calls] == [["j"]]
    assert watch.polls == 1


def test_a_defect_in_what_hears_of_one_job_ends_the_wait_for_all(open_lab: Any, scripted: Any, skip_time: Any) -> None:
    def observe(watch: Watch) -> None:
        if watch.job_id == "b":
            raise ZeroDivisionError

    async def run() -> None:
        poller = skipping_poller(scripted(open_lab("batch_lab"), all_done))
        other = poller.watch([new_watch("d")], observe)
        with pytest.raises(ZeroDivisionError):
            await poller.watch([new_watch(job_id) for job_id in "abc"], observe)
        await other
        await poller.close()

    skip_time(run())
