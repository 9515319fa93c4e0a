# SPDX-License-Identifier: Apache-2.0
"""How a task fails: with a typed error that says what became of the job, and without a secret."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    JobAborted,
    JobFailed,
    JobTimedOut,
    SubmitRejected,
    VendorUnavailable,
    VideoAIError,
)
from tests.support.which_airflow import AirflowFailException

pytestmark = pytest.mark.usefixtures("prompt")

FAILURES = {
    "viitor": ("5000", "code 5000"),
    "aidge": ("801", "model failed"),
    "cdnetworks": (None, "the vendor gives no reason"),
    "topview": (None, "task failed"),
    "tencent_ivh": ("801000", "internal error"),
}
"""Code and words that each vendor of the sandbox gives for a job that failed."""

WRONG = "wrong-secret-that-must-not-be-seen"


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_failed_job_fails_the_task_with_the_vendors_words(
    deferrable: bool, case: Any, task: Any, sandbox: Any, bought: Any
) -> None:
    sandbox.fault(vendor=case.vendor, kind="fail_job")
    with pytest.raises(JobFailed) as failed:
        task(case, deferrable=deferrable).run()
    code, words = FAILURES[case.vendor]
    assert failed.value.code == code
    assert [failed.value.job_id] == bought(case)
    for part in (words, bought(case)[0], "may pay for, a new"):
        assert part in str(failed.value)
    assert not isinstance(failed.value, AirflowFailException), "a retry may succeed"


def test_a_job_that_the_vendor_aborted_is_distinguished_if_the_vendor_does(case: Any, task: Any, sandbox: Any) -> None:
    sandbox.fault(vendor=case.vendor, kind="abort_job")
    with pytest.raises(JobFailed) as failed:
        task(case).run()
    assert isinstance(failed.value, JobAborted) is (case.vendor == "viitor")


def test_a_wrong_password_fails_for_good_and_names_the_connection(
    case: Any, task: Any, connect: Any, everything_said: Any, bought: Any
) -> None:
    conn_id = connect(case.vendor, password=WRONG)
    with pytest.raises(AuthenticationFailed) as refused:
        task(case, **{case.conn_argument: conn_id}).start()
    assert isinstance(refused.value, AirflowFailException)
    assert conn_id in str(refused.value)
    assert WRONG not in str(refused.value)
    assert WRONG not in everything_said()
    assert bought(case) == []


def test_a_task_that_succeeds_says_no_secret(case: Any, task: Any, everything_said: Any) -> None:
    result = task(case).run()
    said = everything_said()
    assert "Submitted" in said
    for secret in [case.password]:
        assert secret not in said
    assert result["media_url"] not in said


@pytest.mark.parametrize("case", ["aidge", "tencent_video"], indirect=True)
def test_a_signature_that_travels_in_the_url_is_not_logged(case: Any, task: Any, everything_said: Any) -> None:
    task(case, deferrable=False).start()
    said = everything_said()
    assert "Submitted" in said
    for part in ("sign=", "signature="):
        assert part not in said


def test_a_request_that_the_vendor_refuses_buys_nothing_and_is_not_retried(cases: Any, task: Any, bought: Any) -> None:
    case = cases["topview"]
    with pytest.raises(SubmitRejected, match="Nothing was bought") as refused:
        task(case, ai_avatar_id="nobody").start()
    assert isinstance(refused.value, AirflowFailException)
    assert refused.value.code == "4004"
    assert bought(case) == []


def test_a_job_that_does_not_end_in_time_goes_on_and_is_attached_to(
    case: Any, task: Any, sandbox: Any, bought: Any
) -> None:
    sandbox.fault(vendor=case.vendor, kind="never_ends")
    late = task(case, job_timeout=0.15)
    with pytest.raises(JobTimedOut) as timed_out:
        late.run()
    assert "The job goes on at the vendor and is billed" in str(timed_out.value)
    assert "raise job_timeout and clear the task" in str(timed_out.value)
    with pytest.raises(JobTimedOut):
        task(case, store=late.store, job_timeout=timedelta(seconds=0.15)).run()
    assert len(bought(case)) == 1


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_retry_after_the_deadline_polls_once_and_does_not_wait(
    deferrable: bool, cases: Any, task: Any, sandbox: Any
) -> None:
    case = cases["topview"]
    sandbox.fault(vendor=case.vendor, kind="never_ends")
    late = task(case, job_timeout=0.05)
    with pytest.raises(JobTimedOut):
        late.run()
    sandbox.clear_ledger()
    with pytest.raises(JobTimedOut, match=r"Last: running.*raise job_timeout"):
        task(case, store=late.store, job_timeout=0.05, deferrable=deferrable).start()
    assert len(sandbox.ledger(case.vendor)["polls"]) == 1


def test_a_retry_after_the_deadline_has_the_result_of_a_job_that_ended(
    cases: Any, task: Any, settled: Any, bought: Any
) -> None:
    case = cases["topview"]
    crashed = task(case, job_timeout=1e-6)
    crashed.defer()
    settled(case)
    assert [task(case, store=crashed.store, job_timeout=1e-6).start()["job_id"]] == bought(case)


def test_a_retry_after_the_deadline_waits_if_the_vendor_cannot_be_polled(cases: Any, task: Any, sandbox: Any) -> None:
    case = cases["topview"]
    crashed = task(case, job_timeout=1e-6)
    crashed.defer()
    sandbox.fault(vendor=case.vendor, call="query", kind="http_500")
    assert task(case, store=crashed.store, job_timeout=1e-6).defer().trigger.arguments.deadline < time.time()


def test_a_raised_deadline_lets_the_next_attempt_wait_on(cases: Any, task: Any, sandbox: Any, bought: Any) -> None:
    case = cases["topview"]
    sandbox.clock(run_seconds=1, vendor=case.vendor)
    late = task(case, job_timeout=0.05)
    with pytest.raises(JobTimedOut):
        late.run()
    assert [task(case, store=late.store, job_timeout=60).run()["job_id"]] == bought(case)


def test_on_a_worker_a_job_that_does_not_end_in_time_is_reported_alike(task: Any, cases: Any, sandbox: Any) -> None:
    sandbox.fault(vendor="viitor", kind="never_ends")
    began = time.monotonic()
    with pytest.raises(JobTimedOut, match="goes on at the vendor"):
        task(cases["viitor"], deferrable=False, job_timeout=0.4).start()
    assert time.monotonic() - began < 5


def test_the_deadline_counts_from_the_submit_over_all_attempts(task: Any, cases: Any) -> None:
    first = task(cases["viitor"], job_timeout=1000)
    deadline = first.defer().trigger.arguments.deadline
    again = task(cases["viitor"], store=first.store, job_timeout=1000)
    assert again.defer().trigger.arguments.deadline == deadline


@pytest.mark.parametrize(
    ("said", "error"),
    [("Trigger timeout", JobTimedOut), ("Trigger failure", VendorUnavailable), (None, VendorUnavailable)],
)
def test_a_deferral_that_airflow_ended_says_that_the_job_goes_on(
    said: str | None, error: type[VideoAIError], task: Any, cases: Any, bought: Any
) -> None:
    waiting = task(cases["topview"])
    deferred = waiting.defer()
    deferred.method_name = "__fail__"
    deferred.kwargs = {} if said is None else {"error": said}
    with pytest.raises(error, match="goes on at the vendor") as failure:
        waiting.resume(deferred, None)
    assert [failure.value.job_id] == bought(cases["topview"])


@pytest.mark.parametrize(
    "event",
    [None, "success", {}, {"version": 1}, {"version": 1, "outcome": "bought"}, {"version": 2, "outcome": "ended"}],
)
def test_an_event_that_is_not_understood_stops_the_segment_and_not_the_job(
    event: Any, task: Any, cases: Any, bought: Any
) -> None:
    waiting = task(cases["topview"])
    deferred = waiting.defer()
    with pytest.raises(VideoAIError, match="attaches to it"):
        waiting.resume(deferred, event)
    assert task(cases["topview"], store=waiting.store).run()["job_id"] == bought(cases["topview"])[0]
    assert len(bought(cases["topview"])) == 1


@pytest.mark.parametrize("deferrable", [True, False])
def test_an_outage_is_ridden_out_for_as_long_as_the_connection_says(
    deferrable: bool, cases: Any, task: Any, connect: Any, sandbox: Any
) -> None:
    case = cases["topview"]
    conn_id = connect("topview", extra={"outage_tolerance": 0.3})
    sandbox.fault(vendor="topview", call="query", kind="http_500", times=None)
    began = time.monotonic()
    with pytest.raises(VendorUnavailable, match=r"could not be queried about job .* for too long"):
        task(case, topview_conn_id=conn_id, deferrable=deferrable).run()
    assert 0.3 <= time.monotonic() - began < 10


def test_an_outage_shorter_than_the_connection_says_harms_nothing(
    cases: Any, task: Any, connect: Any, sandbox: Any
) -> None:
    conn_id = connect("topview", extra={"outage_tolerance": 60})
    sandbox.fault(vendor="topview", call="query", kind="http_500", times=5)
    assert task(cases["topview"], topview_conn_id=conn_id).run()["state"] == "succeeded"
