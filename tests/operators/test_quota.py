# SPDX-License-Identifier: Apache-2.0
"""A vendor without room: the task waits without a worker, and submits again."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.providers.standard.triggers.temporal import DateTimeTrigger

from airflow_provider_videoai.jobs.errors import QuotaExceeded
from airflow_provider_videoai.operators import capacity
from tests.support.which_airflow import AirflowFailException, TaskDeferred

HAVE_A_CODE = ["aidge", "topview", "tencent_video", "tencent_tts"]
"""ViiTor and CDNetworks document none for a full queue; HTTP 429 says it everywhere."""


def fill(sandbox: Any, case: Any, kind: str = "rate_limited", **more: Any) -> None:
    call = "pull" if case.operation == "pull_video" else "submit"
    sandbox.fault(vendor=case.vendor, call=call, kind=kind, **more)


def seconds_of(deferred: Any) -> float:
    return float((deferred.trigger.moment - datetime.now(UTC)).total_seconds())


@pytest.mark.usefixtures("prompt")
def test_a_full_vendor_defers_to_a_clock_and_then_the_job_is_submitted(
    case: Any, task: Any, sandbox: Any, bought: Any
) -> None:
    fill(sandbox, case)
    full = task(case)
    pause = full.defer()
    assert isinstance(pause.trigger, DateTimeTrigger)
    assert pause.method_name == "submit_again"
    assert bought(case) == []
    assert full.go_on(pause)["state"] == "succeeded"
    assert len(bought(case)) == 1


@pytest.mark.usefixtures("prompt")
@pytest.mark.parametrize("case", HAVE_A_CODE, indirect=True)
def test_the_vendors_own_code_for_a_full_queue_waits_as_well(case: Any, task: Any, sandbox: Any) -> None:
    fill(sandbox, case, "quota_full")
    full = task(case)
    assert full.go_on(full.defer())["state"] == "succeeded"
    assert len(full.deferrals) == 2


def test_the_pause_grows_from_a_quarter_minute(task: Any, cases: Any, sandbox: Any) -> None:
    fill(sandbox, cases["viitor"], times=None)
    full = task(cases["viitor"])
    pauses = [full.defer()]
    for _ in range(3):
        with pytest.raises(TaskDeferred) as again:
            full.resume(pauses[-1], None)
        pauses.append(again.value)
    for tries, pause in enumerate(pauses):
        assert 0.8 * 15 * 2**tries - 1 <= seconds_of(pause) <= 1.2 * 15 * 2**tries


@pytest.mark.parametrize(("retry_after", "least", "most"), [(40, 38, 40), (0, 11, 12), (1, 11, 12)])
def test_the_pause_is_the_vendors_retry_after_within_limits(
    retry_after: int, least: float, most: float, task: Any, cases: Any, sandbox: Any
) -> None:
    fill(sandbox, cases["viitor"], retry_after=retry_after)
    assert least <= seconds_of(task(cases["viitor"]).defer()) <= most


@pytest.mark.usefixtures("prompt")
@pytest.mark.parametrize("said", ["Trigger timeout", "Trigger failure"])
def test_wait_for_capacity_that_airflow_ended_says_that_nothing_was_bought(
    said: str, task: Any, cases: Any, sandbox: Any, bought: Any
) -> None:
    case = cases["topview"]
    fill(sandbox, case)
    full = task(case)
    pause = full.defer()
    pause.method_name, pause.kwargs = "__fail__", {"error": said}
    with pytest.raises(QuotaExceeded, match="nothing was bought") as failure:
        full.resume(pause, None)
    assert failure.value.job_id is None
    assert not isinstance(failure.value, AirflowFailException)
    assert [full.run()["job_id"]] == bought(case)


@pytest.mark.usefixtures("prompt")
def test_after_the_quota_timeout_the_task_fails_and_may_be_retried(
    case: Any, task: Any, sandbox: Any, bought: Any
) -> None:
    fill(sandbox, case, times=None)
    full = task(case, quota_timeout=60)
    pause = full.defer()
    pause.kwargs["since"] -= 61
    with pytest.raises(QuotaExceeded, match="Nothing was bought") as refused:
        full.resume(pause, None)
    assert refused.value.temporary
    assert bought(case) == []


@pytest.mark.usefixtures("prompt")
def test_the_last_pause_ends_with_the_quota_timeout(task: Any, cases: Any, sandbox: Any) -> None:
    fill(sandbox, cases["viitor"], retry_after=600)
    assert 50 < seconds_of(task(cases["viitor"], quota_timeout=60).defer()) <= 60


@pytest.mark.usefixtures("prompt")
def test_a_task_that_may_not_defer_waits_on_its_worker(
    task: Any, cases: Any, sandbox: Any, monkeypatch: pytest.MonkeyPatch, bought: Any
) -> None:
    monkeypatch.setattr(capacity, "_FIRST_PAUSE", 0.1)
    case = cases["viitor"]
    fill(sandbox, case, times=3)
    began = time.monotonic()
    assert task(case, deferrable=False).start()["state"] == "succeeded"
    assert time.monotonic() - began > 0.8 * (0.1 + 0.2 + 0.4)
    assert len(bought(case)) == 1


@pytest.mark.usefixtures("prompt")
def test_the_wait_for_capacity_is_logged(task: Any, cases: Any, sandbox: Any, everything_said: Any) -> None:
    fill(sandbox, cases["topview"], "quota_full")
    task(cases["topview"]).defer()
    said = everything_said()
    assert "an earlier task has to finish first" in said
    assert "Submitting again in 30 seconds" in said
