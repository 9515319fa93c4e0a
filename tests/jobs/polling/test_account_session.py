# SPDX-License-Identifier: Apache-2.0
"""One session per account and event loop: its beginning, its end, its lookup, and how it backs off."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import JobNotFound, QuotaExceeded, VendorUnavailable
from airflow_provider_videoai.jobs.http.rate_limit import RateLimit
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.polling import account_session as session_module
from airflow_provider_videoai.jobs.polling import throttle as throttle_module
from airflow_provider_videoai.jobs.polling.account_session import AccountSession, session_of
from airflow_provider_videoai.jobs.polling.throttle import Throttle
from airflow_provider_videoai.jobs.polling.watch import Outcome, Watch
from airflow_provider_videoai.jobs.protocol.call import json_body
from tests.jobs.polling.watches import quick, rows, until

pytestmark = pytest.mark.filterwarnings("error")


# -- one poller and one pool -----------------------------------------------------------------------------------


def done_after(requests: int) -> Callable[[Any], None]:
    """Behave as a vendor whose jobs end with the given request; connections are kept alive."""

    def behave(wire: Any) -> None:
        while True:
            wire.read()
            state = "succeeded" if len(wire.server.requests) >= requests else "running"
            wire.answer(json_body(rows(["a", "b", "c"], state)))

    return behave


def nothing_left() -> bool:
    """Return whether the running loop holds no task but this one; connections left open warn when they are freed."""
    return asyncio.all_tasks() == {asyncio.current_task()}


def test_poller_ends_when_nobody_waits_and_works_again_in_a_new_loop(open_lab: Any, server: Any) -> None:
    async def run() -> None:
        async with AccountSession(Transport(vendor)) as poller:
            await asyncio.gather(*(poller.watch([watch], lambda _: None) for watch in watches))
        assert nothing_left()

    vendor = open_lab("batch_lab", host=server.url, conn_id="two-loops")
    for _ in range(2):
        server.requests.clear()
        server.behave = done_after(5)
        watches = [quick(job_id) for job_id in "abc"]
        asyncio.run(run())
        assert all(watch.outcome is Outcome.ENDED for watch in watches)
    assert server.connections == 2  # one a loop
    gc.collect()


def test_tasks_of_one_session_share_a_poller_and_a_pool_and_others_do_not(open_lab: Any) -> None:
    async def run() -> None:
        ours, theirs = (AccountSession(Transport(open_lab(conn_id=name))) for name in ("ours", "theirs"))
        async with ours as first, ours as second, theirs as third:
            assert first is second
            assert first is not third
            assert first.transport._pool is not third.transport._pool
        assert nothing_left()

    asyncio.run(run())


def test_last_to_leave_closes_the_poller_even_while_it_is_asking(open_lab: Any, server: Any) -> None:
    async def wait_for(job_id: str) -> None:
        async with session as poller:
            await poller.watch([quick(job_id)], lambda _: None)

    async def run() -> None:
        waits = [asyncio.ensure_future(wait_for(job_id)) for job_id in "ab"]
        await until(lambda: bool(server.requests))
        for each in waits:
            each.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        assert nothing_left()

    server.behave = lambda wire: (wire.read(), wire.server.stopping.wait(5))
    session = AccountSession(Transport(open_lab("batch_lab", host=server.url, conn_id="asking")))
    asyncio.run(run())
    gc.collect()


def test_task_that_comes_while_the_last_one_leaves_gets_a_working_poller(open_lab: Any, server: Any) -> None:
    async def wait_for(watch: Watch) -> None:
        async with session as poller:
            await poller.watch([watch], lambda _: None)

    async def run() -> None:
        for _ in range(10):
            leaving = asyncio.ensure_future(wait_for(quick("a")))
            await asyncio.sleep(0.02)
            leaving.cancel()
            coming = quick("b")
            await wait_for(coming)
            assert coming.error is None
            assert coming.outcome is Outcome.ENDED
            await asyncio.gather(leaving, return_exceptions=True)
        assert nothing_left()

    server.behave = done_after(1)
    session = AccountSession(Transport(open_lab("batch_lab", host=server.url, conn_id="coming and going")))
    asyncio.run(run())
    gc.collect()


def test_each_task_hears_of_its_jobs_in_its_own_context(open_lab: Any, server: Any) -> None:
    # Airflow's triggerer sends a log line to the task that the context names.
    async def wait_for(job_id: str) -> None:
        task.set(job_id)
        async with session as poller:
            await poller.watch([quick(job_id)], lambda watch: heard.append((watch.job_id, task.get())))

    async def run() -> None:
        await asyncio.gather(*(wait_for(job_id) for job_id in "abc"))

    task: ContextVar[str] = ContextVar("task")
    heard: list[tuple[str, str]] = []
    server.behave = done_after(2)
    session = AccountSession(Transport(open_lab("batch_lab", host=server.url, conn_id="contexts")))
    asyncio.run(run())
    assert {job_id for job_id, _ in heard} == {"a", "b", "c"}
    assert [pair for pair in heard if pair[0] != pair[1]] == []


# -- one lookup ------------------------------------------------------------------------------------------------


class Connection:
    """An Airflow connection whose password may be changed; counts how often it is looked up."""

    def __init__(self, open_lab: Any) -> None:
        self._open_lab = open_lab
        self.password = "first"
        self.lookups = 0

    async def session(self, refused: AccountSession | None = None) -> AccountSession:
        return await session_of("lab", "rotating", self._look_up, refused=refused)

    async def _look_up(self) -> Transport:
        self.lookups += 1
        await asyncio.sleep(0)
        return Transport(self._open_lab(conn_id="rotating", password=self.password))


@pytest.fixture
def connection(open_lab: Any) -> Connection:
    return Connection(open_lab)


async def test_tasks_that_start_together_look_the_connection_up_once(connection: Connection) -> None:
    sessions = await asyncio.gather(*(connection.session() for _ in range(50)))
    assert len(set(sessions)) == connection.lookups == 1


def test_each_event_loop_has_sessions_of_its_own(connection: Connection) -> None:
    assert asyncio.run(connection.session()) is not asyncio.run(connection.session())


async def test_task_that_starts_later_joins_the_session_of_an_account_that_has_not_changed(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "FRESH", 0.0)
    async with (first := await connection.session()) as poller:
        await asyncio.sleep(0.01)
        async with (second := await connection.session()) as later:
            assert (second, later) == (first, poller)
    assert connection.lookups == 2


async def test_rotated_credentials_have_a_session_of_their_own_and_the_old_ones_poller_goes_on(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "FRESH", 0.0)
    async with (old := await connection.session()) as poller:
        connection.password = "second"
        await asyncio.sleep(0.01)
        async with (new := await connection.session()) as other:
            assert (old.account.password, new.account.password) == ("first", "second")
            assert poller is not other
        assert old._poller is poller


async def test_credentials_that_were_refused_are_looked_up_once_for_all_tasks(connection: Connection) -> None:
    refused = await connection.session()
    same = await asyncio.gather(*(connection.session(refused) for _ in range(50)))
    assert set(same) == {refused}
    assert connection.lookups == 2


async def test_tasks_whose_credentials_were_refused_find_the_ones_that_came_since(connection: Connection) -> None:
    refused = await connection.session()
    connection.password = "second"
    sessions = await asyncio.gather(*(connection.session(refused) for _ in range(50)))
    assert {session.account.password for session in sessions} == {"second"}
    assert len(set(sessions)) == 1
    assert connection.lookups == 2


async def test_nobody_keeps_the_credentials_once_the_last_task_has_left_and_the_lookup_is_old(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "FRESH", 0.0)
    async with (session := await connection.session()):
        await asyncio.sleep(0.01)
    kept = weakref.ref(session)
    del session
    gc.collect()
    assert kept() is None


# -- slowing down ----------------------------------------------------------------------------------------------

FULL = QuotaExceeded("full")
OUT = VendorUnavailable("lights out")


@pytest.mark.parametrize(
    ("notes", "pause"),
    [
        ([(0, FULL)], 5),
        ([(0, FULL), (5, FULL)], 10),
        ([(0, FULL), (5, FULL), (15, FULL), (35, FULL), (75, FULL), (155, FULL), (275, FULL)], 120),
        ([(0, FULL), (1, FULL), (2, FULL)], 3),  # one burst counts once
        ([(0, FULL), (5, None), (5, FULL)], 5),  # an answer forgives
        ([(0, QuotaExceeded("full", retry_after=7))], 7),
        ([(0, VendorUnavailable("503", retry_after=7))], 7),
        ([(0, FULL), (1, QuotaExceeded("full", retry_after=30))], 30),
        ([(0, QuotaExceeded("full", retry_after=1e9))], 900),
        ([(0, QuotaExceeded("full", retry_after=0))], 0),
        ([(0, OUT)], 0),
        ([(0, JobNotFound("who?"))], 0),
        ([(0, None)], 0),
    ],
)
def test_pause_of_the_account(monkeypatch: pytest.MonkeyPatch, notes: list[tuple[float, Any]], pause: float) -> None:
    now = 0.0
    clock = SimpleNamespace(monotonic=lambda: now)
    monkeypatch.setattr(throttle_module, "time", clock)
    rate_limit = RateLimit(None)
    throttle = Throttle(rate_limit)
    for now, error in notes:  # noqa: B007 - the clock reads it
        throttle.note(error)
    assert rate_limit.reserve("look", now) == pytest.approx(pause)


def test_vendor_that_asks_for_silence_gets_it_for_the_whole_account_and_is_asked_again(
    open_lab: Any, server: Any
) -> None:
    def behave(wire: Any) -> None:
        while True:
            wire.read()
            times.append(time.monotonic())
            full = len(times) == 3
            wire.answer(json_body({"code": 2, "retry_after": 0.4} if full else rows("abc", "running")))

    async def wait_for(watch: Watch) -> None:
        async with session as poller:
            await poller.watch([watch], noted.append)

    async def run() -> None:
        waits = [asyncio.ensure_future(wait_for(quick(job_id))) for job_id in "abc"]
        await until(lambda: len(times) >= 12)
        for each in waits:
            each.cancel()
        await asyncio.gather(*waits, return_exceptions=True)

    times: list[float] = []
    noted: list[Watch] = []
    server.behave = behave
    session = AccountSession(Transport(open_lab(host=server.url, conn_id="silence")))
    asyncio.run(run())
    refused_at = times[2]
    # What had left before the vendor spoke may still arrive; then nobody asks.
    assert not [each for each in times if refused_at + 0.1 < each < refused_at + 0.38]
    assert len([each for each in times if each > refused_at + 0.38]) >= 4
