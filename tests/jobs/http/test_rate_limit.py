# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.http.rate_limit import RateLimit
from airflow_provider_videoai.jobs.ledger.window import WINDOW


def most_in_a_minute(times: Sequence[float]) -> int:
    """Return how many of the times the fullest 60 seconds hold, the vendor's clock being a little off."""
    return max(sum(start <= each < start + 60 for each in times) for start in times)


def place(rate_limit: RateLimit, call: str, now: float) -> float:
    delay = rate_limit.reserve(call, now)
    assert delay is not None
    return delay


def departures(rate_limit: RateLimit, arrivals: Sequence[float], call: str = "look") -> list[float]:
    return [now + place(rate_limit, call, now) for now in arrivals]


arrivals = st.lists(st.floats(0, 40), min_size=1, max_size=60).map(lambda gaps: list(accumulate(gaps)))


@given(st.integers(1, 12), arrivals)
def test_no_minute_holds_more_requests_than_the_limit(limit: int, times: list[float]) -> None:
    assert most_in_a_minute(departures(RateLimit(limit), times)) <= limit


@given(st.integers(1, 6), st.lists(st.floats(0, 300), min_size=1, max_size=40))
def test_limit_holds_for_threads_whose_clock_readings_overtake_each_other(limit: int, times: list[float]) -> None:
    assert most_in_a_minute(departures(RateLimit(limit), times)) <= limit


@given(
    st.integers(1, 6),
    arrivals,
    st.lists(st.tuples(st.integers(0, 59), st.floats(0, 200)), max_size=5),
)
def test_limit_and_silence_hold_together(limit: int, times: list[float], wishes: list[tuple[int, float]]) -> None:
    rate_limit, left = RateLimit(limit), list[float]()
    quiet_until = 0.0
    for number, now in enumerate(times):
        for at, seconds in wishes:
            if at == number:
                rate_limit.back_off(seconds, now)
                quiet_until = max(quiet_until, now + seconds)
        left.append(now + place(rate_limit, "look", now))
        assert left[-1] >= quiet_until - 1e-6
    assert most_in_a_minute(left) <= limit


@given(st.integers(1, 12), arrivals)
def test_nobody_waits_while_the_limit_has_room(limit: int, times: list[float]) -> None:
    assert departures(RateLimit(limit), times)[:limit] == pytest.approx(times[:limit])


@pytest.mark.parametrize(
    ("limit", "apart"),
    [(1, WINDOW), (0.5, 2 * WINDOW), (0.25, 4 * WINDOW), (1.5, WINDOW)],
)
def test_limit_below_two_a_minute_keeps_requests_apart(limit: float, apart: float) -> None:
    first, second, third = departures(RateLimit(limit), [0, 0, 0])
    assert (second - first, third - second) == (apart, apart)


def test_no_limit_means_no_waiting() -> None:
    assert departures(RateLimit(None), [0.0] * 1000) == [0.0] * 1000


def test_each_call_has_its_own_window_where_the_vendor_counts_so() -> None:
    rate_limit = RateLimit(1, per_call=True)
    assert [rate_limit.reserve(call, 0) for call in ("add", "look", "look", "add")] == [0, 0, WINDOW, WINDOW]


def test_all_calls_share_one_window_otherwise() -> None:
    rate_limit = RateLimit(1)
    assert [rate_limit.reserve(call, 0) for call in ("add", "look")] == [0, WINDOW]


@pytest.mark.parametrize("per_call", [False, True])
def test_silence_holds_for_every_call_of_the_account(per_call: bool) -> None:
    rate_limit = RateLimit(100, per_call=per_call)
    rate_limit.back_off(30, now=10)
    assert [rate_limit.reserve(call, 15) for call in ("add", "look")] == [25, 25]
    assert (rate_limit.backing_off(39.9), rate_limit.backing_off(40)) == (True, False)
    assert rate_limit.reserve("look", 41) == 0


def test_shorter_wish_does_not_cut_a_longer_silence() -> None:
    rate_limit = RateLimit(None)
    rate_limit.back_off(30, now=0)
    rate_limit.back_off(5, now=1)
    assert rate_limit.reserve("look", 2) == 28
    assert rate_limit.backoffs == 1


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("hasty_threads")
def test_threads_never_share_a_place() -> None:
    rate_limit, delays, together = RateLimit(10), list[float](), threading.Barrier(8)

    def take() -> None:
        together.wait(5)
        delays.extend(place(rate_limit, "look", 0.0) for _ in range(200))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert sorted(delays) == [minute * WINDOW for minute in range(160) for _ in range(10)]


def test_limit_is_the_connections_else_the_vendors(open_lab: Any) -> None:
    documented = RateLimit.of(open_lab(conn_id="limits-1", requests_per_minute=1))
    assert [documented.reserve("look", 0) for _ in range(2)] == [0, WINDOW]
    chosen = RateLimit.of(open_lab(conn_id="limits-2", requests_per_minute=1, max_requests_per_minute=2))
    assert [chosen.reserve("look", 0) for _ in range(3)] == [0, 0, WINDOW]
    per_call = RateLimit.of(open_lab(conn_id="limits-3", requests_per_minute=1, limit_per_call=True))
    assert [per_call.reserve(call, 0) for call in ("add", "look")] == [0, 0]
