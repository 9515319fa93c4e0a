# SPDX-License-Identifier: Apache-2.0
"""What a task does between its submit and its waiting."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import InvalidRequest, VideoAIError
from airflow_provider_videoai.operators.job import JOB_TIMEOUT
from airflow_provider_videoai.vendors.topview import Topview

pytestmark = pytest.mark.usefixtures("prompt")


def test_the_job_id_is_an_xcom_before_the_waiting_begins(case: Any, task: Any, bought: Any) -> None:
    waiting = task(case)
    deferred = waiting.defer()
    assert [waiting.ti.xcom_pull(key="job_id")] == bought(case)
    assert deferred.trigger.arguments.job_ids == bought(case)[0]


def test_the_job_id_is_kept_in_the_store_before_the_waiting_begins(case: Any, task: Any, bought: Any) -> None:
    waiting = task(case)
    waiting.defer()
    record = waiting.store.get("videoai_submission")
    assert (record["phase"], record["job_id"]) == ("submitted", bought(case)[0])


def test_the_deferral_outlives_the_jobs_deadline_as_a_backstop(task: Any, cases: Any) -> None:
    deferred = task(cases["viitor"]).defer()
    assert JOB_TIMEOUT < deferred.timeout < JOB_TIMEOUT + timedelta(hours=1)
    assert deferred.trigger.arguments.deadline == pytest.approx(
        deferred.trigger.arguments.submitted_at + JOB_TIMEOUT.total_seconds()
    )


def test_a_task_that_does_not_wait_hands_over_a_queued_job(case: Any, task: Any, sensor: Any) -> None:
    queued = task(case, wait_for_completion=False).start()
    json.dumps(queued)
    assert (queued["vendor"], queued["operation"], queued["state"]) == (case.vendor, case.operation, "queued")
    assert [queued[name] for name in ("media_url", "subtitles_url", "media_id", "finished_at")] == [None] * 4
    awaited = sensor(case, queued["job_id"]).run()
    assert (awaited["job_id"], awaited["state"]) == (queued["job_id"], "succeeded")
    assert awaited["media_url"]


def test_only_what_was_given_reaches_the_vendor(task: Any, cases: Any, sandbox: Any) -> None:
    case = cases["topview"]
    task(case, voice_speed="None", caption_id="", mode_type=None).defer()
    (submission,) = sandbox.ledger(case.vendor)["submissions"]
    given = {"avatarSourceFrom", "aiAvatarId", "audioSourceFrom", "ttsText"}
    assert {name for name, value in submission["request"].items() if value is not None} == given


@pytest.mark.parametrize("interval", [0.3, 5])
def test_a_fixed_poll_interval_reaches_the_waiting(interval: float, task: Any, cases: Any) -> None:
    assert task(cases["topview"], poll_interval=interval).defer().trigger.arguments.poll_interval == interval


def test_the_task_says_what_it_bought_and_where(task: Any, cases: Any, everything_said: Any, bought: Any) -> None:
    task(cases["topview"]).run()
    said = everything_said()
    (job_id,) = bought(cases["topview"])
    assert f"Submitted video_avatar job {job_id} to Topview" in said
    assert f"video_avatar job {job_id} succeeded" in said


def test_killing_the_task_says_that_the_job_goes_on(task: Any, cases: Any, everything_said: Any, bought: Any) -> None:
    waiting = task(cases["topview"])
    operator = waiting.make()
    waiting.make = lambda: operator
    waiting.defer()
    everything_said()
    operator.on_kill()
    assert f"Stopped waiting for job {bought(cases['topview'])[0]}. It goes on at the vendor" in everything_said()


@pytest.mark.parametrize(
    ("case", "next_step"),
    [
        ("topview", "not submitted again by itself. Look for a job of that time in Topview's console"),
        ("cdnetworks_trim", "The next attempt queries CDNetworks for job"),
    ],
    indirect=["case"],
)
def test_killing_the_task_amid_its_submit_says_that_a_job_may_have_been_bought(
    next_step: str, case: Any, task: Any, sandbox: Any, everything_said: Any
) -> None:
    sandbox.fault(vendor=case.vendor, call="submit", kind="stall", seconds=1.5)
    waiting = task(case)
    operator = waiting.make()
    waiting.make = lambda: operator
    with ThreadPoolExecutor() as worker:
        submitting = worker.submit(waiting.defer)
        while not sandbox.ledger(case.vendor)["submissions"]:
            assert not submitting.done()
        everything_said()
        asked = waiting.store.asked
        operator.on_kill()
        said = everything_said()
        assert waiting.store.asked == asked, "the task may be in the middle of a request to Airflow"
        submitting.result()
    assert "A submit is in flight" in said
    assert "may have been bought" in said
    assert next_step in said
    operator.on_kill()
    assert "Stopped waiting for job" in everything_said()


def test_killing_a_task_that_bought_nothing_says_nothing(task: Any, cases: Any, everything_said: Any) -> None:
    operator = task(cases["topview"]).make()
    everything_said()
    operator.on_kill()
    assert "goes on" not in everything_said()


@pytest.mark.parametrize("case", ["cdnetworks_trim", "tencent_tts"], indirect=True)
def test_without_a_state_store_the_task_runs_and_says_what_is_lost(case: Any, task: Any, everything_said: Any) -> None:
    older_airflow = task(case)
    older_airflow.store = None
    assert older_airflow.run()["state"] == "succeeded"
    assert "crash recovery is off" in everything_said()


def test_without_a_state_store_the_loss_is_said_once_a_segment(task: Any, cases: Any, everything_said: Any) -> None:
    older_airflow = task(cases["topview"], deferrable=False)
    older_airflow.store = None
    older_airflow.start()
    assert everything_said().count("crash recovery is off") == 1


def test_cancel_is_refused_for_a_vendor_that_documents_none(task: Any, case: Any) -> None:
    if case.hook.vendor_class.can_cancel():
        task(case, cancel_on_kill=True).make()
        return
    with pytest.raises(InvalidRequest, match=r"cancel_on_kill: must be False, not True: .* documents no way to cancel"):
        task(case, cancel_on_kill=True).make()


@pytest.mark.parametrize("deferrable", [True, False])
def test_killing_the_task_cancels_its_job_if_the_user_said_so(
    deferrable: bool, task: Any, cases: Any, everything_said: Any, bought: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancel(self: Topview, operation: str, job_id: str) -> Any:  # noqa: ARG001 - a vendor's signature
        cancelled.append((operation, job_id))
        yield from ()
        return True

    cancelled: list[Any] = []
    monkeypatch.setattr(Topview, "cancel", cancel)
    waiting = task(cases["topview"], cancel_on_kill=True, deferrable=deferrable)
    operator = waiting.make()
    waiting.make = lambda: operator
    if deferrable:
        assert waiting.defer().trigger.serialize()[1]["cancel_on_kill"] is True
    else:
        monkeypatch.setattr("airflow_provider_videoai.operators.job_task.Jobs.wait", lambda *_, **__: [])
        with pytest.raises(VideoAIError, match="not enough values"):
            waiting.start()
    everything_said()
    operator.on_kill()
    assert cancelled == [("video_avatar", bought(cases["topview"])[0])]
    assert "was cancelled at Topview" in everything_said()
