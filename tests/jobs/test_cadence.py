# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.cadence import FIRST_ASK, Cadence
from airflow_provider_videoai.jobs.model import JobState, JobStatus

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
        (Cadence(floor=1), FIRST_ASK),
        (Cadence(floor=10), 10),
        (Cadence(floor=1, interval=0.5), 1),
        (Cadence(floor=1, interval=2), 2),
        (Cadence(floor=1, interval=60), FIRST_ASK),
        (Cadence(floor=10, interval=60), 10),
    ],
)
def test_first_ask_comes_soon_but_not_below_the_floor(cadence: Cadence, first: float) -> None:
    assert cadence.first() == first


@pytest.mark.parametrize(
    ("age", "status", "gap"),
    [
        (0, None, 2),
        (10, None, 2),
        (20, None, 3),
        (100, None, 15),
        (HOUR, None, 300),
        (100, seen(), 15),
        (100, seen(progress=5), 15),  # too early to trust
        (100, seen(progress=10), 30),  # far from its end: twice the gap by age, not more
        (100, seen(progress=90), 100 / 9 / 2),  # half of what remains
        (30, seen(progress=99), 2),
        (HOUR, seen(progress=20), 120),
        (HOUR / 2, seen(progress=100), 90),  # stands at 100 %: 5 % of its age
        (100, seen(JobState.QUEUED, progress=90), 15),  # a queued job's progress means nothing
        (100, seen(JobState.QUEUED, queue_position=0), 15),
        (100, seen(JobState.QUEUED, queue_position=3), 30),
        (HOUR, seen(JobState.QUEUED, queue_position=3), 300),
        (100, seen(JobState.RUNNING, queue_position=3), 15),
    ],
)
def test_gap_by_age_progress_and_queue(age: float, status: JobStatus | None, gap: float) -> None:
    assert Cadence(floor=1).gap(age, status) == pytest.approx(gap)


@given(floors, ages, statuses)
def test_no_gap_is_below_the_floor_or_above_its_cap(floor: float, age: float, status: JobStatus | None) -> None:
    assert floor <= Cadence(floor=floor).gap(age, status) <= max(floor, 300)


@given(floors, st.floats(0.001, HOUR), ages, statuses)
def test_fixed_interval_is_kept_whatever_the_job_does(
    floor: float, interval: float, age: float, status: JobStatus | None
) -> None:
    assert Cadence(floor=floor, interval=interval).gap(age, status) == max(floor, interval)


@given(ages, ages)
def test_gaps_grow_with_age(one: float, other: float) -> None:
    cadence = Cadence(floor=1)
    younger, older = sorted((one, other))
    assert cadence.gap(younger) <= cadence.gap(older)


@given(ages, st.integers(10, 100), st.integers(10, 100))
def test_gaps_shrink_with_progress(age: float, one: int, other: int) -> None:
    cadence = Cadence(floor=1)
    further, less_far = max(one, other), min(one, other)
    assert cadence.gap(age, seen(progress=further)) <= cadence.gap(age, seen(progress=less_far))


@given(st.floats(0, 12 * HOUR), statuses)
def test_delay_in_noticing_the_end_is_a_small_share_of_the_jobs_length(age: float, status: JobStatus | None) -> None:
    assert Cadence(floor=1).gap(age, status) <= max(2 * 2, 0.3 * age)


@pytest.mark.parametrize("status", [None, seen(progress=99), seen(progress=100), seen(JobState.QUEUED)])
def test_a_job_of_an_hour_takes_few_asks(status: JobStatus | None) -> None:
    cadence, age, asks = Cadence(floor=1), 3.0, 0
    while age < HOUR:
        age += cadence.gap(age, status)
        asks += 1
    assert asks < 120
