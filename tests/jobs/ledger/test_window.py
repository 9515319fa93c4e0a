# SPDX-License-Identifier: Apache-2.0
"""Places in a rate limit: no 60 seconds hold more requests than the limit, whichever process sends them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.ledger.window import BLOCK, LATE, WINDOW, Place, grant

requests = st.lists(
    st.tuples(st.floats(0, 40), st.sampled_from("abc"), st.integers(1, 40), st.floats(0, 1)), min_size=1, max_size=40
)
"""Seconds since the one before, which process requests, how many places, and when within its span, or ``LATE`` after
it, each is used."""


def most_in_a_minute(times: list[float]) -> int:
    return max((sum(start <= each < start + 60 for each in times) for start in times), default=0)


@given(st.integers(1, 40), requests)
def test_no_minute_holds_more_requests_than_the_limit_whoever_sends_them(
    limit: int, made: list[tuple[float, str, int, float]]
) -> None:
    now, taken, sent = 1_700_000_000.0, list[Place](), list[float]()
    for gap, holder, wanted, used_at in made:
        now += gap
        given, taken = grant(taken, holder=holder, wanted=wanted, per_minute=limit, now=now)
        assert given
        sent += [place.start + used_at * (place.end + LATE - place.start) for place in given]
    assert most_in_a_minute(sent) <= limit


@pytest.mark.parametrize("limit", [1, 6, 60, 600])
def test_a_process_that_never_rests_has_nearly_the_whole_limit_with_two_calls_a_minute(limit: int) -> None:
    began = now = 1_700_000_000.0
    taken, sent, calls = list[Place](), 0, 0
    while now < began + 3600:
        given, taken = grant(taken, holder="a", wanted=limit, per_minute=limit, now=now)
        calls += 1
        sent += len(given)
        now = given[-1].start + (given[0].end - given[0].start if len(given) > 1 else 0.001)
    assert sent >= 0.9 * limit * 60 * (60 / WINDOW) * (0.9 if limit > 1 else 1)
    assert calls <= 2 * 60 + 5


def test_two_processes_that_never_rest_have_alike() -> None:
    began = 1_700_000_000.0
    taken, sent, ready = list[Place](), {"a": 0, "b": 0}, {"a": began, "b": began + 1}
    while min(ready.values()) < began + 3600:
        holder = min(ready, key=lambda each: ready[each])
        given, taken = grant(taken, holder=holder, wanted=60, per_minute=60, now=ready[holder])
        sent[holder] += len(given)
        ready[holder] = given[-1].end
    assert 0.8 < sent["a"] / sent["b"] < 1.25
    assert sum(sent.values()) > 0.75 * 60 * 60


def test_one_request_leaves_at_once_while_there_is_room() -> None:
    given, _ = grant([], holder="a", wanted=1, per_minute=6, now=1000.0)
    assert [(place.start, place.end) for place in given] == [(1000.0, 1002.0)]


def test_a_block_is_spread_so_that_others_get_places_too() -> None:
    given, _ = grant([], holder="a", wanted=30, per_minute=60, now=1000.0)
    assert [place.start for place in given] == pytest.approx([1000.0 + number for number in range(30)])


def test_a_limit_below_one_a_minute_stretches_the_window() -> None:
    _, taken = grant([], holder="a", wanted=1, per_minute=0.5, now=1000.0)
    given, _ = grant(taken, holder="b", wanted=1, per_minute=0.5, now=1001.0)
    assert given[0].start == pytest.approx(1002.0 + 2 * WINDOW)


def test_a_clock_that_was_set_back_by_days_blocks_nobody() -> None:
    _, taken = grant([], holder="a", wanted=6, per_minute=6, now=1_700_000_000.0)
    given, counting = grant(taken, holder="b", wanted=1, per_minute=6, now=1_700_000_000.0 - 7 * 86400)
    assert given[0].start == 1_700_000_000.0 - 7 * 86400
    assert {place.holder for place in counting} == {"b"}


def test_a_queue_of_hours_keeps_to_the_limit_as_well() -> None:
    """Hundreds of tasks that block, at a vendor that allows six requests a minute."""
    now, taken, sent = 1_700_000_000.0, list[Place](), list[float]()
    for number in range(900):
        given, taken = grant(taken, holder=str(number), wanted=1, per_minute=6, now=now + number / 100)
        sent += [given[0].start]
    assert sent[-1] - now > 2 * 3600
    assert most_in_a_minute(sent) <= 6


@pytest.mark.parametrize("end", [float("inf"), float("nan"), 1e300])
def test_a_place_that_never_ends_blocks_nobody(end: float) -> None:
    given, _ = grant([Place(1.0, end, "a")] * 9, holder="b", wanted=1, per_minute=6, now=1000.0)
    assert given[0].start == 1000.0


def test_places_that_count_no_more_are_forgotten() -> None:
    _, taken = grant([], holder="a", wanted=6, per_minute=6, now=1000.0)
    _, counting = grant(taken, holder="a", wanted=1, per_minute=6, now=1000.0 + BLOCK + WINDOW + 11)
    assert len(counting) == 1
