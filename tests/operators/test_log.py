# SPDX-License-Identifier: Apache-2.0
"""The log of a task that runs to its end: complete, nothing twice, and no address that opens anything."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import JobFailed

FORMS: list[dict[str, Any]] = [{}, {"deferrable": False}, {"finish_in_triggerer": True}]
QUERY = re.compile(r"https?://[^\s'\"]*\?")

pytestmark = pytest.mark.usefixtures("prompt")


@pytest.mark.parametrize("form", FORMS, ids=["deferred", "blocking", "ends in the triggerer"])
def test_the_log_reports_submit_end_and_result_once(
    form: dict[str, Any], case: Any, task: Any, everything_said: Any, bought: Any
) -> None:
    task(case, **form).run()
    said = everything_said()
    (job_id,) = bought(case)
    name = f"{case.operation} job {job_id}"
    assert said.count(f"Submitted {name} to {case.hook.vendor_class.title}") == 1
    assert len(re.findall(rf"{name} succeeded after \d+ s, \d+ polls?", said)) == 1
    assert said.count(f"Result of {name}: ") == 1
    assert not QUERY.search(said)


@pytest.mark.parametrize("form", FORMS, ids=["deferred", "blocking", "ends in the triggerer"])
def test_a_sensor_reports_what_it_waits_for_and_how_long(
    form: dict[str, Any], cases: Any, sensor: Any, everything_said: Any, sandbox: Any
) -> None:
    case = cases["topview"]
    job_id = case.hook().submit(case.request(sandbox))
    everything_said()
    poking = {"poke_interval": 0.05} if form.get("deferrable") is False else {}
    sensor(case, job_id, **form, **poking).run()
    said = everything_said()
    assert len(re.findall(rf"video_avatar job {job_id} succeeded after waiting \d+ s, \d+ polls?", said)) == 1
    assert said.count(f"Result of video_avatar job {job_id}: media") == 1
    assert said.count(f"Waiting for video_avatar job {job_id} at Topview") == (0 if poking else 1)
    assert not QUERY.search(said)


@pytest.mark.parametrize("form", FORMS, ids=["deferred", "blocking", "ends in the triggerer"])
@pytest.mark.parametrize(("poll_interval", "times"), [(86_400, 1), (300, 0), (None, 0)])
def test_an_interval_that_would_sleep_through_a_short_jobs_end_is_warned_of(
    form: dict[str, Any],
    poll_interval: float | None,
    times: int,
    cases: Any,
    task: Any,
    sensor: Any,
    sandbox: Any,
    everything_said: Any,
) -> None:
    # A job that fails has no media to be rendered: it has ended when it is polled first, and no interval is waited for.
    case = cases["topview"]
    sandbox.fault(vendor="topview", kind="fail_job")
    sandbox.clock(vendor="topview", queue_seconds=0, run_seconds=0)
    with pytest.raises(JobFailed) as failed:
        task(case, **form, poll_interval=poll_interval).run()
    assert everything_said().count("the end of a job is detected up to that late") == times
    with pytest.raises(JobFailed):
        sensor(case, failed.value.job_id, **form, poll_interval=poll_interval).run()
    assert everything_said().count("the end of a job is detected up to that late") == times


def test_a_hooks_submit_says_that_it_keeps_no_record(cases: Any, sandbox: Any, everything_said: Any) -> None:
    case = cases["viitor"]
    hook = case.hook()
    job_ids = [hook.submit(case.request(sandbox)), asyncio.run(hook.asubmit(case.request(sandbox)))]
    said = everything_said()
    for job_id in job_ids:
        assert f"Submitted text_removal job {job_id} to ViiTor by its hook, which keeps no submission record" in said
