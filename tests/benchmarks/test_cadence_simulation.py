# SPDX-License-Identifier: Apache-2.0
"""What the documentation promises of the polling schedule, over a mix of jobs between 20 seconds and 2 hours."""

from __future__ import annotations

import pytest

from benchmarks.cadence import LONGEST, SHORTEST, adaptive, every, mix, uneven, unknown

JOBS = 3000
seeds = pytest.mark.parametrize("seed", [1, 2, 3])


@seeds
def test_with_progress_a_fifth_of_the_polls_of_every_five_seconds_detects_no_later(seed: int) -> None:
    ours, fixed = adaptive(uneven, JOBS, seed), every(5, JOBS, seed)
    assert 5 * ours.polls <= fixed.polls
    assert ours.delay <= fixed.delay


@seeds
def test_without_progress_nearly_all_are_detected_within_a_tenth_of_their_duration(seed: int) -> None:
    ours, fixed = adaptive(unknown, JOBS, seed), every(10, JOBS, seed)
    assert ours.soon >= 0.95
    assert ours.polls <= fixed.polls


def test_the_mix_is_what_it_says() -> None:
    lengths = sorted(mix(JOBS, 1))
    assert SHORTEST <= lengths[0] < 25
    assert 3600 < lengths[-1] <= LONGEST
    assert lengths[JOBS // 2] == pytest.approx(180, rel=0.1)
