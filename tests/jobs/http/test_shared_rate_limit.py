# SPDX-License-Identifier: Apache-2.0
"""A rate limit over processes: shared by a ledger, each adapting without one."""

from __future__ import annotations

import asyncio
import heapq
import logging
import random
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.jobs.http.rate_limit import RateLimit
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.ledger.ledger import Ledger
from airflow_provider_videoai.jobs.ledger.reserved import LedgerError, Reserved
from airflow_provider_videoai.jobs.ledger.window import WINDOW, Place, grant
from airflow_provider_videoai.jobs.protocol.call import Call, Flow, json_body


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class FakeLedger:
    """The real rule for places, over a clock that is skipped; counts its calls, and may fail."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.taken: list[Place] = []
        self.backoff_until = 0.0
        self.calls = 0
        self.fails = False

    def reserve(
        self, account: str, api: str, *, holder: str, wanted: int, per_minute: float | None, backoff: float = 0.0
    ) -> Reserved:
        assert account
        assert api
        self.calls += 1
        if self.fails:
            raise LedgerError("the ledger's database does not answer: OperationalError")
        now = self.clock()
        self.backoff_until = max(self.backoff_until, now + backoff)
        given: list[Place] = []
        if per_minute is not None:
            given, self.taken = grant(self.taken, holder=holder, wanted=wanted, per_minute=per_minute, now=now)
        return Reserved(tuple((each.start - now, each.end - now) for each in given), self.backoff_until - now)


def limit_of(ledger: Any, clock: Clock, per_minute: float | None = 6, **given: Any) -> RateLimit:
    return RateLimit(per_minute, ledger=ledger, account="account", clock=clock, **given)


def send(rate_limit: RateLimit, clock: Clock, call: str = "look") -> float:
    """Wait for a place as a transport does, and return when the request leaves."""
    while (delay := rate_limit.reserve(call, clock())) is None:
        clock.now += rate_limit.refill(call)
    clock.now += delay
    return clock.now


def most_in_a_minute(times: list[float]) -> int:
    return max(sum(start <= each < start + 60 for each in times) for start in times)


def test_requests_of_all_processes_keep_to_one_limit() -> None:
    clock = Clock()
    ledger = FakeLedger(clock)
    processes = [limit_of(ledger, clock) for _ in range(4)]
    sent = [send(random.choice(processes), clock) for _ in range(60)]  # noqa: S311 - any order must do
    assert most_in_a_minute(sent) <= 6
    assert clock.now - 1000.0 < 60 / 6 * WINDOW * 1.5


def test_a_process_that_never_rests_calls_the_ledger_twice_a_minute() -> None:
    clock = Clock()
    ledger = FakeLedger(clock)
    rate_limit = limit_of(ledger, clock, 600)
    warm_up = [send(rate_limit, clock) for _ in range(1000)]
    began, ledger.calls = clock.now, 0
    sent = [send(rate_limit, clock) for _ in range(6000)]
    minutes = (clock.now - began) / 60
    assert most_in_a_minute(warm_up + sent) <= 600
    assert ledger.calls <= 2 * minutes + 1
    assert len(sent) / minutes > 0.85 * 600


def test_a_process_that_rests_never_waits() -> None:
    clock = Clock()
    ledger = FakeLedger(clock)
    rate_limit = limit_of(ledger, clock)
    for _ in range(30):
        clock.now += 12
        assert send(rate_limit, clock) == clock.now
    assert ledger.calls == 30


def test_a_backoff_of_one_process_holds_for_the_others() -> None:
    clock = Clock()
    ledger = FakeLedger(clock)
    ours, theirs = limit_of(ledger, clock, None), limit_of(ledger, clock, None)
    assert send(ours, clock) == send(theirs, clock) == 1000.0
    ours.back_off(100.0, clock())
    assert ours.reserve("look", clock()) is None, "the next request lets the ledger know"
    assert ours.refill("look") == 0
    assert ours.refill("look") == pytest.approx(100)
    clock.now += 31  # theirs asks twice a minute at most
    assert send(theirs, clock) == pytest.approx(1100.0)


def test_after_a_backoff_requests_wait_for_places_again() -> None:
    clock = Clock()
    ledger = FakeLedger(clock)
    processes = [limit_of(ledger, clock) for _ in range(3)]
    before = [send(each, clock) for each in processes]
    processes[0].back_off(90.0, clock())
    after = [send(each, clock) for _ in range(6) for each in processes]
    assert after[0] == pytest.approx(1090.0)
    assert most_in_a_minute(before + after) <= 6


def test_an_account_without_a_limit_asks_twice_a_minute_whether_to_back_off() -> None:
    clock = Clock()
    ledger = FakeLedger(clock)
    rate_limit = limit_of(ledger, clock, None)
    for _ in range(600):
        clock.now += 1
        assert send(rate_limit, clock) == clock.now
    assert 19 <= ledger.calls <= 21


def test_a_failed_ledger_leaves_the_own_limit_and_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    ledger = FakeLedger(clock)
    rate_limit = limit_of(ledger, clock)
    before = [send(rate_limit, clock) for _ in range(3)]
    ledger.fails = True
    with caplog.at_level(logging.WARNING):
        away = [send(rate_limit, clock) for _ in range(30)]
    assert most_in_a_minute(before + away) <= 6
    assert len([each for each in caplog.records if "not shared" in each.message]) <= 1
    assert ledger.calls - 3 <= (away[-1] - away[0]) / 60 + 2, "it is left alone for a minute each time"
    ledger.fails = False
    clock.now += 61
    back = [send(rate_limit, clock) for _ in range(12)]
    assert most_in_a_minute(away + back) <= 12
    assert ledger.taken


def test_places_that_were_not_used_in_time_are_not_used_late() -> None:
    clock = Clock()
    ledger = FakeLedger(clock)
    rate_limit = limit_of(ledger, clock)
    assert rate_limit.refill("look") == 0
    clock.now += 10
    assert rate_limit.reserve("look", clock()) is None


# -- without a ledger: each process adapts ---------------------------------------------------------------------


def simulate(processes: int, limit: int, minutes: int) -> tuple[list[float], list[float]]:
    """Let processes that never rest meet a vendor that counts over all of them; return what it took and refused."""
    clock = Clock()
    limits = [RateLimit(limit, clock=clock) for _ in range(processes)]
    pauses = [5.0] * processes
    accepted, refused = list[float](), list[float]()
    counted = deque[float]()
    # When each is about to reserve its next place, or to send in the one that it has.
    due = [(1000.0 + index / processes, index, False) for index in range(processes)]
    while due and due[0][0] < 1000.0 + minutes * 60:
        clock.now, index, reserved = heapq.heappop(due)
        if not reserved:
            delay = limits[index].reserve("look", clock.now)
            assert delay is not None
            heapq.heappush(due, (clock.now + delay, index, True))
            continue
        while counted and counted[0] <= clock.now - 60:
            counted.popleft()
        if len(counted) < limit:
            counted.append(clock.now)
            accepted.append(clock.now)
            pauses[index] = 5.0
        else:
            refused.append(clock.now)
            limits[index].back_off(pauses[index], clock.now)
            pauses[index] = min(pauses[index] * 2, 120.0)
        heapq.heappush(due, (clock.now + 0.05, index, False))
    return accepted, refused


@pytest.mark.parametrize("processes", [1, 2, 5, 20])
def test_processes_that_know_nothing_of_each_other_converge_under_the_limit(processes: int) -> None:
    accepted, refused = simulate(processes, limit=120, minutes=12)
    after = [at for at in accepted + refused if at > 1000.0 + 120]
    mean = len(after) / 10
    assert mean <= 120 * 1.2
    assert mean >= 120 * 0.5, "and they do not starve"
    assert len(refused) <= 0.2 * len(accepted)


def test_a_rate_that_was_halved_rises_by_a_fiftieth_of_the_limit_a_minute_and_no_further() -> None:
    clock = Clock()
    rate_limit = RateLimit(120, clock=clock)
    rate_limit.back_off(5.0, began := clock())
    rates = []
    for minutes in (1, 10, 20, 30, 60):
        clock.now = now = began + 60.0 * minutes
        rates.append(0)
        while (delay := rate_limit.reserve("look", now)) is not None and now + delay < clock.now + 60:
            now += delay
            rates[-1] += 1
    assert rates == [pytest.approx(rate, abs=1) for rate in (62, 84, 108, 120, 120)]


def test_refusals_halve_a_rate_again_and_again_but_not_to_nothing() -> None:
    clock = Clock()
    rate_limit = RateLimit(640, clock=clock)
    for _ in range(20):
        rate_limit.back_off(5.0, clock())
        clock.now += 5.0
    left = [rate_limit.reserve("look", clock()) for _ in range(12)]
    assert sum(delay == 0 for delay in left) == 11, "a sixty-fourth, and what it rose by in five seconds"


# -- in a transport --------------------------------------------------------------------------------------------


def look() -> Flow[int]:
    answer = yield Call(name="look", path="/look", body=json_body({}))
    return answer.status


async def test_many_requests_at_once_refill_one_at_a_time_beside_the_event_loop(
    open_lab: Any, server: Any, tmp_path: Path
) -> None:
    server.behave = lambda wire: (wire.read(), wire.answer(json_body({"code": 0})))
    vendor = open_lab(host=server.url)
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    rate_limit = RateLimit(600, ledger=ledger, account="account")
    transport = Transport(vendor, rate_limit=rate_limit)
    assert await asyncio.gather(*(transport.arun(look()) for _ in range(12))) == [200] * 12


def test_a_worker_reserves_its_place_in_the_ledger(open_lab: Any, server: Any, tmp_path: Path) -> None:
    server.behave = lambda wire: (wire.read(), wire.answer(json_body({"code": 0})))
    slept: list[float] = []
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    for _ in range(3):  # each a process of its own
        rate_limit = RateLimit(2, ledger=ledger, account="account")
        Transport(open_lab(host=server.url), rate_limit=rate_limit, sleep=slept.append).run(look())
    waited = [delay for delay in slept if delay > 0]
    assert len(waited) == 1
    assert waited[0] == pytest.approx(WINDOW, abs=5)
