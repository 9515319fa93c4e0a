# SPDX-License-Identifier: Apache-2.0
"""How the waiting in the triggerer ends."""

from __future__ import annotations

import asyncio
import os
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from airflow.providers.common.compat import connection
from airflow.providers.common.compat.connection import get_async_connection
from airflow.sdk import Asset
from airflow.triggers.base import TaskSuccessEvent, TriggerEvent

from airflow_provider_videoai.airflow_compat import AIRFLOW_V_3_3_PLUS
from airflow_provider_videoai.hooks.lookup import session_for
from airflow_provider_videoai.jobs.polling import watch
from airflow_provider_videoai.links import RESULT_LINK
from airflow_provider_videoai.sensors.viitor import ViiTorTextRemovalSensor
from airflow_provider_videoai.triggers import job
from airflow_provider_videoai.triggers.job import VideoJobTrigger

TI = SimpleNamespace(dag_id="pipeline", run_id="manual__1", task_id="make", map_index=-1)


def trigger_of(case: Any, *job_ids: str, **arguments: Any) -> VideoJobTrigger:
    conn_id = arguments.pop("conn_id", case.conn_id)
    return VideoJobTrigger(case.vendor, case.operation, conn_id, " ".join(job_ids), **arguments)


async def event_of(trigger: VideoJobTrigger) -> TriggerEvent:
    (event,) = [event async for event in trigger.run()]
    return event


async def is_open(trigger: VideoJobTrigger) -> bool:
    """Return whether the trigger's account has a poller or connections."""
    session = await session_for(trigger.arguments.vendor, trigger.arguments.conn_id)
    return session._poller is not None or session._pool is not None


@pytest.fixture
def submitted(sandbox: Any) -> Any:
    async def submitted(case: Any) -> str:
        return str(await case.hook(case.conn_id).asubmit(case.request(sandbox), case.operation))

    return submitted


@pytest.mark.usefixtures("prompt")
def test_a_success_may_end_in_the_triggerer(case: Any, task: Any, bought: Any) -> None:
    waiting = task(case, finish_in_triggerer=True)
    result = waiting.run()
    (event,) = waiting.events
    assert isinstance(event, TaskSuccessEvent)
    beside: dict[str, Any] = {
        name: value for name, value in (event.xcoms or {}).items() if name in (RESULT_LINK.xcom_key, "status")
    }
    assert event.xcoms == {"return_value": result, **beside}
    if AIRFLOW_V_3_3_PLUS:
        assert beside["status"]["jobs"][0]["state"] == "succeeded"
    assert [result["job_id"]] == bought(case)
    assert result["submitted_at"]
    assert result["finished_at"]


FOR_A_WORKER = [("outlets", [Asset("clips")]), ("on_success_callback", print), ("post_execute", print)]


@pytest.mark.usefixtures("prompt")
@pytest.mark.parametrize(("name", "given"), FOR_A_WORKER)
def test_a_task_with_something_for_a_worker_to_do_at_its_end_ends_there(
    name: str, given: Any, cases: Any, task: Any, everything_said: Any
) -> None:
    waiting = task(cases["viitor"], finish_in_triggerer=True, **{name: given})
    assert waiting.run()["state"] == "succeeded"
    assert [type(event) for event in waiting.events] == [TriggerEvent]
    assert f"finish_in_triggerer has no effect: this task has {name}" in everything_said()


@pytest.mark.skipif(not AIRFLOW_V_3_3_PLUS, reason="before Airflow 3.3 a sensor starts on a worker")
@pytest.mark.parametrize(("name", "given"), FOR_A_WORKER)
def test_a_sensor_that_starts_in_the_triggerer_ends_on_a_worker_for_the_same(name: str, given: Any) -> None:
    def finish(**arguments: Any) -> Any:
        sensor = ViiTorTextRemovalSensor(
            task_id="wait", job_id="ViiTor_AI1", finish_in_triggerer=True, deferrable=True, **arguments
        )
        started = sensor._start()
        assert started is not None
        assert started.trigger_kwargs is not None
        return started.trigger_kwargs["finish"]

    assert (finish(), finish(**{name: given})) == (True, False)


@pytest.mark.usefixtures("prompt")
async def test_an_end_in_the_triggerer_pushes_every_part_if_nobody_knows_which_are_used(
    cases: Any, submitted: Any
) -> None:
    event = await event_of(trigger_of(cases["viitor"], await submitted(cases["viitor"]), finish=True))
    assert isinstance(event, TaskSuccessEvent)
    assert event.xcoms is not None
    result = cast(dict[str, Any], event.xcoms["return_value"])
    assert {name: event.xcoms[name] for name in result} == result


@pytest.mark.usefixtures("prompt")
async def test_a_failure_goes_to_a_worker(case: Any, submitted: Any, sandbox: Any) -> None:
    sandbox.fault(vendor=case.vendor, kind="fail_job")
    event = await event_of(trigger_of(case, await submitted(case), finish=True))
    assert not isinstance(event, TaskSuccessEvent)
    assert (event.payload["outcome"], event.payload["state"]) == ("ended", "failed")


@pytest.mark.usefixtures("prompt")
def test_a_result_that_the_triggerer_cannot_fetch_is_left_to_a_worker(cases: Any, task: Any, sandbox: Any) -> None:
    sandbox.fault(vendor="cdnetworks", call="publish", kind="http_500")
    waiting = task(cases["cdnetworks_trim"], finish_in_triggerer=True)
    assert waiting.run()["media_url"]
    assert [type(event) for event in waiting.events] == [TriggerEvent]


@pytest.mark.usefixtures("prompt")
async def test_a_deadline_that_passed_still_asks_once(case: Any, submitted: Any, settled: Any) -> None:
    job_id = await submitted(case)
    await asyncio.to_thread(settled, case)
    event = await event_of(trigger_of(case, job_id, deadline=time.time() - 100))
    assert (event.payload["outcome"], event.payload["state"]) == ("ended", "succeeded")


@pytest.mark.usefixtures("prompt")
async def test_a_deadline_ends_the_wait(case: Any, submitted: Any, sandbox: Any) -> None:
    sandbox.fault(vendor=case.vendor, kind="never_ends")
    job_id = await submitted(case)
    event = await event_of(trigger_of(case, job_id, deadline=time.time() + 0.1))
    assert (event.payload["outcome"], event.payload["job_id"]) == ("timed_out", job_id)


@pytest.mark.usefixtures("prompt")
async def test_a_wrong_password_ends_the_wait(case: Any, connect: Any) -> None:
    conn_id = connect(case.vendor, password="wrong-secret-that-must-not-be-seen")
    event = await event_of(trigger_of(case, case.absent_id, conn_id=conn_id))
    assert (event.payload["outcome"], event.payload["refusal"]) == ("refused", "AuthenticationFailed")
    assert conn_id in event.payload["said"]
    assert "wrong-secret" not in str(event.payload)


@pytest.mark.usefixtures("prompt")
async def test_credentials_that_were_changed_meanwhile_are_looked_up_again(
    case: Any, submitted: Any, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = os.environ[f"AIRFLOW_CONN_{case.conn_id.upper()}"]
    conn_id = connect(case.vendor, password="no-longer-right")
    await session_for(case.vendor, conn_id)  # as a trigger did that started just before
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", right)
    event = await event_of(trigger_of(case, await submitted(case), conn_id=conn_id))
    assert (event.payload["outcome"], event.payload["state"]) == ("ended", "succeeded")


async def test_triggers_that_start_together_look_their_connection_up_once(
    connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[str] = []

    async def counted(conn_id: str, **_: Any) -> Any:
        looked_up.append(conn_id)
        return await get_async_connection(conn_id)

    monkeypatch.setattr(connection, "get_async_connection", counted)
    conn_id = connect("topview")
    sessions = await asyncio.gather(*(session_for("topview", conn_id) for _ in range(50)))
    assert looked_up == [conn_id]
    assert len(set(sessions)) == 1


@pytest.mark.usefixtures("prompt")
async def test_a_connection_that_breaks_a_rule_ends_the_wait(cases: Any, connect: Any) -> None:
    conn_id = connect("topview", extra={"timeout": "long"})
    event = await event_of(trigger_of(cases["topview"], "a1", conn_id=conn_id))
    assert (event.payload["outcome"], event.payload["refusal"]) == ("refused", "InvalidRequest")
    assert "timeout" in event.payload["said"]


@pytest.mark.usefixtures("prompt")
async def test_an_unknown_id_ends_the_wait_after_a_grace(
    cases: Any, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "UNKNOWN_GRACE", 0.2)
    event = await event_of(trigger_of(cases["viitor"], "ViiTor_AI_0"))
    assert event.payload["outcome"] == "not_found"
    assert len(sandbox.ledger("viitor")["polls"]) > 1


@pytest.mark.usefixtures("prompt")
async def test_waiting_triggers_of_an_account_share_requests(cases: Any, submitted: Any, sandbox: Any) -> None:
    case = cases["viitor"]
    job_ids = [await submitted(case) for _ in range(5)]
    sandbox.clear_ledger()
    events = await asyncio.gather(*(event_of(trigger_of(case, job_id)) for job_id in job_ids))
    assert [event.payload["job_id"] for event in events] == job_ids
    assert max(len(poll["job_ids"]) for poll in sandbox.ledger("viitor")["polls"]) == len(job_ids)


@pytest.mark.usefixtures("prompt")
async def test_nothing_is_left_behind(cases: Any, submitted: Any) -> None:
    trigger = trigger_of(cases["topview"], await submitted(cases["topview"]))
    await event_of(trigger)
    assert not await is_open(trigger)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.usefixtures("prompt", "xcoms")
async def test_a_wait_that_is_cancelled_leaves_nothing_behind(cases: Any, sandbox: Any, submitted: Any) -> None:
    sandbox.fault(vendor="topview", kind="never_ends")
    trigger = trigger_of(cases["topview"], await submitted(cases["topview"]))
    trigger.task_instance = cast(Any, TI)
    waiting = asyncio.create_task(event_of(trigger))
    while not sandbox.ledger("topview")["polls"]:  # noqa: ASYNC110 - it is asked over HTTP, and sets no event
        await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0)
    assert not await is_open(trigger)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_ended_wait_says_no_more_than_is_known(
    cases: Any, everything_said: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await trigger_of(cases["topview"], "a1").on_kill()
    said = everything_said()
    assert "another triggerer goes on with it" in said
    assert "unless it has ended by now, video_avatar job a1 goes on at the vendor and is billed" in said
    assert {record.levelname for record in caplog.records if "a1" in record.message} == {"INFO"}


@pytest.mark.parametrize(
    ("arguments", "task_instance", "waits"),
    [({}, TI, True), ({}, None, False), ({"timeout": 20}, TI, False), ({"finish": True}, TI, False)],
    ids=["deferred", "dag.test", "started here", "ends here"],
)
@pytest.mark.usefixtures("prompt", "xcoms")
async def test_an_event_is_not_sooner_than_airflow_can_note_the_deferral(
    arguments: dict[str, Any],
    task_instance: Any,
    waits: bool,
    cases: Any,
    submitted: Any,
    settled: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(job, "LEAST_DEFERRAL", 0.8)
    case = cases["topview"]
    job_id = await submitted(case)
    await asyncio.to_thread(settled, case)
    trigger = trigger_of(case, job_id, **arguments)
    trigger.task_instance = task_instance
    began = time.monotonic()
    await event_of(trigger)
    assert (time.monotonic() - began >= 0.8) is waits
