# SPDX-License-Identifier: Apache-2.0
"""What type-checks is also what the operators take, and types say no more than is so."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from airflow.sdk import DAG
from airflow.sdk.definitions.xcom_arg import PlainXComArg

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator
from airflow_provider_videoai.sensors.viitor import ViiTorTextRemovalSensor
from tests.typing import dag_code
from tests.typing.dag_code import CLIP

REGION = [[0, 600, 1280, 700]]

# Both checkers accept these calls: `**kwargs: Any` takes what all operators and sensors have in common.
UNCHECKED: dict[str, tuple[Callable[[], object], type[Exception]]] = {
    "a misspelled argument": (
        lambda: ViiTorTextRemovalOperator(
            task_id="a", url=CLIP, task_name="clip", full_erase_roi=REGION, poll_intervall=30
        ),
        TypeError,
    ),
    "an operator's common argument": (
        lambda: ViiTorTextRemovalOperator(
            task_id="a", url=CLIP, task_name="clip", full_erase_roi=REGION, poll_interval="soon"
        ),
        InvalidRequest,
    ),
    "a sensor's common argument": (
        lambda: ViiTorTextRemovalSensor(task_id="a", job_id="12", deferrable="perhaps"),
        InvalidRequest,
    ),
    "an argument of Airflow's": (
        lambda: ViiTorTextRemovalOperator(
            task_id="a", url=CLIP, task_name="clip", full_erase_roi=REGION, retries="many"
        ),
        TypeError,
    ),
}

DAGS: list[Callable[[], DAG]] = [dag_code.clean_and_cut, dag_code.every_vendor, dag_code.waiting, dag_code.mapped]


@pytest.mark.parametrize("build", DAGS, ids=lambda build: str(build.__name__))
def test_the_code_that_type_checks_makes_a_dag(build: Callable[[], DAG]) -> None:
    assert build().tasks


def test_an_output_is_of_the_type_that_its_annotation_names() -> None:
    outputs = {task.task_id: type(task.output) for build in DAGS for task in build().tasks}
    assert outputs == dict.fromkeys(outputs, PlainXComArg)


def test_a_part_of_a_result_comes_from_the_task_that_makes_it() -> None:
    built = dag_code.clean_and_cut()
    assert built.get_task("pull").upstream_task_ids == {"clean"}
    assert built.get_task("cut").upstream_task_ids == {"pull"}
    assert built.get_task("kept").upstream_task_ids == {"keep"}
    assert built.get_task("tuples").upstream_task_ids == {"region"}


@pytest.mark.parametrize("name", UNCHECKED)
def test_what_no_type_checks_is_refused_when_the_dag_is_parsed(name: str) -> None:
    call, error = UNCHECKED[name]
    with pytest.raises(error, match=r"poll_interval|deferrable|retries"):
        call()
