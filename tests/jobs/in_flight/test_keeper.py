# SPDX-License-Identifier: Apache-2.0
"""Whoever waits for jobs renews their leases, in few calls, and ends them; nobody else's wait is longer for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest

from airflow_provider_videoai.jobs.in_flight import keeper as module
from airflow_provider_videoai.jobs.in_flight.keeper import LeaseKeeper
from airflow_provider_videoai.jobs.ledger.lease import LEASE_SECONDS, RENEW_SECONDS, LeaseRequest, lease_of_job
from airflow_provider_videoai.jobs.polling.blocking import wait
from airflow_provider_videoai.jobs.polling.cadence import Cadence
from airflow_provider_videoai.jobs.polling.poller import Poller
from tests.jobs.in_flight.conftest import Book
from tests.jobs.polling.lab import NOW, ScriptedTransport
from tests.jobs.polling.watches import all_done, ids_of, new_watch, poll, quick, rows


def leased(book: Book, account: str, *job_ids: str) -> None:
    for job_id in job_ids:
        book.submitted(account, "*", job_id, lease_of_job(job_id))
    book.calls.clear()


def has_room(book: Book, account: str) -> bool:
    return bool(book.lease(account, "*", [LeaseRequest("new")], limit=1))


async def renewed(keeper: LeaseKeeper, book: Book, now: list[float]) -> list[set[str]]:
    """Let the keeper write at once, and when it is due again; return what it renewed."""
    await asyncio.to_thread(int)  # comes after what the keeper writes, in the loop's only thread
    now[0] += RENEW_SECONDS
    keeper.write()
    return [more["running"] for _, _, more in book.calls if more["running"]]


@pytest.fixture
async def one_thread() -> None:
    """Let threads of the loop run one after the other."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))


def test_a_blocking_wait_ends_the_leases_of_jobs_that_ended(
    limited: Callable[..., ScriptedTransport], book: Book, account: str
) -> None:
    leased(book, account, "a")
    assert not has_room(book, account)
    wait(limited(script=all_done), [new_watch("a")], lambda _: None, clock=lambda: NOW + 10, wall=lambda: NOW + 10)
    assert has_room(book, account)


def test_a_blocking_wait_renews_leases_also_if_it_polls_less_often_than_they_last(
    limited: Callable[..., ScriptedTransport], book: Book
) -> None:
    now = [NOW]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    states = iter(["running", "running", "succeeded"])
    transport = limited(script=lambda call: rows(ids_of(call), next(states)))
    watch = new_watch("a", cadence=Cadence(floor=1.0, interval=4 * LEASE_SECONDS))
    renewed_at = list[float]()
    keep = book.keep_leases

    def noted(*args: Any, **more: Any) -> None:
        keep(*args, **more)
        if more["running"]:
            renewed_at.append(now[0])

    book.keep_leases = noted  # type: ignore[method-assign]
    wait(transport, [watch], lambda _: None, clock=lambda: now[0], wall=lambda: now[0], sleep=sleep)
    assert watch.polls == 3
    gaps = [later - earlier for earlier, later in pairwise([*renewed_at, now[0]])]
    assert max(gaps) <= RENEW_SECONDS + 1
    assert len(renewed_at) <= (now[0] - NOW) / RENEW_SECONDS + 2, "and no more often than is due"


async def test_the_poller_ends_the_leases_of_jobs_that_ended_in_one_call(
    limited: Callable[..., ScriptedTransport], book: Book, account: str
) -> None:
    jobs = [f"j{number}" for number in range(20)]
    leased(book, account, *jobs)
    poller = Poller(limited(script=all_done))
    await poll(poller, [quick(job_id) for job_id in jobs])
    await poller.close()
    ended = [more["ended"] for name, _, more in book.calls if name == "keep" and more["ended"]]
    assert [sorted(names) for names in ended] == [sorted(map(lease_of_job, jobs))]
    assert has_room(book, account)


async def test_a_job_that_failed_to_be_polled_keeps_its_lease(
    limited: Callable[..., ScriptedTransport], book: Book, account: str
) -> None:
    leased(book, account, "a")
    poller = Poller(limited(script=lambda _: {"code": 3}))
    await poll(poller, [quick("a")])
    await poller.close()
    assert not has_room(book, account)


async def test_leases_are_renewed_every_few_minutes_for_all_jobs_that_are_waited_for(
    limited: Callable[..., ScriptedTransport], book: Book
) -> None:
    now, transport = [0.0], limited()
    keeper = LeaseKeeper(transport, lambda: now[0])
    keeper.keep(["a", "b", "c"])
    keeper.end(["c"])
    for _ in range(200):
        keeper.write()
        now[0] += RENEW_SECONDS / 100
    renewals = [more["running"] for _, _, more in book.calls if more["running"]]
    assert renewals == [{lease_of_job("a"), lease_of_job("b")}] * 2
    assert len(book.calls) == 2


@pytest.mark.usefixtures("one_thread")
async def test_who_leaves_renews_no_more(limited: Callable[..., ScriptedTransport], book: Book) -> None:
    now = [0.0]
    keeper = LeaseKeeper(limited(), lambda: now[0])
    left = asyncio.get_running_loop().create_future()
    keeper.keep_until(left, ["a"])
    keeper.keep_until(asyncio.get_running_loop().create_future(), ["b"])
    left.cancel()
    await asyncio.sleep(0)
    assert (await renewed(keeper, book, now))[-1] == {lease_of_job("b")}
    await keeper.close()


async def test_a_slow_ledger_holds_up_neither_the_loop_nor_an_end(
    limited: Callable[..., ScriptedTransport], book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    released, keep = asyncio.Event(), book.keep_leases
    loop = asyncio.get_running_loop()

    def slow(*args: Any, **more: Any) -> None:
        asyncio.run_coroutine_threadsafe(released.wait(), loop).result(10)
        keep(*args, **more)

    monkeypatch.setattr(book, "keep_leases", slow)
    poller = Poller(limited(script=all_done))
    async with asyncio.timeout(10):
        await poller.watch([quick("a")], lambda _: None)
    released.set()
    await poller.close()


@pytest.mark.parametrize("limit", [None, 1])
async def test_only_an_account_with_a_limit_calls_the_ledger(
    limit: int | None, limited: Callable[..., ScriptedTransport], book: Book
) -> None:
    poller = Poller(limited(limit, all_done))
    await poll(poller, [quick("a")])
    await poller.close()
    assert bool(book.calls) is (limit is not None)


async def test_a_ledger_that_is_away_ends_no_wait(limited: Callable[..., ScriptedTransport], book: Book) -> None:
    book.away = True
    states = iter(["running", "running", "succeeded"])
    poller = Poller(limited(script=lambda call: rows(ids_of(call), next(states))))
    watch = quick("a")
    await poll(poller, [watch])
    await poller.close()
    assert watch.done
    assert watch.error is None


async def test_ends_within_a_second_share_a_call(
    limited: Callable[..., ScriptedTransport], book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_GATHER", 0.05)
    keeper, written = LeaseKeeper(limited()), asyncio.Queue[int]()
    loop, keep = asyncio.get_running_loop(), book.keep_leases

    def keep_and_say(*args: Any, **more: Any) -> None:
        keep(*args, **more)
        loop.call_soon_threadsafe(written.put_nowait, len(more["ended"]))

    monkeypatch.setattr(book, "keep_leases", keep_and_say)
    keeper.keep_until(loop.create_future(), ["a", "b", "c"])
    async with asyncio.timeout(10):
        assert await written.get() == 0
        for job_id in "abc":
            keeper.end([job_id])
            await asyncio.sleep(0)
        assert await written.get() == 3
    await keeper.close()


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("ended", [False, True], ids=["of a running job", "of one that ended, and is watched again"])
async def test_the_first_of_two_that_leave_one_job_does_not_end_the_renewal_for_the_other(
    limited: Callable[..., ScriptedTransport], book: Book, ended: bool
) -> None:
    now = [0.0]
    keeper = LeaseKeeper(limited(), lambda: now[0])
    first, second = (asyncio.get_running_loop().create_future() for _ in range(2))
    keeper.keep_until(first, ["a"])
    if ended:
        keeper.end(["a"])
    keeper.keep_until(second, ["a"])
    first.set_result(None)
    await asyncio.sleep(0)  # its callback
    assert await renewed(keeper, book, now) == [{lease_of_job("a")}] * 2
    await keeper.close()


def test_renewals_that_fail_are_logged_once_and_so_is_that_they_work_again(
    limited: Callable[..., ScriptedTransport], book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    keeper = LeaseKeeper(limited(), lambda: now[0])
    keeper.keep(["a"])
    with caplog.at_level("INFO"):
        for away in (True, True, True, False, False):
            book.away = away
            keeper.write()
            now[0] += RENEW_SECONDS
    said = [record.getMessage() for record in caplog.records if "renewed" in record.getMessage()]
    assert [text.split(" renewed")[1] for text in said] == [" at present: it is away", " again"]
