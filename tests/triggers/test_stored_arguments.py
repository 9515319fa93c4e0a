# SPDX-License-Identifier: Apache-2.0
"""What travels between worker, database and triggerer: scalars, and nothing that opens anything."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from airflow.sdk import DAG, XComArg
from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_videoai.triggers.batch import VideoBatchTrigger
from airflow_provider_videoai.triggers.job import VideoJobTrigger
from airflow_provider_videoai.triggers.lease import LeaseTrigger
from tests.support.airflow_encoder import carry_event
from tests.support.fuzzing import fuzz, json_values
from tests.support.which_airflow import deserialize, needs_airflow_3_3, serialize

pytestmark = pytest.mark.usefixtures("prompt")

SCALARS = (str, int, float, bool, type(None))


def assert_harmless(values: dict[str, Any], secrets: list[str]) -> None:
    assert all(isinstance(value, SCALARS) for value in values.values()), values
    text = json.dumps(values)
    assert "://" not in text
    assert not [secret for secret in secrets if secret in text]


def test_an_operators_trigger_carries_scalars_and_no_secret(case: Any, task: Any) -> None:
    class_path, arguments = task(case).defer().trigger.serialize()
    assert class_path == "airflow_provider_videoai.triggers.job.VideoJobTrigger"
    assert_harmless(arguments, [case.password])


def test_a_sensors_trigger_carries_scalars_and_no_secret(case: Any, sensor: Any) -> None:
    for job_id in (case.absent_id, [case.absent_id, case.absent_id]):
        _, arguments = sensor(case, job_id).defer().trigger.serialize()
        assert_harmless(arguments, [case.password])


def test_a_trigger_is_the_same_after_the_database(case: Any, task: Any) -> None:
    _, arguments = task(case, poll_interval=5, finish_in_triggerer=True).defer().trigger.serialize()
    stored = json.loads(json.dumps(serialize(arguments)))
    assert VideoJobTrigger(**cast(Any, deserialize(stored))).serialize()[1] == arguments


class Bare(BaseTrigger):
    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "", {}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        yield TriggerEvent(None)


@pytest.mark.parametrize(
    "trigger",
    [
        VideoJobTrigger(vendor="topview", operation="video_avatar", conn_id="x", job_ids="a"),
        VideoBatchTrigger(),
        LeaseTrigger(),
    ],
    ids=lambda trigger: type(trigger).__name__,
)
def test_no_attribute_of_a_trigger_hides_one_of_airflows(trigger: BaseTrigger) -> None:
    own = vars(trigger).keys() - vars(Bare()).keys()
    assert own
    assert own & set(dir(BaseTrigger)) == set(), "Airflow 3.4 has `queue`, by which triggerers choose their triggers"


def test_an_argument_of_a_later_version_does_not_stop_the_triggerer() -> None:
    trigger = VideoJobTrigger(vendor="topview", operation="video_avatar", conn_id="x", job_ids="a", later={"odd": 1})
    assert "later" not in trigger.serialize()[1]


def test_a_trigger_of_an_earlier_version_lacks_what_came_later() -> None:
    trigger = VideoJobTrigger(vendor="topview", operation="video_avatar", conn_id="x", job_ids="a")
    assert trigger.serialize()[1]["deadline"] is None


def test_the_names_of_the_stored_arguments_stay() -> None:
    # A triggerer of one version reads what a worker of another wrote.
    names = "vendor operation conn_id job_ids submitted_at deadline poll_interval timeout source_task_id source_key"
    assert list(VideoJobTrigger().serialize()[1]) == [*names.split(), "finish", "many", "cancel_on_kill", "parts"]


@pytest.mark.parametrize("arguments", [{"vendor": "nobody"}, {"conn_id": 7}, {"job_ids": None}, {"deadline": "soon"}])
def test_nonsense_does_not_fail_before_the_trigger_runs(arguments: dict[str, Any]) -> None:
    sound: dict[str, Any] = {"vendor": "topview", "operation": "video_avatar", "conn_id": "x", "job_ids": "a"}
    assert VideoJobTrigger(**(sound | arguments)).serialize()[1].items() >= arguments.items()


def test_a_trigger_that_received_nothing_says_what_it_lacks(sandbox: Any) -> None:  # noqa: ARG001 - its connections
    event = asyncio.run(only_event(VideoJobTrigger()))
    assert (event.payload["outcome"], event.payload["refusal"]) == ("refused", "VideoAIError")
    assert event.payload["said"].startswith("vendor: must be one of viitor, ")


ODD = json_values("7", "a b", 1e300, -1.0, 10**400, float("nan"), float("inf"), float("-inf"), "\ud83d", "a\x00")


def test_whatever_a_trigger_received_it_yields_one_event_that_airflow_carries(
    cases: Any, submitted: Any, settled: Any
) -> None:
    case = cases["topview"]
    job_id = submitted(case)
    settled(case)
    sound = VideoJobTrigger(case.vendor, case.operation, case.conn_id, job_id, deadline=1.0).serialize()[1]

    @fuzz
    @given(st.sampled_from(list(sound)), ODD)
    @example("operation", [])  # no key of the due queue that all tasks of the account share
    @example("deadline", float("nan"))
    @example("submitted_at", float("inf"))
    @example("job_ids", "\ud83d")  # ids that no database takes, and that the event would name
    @example("job_ids", "a\x00")
    def any_argument(name: str, value: Any) -> None:
        event = asyncio.run(only_event(VideoJobTrigger(**{**sound, name: value})))
        carry_event(event)
        if not isinstance(event, TaskSuccessEvent):
            assert "unexpected" not in event.payload["said"]

    any_argument()


async def only_event(trigger: VideoJobTrigger) -> Any:
    (event,) = [event async for event in trigger.run()]
    return event


@pytest.mark.parametrize("fault", [None, "fail_job", "never_ends"])
def test_an_event_carries_scalars_and_no_secret(fault: str | None, case: Any, task: Any, sandbox: Any) -> None:
    if fault:
        sandbox.fault(vendor=case.vendor, kind=fault)
    waiting = task(case, job_timeout=0.1 if fault == "never_ends" else 60)
    event = asyncio.run(waiting.fire(waiting.defer().trigger))
    assert_harmless(event.payload, [case.password])
    keys = {"version", "outcome", "job_id", "submitted_at", "state", "refusal", "said", "code", "retry_after"}
    assert set(event.payload) == keys


@needs_airflow_3_3("sensors that start in the triggerer")
def test_a_sensor_of_literal_ids_starts_in_the_triggerer_with_scalars(case: Any, sensor: Any) -> None:
    operator = sensor(case, [case.absent_id], timeout=50).make()
    assert operator.start_from_trigger
    arguments = operator.start_trigger_args.trigger_kwargs
    assert_harmless(arguments, [case.password])
    assert (arguments["job_ids"], arguments["timeout"], arguments["many"]) == (case.absent_id, 50, True)


@pytest.mark.parametrize("job_id", ["{{ params.job }}", ["{{ params.job }}"]])
def test_a_sensor_of_a_template_starts_on_a_worker(job_id: Any, cases: Any, sensor: Any) -> None:
    assert not getattr(sensor(cases["topview"], job_id).make(), "start_from_trigger", False)


def test_a_sensor_that_may_not_defer_starts_on_a_worker(cases: Any, sensor: Any) -> None:
    assert not getattr(sensor(cases["topview"], "a1", deferrable=False).make(), "start_from_trigger", False)


@pytest.fixture
def started_by(sensor: Any, cases: Any) -> Any:
    """Make a sensor that waits for what another task returned, and the trigger that it starts with."""

    def started_by(made: Any, key: str) -> tuple[Any, VideoJobTrigger]:
        with DAG("pipeline", schedule=None):
            waiting = sensor(cases["topview"], XComArg(made.make(), key), timeout=20)
            start = waiting.make().start_trigger_args
        return waiting, VideoJobTrigger(**start.trigger_kwargs)

    return started_by


@pytest.mark.parametrize("key", ["return_value", "job_id"])
@needs_airflow_3_3("sensors that start in the triggerer")
async def test_a_sensor_of_another_tasks_result_reads_it_in_the_triggerer(
    key: str, cases: Any, task: Any, started_by: Any
) -> None:
    made = task(cases["topview"], wait_for_completion=False)
    submitted = made.start()
    made.ti.xcom_push("return_value", submitted)
    waiting, trigger = started_by(made, key)
    event = await waiting.fire(trigger)
    assert (event.payload["outcome"], event.payload["job_id"]) == ("ended", submitted["job_id"])


@needs_airflow_3_3("sensors that start in the triggerer")
async def test_a_result_that_holds_no_id_ends_the_wait_as_a_wrong_request(
    cases: Any, task: Any, started_by: Any
) -> None:
    made = task(cases["topview"])
    made.ti.xcom_push("return_value", {"state": "queued"})
    waiting, trigger = started_by(made, "return_value")
    event = await waiting.fire(trigger)
    assert (event.payload["outcome"], event.payload["refusal"]) == ("refused", "InvalidRequest")
