# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.jobs.polling.cadence import FIRST_POLL, Cadence

HOUR = 3600.0
floors = st.floats(0.01, 60)
ages = st.floats(0, 48 * HOUR)


def seen(
    state: JobState = JobState.RUNNING, *, progress: int | None = None, queue_position: int | None = None
) -> JobStatus:
    return JobStatus(job_id="j", state=state, progress=progress, queue_position=queue_position)


statuses = st.one_of(
    st.none(),
    st.builds(
        seen,
        st.sampled_from(JobState),
        progress=st.none() | st.integers(0, 100),
        queue_position=st.none() | st.integers(0, 5000),
    ),
)


@pytest.mark.parametrize(
    ("cadence", "first"),
    [
        (Cadence(floor=1), FIRST_POLL),
        (Cadence(floor=10), 10),
        (Cadence(floor=1, interval=0.5), 1),
        (Cadence(floor=1, interval=2), 2),
        (Cadence(floor=1, interval=60), FIRST_POLL),
        (Cadence(floor=10, interval=60), 10),
    ],
)
def test_first_poll_comes_soon_but_not_below_the_floor(cadence: Cadence, first: float) -> None:
    assert cadence.first() == first


@pytest.mark.parametrize(
    ("age", "status", "interval"),
    [
        (0, None, 2),
        (10, None, 2),
        (30, None, 3),
        (100, None, 10),
        (HOUR, None, 300),
        (100, seen(), 10),
        (100, seen(progress=0), 10),  # nothing is known
        (100, seen(progress=1), 75),  # far from its end: three quarters of its age, not more
        (100, seen(progress=49), 70),  # may end after as long again: 70 % of that
        (100, seen(progress=90), 0.7 * 900 / 91),
        (30, seen(progress=99), 2),
        (HOUR, seen(progress=20), 300),
        (HOUR, seen(progress=100), 18),  # may end at any time: 0.5 % of its age
        (1, seen(progress=1), 2),
        (100, seen(JobState.QUEUED, progress=90), 10),  # a queued job's progress means nothing
        (100, seen(JobState.QUEUED, queue_position=0), 10),
        (100, seen(JobState.QUEUED, queue_position=3), 20),
        (HOUR, seen(JobState.QUEUED, queue_position=3), 300),
        (100, seen(JobState.RUNNING, queue_position=3), 10),
    ],
)
def test_interval_by_age_progress_and_queue(age: float, status: JobStatus | None, interval: float) -> None:
    assert Cadence(floor=1).interval_after(age, status) == pytest.approx(interval)


@pytest.mark.parametrize(("progress", "still", "interval"), [(99, 3, 2), (99, 4, 10), (10, 30, 75), (10, 31, 10)])
def test_progress_that_stands_still_for_longer_than_three_percents_took_says_nothing(
    progress: int, still: float, interval: float
) -> None:
    assert Cadence(floor=1).interval_after(100, seen(progress=progress), still) == pytest.approx(interval)


@pytest.mark.parametrize(("cadence", "slack"), [(Cadence(floor=1), 5), (Cadence(floor=1, interval=100), 2)])
def test_polls_are_spread_by_a_small_share_of_their_interval(cadence: Cadence, slack: float) -> None:
    assert cadence.slack(100) == pytest.approx(slack)


@given(floors, ages, statuses)
def test_no_interval_is_below_the_floor_or_above_its_cap(floor: float, age: float, status: JobStatus | None) -> None:
    assert floor <= Cadence(floor=floor).interval_after(age, status) <= max(floor, 300)


@given(floors, st.floats(0.001, HOUR), ages, statuses)
def test_fixed_interval_is_kept_whatever_the_job_does(
    floor: float, interval: float, age: float, status: JobStatus | None
) -> None:
    assert Cadence(floor=floor, interval=interval).interval_after(age, status) == max(floor, interval)


@given(ages, ages)
def test_intervals_grow_with_age(one: float, other: float) -> None:
    cadence = Cadence(floor=1)
    younger, older = sorted((one, other))
    assert cadence.interval_after(younger) <= cadence.interval_after(older)


@given(ages, st.integers(10, 100), st.integers(10, 100))
def test_intervals_shrink_with_progress(age: float, one: int, other: int) -> None:
    cadence = Cadence(floor=1)
    further, less_far = max(one, other), min(one, other)
    assert cadence.interval_after(age, seen(progress=further)) <= cadence.interval_after(age, seen(progress=less_far))


@given(st.floats(0, 12 * HOUR))
def test_delay_in_noticing_the_end_is_at_most_a_tenth_of_the_jobs_length(age: float) -> None:
    assert Cadence(floor=1).interval_after(age) <= max(2, 0.1 * age)


@given(st.floats(0, 12 * HOUR), statuses)
def test_no_progress_however_wrong_nearly_doubles_the_wait(age: float, status: JobStatus | None) -> None:
    assert Cadence(floor=1).interval_after(age, status) <= max(2 * 2, 0.75 * age)


@pytest.mark.parametrize("status", [None, seen(progress=99), seen(progress=100), seen(JobState.QUEUED)])
def test_a_job_of_an_hour_takes_few_polls(status: JobStatus | None) -> None:
    cadence, age, polls = Cadence(floor=1), 3.0, 0
    while age < HOUR:
        age += cadence.interval_after(age, status, still=age - 3.0)
        polls += 1
    assert polls < 70
