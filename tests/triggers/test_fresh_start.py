# SPDX-License-Identifier: Apache-2.0
"""A task that starts in the triggerer begins as one on a worker does: nothing of its last attempt is left."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.execution_time.xcom import XCom

from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.tasks.task_jobs import watches_of
from airflow_provider_videoai.triggers import fresh_start
from airflow_provider_videoai.triggers import waiting as waiting_module
from tests.support.tasks import _class_at
from tests.support.which_airflow import TaskDeferred, needs_airflow_3_3

pytestmark = [pytest.mark.usefixtures("prompt"), needs_airflow_3_3("tasks that start in the triggerer")]

OLD = "the last attempt's"


async def started(waiting: Any, try_number: int) -> Any:
    """Start a sensor in the triggerer, as Airflow does; returns its event."""
    args = waiting.make().start_trigger_args
    trigger = _class_at(args.trigger_cls)(**args.trigger_kwargs)
    trigger.task_instance = SimpleNamespace(
        dag_id=waiting.ti.dag_id, run_id=waiting.ti.run_id, task_id="wait", map_index=-1, try_number=try_number
    )
    (event,) = [event async for event in trigger.run()]
    return event


@pytest.fixture
def left(sensor: Any) -> Any:
    """Make a sensor whose last attempt left all that it can leave."""

    def left(case: Any, job_id: str) -> Any:
        waiting = sensor(case, job_id)
        for key in fresh_start.PUSHED:
            waiting.ti.xcom_push(key, OLD)
        return waiting

    return left


def old(waiting: Any) -> list[str]:
    return [key for key in fresh_start.PUSHED if waiting.ti.xcom_pull("wait", key=key) == OLD]


@pytest.mark.parametrize("form", [{}, {"deferrable": False, "poke_interval": 0.05}, {"finish_in_triggerer": True}])
def test_no_key_is_pushed_that_is_not_removed(form: dict[str, Any], case: Any, task: Any, sensor: Any) -> None:
    made = task(case, **{name: value for name, value in form.items() if name != "poke_interval"})
    result = made.run()
    sensor(case, result["job_id"], **form).run()
    assert {key for _, _, key in made.ti.xcoms} <= set(fresh_start.PUSHED)


def test_what_the_last_attempt_left_is_gone_before_the_first_poll(
    cases: Any, left: Any, submitted: Any, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = left(cases["viitor"], submitted(cases["viitor"]))
    seen: list[Any] = []

    def noted(*jobs: Any, **how: Any) -> Any:
        seen.append((old(waiting), sandbox.ledger("viitor")["polls"]))
        return watches_of(*jobs, **how)

    monkeypatch.setattr(waiting_module, "watches_of", noted)
    asyncio.run(started(waiting, 2))
    assert seen == [([], [])]


def test_a_first_attempt_asks_airflow_for_nothing(
    cases: Any, left: Any, submitted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted: list[Any] = []
    monkeypatch.setattr(XCom, "delete", lambda **where: deleted.append(where))
    asyncio.run(started(left(cases["viitor"], submitted(cases["viitor"])), 1))
    assert deleted == []


def test_a_wait_that_is_taken_over_ends_with_its_own_xcoms(cases: Any, left: Any, submitted: Any) -> None:
    case = cases["viitor"]
    waiting = left(case, submitted(case))
    for _ in range(2):
        asyncio.run(started(waiting, 2))
    assert old(waiting) == []
    assert waiting.ti.xcom_pull("wait", key="status")["jobs"][0]["state"] == "succeeded"
    assert waiting.ti.xcom_pull("wait", key="video_job")


def test_a_removal_that_fails_for_a_moment_is_repeated(
    cases: Any, left: Any, submitted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete, failures = XCom.delete, iter([RuntimeError("Airflow's API is away")] * 2)

    def failing(**where: Any) -> None:
        for failure in failures:
            raise failure
        delete(**where)

    monkeypatch.setattr(fresh_start, "_PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(XCom, "delete", failing)
    waiting = left(cases["viitor"], submitted(cases["viitor"]))
    asyncio.run(started(waiting, 2))
    assert old(waiting) == []


def test_what_the_triggerer_cannot_remove_a_worker_removes_before_the_wait_begins(
    cases: Any, left: Any, submitted: Any, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = XCom.delete

    def refuse(**_: Any) -> None:
        raise RuntimeError("the triggerer may not")

    monkeypatch.setattr(fresh_start, "_PAUSES", ())
    monkeypatch.setattr(XCom, "delete", refuse)
    waiting = left(cases["viitor"], submitted(cases["viitor"]))
    event = asyncio.run(started(waiting, 2))
    assert old(waiting) == list(fresh_start.PUSHED)
    assert sandbox.ledger("viitor")["polls"] == []

    resumed = SimpleNamespace(method_name="execute_complete", kwargs={})
    with pytest.raises(VideoAIError, match="may not"):
        waiting.resume(resumed, event.payload)
    monkeypatch.setattr(XCom, "delete", delete)
    with pytest.raises(TaskDeferred) as deferred:
        waiting.resume(resumed, event.payload)
    assert old(waiting) == []
    assert waiting.go_on(deferred.value)["state"] == "succeeded"


@pytest.mark.parametrize(
    "first",
    [{"on_execute_callback": lambda _: None}, {"pre_execute": lambda _: None}, {"execution_timeout": None}],
    ids=lambda first: next(iter(first)),
)
def test_what_belongs_before_the_wait_is_done_before_the_wait(first: dict[str, Any], cases: Any, sensor: Any) -> None:
    starts_here = getattr(sensor(cases["viitor"], "ViiTor_AI_1", **first).make(), "start_from_trigger", False)
    assert bool(starts_here) is (first == {"execution_timeout": None})
