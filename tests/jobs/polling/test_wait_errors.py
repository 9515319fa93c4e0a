# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs import errors
from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    InvalidRequest,
    JobAborted,
    JobFailed,
    JobNotFound,
    JobTimedOut,
    QuotaExceeded,
    ResultUnavailable,
    VendorUnavailable,
    VideoAIError,
    failure_of,
)
from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.jobs.polling.cadence import Cadence
from airflow_provider_videoai.jobs.polling.wait_errors import CLEAR_SENSOR, RAISE_JOB_TIMEOUT, Reason, error_of
from airflow_provider_videoai.jobs.polling.watch import Outcome, Watch
from airflow_provider_videoai.jobs.values.printable import is_printable


def watch(**values: Any) -> Watch:
    return Watch(job_id="job-7", submitted_at=0, started_at=0, cadence=Cadence(floor=1), **values)


@pytest.mark.parametrize(
    ("state", "code", "message", "kind", "words"),
    [
        (JobState.FAILED, "42", "no face found", JobFailed, "failed at the vendor (code 42: no face found)"),
        (JobState.FAILED, "42", None, JobFailed, "failed at the vendor (code 42)"),
        (JobState.FAILED, None, "no face found", JobFailed, "failed at the vendor (no face found)"),
        (JobState.FAILED, None, None, JobFailed, "failed at the vendor (the vendor gives no reason)"),
        (JobState.ABORTED, "9", None, JobAborted, "was aborted at the vendor (code 9)"),
    ],
)
def test_failed_job_is_reported_with_the_vendors_words_and_the_price_of_a_retry(
    state: JobState, code: str | None, message: str | None, kind: type[JobFailed], words: str
) -> None:
    status = JobStatus(job_id="job-7", state=state, error_code=code, error_message=message)
    failure = failure_of(status, "Lab")
    assert type(failure) is kind
    assert failure.message.startswith(f"Lab job job-7 {words}. ")
    assert "submits, and may pay for, a new" in failure.message
    assert (failure.code, failure.job_id) == (code, "job-7")


@pytest.mark.parametrize(
    ("outcome", "kind", "promises"),
    [
        (Outcome.TIMED_OUT, JobTimedOut, ("goes on at the vendor and is billed", "attaches to it")),
        (Outcome.UNAVAILABLE, VendorUnavailable, ("goes on at the vendor and is billed", "attaches to it")),
        (Outcome.NOT_FOUND, JobNotFound, ("Job 'job-7' is unknown to",)),
        (Outcome.REFUSED, VideoAIError, ("goes on at the vendor and is billed", "attaches to it")),
    ],
)
@pytest.mark.parametrize("said", ["", "running, 40 %"])
def test_wait_that_ended_otherwise_says_what_became_of_job_and_money(
    outcome: Outcome, kind: type[VideoAIError], promises: tuple[str, ...], said: str
) -> None:
    error = error_of(outcome, job_id="job-7", title="Lab", reason=Reason(said=said, code="7"))
    assert type(error) is kind
    assert (error.job_id, error.code) == ("job-7", "7")
    assert "job-7" in error.message
    assert all(promise in error.message for promise in promises)
    assert ("Last: running, 40 %." in error.message) is bool(said)


@pytest.mark.parametrize(
    ("to_wait_longer", "words"),
    [(RAISE_JOB_TIMEOUT, "raise job_timeout and clear the task"), (CLEAR_SENSOR, "clear the sensor")],
)
def test_deadline_is_reported_with_how_to_wait_longer(to_wait_longer: str, words: str) -> None:
    error = error_of(Outcome.TIMED_OUT, job_id="job-7", title="Lab", to_wait_longer=to_wait_longer)
    assert words in error.message


def test_deadline_of_an_id_that_is_unknown_claims_neither_a_job_nor_a_price() -> None:
    waiting = watch(deadline=1.0)
    waiting.unknown(now=1.0, wall=1.0)
    assert waiting.outcome is Outcome.TIMED_OUT
    error = error_of(waiting.outcome, job_id="job-7", title="Lab", reason=over_the_wire(Reason.of_watch(waiting)))
    assert type(error) is JobTimedOut
    assert "was unknown to Lab when it was polled last" in error.message
    assert "If there is such a job, it goes on at the vendor and is billed" in error.message
    assert "The job goes on" not in error.message


TREE = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, VideoAIError)]
FINAL = [AuthenticationFailed, InvalidRequest, ResultUnavailable]
ENDED_AT_THE_VENDOR = [JobFailed, JobAborted]


def over_the_wire(reason: Reason) -> Reason:
    return Reason.read(json.loads(json.dumps(asdict(reason))))


@pytest.mark.parametrize("kind", [kind for kind in TREE if kind not in ENDED_AT_THE_VENDOR])
def test_error_keeps_its_class_code_and_text_on_the_way_from_the_triggerer(kind: type[VideoAIError]) -> None:
    reason = over_the_wire(Reason.of(kind("no.", code="42")))
    error = error_of(Outcome.REFUSED, job_id="job-7", title="Lab", reason=reason)
    assert type(error) is kind
    assert (error.code, error.job_id) == ("42", "job-7")
    assert "Last: no." in error.message


@pytest.mark.parametrize("kind", FINAL)
def test_error_that_no_retry_can_solve_says_that_what_was_bought_stays_bought(kind: type[VideoAIError]) -> None:
    refused = watch()
    refused.missed(kind("no."), 5, 5)
    assert refused.outcome is Outcome.REFUSED
    error = error_of(refused.outcome, job_id="job-7", title="Lab", reason=Reason.of_watch(refused))
    assert "What was bought stays bought" in error.message


@pytest.mark.parametrize("kind", [QuotaExceeded, VendorUnavailable])
def test_pause_that_the_vendor_wants_survives_the_way_from_the_triggerer(kind: Any) -> None:
    reason = over_the_wire(Reason.of(kind("busy", retry_after=30.0)))
    refused = error_of(Outcome.REFUSED, job_id="j", title="Lab", reason=reason)
    assert isinstance(refused, QuotaExceeded | VendorUnavailable)
    assert refused.retry_after == 30.0
    unavailable = error_of(Outcome.UNAVAILABLE, job_id="j", title="Lab", reason=reason)
    assert isinstance(unavailable, VendorUnavailable)
    assert unavailable.retry_after == 30.0


@pytest.mark.parametrize("refusal", [None, "", "Exception", "SystemExit", "ErrorOfTomorrow", "JobFailed", "JobAborted"])
def test_unknown_name_of_an_error_is_said_to_be_unknown(refusal: str | None) -> None:
    """A job that failed may be replaced, for money: its status says so, never an error's name."""
    error = error_of(Outcome.REFUSED, job_id="j", title="Lab", reason=Reason(refusal=refusal))
    assert type(error) is VideoAIError
    assert f"unknown to this version ({refusal or 'without a name'})" in error.message


def test_error_outside_of_the_tree_travels_as_the_nearest_one_that_is_in_it() -> None:
    class OddRequest(InvalidRequest):
        pass

    assert Reason.of(OddRequest("odd")).refusal == "InvalidRequest"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("x" * 10_000),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_NAMES = [each.name for each in fields(Reason)]


@given(stored=st.dictionaries(st.sampled_from(_NAMES) | JSON.filter(lambda key: isinstance(key, str)), JSON))
def test_whatever_an_event_says_becomes_an_error_of_the_tree(stored: dict[Any, Any]) -> None:
    error = error_of(Outcome.REFUSED, job_id="j", title="Lab", reason=Reason.read(stored))
    assert isinstance(error, VideoAIError)
    assert not isinstance(error, JobFailed)
    assert is_printable(error.message)
    assert len(error.message) < 5000
    retry_after = getattr(error, "retry_after", None)
    assert retry_after is None or 0 <= retry_after <= 86_400


def test_wait_that_did_not_fail_has_no_error_to_report() -> None:
    assert Reason.of_watch(watch()).refusal is None


def test_failed_job_is_reported_on_one_line_whatever_its_vendor_says() -> None:
    code, message = "\x1b[2J" * 999, "\u202e\n" * 9999
    status = JobStatus(job_id="a\nb", state=JobState.FAILED, error_code=code, error_message=message)
    failure = failure_of(status, "Lab")
    assert is_printable(failure.message)
    assert len(failure.message) < 4000
    assert "submits, and may pay for, a new" in failure.message


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (None, None, ""),
        (JobStatus(job_id="j", state=JobState.RUNNING, progress=40), None, "running, 40 %"),
        (JobStatus(job_id="j", state=JobState.QUEUED, queue_position=2), None, "queued, 2 ahead in the queue"),
        (JobStatus(job_id="j", state=JobState.RUNNING), QuotaExceeded("slow down."), "slow down"),
    ],
)
def test_last_thing_known_is_the_error_else_the_status(
    status: JobStatus | None, error: VideoAIError | None, said: str
) -> None:
    assert Reason.of_watch(watch(status=status, error=error)).said == said


def test_last_thing_known_holds_no_url() -> None:
    status = JobStatus(job_id="j", state=JobState.SUCCEEDED, media_url="https://media.test/a.mp4?sig=1")
    assert "media.test" not in Reason.of_watch(watch(status=status)).said
