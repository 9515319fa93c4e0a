# SPDX-License-Identifier: Apache-2.0
"""What a task stores of its jobs, for the "Video jobs" page to find them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    InvalidRequest,
    SubmitUncertain,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.job_reference import JOB_REFERENCE_KEY, JobReference
from tests.support.which_airflow import TaskDeferred

pytestmark = pytest.mark.usefixtures("prompt")


def job_reference_of(waiting: Any) -> JobReference:
    reference = JobReference.read(waiting.ti.xcom_pull(key=JOB_REFERENCE_KEY))
    assert reference is not None
    return reference


def test_every_operator_stores_whose_job_it_is_before_it_waits(case: Any, task: Any, bought: Any) -> None:
    waiting = task(case)
    deferred = waiting.defer()
    reference = job_reference_of(waiting)
    assert (reference.vendor, reference.operation, reference.conn_id) == (case.vendor, case.operation, case.conn_id)
    assert list(reference.job_ids) == bought(case)
    assert reference.submitted_at == deferred.trigger.arguments.submitted_at


def test_every_operator_stores_what_it_works_on(case: Any, task: Any, sandbox: Any) -> None:
    waiting = task(case)
    waiting.defer()
    assert job_reference_of(waiting).source in case.request(sandbox).values()


def test_the_job_can_be_queried_by_what_the_reference_says(case: Any, task: Any) -> None:
    waiting = task(case)
    waiting.defer()
    reference = job_reference_of(waiting)
    assert case.hook(reference.conn_id).status(reference.job_ids[0], reference.polled_as).job_id == reference.job_ids[0]


@pytest.mark.parametrize("cloud_front", [True, False])
def test_a_choice_of_the_results_address_is_no_other_operation(cases: Any, task: Any, cloud_front: bool) -> None:
    waiting = task(cases["topview"], need_cloud_front_url=cloud_front)
    deferred = waiting.defer()
    assert job_reference_of(waiting).operation == "video_avatar"
    assert waiting.go_on(deferred)["media_url"]


@pytest.mark.parametrize("arguments", [{"deferrable": False}, {}], ids=str)
def test_a_sensor_on_a_worker_stores_which_jobs_it_waits_for(
    arguments: Any, cases: Any, task: Any, sensor: Any, bought: Any
) -> None:
    case = cases["viitor"]
    task(case).defer()
    waiting = sensor(case, bought(case), poke_interval=0.1, **arguments)
    try:
        waiting.start()
    except TaskDeferred:
        assert not arguments
    reference = job_reference_of(waiting)
    assert (list(reference.job_ids), reference.source, reference.submitted_at) == (bought(case), None, None)


def refusal_of(stopped: Any, error: type[VideoAIError]) -> JobReference:
    with pytest.raises(error) as refused:
        stopped.start()
    reference = job_reference_of(stopped)
    assert reference.refusal is not None
    assert (reference.refusal.error, reference.job_ids) == (error.__name__, ())
    assert reference.refusal.message[:80] == refused.value.message[:80]
    return reference


def test_every_operator_stores_why_its_submit_was_refused(case: Any, task: Any, connect: Any, sandbox: Any) -> None:
    conn_id = connect(case.vendor, password="not the password")
    refused = refusal_of(task(case, **{case.conn_argument: conn_id}), AuthenticationFailed)
    assert (refused.vendor, refused.operation, refused.conn_id) == (case.vendor, case.operation, conn_id)
    assert refused.source in case.request(sandbox).values()
    assert refused.submitted_at is None


def test_a_submit_whose_answer_was_lost_is_stored_as_that(cases: Any, task: Any, sandbox: Any) -> None:
    sandbox.fault(vendor="topview", kind="accept_then_drop")
    refusal_of(task(cases["topview"]), SubmitUncertain)


def test_what_a_rendered_field_breaks_is_stored_without_what_signs_its_url(cases: Any, task: Any) -> None:
    whole = task(cases["viitor"])

    def rendered() -> Any:
        operator = whole.make()
        operator.url = "ftp://user:secret@media.example/in.mp4?sign=secret"
        return operator

    refused = refusal_of(replace(whole, make=rendered), InvalidRequest)
    assert refused.refusal is not None
    assert "in.mp4" in refused.refusal.message
    assert "secret" not in refused.refusal.message


def test_a_vendor_that_is_not_there_has_refused_nothing(cases: Any, task: Any, connect: Any, free_port: int) -> None:
    conn_id = connect("topview", host=f"http://127.0.0.1:{free_port}")
    stopped = task(cases["topview"], topview_conn_id=conn_id)
    with pytest.raises(VendorUnavailable):
        stopped.start()
    assert stopped.ti.xcom_pull(key=JOB_REFERENCE_KEY) is None


def test_after_a_refusal_the_next_attempt_stores_its_job(cases: Any, task: Any, sandbox: Any) -> None:
    sandbox.fault(vendor="topview", call="submit", kind="auth_failed", times=1)
    waiting = task(cases["topview"])
    refusal_of(waiting, AuthenticationFailed)
    waiting.defer()
    assert job_reference_of(waiting).refusal is None
