# SPDX-License-Identifier: Apache-2.0
"""Ways to wait: deferred, poking, rescheduled; and how long."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import InvalidRequest, JobTimedOut
from tests.support.which_airflow import (
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

ON_A_WORKER = {"deferrable": False, "poke_interval": 0.05}


@pytest.fixture
def endless(sandbox: Any, submitted: Any) -> Any:
    """Submit a job that never ends."""

    def endless(case: Any) -> str:
        sandbox.fault(vendor=case.vendor, kind="never_ends")
        return str(submitted(case))

    return endless


@pytest.mark.usefixtures("prompt")
def test_a_rescheduled_sensor_gives_its_worker_back_between_two_polls(
    case: Any, submitted: Any, sensor: Any, sandbox: Any, settled: Any
) -> None:
    sandbox.clock(queue_seconds=30)
    job_id = submitted(case)
    waiting = sensor(case, job_id, deferrable=False, mode="reschedule", poke_interval=90)
    with pytest.raises(AirflowRescheduleException) as rescheduled:
        waiting.start()
    assert 85 < (rescheduled.value.reschedule_date - datetime.now(UTC)).total_seconds() <= 90
    sandbox.clock(advance=60)
    settled(case)
    assert waiting.start()["job_id"] == job_id


@pytest.mark.parametrize("arguments", [{}, ON_A_WORKER])
@pytest.mark.usefixtures("prompt")
def test_a_timeout_is_airflows_and_ours_and_says_that_the_job_goes_on(
    arguments: dict[str, Any], case: Any, endless: Any, sensor: Any
) -> None:
    job_id = endless(case)
    with pytest.raises(AirflowSensorTimeout, match="The job goes on at the vendor") as late:
        sensor(case, job_id, timeout=0.1, **arguments).run()
    assert isinstance(late.value, JobTimedOut)
    assert late.value.job_id == job_id
    assert "clear the sensor" in str(late.value)
    assert "job_timeout" not in str(late.value)


@pytest.mark.usefixtures("prompt")
def test_a_rescheduled_sensor_times_out_from_its_first_attempt(cases: Any, endless: Any, sensor: Any) -> None:
    waiting = sensor(cases["topview"], endless(cases["topview"]), deferrable=False, mode="reschedule", timeout=60)
    waiting.ti.started -= timedelta(seconds=61)
    with pytest.raises(AirflowSensorTimeout) as late:
        waiting.start()
    assert isinstance(late.value, JobTimedOut)


@pytest.mark.parametrize("arguments", [{}, ON_A_WORKER])
@pytest.mark.usefixtures("prompt")
def test_the_timeout_names_the_job_that_has_not_ended(
    arguments: dict[str, Any], cases: Any, submitted: Any, endless: Any, sensor: Any, settled: Any
) -> None:
    case = cases["topview"]
    ended = submitted(case)
    settled(case)
    going_on = endless(case)
    with pytest.raises(JobTimedOut) as late:
        sensor(case, [ended, going_on], timeout=0.5, **arguments).run()
    assert late.value.job_id == going_on


@pytest.mark.parametrize("arguments", [{}, ON_A_WORKER])
@pytest.mark.usefixtures("prompt")
def test_soft_fail_turns_a_timeout_into_a_skip(
    arguments: dict[str, Any], cases: Any, endless: Any, sensor: Any
) -> None:
    case = cases["topview"]
    with pytest.raises(AirflowSkipException):
        sensor(case, endless(case), timeout=0.1, soft_fail=True, **arguments).run()


@pytest.mark.parametrize("soft_fail", [False, True])
def test_airflows_own_deferral_timeout_is_reported_alike(
    soft_fail: bool, cases: Any, endless: Any, sensor: Any
) -> None:
    job_id = endless(cases["topview"])
    waiting = sensor(cases["topview"], job_id, soft_fail=soft_fail)
    deferred = waiting.defer()
    deferred.method_name, deferred.kwargs = "__fail__", {"error": "Trigger timeout"}
    with pytest.raises(AirflowSkipException if soft_fail else AirflowSensorTimeout) as late:
        waiting.resume(deferred, None)
    assert soft_fail or (isinstance(late.value, JobTimedOut) and late.value.job_id == job_id)


def test_airflows_own_timeout_comes_after_ours(cases: Any, sensor: Any) -> None:
    deferred = sensor(cases["topview"], "a1", timeout=100).defer()
    assert deferred.trigger.arguments.deadline == pytest.approx(time.time() + 100, abs=2)
    assert timedelta(seconds=100) < deferred.timeout < timedelta(hours=1)


@pytest.mark.parametrize(
    ("arguments", "poke_interval"), [({}, 60), ({"poll_interval": 7}, 7), ({"poll_interval": 7, "poke_interval": 9}, 9)]
)
def test_the_poll_interval_is_the_poke_interval_unless_both_are_given(
    arguments: dict[str, Any], poke_interval: float, cases: Any, sensor: Any
) -> None:
    assert sensor(cases["topview"], "a1", **arguments).make().poke_interval == poke_interval


@pytest.mark.parametrize(
    ("arguments", "interval"),
    [
        ({"poke_interval": 9}, 9.0),
        ({"poke_interval": timedelta(seconds=9)}, 9.0),
        ({"default_args": {"poke_interval": 9}}, 9.0),
        ({"poll_interval": 7, "poke_interval": 9}, 7.0),
        ({"poke_interval": 0}, None),
        ({}, None),
    ],
)
def test_a_deferred_wait_takes_the_poke_interval_if_only_that_is_given(
    arguments: dict[str, Any], interval: float | None, cases: Any, sensor: Any
) -> None:
    waiting = sensor(cases["topview"], "a1", **arguments)
    assert waiting.defer().trigger.arguments.poll_interval == interval
    assert waiting.make().start_trigger_args.trigger_kwargs["poll_interval"] == interval


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"timeout": float("inf")}, "timeout: must be a timedelta or a number of seconds of at least 0"),
        ({"timeout": "long"}, "timeout: must be"),
        ({"poke_interval": -1}, "poke_interval: must be"),
        ({"poke_interval": timedelta.max}, "poke_interval: must be"),
    ],
)
def test_a_wrong_time_is_refused_by_name(arguments: dict[str, Any], said: str, cases: Any, sensor: Any) -> None:
    with pytest.raises(InvalidRequest, match=said):
        sensor(cases["topview"], "a1", **arguments).make()


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
def test_a_deferrable_sensor_defers_in_either_mode(mode: str, cases: Any, sensor: Any) -> None:
    with pytest.raises(TaskDeferred):
        sensor(cases["topview"], "a1", mode=mode).start()
