# SPDX-License-Identifier: Apache-2.0
"""How a sensor fails, or skips."""

from __future__ import annotations

import time
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    InvalidRequest,
    JobFailed,
    JobNotFound,
    JobTimedOut,
    VendorUnavailable,
)
from airflow_provider_videoai.jobs.polling import watch
from airflow_provider_videoai.sensors import job as sensors
from tests.support.which_airflow import AirflowFailException, AirflowSkipException

ON_A_WORKER = {"deferrable": False, "poke_interval": 0.05}
WRONG = "wrong-secret-that-must-not-be-seen"

pytestmark = pytest.mark.usefixtures("prompt")
either_way = pytest.mark.parametrize("arguments", [{}, ON_A_WORKER])


@either_way
def test_a_failed_job_fails_the_sensor(
    arguments: dict[str, Any], case: Any, submitted: Any, sensor: Any, sandbox: Any
) -> None:
    sandbox.fault(vendor=case.vendor, kind="fail_job")
    job_id = submitted(case)
    with pytest.raises(JobFailed) as failed:
        sensor(case, job_id, **arguments).run()
    assert failed.value.job_id == job_id


@either_way
def test_one_failed_job_of_a_list_fails_the_sensor(
    arguments: dict[str, Any], cases: Any, submitted: Any, sensor: Any, sandbox: Any
) -> None:
    case = cases["viitor"]
    good = submitted(case)
    sandbox.fault(vendor=case.vendor, kind="fail_job")
    bad = submitted(case)
    with pytest.raises(JobFailed) as failed:
        sensor(case, [good, bad], **arguments).run()
    assert failed.value.job_id == bad


@pytest.mark.parametrize("case", ["viitor", "topview"], indirect=True)
@either_way
def test_soft_fail_skips_where_the_job_failed_and_the_log_says_why(
    arguments: dict[str, Any], case: Any, submitted: Any, sensor: Any, sandbox: Any, everything_said: Any
) -> None:
    sandbox.fault(vendor=case.vendor, kind="fail_job")
    job_id = submitted(case)
    with pytest.raises(AirflowSkipException):
        sensor(case, job_id, soft_fail=True, **arguments).run()
    assert f"job {job_id} failed at the vendor" in everything_said()


@either_way
def test_a_failed_job_ends_in_the_worker_even_if_success_would_end_in_the_triggerer(
    arguments: dict[str, Any], cases: Any, submitted: Any, sensor: Any, sandbox: Any
) -> None:
    sandbox.fault(vendor="topview", kind="fail_job")
    with pytest.raises(JobFailed):
        sensor(cases["topview"], submitted(cases["topview"]), finish_in_triggerer=True, **arguments).run()


@pytest.mark.parametrize(
    "case", ["viitor", "cdnetworks_pull", "cdnetworks_trim", "topview", "tencent_video"], indirect=True
)
@either_way
def test_an_id_that_the_vendor_does_not_know_fails_for_good(
    arguments: dict[str, Any], case: Any, sensor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "UNKNOWN_GRACE", 0.1)
    with pytest.raises(JobNotFound, match=case.absent_id) as unknown:
        sensor(case, case.absent_id, **arguments).run()
    assert isinstance(unknown.value, AirflowFailException)


@pytest.mark.parametrize("case", ["viitor", "topview"], indirect=True)
def test_an_id_that_the_vendor_does_not_know_fails_a_rescheduled_sensor_as_well(
    case: Any, sensor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "UNKNOWN_GRACE", 0.1)
    monkeypatch.setattr(sensors, "_UNKNOWN_PAUSE", 0.1)
    with pytest.raises(JobNotFound, match=case.absent_id):
        sensor(case, case.absent_id, deferrable=False, mode="reschedule").run()


@either_way
def test_an_unknown_id_that_times_out_is_not_reported_as_a_job_that_goes_on(
    arguments: dict[str, Any], cases: Any, sensor: Any
) -> None:
    with pytest.raises(JobTimedOut, match="If there is such a job, it goes on") as late:
        sensor(cases["topview"], "unknown-id", timeout=0.1, **arguments).run()
    assert "was unknown to Topview" in late.value.message


@either_way
def test_a_wrong_password_fails_for_good_and_names_the_connection(
    arguments: dict[str, Any], case: Any, submitted: Any, sensor: Any, connect: Any, everything_said: Any
) -> None:
    job_id = submitted(case)
    conn_id = connect(case.vendor, password=WRONG)
    with pytest.raises(AuthenticationFailed) as refused:
        sensor(case, job_id, **{case.conn_argument: conn_id}, **arguments).run()
    assert isinstance(refused.value, AirflowFailException)
    assert conn_id in str(refused.value)
    assert WRONG not in str(refused.value) + everything_said()


@pytest.mark.parametrize("fault", ["http_500", "html_502", "garbage", "truncated", "reset"])
@either_way
def test_failed_polls_are_tolerated(
    arguments: dict[str, Any], fault: str, cases: Any, submitted: Any, sensor: Any, sandbox: Any
) -> None:
    job_id = submitted(cases["topview"])
    sandbox.fault(vendor="topview", call="query", kind=fault, times=3)
    assert sensor(cases["topview"], job_id, **arguments).run()["state"] == "succeeded"


@either_way
def test_a_vendor_that_is_away_for_too_long_fails_the_sensor_and_may_be_retried(
    arguments: dict[str, Any], cases: Any, sensor: Any, connect: Any, free_port: int
) -> None:
    conn_id = connect("topview", host=f"http://127.0.0.1:{free_port}", extra={"outage_tolerance": 0.1})
    with pytest.raises(VendorUnavailable, match="The job goes on at the vendor") as away:
        sensor(cases["topview"], "a1", topview_conn_id=conn_id, **arguments).run()
    assert not isinstance(away.value, AirflowFailException)


@pytest.mark.parametrize(
    ("job_id", "message"),
    [
        ("", "job_id: must be a non-empty string"),
        ("two ids", "without whitespace"),
        ([], "job_id: must name at least one job"),
        (7, "job_id: must be an id or a list"),
        ([7], "job_id: must be a text"),
        ({"state": "queued"}, "job_id: must be a text"),
        (None, "job_id: must be an id or a list"),
        (["a1", ""], "job_id: must be a non-empty string"),
    ],
)
def test_a_literal_that_cannot_be_an_id_is_refused_when_the_dag_is_parsed(
    job_id: Any, message: str, cases: Any, sensor: Any
) -> None:
    with pytest.raises(InvalidRequest, match=message):
        sensor(cases["topview"], job_id).make()


@pytest.mark.parametrize(
    ("name", "job_id"), [("viitor", "7f3"), ("cdnetworks_trim", "x" * 33), ("cdnetworks_pull", "x" * 33)]
)
def test_another_vendors_id_is_refused_when_the_dag_is_parsed(name: str, job_id: str, cases: Any, sensor: Any) -> None:
    with pytest.raises(InvalidRequest, match="job_id: "):
        sensor(cases[name], job_id).make()


@either_way
def test_a_rendered_value_that_cannot_be_an_id_is_refused_before_anything_is_sent(
    arguments: dict[str, Any], cases: Any, sensor: Any, sandbox: Any
) -> None:
    waiting = sensor(cases["viitor"], "{{ params.job }}", **arguments)
    operator = waiting.make()
    operator.job_id = "None"
    waiting.make = lambda: operator
    with pytest.raises(InvalidRequest, match="starts with 'ViiTor_AI'") as refused:
        waiting.start()
    assert isinstance(refused.value, AirflowFailException)
    assert sandbox.ledger()["polls"] == []


def test_the_last_poll_of_a_poking_sensor_is_recent(cases: Any, submitted: Any, sensor: Any, settled: Any) -> None:
    job_id = submitted(cases["topview"])
    settled(cases["topview"])
    began = time.monotonic()
    sensor(cases["topview"], job_id, deferrable=False).start()
    assert time.monotonic() - began < 2, "a job that has ended is not waited for"
