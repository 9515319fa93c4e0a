# SPDX-License-Identifier: Apache-2.0
"""A request that leaves long after its place in the rate limit takes another: no minute of the vendor has too many."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_videoai.jobs.http import departure, httpcore_session, transport
from airflow_provider_videoai.jobs.http.aiohttp_session import AiohttpSession
from airflow_provider_videoai.jobs.http.attempt import Deadline
from airflow_provider_videoai.jobs.http.connections import open_pool
from airflow_provider_videoai.jobs.http.departure import PLACES, Departure, LateError
from airflow_provider_videoai.jobs.http.rate_limit import RateLimit
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.ledger import account_lock
from airflow_provider_videoai.jobs.ledger.ledger import Ledger
from airflow_provider_videoai.jobs.ledger.window import LATE, WINDOW
from airflow_provider_videoai.jobs.protocol.call import Answer, Call, Flow, json_body

BEGAN = 1_700_000_000.0


def request(*, buys: bool = True) -> Flow[int]:
    answer = yield Call(name="add", path="/add", body=json_body({}), buys=buys)
    return answer.status


class World:
    """One clock for the machine, its database and the vendor, and a network that takes its time."""

    def __init__(self, patch: pytest.MonkeyPatch, ledger: str | None = None) -> None:
        self.now = BEGAN
        self.ledger = ledger
        self.connecting: Callable[[], float] = lambda: 0.0
        self.arriving: Callable[[], float] = lambda: 0.0
        self.connected: list[float] = []
        self.left: list[float] = []
        self.arrived: list[float] = []
        self.slept: list[float] = []
        clock = SimpleNamespace(monotonic=lambda: self.now)
        patch.setattr(transport, "time", clock)
        patch.setattr(departure, "time", clock)
        patch.setattr(account_lock, "now", lambda _: self.now)
        patch.setattr(httpcore_session, "send", self._send)

    def pass_by(self, seconds: float) -> None:
        self.now += seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def process(self, vendor: Any, limit: float | None) -> Transport:
        """Return the transport of a process of its own."""
        shared = None if self.ledger is None else Ledger(self.ledger)
        rate_limit = RateLimit(limit, ledger=shared, account="account", clock=lambda: self.now)
        return Transport(vendor, rate_limit=rate_limit, sleep=self.sleep)

    def _send(self, _: Any, __: Call, ___: Any, ____: Deadline, before_send: Callable[[], object] | None) -> Answer:
        self.now += self.connecting()
        self.connected.append(self.now)
        if before_send is not None:
            before_send()
        self.left.append(self.now)
        self.arrived.append(self.now + self.arriving())
        return Answer(200, {}, b"")


@pytest.fixture(params=["ledger", "alone"])
def world(request: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    return World(monkeypatch, f"sqlite:///{tmp_path / 'ledger.db'}" if request.param == "ledger" else None)


def most_in_a_minute(times: list[float]) -> int:
    return max(sum(start <= each < start + 60 for each in times) for start in times)


@pytest.mark.parametrize("buys", [True, False])
def test_a_request_that_connected_slowly_is_not_one_too_many_in_a_later_minute(
    world: World, open_lab: Any, buys: bool
) -> None:
    sender = world.process(open_lab(), 2)
    delays = iter([8.0])
    world.connecting = lambda: next(delays, 0.0)
    for _ in range(4):
        sender.run(request(buys=buys))
    assert most_in_a_minute(world.arrived) <= 2
    assert len(world.left) == 4


def test_a_submit_whose_record_took_long_takes_another_place_and_is_sent_once(world: World, open_lab: Any) -> None:
    sender, records = world.process(open_lab(), 2), list[float]()

    def record() -> None:
        records.append(world.now)
        world.now += 4.0 if len(records) == 1 else 0.1

    assert sender.run(request(), record) == 200
    assert sender.run(request(), lambda: None) == 200
    assert records == pytest.approx([BEGAN, BEGAN + 4.0])
    assert world.left == pytest.approx([BEGAN + 4.1, BEGAN + WINDOW], abs=LATE)
    assert most_in_a_minute(world.arrived) <= 2


def test_nothing_is_recorded_of_a_submit_whose_place_passed_while_it_connected(world: World, open_lab: Any) -> None:
    delays, records = iter([LATE + 1.0]), list[float]()
    world.connecting = lambda: next(delays, 0.0)
    world.process(open_lab(), 6).run(request(), lambda: records.append(world.now))
    assert len(world.connected) == 2
    assert records == world.left


def test_a_request_that_is_always_late_leaves_with_its_last_place(world: World, open_lab: Any) -> None:
    world.connecting = lambda: 9.0
    vendor = open_lab(timeout=10)
    assert world.process(vendor, 60).run(request()) == 200
    assert len(world.connected) == PLACES
    assert len(world.left) == 1


def test_nobody_is_late_where_there_is_no_limit(world: World, open_lab: Any) -> None:
    world.connecting = lambda: 9.0
    world.process(open_lab(), None).run(request())
    assert len(world.connected) == 1


def test_a_request_that_leaves_in_time_takes_one_place(world: World, open_lab: Any) -> None:
    world.connecting = lambda: LATE - 0.1
    sender = world.process(open_lab(), 6)
    for _ in range(2):
        sender.run(request(), lambda: None)
    assert len(world.connected) == 2
    assert sum(world.slept) == 0


@pytest.mark.parametrize("limit", [1, 2, 6, 20])
@pytest.mark.parametrize("seed", range(3))
def test_no_minute_of_the_vendor_holds_more_than_the_limit_on_a_busy_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, open_lab: Any, limit: int, seed: int
) -> None:
    """Four processes, each request now and then so late that it needs another place, and some longer on their way."""
    world = World(monkeypatch, f"sqlite:///{tmp_path / 'ledger.db'}")
    chance = random.Random(seed)  # noqa: S311 - which requests are late
    delays = list[float]()
    world.connecting = lambda: delays.pop() if delays else chance.uniform(0.0, 0.2)
    world.arriving = lambda: chance.uniform(0.0, 2.0)
    processes = [world.process(open_lab(), limit) for _ in range(4)]
    for _ in range(6 * limit):
        delays = [chance.uniform(0.0, 9.0)] if chance.random() < 0.3 else []
        chance.choice(processes).run(request(), lambda: world.pass_by(chance.uniform(0.0, 0.5)))
    assert len(world.left) == 6 * limit
    assert most_in_a_minute(world.arrived) <= limit


# -- async -----------------------------------------------------------------------------------------------------


class Slow:
    """Connections that take their time, in the world's clock."""

    def __init__(self, world: World, *seconds: float) -> None:
        self.world = world
        self.seconds = list(seconds)

    async def send(self, _: Call, __: Any, ___: Deadline, departure: Departure) -> Answer:
        self.world.now += self.seconds.pop(0)
        departure.check()
        self.world.left.append(self.world.now)
        return Answer(200, {}, b"")

    async def aclose(self) -> None:
        pass


async def test_a_poll_that_is_late_takes_another_place(world: World, open_lab: Any) -> None:
    poller = world.process(open_lab(), 6).over(Slow(world, LATE + 1, 0.0, 0.0))
    for _ in range(2):
        assert await poller.arun(request(buys=False)) == 200
    assert world.left == [BEGAN + LATE + 1] * 2


@pytest.mark.parametrize("proxied", [False, True])
async def test_a_poll_that_is_late_is_not_sent(
    open_lab: Any, server: Any, monkeypatch: pytest.MonkeyPatch, proxied: bool
) -> None:
    server.behave = lambda wire: (wire.read(), wire.answer(b"{}"))
    vendor, late = open_lab(host="http://vendor.test" if proxied else server.url), Departure()
    if proxied:
        monkeypatch.setenv("http_proxy", server.url)
    late.has_place(time.monotonic() - LATE)
    pool = open_pool(vendor.account)
    call = Call(name="look", path="/look", body=json_body({}))
    with pytest.raises(LateError):
        await pool.send(call, vendor.auth, Deadline(5), late)
    assert server.requests == []
    assert (await pool.send(call, vendor.auth, Deadline(5), Departure())).status == 200
    await pool.aclose()


async def test_a_poll_whose_connection_comes_late_is_not_sent(open_lab: Any, server: Any) -> None:
    vendor, late = open_lab(host=server.url), Departure()
    session = AiohttpSession(vendor.account, 1)
    connector: Any = session._session.connector
    # Its only connection is taken.
    connector._limit, connector._acquired = 1, {object()}
    late.has_place(time.monotonic() - LATE + 0.05)
    with pytest.raises(LateError):
        await session.send(Call(name="look", path="/look", body=json_body({})), vendor.auth, Deadline(5), late)
    connector._acquired = set()
    await session.aclose()
    assert server.requests == []
