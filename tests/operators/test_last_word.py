# SPDX-License-Identifier: Apache-2.0
"""What a task that saw its jobs end on a worker reports of them, for the "Video jobs" page: XCom ``status``."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import JobFailed, JobTimedOut
from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.triggers import resume

pytestmark = pytest.mark.usefixtures("prompt")

BLOCKING = {"deferrable": False}
POKING = {"deferrable": False, "poke_interval": 0.05}


def last_word(waiting: Any) -> list[JobStatus]:
    return [JobStatus.from_json(each) for each in waiting.ti.xcom_pull(key="status")["jobs"]]


def test_a_blocking_task_reports_that_its_job_succeeded(case: Any, task: Any, bought: Any) -> None:
    waiting = task(case, **BLOCKING)
    waiting.start()
    (seen,) = last_word(waiting)
    assert ([seen.job_id], seen.state) == (bought(case), JobState.SUCCEEDED)


def test_a_blocking_task_reports_that_its_job_failed_and_why(case: Any, task: Any, sandbox: Any) -> None:
    sandbox.fault(vendor=case.vendor, kind="fail_job")
    waiting = task(case, **BLOCKING)
    with pytest.raises(JobFailed) as failed:
        waiting.start()
    (seen,) = last_word(waiting)
    assert (seen.state, seen.error_code) == (JobState.FAILED, failed.value.code)


def test_a_task_that_finds_its_job_ended_reports_how(cases: Any, task: Any, settled: Any) -> None:
    case = cases["topview"]
    crashed = task(case)
    crashed.defer()
    settled(case)
    again = task(case, store=crashed.store)
    again.start()
    assert [seen.state for seen in last_word(again)] == [JobState.SUCCEEDED]


def test_a_blocking_task_that_waits_no_longer_reports_what_it_saw_last(cases: Any, task: Any, sandbox: Any) -> None:
    sandbox.fault(vendor="viitor", kind="never_ends")
    waiting = task(cases["viitor"], job_timeout=0.4, **BLOCKING)
    with pytest.raises(JobTimedOut):
        waiting.start()
    assert [seen.state for seen in last_word(waiting)] == [JobState.RUNNING]


def test_a_poking_sensor_reports_the_end_of_each_of_its_jobs(cases: Any, task: Any, sensor: Any, sandbox: Any) -> None:
    case = cases["topview"]
    good = task(case, **BLOCKING).start()["job_id"]
    sandbox.fault(vendor=case.vendor, kind="fail_job")
    bad = task(case).defer().trigger.arguments.job_ids
    waiting = sensor(case, [bad, good], **POKING)
    with pytest.raises(JobFailed):
        waiting.start()
    assert [(seen.job_id, seen.state) for seen in last_word(waiting)] == [
        (bad, JobState.FAILED),
        (good, JobState.SUCCEEDED),
    ]


def test_a_worker_that_polls_again_after_the_triggerer_reports_what_it_saw(
    cases: Any, task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resume, "FRESH", -1.0)
    waiting = task(cases["topview"])
    waiting.run()
    status = waiting.ti.xcom_pull(key="status")
    assert "since" not in status, "the worker's own word"
    assert [seen.state for seen in last_word(waiting)] == [JobState.SUCCEEDED]
