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
def test_any_sequence_of_interruptions_ends(breaks: list[tuple[int, bool]]) -> None:
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
    assert reasons[-1] == "6 attempts in a row made no progress"


def test_a_slow_attempt_without_progress_counts_twice() -> None:
    tried = attempts()
    assert [tried.attempt_ended(at, slow=True) is None for at in (6, 12, 18)] == [True, True, False]


def test_a_large_file_with_many_interruptions_is_not_given_up() -> None:
    clock = [0.0]
    tried = attempts(clock)
    for megabytes in range(0, 20_000, 10):
        clock[0] += 10_000_000 / RATE
        assert tried.attempt_ended((megabytes + 10) * 1_000_000, slow=False) is None


def test_a_download_is_limited_to_its_bytes_at_the_minimum_rate_and_an_hour() -> None:
    clock = [0.0]
    tried = attempts(clock)
    clock[0] = MAX_SECONDS + GIGABYTE / RATE - 1
    assert tried.attempt_ended(GIGABYTE, slow=False) is None
    clock[0] += 2
    assert tried.attempt_ended(GIGABYTE, slow=False) == "it takes too long"
