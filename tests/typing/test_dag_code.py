# SPDX-License-Identifier: Apache-2.0
"""What type-checks is also what the operators take, and types say no more than is so."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from airflow.sdk import DAG
from airflow.sdk.definitions.xcom_arg import PlainXComArg

from tests.typing import dag_code

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
    assert built.get_task("tuples").upstream_task_ids == {"region"}
