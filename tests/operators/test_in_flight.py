# SPDX-License-Identifier: Apache-2.0
"""Tasks of one account keep to the number of jobs that it may have: they wait for leases in the triggerer."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_videoai.hooks import ledger as deployment
from airflow_provider_videoai.jobs.errors import QuotaExceeded
from airflow_provider_videoai.jobs.in_flight import lease_queue
from airflow_provider_videoai.operators import capacity
from airflow_provider_videoai.triggers import lease
from airflow_provider_videoai.triggers.lease import LeaseTrigger
from tests.support.tasks import StateStore, revive

pytestmark = pytest.mark.usefixtures("prompt", "own_ledger")


@pytest.fixture
def own_ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Any, sandbox: Any) -> None:
    # Without the sandbox's own extra, which spares other tests the wait for a lease.
    account = json.loads(sandbox.connections()["AIRFLOW_CONN_TENCENT_IVH_DEFAULT"])
    extra = {name: value for name, value in account["extra"].items() if not name.endswith("jobs_in_flight")}
    monkeypatch.setenv("AIRFLOW_CONN_TENCENT_IVH_DEFAULT", json.dumps(account | {"extra": extra}))
    monkeypatch.setattr(deployment, "AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setattr(deployment, "_found", None)
    monkeypatch.setattr(lease_queue, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(lease, "LEAST_DEFERRAL", 0.0)


def test_a_second_audio_job_waits_for_the_first_without_a_refusal(
    task: Any, cases: Any, sandbox: Any, bought: Any
) -> None:
    case = cases["tencent_tts"]
    first, second = task(case, map_index=0), task(case, map_index=1)
    running = first.defer()
    waiting = second.defer()
    assert isinstance(waiting.trigger, LeaseTrigger)
    assert waiting.method_name == "submit_again"
    assert len(bought(case)) == 1
    assert first.go_on(running)["state"] == "succeeded"
    assert second.go_on(waiting)["state"] == "succeeded"
    assert len(bought(case)) == 2
    assert [entry["outcome"] for entry in sandbox.ledger(case.vendor)["submissions"]] == ["accepted"] * 2


def test_the_same_task_of_the_same_run_in_another_deployment_needs_a_lease_of_its_own(
    task: Any, cases: Any, bought: Any
) -> None:
    case = cases["tencent_tts"]
    task(case, map_index=1).defer()
    deployments = [task(case), task(case)]
    assert deployments[0].ti == replace(deployments[1].ti, started=deployments[0].ti.started)
    for number, each in enumerate(deployments):
        each.dag_run = SimpleNamespace(start_date=datetime(2026, 1, 1, 0, 0, 0, number, tzinfo=UTC))
        each.store = StateStore()
    names = [each.defer().trigger.serialize()[1]["lease"] for each in deployments]
    assert len(bought(case)) == 1
    assert names[0] != names[1]
    assert names[0] == deployments[0].defer().trigger.serialize()[1]["lease"], "a retry keeps its place"


def test_iterations_of_a_loop_need_a_lease_each(task: Any, cases: Any, bought: Any) -> None:
    case = cases["tencent_tts"]
    task(case, map_index=1).defer()
    names = set()
    for region_index in (0, 1):
        iteration = task(case)
        iteration.ti.region_id, iteration.ti.region_index = "018f", region_index
        names.add(iteration.defer().trigger.serialize()[1]["lease"])
    outside = task(case)
    outside.ti.region_id = outside.ti.region_index = None
    assert outside.defer().trigger.serialize()[1]["lease"] == task(case).defer().trigger.serialize()[1]["lease"]
    assert len(names) == 2
    assert len(bought(case)) == 1


def test_videos_have_a_number_of_their_own(task: Any, cases: Any, connect: Any) -> None:
    case = cases["tencent_video"]
    conn_id = connect("tencent_ivh", extra={"max_jobs_in_flight": 2, "allow_private_addresses": True})
    running = [task(case, map_index=index, tencent_ivh_conn_id=conn_id) for index in range(3)]
    deferred = [each.defer() for each in running]
    assert [isinstance(each.trigger, LeaseTrigger) for each in deferred] == [False, False, True]
    audio = task(cases["tencent_tts"], map_index=9, tencent_ivh_conn_id=conn_id).defer()
    assert not isinstance(audio.trigger, LeaseTrigger)


@pytest.mark.parametrize("case", ["viitor", "topview"], indirect=True)
def test_a_number_of_the_users_own_holds_at_any_vendor(task: Any, case: Any, connect: Any, bought: Any) -> None:
    given = {f"{case.vendor}_conn_id": connect(case.vendor, extra={"max_jobs_in_flight": 1})}
    first, second = task(case, map_index=0, **given), task(case, map_index=1, **given)
    running, waiting = first.defer(), second.defer()
    assert isinstance(waiting.trigger, LeaseTrigger)
    first.go_on(running)
    second.go_on(waiting)
    assert len(bought(case)) == 2


def test_the_stored_trigger_is_plain_json_without_a_secret(task: Any, cases: Any, sandbox: Any) -> None:
    case = cases["tencent_tts"]
    task(case, map_index=0).defer()
    path, arguments = task(case, map_index=1).defer().trigger.serialize()
    assert path == f"{LeaseTrigger.__module__}.LeaseTrigger"
    text = json.dumps(arguments)
    account = json.loads(sandbox.connections()["AIRFLOW_CONN_TENCENT_IVH_DEFAULT"])
    assert account["login"] not in text
    assert account["password"] not in text


def test_after_the_quota_timeout_the_task_fails_and_nothing_was_bought(task: Any, cases: Any, bought: Any) -> None:
    case = cases["tencent_tts"]
    task(case, map_index=0).defer()
    late = task(case, map_index=1, quota_timeout=60)
    waiting = late.defer()
    waiting.kwargs["since"] -= 61
    with pytest.raises(QuotaExceeded, match="1 tts job in flight"):
        late.resume(waiting, None)
    assert len(bought(case)) == 1


def test_the_wait_for_a_turn_ends_with_the_quota_timeout(task: Any, cases: Any) -> None:
    case = cases["tencent_tts"]
    task(case, map_index=0).defer()
    late = task(case, map_index=1)
    waiting = late.defer()
    waiting.trigger.arguments["until"] = time.time() + 0.2
    assert asyncio.run(late.fire(waiting.trigger)).payload == "go on"


def test_a_task_that_may_not_defer_waits_on_its_worker(
    task: Any, cases: Any, monkeypatch: pytest.MonkeyPatch, bought: Any
) -> None:
    case, pauses = cases["tencent_tts"], list[float]()
    first = task(case, map_index=0)
    running = first.defer()

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        first.go_on(running)

    monkeypatch.setattr(capacity, "time", SimpleNamespace(time=time.time, sleep=pause))
    assert task(case, map_index=1, deferrable=False).run()["state"] == "succeeded"
    assert pauses == [pytest.approx(15, abs=1)]
    assert len(bought(case)) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        {"vendor": "unheard_of", "until": 9e9},
        {"vendor": "tencent_ivh", "conn_id": "not there", "until": 9e9},
        {"vendor": "tencent_ivh", "conn_id": "tencent_ivh_default", "operation": "dance", "until": 9e9},
        {"until": "soon"},
        {"priority": [], "vendor": 7, "until": float("nan")},
        {"of_a_later_version": 1},
    ],
)
async def test_a_trigger_that_another_version_or_a_hand_wrote_hands_over_to_the_worker(
    arguments: dict[str, Any],
    sandbox: Any,  # noqa: ARG001 - its connections
) -> None:
    trigger = revive(LeaseTrigger(**arguments))
    async with asyncio.timeout(20):
        assert [event.payload async for event in trigger.run()] == ["go on"]
