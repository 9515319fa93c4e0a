# SPDX-License-Identifier: Apache-2.0
"""Tasks that wait for a lease share one call of the ledger, and none is forgotten or held for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from airflow_provider_videoai.jobs.in_flight import lease_queue
from airflow_provider_videoai.jobs.in_flight.lease_queue import LeaseQueue
from airflow_provider_videoai.jobs.in_flight.leases import InFlightLeases, leases_for
from airflow_provider_videoai.jobs.ledger.lease import LeaseRequest
from tests.jobs.in_flight.conftest import Book
from tests.jobs.polling.lab import ScriptedTransport


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_queue, "RETRY_SECONDS", 0.02)


@pytest.fixture
def leases(limited: Callable[..., ScriptedTransport]) -> InFlightLeases:
    found = leases_for(limited(2), "develop")
    assert found is not None
    return found


async def requested(book: Book, times: int) -> None:
    """Wait until the ledger was called so often from now on."""
    target = len(book.calls) + times
    while len(book.calls) < target:  # noqa: ASYNC110 - it is called in a thread
        await asyncio.sleep(0.01)


async def test_turns_come_by_priority_as_jobs_end(leases: InFlightLeases, book: Book) -> None:
    queue, order = LeaseQueue(), list[str]()
    book.lease(leases.account, "*", [LeaseRequest("x"), LeaseRequest("y")], limit=2)

    async def granted(name: str, priority: int) -> None:
        await queue.wait(leases, LeaseRequest(name, priority))
        order.append(name)

    waiting = [asyncio.create_task(granted(name, priority)) for name, priority in (("a", 1), ("b", 9), ("c", 5))]
    await requested(book, 2)
    assert order == []
    for ended, next_one in (("x", "b"), ("b", "c"), ("c", "a")):
        book.keep_leases(leases.account, ended=[ended])
        async with asyncio.timeout(10):
            while order[-1:] != [next_one]:  # noqa: ASYNC110 - one after the other
                await asyncio.sleep(0.01)
    await asyncio.gather(*waiting)


async def test_a_hundred_tasks_cost_one_call_at_a_time(leases: InFlightLeases, book: Book) -> None:
    queue = LeaseQueue()
    tasks = [asyncio.create_task(queue.wait(leases, LeaseRequest(f"t{number}"))) for number in range(100)]
    await requested(book, 3)
    requests = [len(args[2]) for name, args, _ in book.calls if name == "lease"]
    assert requests[:2] == [100, 98]
    assert sum(task.done() for task in tasks) == 2
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_who_is_gone_is_not_asked_for(leases: InFlightLeases, book: Book) -> None:
    queue = LeaseQueue()
    book.lease(leases.account, "*", [LeaseRequest("x"), LeaseRequest("y")], limit=2)
    gone, stays = (asyncio.create_task(queue.wait(leases, LeaseRequest(name))) for name in ("gone", "stays"))
    await requested(book, 1)
    gone.cancel()
    await requested(book, 2)
    assert [request.name for request in book.calls[-1][1][2]] == ["stays"]
    stays.cancel()
    await asyncio.gather(gone, stays, return_exceptions=True)
    before = len(book.calls)
    await asyncio.sleep(0.1)
    assert len(book.calls) <= before + 1


async def test_a_task_that_was_cleared_and_waits_twice_gets_both_turns(leases: InFlightLeases) -> None:
    queue = LeaseQueue()
    async with asyncio.timeout(10):
        await asyncio.gather(*(queue.wait(leases, LeaseRequest("a")) for _ in range(2)))


async def test_a_ledger_that_is_away_for_a_moment_lets_nobody_go_and_one_that_stays_away_everybody(
    leases: InFlightLeases, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = LeaseQueue()
    book.away = True
    task = asyncio.create_task(queue.wait(leases, LeaseRequest("a")))
    await requested(book, 3)
    assert not task.done()
    monkeypatch.setattr(lease_queue, "_TOLERANCE", 0.0)
    async with asyncio.timeout(10):
        await task


async def test_a_defect_is_raised_by_those_who_wait(
    leases: InFlightLeases, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> set[str]:
        raise ZeroDivisionError

    monkeypatch.setattr(book, "lease", broken)
    with pytest.raises(ZeroDivisionError):
        async with asyncio.timeout(10):
            await LeaseQueue().wait(leases, LeaseRequest("a"))
