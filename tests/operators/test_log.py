# SPDX-License-Identifier: Apache-2.0
"""The log of a task that runs to its end: complete, nothing twice, and no address that opens anything."""

from __future__ import annotations

import re
from typing import Any

import pytest

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
