# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.media.attempts import (
    BYTES_PER_ATTEMPT,
    MAX_ATTEMPTS,
    MAX_FRUITLESS,
    MAX_SECONDS,
    Attempts,
)

RATE = 1000
GIGABYTE = 10**9


def attempts(clock: list[float] | None = None) -> Attempts:
    now = clock or [0.0]
    return Attempts(slow_progress=100, rate=RATE, clock=lambda: now[0])


@given(st.lists(st.tuples(st.integers(0, 10 * BYTES_PER_ATTEMPT), st.booleans()), min_size=MAX_ATTEMPTS + 10))
def test_any_sequence_of_breaks_ends(breaks: list[tuple[int, bool]]) -> None:
    tried = attempts()
    furthest = max(at for at, _ in breaks)
    ends = next(
        number for number in count() if tried.attempt_ended(breaks[number][0], slow=breaks[number][1]) is not None
    )
    assert ends < MAX_ATTEMPTS + furthest // BYTES_PER_ATTEMPT


def test_only_what_is_beyond_the_furthest_byte_is_progress() -> None:
    tried = attempts()
    assert tried.attempt_ended(500, slow=False) is None
    reasons = [tried.attempt_ended(at, slow=False) for at in (499, 100, 500, 0, 1, 2)]
    assert reasons[: MAX_FRUITLESS - 1] == [None] * (MAX_FRUITLESS - 1)
    assert reasons[-1] == "try after try brought nothing new"


def test_a_slow_try_that_brings_next_to_nothing_counts_twice() -> None:
    tried = attempts()
    assert [tried.attempt_ended(at, slow=True) is None for at in (6, 12, 18)] == [True, True, False]


def test_a_large_file_over_a_slow_line_with_many_breaks_is_not_given_up() -> None:
    clock = [0.0]
    tried = attempts(clock)
    for megabytes in range(0, 20_000, 10):
        clock[0] += 10_000_000 / RATE
        assert tried.attempt_ended((megabytes + 10) * 1_000_000, slow=False) is None


def test_it_takes_no_longer_than_its_bytes_at_the_least_rate_and_an_hour() -> None:
    clock = [0.0]
    tried = attempts(clock)
    clock[0] = MAX_SECONDS + GIGABYTE / RATE - 1
    assert tried.attempt_ended(GIGABYTE, slow=False) is None
    clock[0] += 2
    assert tried.attempt_ended(GIGABYTE, slow=False) == "it takes too long"
