# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    InvalidRequest,
    JobNotFound,
    QuotaExceeded,
    ResultUnavailable,
    SubmitRejected,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.jobs.polling.cadence import Cadence
from airflow_provider_videoai.jobs.polling.watch import UNKNOWN_GRACE, Outcome, Watch
from airflow_provider_videoai.jobs.protocol.options import TOLERANCE

START = 1_000_000.0
UNAVAILABLE = VendorUnavailable("lights out")
UNKNOWN = JobNotFound("who?")


def waiting(**values: Any) -> Watch:
    given: dict[str, Any] = {
        "job_id": "j",
        "submitted_at": START,
        "started_at": START,
        "cadence": Cadence(floor=1),
    } | values
    return Watch(**given)


def status(state: JobState, **more: Any) -> JobStatus:
    return JobStatus(job_id="j", state=state, **more)


RUNNING = status(JobState.RUNNING)


def after(watch: Watch, *events: tuple[float, JobStatus | VideoAIError]) -> Watch:
    """Tell a watch what was seen, each at its seconds after the start."""
    for seconds, event in events:
        assert not watch.done, "a watch that is done is given nothing"
        if isinstance(event, VideoAIError):
            watch.missed(event, START + seconds, START + seconds)
        else:
            watch.saw(event, START + seconds, START + seconds)
    return watch


@pytest.mark.parametrize("state", list(JobState))
def test_waiting_ends_with_a_terminal_state_and_only_then(state: JobState) -> None:
    watch = after(waiting(), (3, status(state)))
    assert watch.outcome is (Outcome.ENDED if state.terminal else None)
    assert watch.status is not None
    assert watch.status.state is state


@pytest.mark.parametrize("state", list(JobState))
def test_status_comes_first_and_the_deadline_second(state: JobState) -> None:
    watch = after(waiting(deadline=START + 100), (5000, status(state)))
    assert watch.outcome is (Outcome.ENDED if state.terminal else Outcome.TIMED_OUT)


@pytest.mark.parametrize(("seconds", "outcome"), [(99.9, None), (100, Outcome.TIMED_OUT), (100.1, Outcome.TIMED_OUT)])
def test_deadline_is_an_instant(seconds: float, outcome: Outcome | None) -> None:
    assert after(waiting(deadline=START + 100), (seconds, RUNNING)).outcome is outcome


def test_first_ask_is_made_even_if_the_deadline_passed_before_the_wait_began() -> None:
    watch = waiting(started_at=START + 500, deadline=START + 100)
    assert not watch.done
    assert after(watch, (503, status(JobState.SUCCEEDED))).outcome is Outcome.ENDED


def test_last_ask_comes_at_the_deadline_not_a_gap_later() -> None:
    watch = after(waiting(deadline=START + 3610), (3600, RUNNING))
    assert watch.due_at == START + 3610


def test_last_ask_keeps_the_floor() -> None:
    watch = after(waiting(deadline=START + 100, cadence=Cadence(floor=10)), (99, RUNNING))
    assert watch.due_at == START + 109


@pytest.mark.parametrize(
    "error",
    [UNAVAILABLE, QuotaExceeded("slow down"), SubmitRejected("odd"), VideoAIError("odder")],
    ids=lambda error: type(error).__name__,
)
def test_transient_error_is_tolerated_by_time_not_by_number(error: VideoAIError) -> None:
    watch = waiting()
    after(watch, *((seconds, error) for seconds in range(3, int(TOLERANCE) + 3)))
    assert not watch.done
    after(watch, (TOLERANCE + 3, error))
    assert watch.outcome is Outcome.UNAVAILABLE
    assert watch.error is error


def test_one_answer_renews_the_tolerance() -> None:
    watch = after(waiting(), (3, UNAVAILABLE), (TOLERANCE, RUNNING), (TOLERANCE + 5, UNAVAILABLE))
    assert not watch.done
    assert not after(watch, (2 * TOLERANCE, UNAVAILABLE)).done


def test_answer_clears_the_error() -> None:
    assert after(waiting(), (3, UNAVAILABLE), (5, RUNNING)).error is None


@pytest.mark.parametrize("kind", [AuthenticationFailed, InvalidRequest, ResultUnavailable])
def test_error_that_another_poll_cannot_solve_ends_the_wait(kind: type[VideoAIError]) -> None:
    watch = after(waiting(), (3, RUNNING), (6, kind("no")))
    assert watch.outcome is Outcome.REFUSED
    assert isinstance(watch.error, kind)


def test_failed_ask_at_the_deadline_ends_the_wait() -> None:
    assert after(waiting(deadline=START + 10), (10, UNAVAILABLE)).outcome is Outcome.TIMED_OUT


@pytest.mark.parametrize("age", [0.0, 100_000.0], ids=["fresh job", "old job"])
def test_unknown_job_has_a_minute_to_become_known(age: float) -> None:
    watch = waiting(age=age)
    for seconds in (3, 3 + UNKNOWN_GRACE - 1):
        watch.unknown(START + seconds, START + seconds)
        assert not watch.done
    watch.unknown(START + 3 + UNKNOWN_GRACE, START + 3 + UNKNOWN_GRACE)
    assert watch.outcome is Outcome.NOT_FOUND


def test_job_that_becomes_known_is_waited_for() -> None:
    watch = after(waiting(), (3, UNKNOWN), (30, UNKNOWN), (61, RUNNING), (100, UNKNOWN))
    assert not watch.done


def test_outage_does_not_make_a_job_unknown() -> None:
    """After a long outage one odd "unknown" must not end the wait for a job that was paid for."""
    watch = after(waiting(), (3, RUNNING), (10, UNAVAILABLE), (600, UNAVAILABLE), (610, UNKNOWN))
    assert not watch.done
    after(watch, (620, UNAVAILABLE), (640, UNKNOWN), (690, UNKNOWN))
    assert not watch.done, "the row of unknown began again after the outage in between"
    after(watch, (700, UNKNOWN))
    assert watch.outcome is Outcome.NOT_FOUND


@pytest.mark.parametrize(
    ("before", "now", "changed"),
    [
        (None, RUNNING, True),
        (RUNNING, RUNNING, False),
        (RUNNING, status(JobState.RUNNING, progress=1), True),
        (status(JobState.QUEUED, queue_position=3), status(JobState.QUEUED, queue_position=2), True),
        (status(JobState.QUEUED), RUNNING, True),
        (RUNNING, status(JobState.RUNNING, details={"updateTime": 7}), False),
        (RUNNING, UNAVAILABLE, False),
    ],
)
def test_what_a_person_would_see_counts_as_change(before: JobStatus | None, now: Any, changed: bool) -> None:
    watch = after(waiting(), (3, before)) if before else waiting()
    assert after(watch, (6, now)).changed is changed


def test_observation_that_says_the_same_is_not_kept_beside_the_first() -> None:
    """New objects that live for hours are what the garbage collector stops the loop for."""
    watch = after(waiting(), (3, status(JobState.RUNNING, progress=10)))
    first = watch.status
    after(watch, (6, status(JobState.RUNNING, progress=10)))
    assert watch.status is first
    after(watch, (9, status(JobState.RUNNING, progress=10, media_url="https://cdn.example/later.mp4")))
    assert watch.status is not None
    assert watch.status.media_url is not None


def test_asks_are_counted_whatever_they_yield() -> None:
    watch = after(waiting(), (3, RUNNING), (5, UNAVAILABLE), (7, UNKNOWN), (9, status(JobState.FAILED)))
    assert watch.polls == 4


def test_gap_follows_the_jobs_age_not_the_waits() -> None:
    watch = waiting(age=1000)
    assert watch.due_at == START + 3
    assert after(watch, (3, RUNNING)).due_at == pytest.approx(START + 3 + 0.1 * 1003)


def test_progress_that_stands_still_is_counted_from_its_last_change() -> None:
    """One percent took a second on average: after three without another it says nothing of the end any more."""
    at_99 = status(JobState.RUNNING, progress=99)
    watch = after(waiting(age=97), (3, at_99), (6, at_99))
    assert watch.due_at == START + 6 + 2.0
    after(watch, (8, at_99))
    assert watch.due_at == pytest.approx(START + 8 + 0.1 * 105)
    after(watch, (9, status(JobState.RUNNING, progress=98)), (10, at_99))
    assert watch.due_at == START + 10 + 2.0


@pytest.mark.parametrize("ahead", [-86_400.0, -3600.0, 0.0, 3600.0, 86_400.0])
def test_last_poll_comes_at_the_deadline_whatever_the_clocks_count_from(ahead: float) -> None:
    """The deadline is an instant of the wall clock, the poll is due by the monotonic one."""
    watch = waiting(age=3600, deadline=START + ahead + 10)
    watch.saw(RUNNING, START, START + ahead)
    assert watch.due_at == START + 10


seen = st.sampled_from(
    [RUNNING, status(JobState.QUEUED, queue_position=9), UNAVAILABLE, UNKNOWN, QuotaExceeded("full")]
)


@given(
    st.floats(0.01, 60),
    st.none() | st.floats(0.01, 100),
    st.none() | st.floats(0, 5000),
    st.lists(seen, max_size=60),
)
def test_next_ask_never_comes_before_the_floor_and_waiting_always_ends_after_the_deadline(
    floor: float, interval: float | None, deadline: float | None, events: list[Any]
) -> None:
    watch = waiting(
        cadence=Cadence(floor=floor, interval=interval), deadline=None if deadline is None else START + deadline
    )
    for event in events:
        now = watch.due_at
        after(watch, (now - START, event))
        if watch.done:
            break
        assert watch.due_at - now >= floor - 1e-6
        assert watch.deadline is None or now < watch.deadline


def test_state_that_the_vendor_does_not_document_is_reported_once_for_each() -> None:
    watch = waiting()
    known = frozenset({"running", "done"})
    reported = []
    for raw in ("running", "RUNNING", "polishing", "polishing", "", "resting", "polishing"):
        watch.saw(JobStatus(job_id="j", state=JobState.RUNNING, raw=raw), START, START)
        reported.append(watch.odd_state(known))
    assert reported == [None, None, "polishing", None, None, "resting", None]
    assert not watch.done


def test_states_that_differ_with_each_poll_are_not_remembered_without_end() -> None:
    watch = waiting()
    reported = []
    for number in range(1000):
        watch.saw(JobStatus(job_id="j", state=JobState.RUNNING, raw=f"odd {number}"), START, START)
        reported.append(watch.odd_state(frozenset()))
    assert reported == [*(f"odd {number}" for number in range(10)), *[None] * 990]
    assert len(watch._odd_states) == 10


@pytest.mark.parametrize("state", [state for state in JobState if state.terminal])
def test_the_code_of_a_job_that_ended_is_no_odd_state(state: JobState) -> None:
    watch = waiting()
    watch.saw(JobStatus(job_id="j", state=state, raw="801"), START, START)
    assert watch.odd_state(frozenset({"running"})) is None


def test_job_that_was_never_seen_is_in_no_odd_state() -> None:
    assert waiting().odd_state(frozenset()) is None


def test_another_word_of_the_vendor_is_a_change() -> None:
    watch = waiting()
    watch.saw(JobStatus(job_id="j", state=JobState.RUNNING, raw="running"), START, START)
    watch.saw(JobStatus(job_id="j", state=JobState.RUNNING, raw="polishing"), START, START)
    assert watch.changed


@pytest.mark.parametrize(("others_at", "alone"), [(float("-inf"), False), (3, False), (30, False), (400, True)])
def test_a_job_is_alone_unavailable_if_the_vendor_went_on_to_speak_of_others(others_at: float, alone: bool) -> None:
    watch = after(waiting(), (3, UNAVAILABLE), (3 + TOLERANCE, UNAVAILABLE))
    assert watch.outcome is Outcome.UNAVAILABLE
    assert watch.is_alone_unavailable(START + others_at) is alone


def test_only_a_job_that_is_unavailable_is_alone_so() -> None:
    assert not after(waiting(), (3, RUNNING)).is_alone_unavailable(START + 1e6)
    assert not after(waiting(deadline=START), (3, UNAVAILABLE)).is_alone_unavailable(START + 1e6)
    assert after(waiting(), (3, RUNNING)).changed_at == START + 3
    assert waiting().changed_at < START
