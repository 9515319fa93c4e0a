# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videoai.jobs.cadence import Cadence
from airflow_provider_videoai.jobs.ending import CLEAR_SENSOR, error_of, failure_of, refusal_name, said_of
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
)
from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.jobs.watch import Outcome, Watch


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
def test_failed_job_is_told_with_the_vendors_words_and_the_price_of_a_retry(
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
        (Outcome.NOT_FOUND, JobNotFound, ("does not know job 'job-7'",)),
        (Outcome.REFUSED, AuthenticationFailed, ("What was bought stays bought",)),
    ],
)
@pytest.mark.parametrize("said", ["", "running, 40 %"])
def test_wait_that_ended_otherwise_says_what_became_of_job_and_money(
    outcome: Outcome, kind: type[VideoAIError], promises: tuple[str, ...], said: str
) -> None:
    error = error_of(outcome, job_id="job-7", title="Lab", said=said)
    assert type(error) is kind
    assert error.job_id == "job-7"
    assert "job-7" in error.message
    assert all(promise in error.message for promise in promises)
    assert ("Last: running, 40 %." in error.message) is bool(said)


@pytest.mark.parametrize(
    ("told", "words"),
    [({}, "raise job_timeout and clear the task"), ({"to_wait_longer": CLEAR_SENSOR}, "clear the sensor")],
)
def test_deadline_is_told_with_how_to_wait_longer(told: dict[str, str], words: str) -> None:
    error = error_of(Outcome.TIMED_OUT, job_id="job-7", title="Lab", **told)
    assert words in error.message


@pytest.mark.parametrize("kind", [AuthenticationFailed, InvalidRequest, ResultUnavailable])
def test_permanent_error_keeps_its_class_over_the_way_from_the_triggerer(kind: type[VideoAIError]) -> None:
    refused = watch()
    refused.missed(kind("no."), 5, 5)
    assert refused.outcome is Outcome.REFUSED
    error = error_of(refused.outcome, job_id="job-7", title="Lab", said=said_of(refused), refusal=refusal_name(refused))
    assert type(error) is kind
    assert "Last: no." in error.message


@pytest.mark.parametrize("refusal", [None, "", "Exception", "SystemExit", "QuotaExceeded"])
def test_unknown_name_of_a_refusal_names_no_other_class(refusal: str | None) -> None:
    error = error_of(Outcome.REFUSED, job_id="j", title="Lab", refusal=refusal)
    assert type(error) is AuthenticationFailed


def test_wait_that_did_not_fail_has_no_refusal() -> None:
    assert refusal_name(watch()) is None


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
    assert said_of(watch(status=status, error=error)) == said


def test_last_thing_known_holds_no_url() -> None:
    status = JobStatus(job_id="j", state=JobState.SUCCEEDED, media_url="https://media.test/a.mp4?sig=1")
    assert "media.test" not in said_of(watch(status=status))
