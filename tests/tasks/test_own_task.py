# SPDX-License-Identifier: Apache-2.0
"""An operator that the code of another task calls buys nothing, and says what to do instead."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.operators.python import PythonOperator

from airflow_provider_videoai.airflow_compat import AirflowFailException
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.operators.batch import VideoBatchOperator
from airflow_provider_videoai.sensors.topview import TopviewVideoAvatarSensor
from airflow_provider_videoai.transfers.media import VideoResultToObjectStorageOperator

pytestmark = pytest.mark.usefixtures("prompt")


@pytest.fixture
def another() -> Any:
    return PythonOperator(task_id="another", python_callable=print)


def refused(operator: Any, context: Any, because: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        operator.execute(context)
    assert isinstance(error.value, AirflowFailException)
    assert f"{type(operator).__name__}.execute() was called {because}; nothing was sent" in error.value.message
    assert "call the vendor's hook" in error.value.message


@pytest.mark.parametrize("context", [{}, None])
def test_without_a_running_task_nothing_is_sent(context: Any, case: Any, task: Any, sandbox: Any) -> None:
    refused(task(case).make(), context, "without the context of a running task")
    assert sandbox.ledger(case.vendor)["submissions"] == []


@pytest.mark.parametrize("deferrable", [True, False])
def test_inside_of_another_task_nothing_is_bought(
    deferrable: bool, cases: Any, task: Any, another: Any, sandbox: Any
) -> None:
    made = task(cases["viitor"], deferrable=deferrable)
    refused(made.make(), {**made.context, "task": another}, "inside of another task, 'another'")
    assert sandbox.ledger("viitor")["submissions"] == []


def test_a_batch_a_sensor_and_a_transfer_say_the_same(cases: Any, another: Any, sandbox: Any) -> None:
    batch = VideoBatchOperator(task_id="inner", vendor="viitor", requests=[cases["viitor"].request(sandbox)])
    keep = VideoResultToObjectStorageOperator(task_id="inner", result="{}", destination="file:///videos/a.mp4")
    wait = TopviewVideoAvatarSensor(task_id="inner", job_id="a1")
    for operator in (batch, keep, wait):
        refused(operator, {}, "without the context of a running task")
    for operator in (batch, wait):
        refused(operator, {"ti": SimpleNamespace(), "task": another}, "inside of another task, 'another'")


def test_a_blocking_sensor_may_be_called_by_another_task(cases: Any, sensor: Any, submitted: Any, another: Any) -> None:
    waiting = sensor(cases["topview"], submitted(cases["topview"]), deferrable=False, poke_interval=0.05)
    result = waiting.make().execute({**waiting.context, "task": another})
    assert result["state"] == "succeeded"
