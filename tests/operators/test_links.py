# SPDX-License-Identifier: Apache-2.0
"""The buttons "Job" and "Result" of a task: there once they lead somewhere, never before, and no secret in them."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from airflow.sdk.execution_time.xcom import XCom

from airflow_provider_videoai.jobs.errors import AuthenticationFailed, InvalidRequest, JobFailed, JobTimedOut
from airflow_provider_videoai.jobs.job_reference import JOB_REFERENCE_KEY
from airflow_provider_videoai.links import JOB_LINK, RESULT_LINK, job_url, result_url
from airflow_provider_videoai.triggers.job import VideoJobTrigger
from tests.support.which_airflow import needs_airflow_3_3

pytestmark = pytest.mark.usefixtures("prompt")

FORMS: list[dict[str, Any]] = [{}, {"deferrable": False}, {"finish_in_triggerer": True}]
EACH_FORM = pytest.mark.parametrize("form", FORMS, ids=["deferred", "blocking", "ends in the triggerer"])


def links(task: Any) -> tuple[Any, Any]:
    """Return what Airflow's UI would make the buttons of: of a link that was not written it makes none, as of ""."""
    job, result = (
        task.ti.xcom_pull(key=link.xcom_key, map_indexes=task.ti.map_index) or "" for link in (JOB_LINK, RESULT_LINK)
    )
    return job, result


@EACH_FORM
def test_a_task_that_ended_well_has_both(form: dict[str, Any], case: Any, task: Any) -> None:
    done = task(case, map_index=2, **form)
    result = done.run()
    has_media = result["media_url"] is not None
    assert links(done) == (job_url(done.ti), result_url(done.ti) if has_media else "")
    assert "/2/" in result_url(done.ti)
    for link in links(done):
        assert not {result["media_url"], result["subtitles_url"]} & {link}


def test_while_it_waits_a_task_has_its_job_and_no_result(case: Any, task: Any) -> None:
    waiting = task(case)
    waiting.defer()
    assert links(waiting) == (job_url(waiting.ti), "")


def test_a_task_that_waits_on_its_worker_has_its_job_meanwhile(
    cases: Any, task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocking = task(cases["topview"], deferrable=False)
    seen: list[Any] = []
    monkeypatch.setattr("airflow_provider_videoai.tasks.task_jobs.log_status", lambda *_: seen.append(links(blocking)))
    blocking.start()
    assert set(seen) == {(job_url(blocking.ti), "")}


@EACH_FORM
def test_a_task_whose_job_failed_keeps_its_job(form: dict[str, Any], cases: Any, task: Any, sandbox: Any) -> None:
    sandbox.fault(vendor="topview", kind="fail_job")
    failed = task(cases["topview"], **form)
    with pytest.raises(JobFailed):
        failed.run()
    assert links(failed) == (job_url(failed.ti), "")


def test_a_task_whose_trigger_was_ended_keeps_its_job(cases: Any, task: Any) -> None:
    ended = task(cases["topview"])
    ended.defer()

    def resume(operator: Any) -> None:
        operator.resume_execution("__fail__", {"error": "Trigger timeout"}, ended.context)

    with pytest.raises(JobTimedOut):
        ended._on_a_worker(resume)
    assert links(ended) == (job_url(ended.ti), "")


def test_an_attempt_that_buys_nothing_has_no_button_whatever_the_last_one_had(
    cases: Any, task: Any, sandbox: Any
) -> None:
    case = cases["topview"]
    first = task(case)
    first.run()
    assert all(links(first))
    again = task(case, store=first.store, **case.change)
    sandbox.fault(vendor="topview", call="submit", kind="auth_failed")
    with pytest.raises(AuthenticationFailed):
        again.start()
    assert links(again) == ("", "")


class TestASensor:
    """The same of a task that waits for jobs of others."""

    @EACH_FORM
    def test_has_both_at_the_end(self, form: dict[str, Any], cases: Any, sensor: Any, sandbox: Any) -> None:
        case = cases["topview"]
        poking = {"poke_interval": 0.05} if "deferrable" in form else {}
        done = sensor(case, case.hook().submit(case.request(sandbox)), **form, **poking)
        done.run()
        assert links(done) == (job_url(done.ti), result_url(done.ti))

    def test_of_several_jobs_leads_to_the_page_that_shows_all(self, cases: Any, sensor: Any, sandbox: Any) -> None:
        case = cases["topview"]
        job_ids = [case.hook().submit(case.request(sandbox)) for _ in range(2)]
        done = sensor(case, job_ids)
        done.run()
        assert links(done) == (job_url(done.ti), job_url(done.ti))

    @needs_airflow_3_3("sensors that start in the triggerer")
    def test_that_starts_in_the_triggerer_has_its_job_however_soon_it_ends(
        self, cases: Any, sensor: Any, sandbox: Any, settled: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def write_slowly(**xcom: Any) -> None:
            time.sleep(0.3)
            write(**xcom)

        case, write = cases["topview"], XCom.set
        waiting = sensor(case, case.hook().submit(case.request(sandbox)))
        settled(case)
        monkeypatch.setattr(XCom, "set", write_slowly)
        event = asyncio.run(waiting.fire(VideoJobTrigger(**waiting.make().start_trigger_args.trigger_kwargs)))
        assert event.payload["outcome"] == "ended"
        assert links(waiting) == (job_url(waiting.ti), "")
        assert waiting.ti.xcom_pull(key=JOB_REFERENCE_KEY)["vendor"] == "topview"

    def test_whose_ids_cannot_be_read_has_no_button(self, cases: Any, sensor: Any) -> None:
        unread = sensor(cases["topview"], "{{ none }}")
        unread.make = lambda: rendered(cases["topview"])
        with pytest.raises(InvalidRequest):
            unread.start()
        assert links(unread) == ("", "")


def rendered(case: Any) -> Any:
    """Return a sensor whose template was rendered to something that is no id."""
    sensor = case.sensor(task_id="wait", job_id="{{ none }}")
    sensor.job_id = "two words"
    return sensor
