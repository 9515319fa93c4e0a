# SPDX-License-Identifier: Apache-2.0
"""Operators and sensors within a DAG: parsed, serialized, mapped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

from tests.support.which_airflow import DagSerialization


@pytest.fixture
def dag() -> Iterator[DAG]:
    with DAG("pipeline", schedule=None) as dag:
        yield dag


def round_trip(dag: DAG) -> Any:
    """Write the DAG as Airflow's DAG processor does, and read it as its scheduler does."""
    stored = json.dumps(DagSerialization.to_dict(dag))
    return DagSerialization.from_dict(json.loads(stored))


def test_a_dag_of_all_operators_and_sensors_is_serialized(dag: DAG, cases: Any, sandbox: Any) -> None:
    for case in cases.values():
        operator = case.operator(task_id=case.name, **case.request(sandbox))
        case.sensor(task_id=f"{case.name}_literal", job_id=case.absent_id)
        case.sensor(task_id=f"{case.name}_reference", job_id=operator.output)
        case.sensor(task_id=f"{case.name}_list", job_id=[case.absent_id], deferrable=False, mode="reschedule")
    read = round_trip(dag)
    assert read.task_ids == dag.task_ids
    for name, case in cases.items():
        read_task = read.get_task(name)
        assert set(read_task.template_fields) == set(case.operator.template_fields)
        texts = {field: value for field, value in case.request(sandbox).items() if isinstance(value, str)}
        assert {field: getattr(read_task, field) for field in texts} == texts
        assert read.get_task(f"{name}_reference").upstream_task_ids == {name}


def test_an_operator_is_mapped_over_its_request(dag: DAG, case: Any, sandbox: Any) -> None:
    request = case.request(sandbox)
    name, _ = next(iter(case.change.items()))
    fixed = {field: value for field, value in request.items() if field != name}
    mapped = case.operator.partial(task_id="make", deferrable=False, **fixed).expand(**{name: [request[name]] * 2})
    assert mapped.is_mapped
    copy = mapped.unmap({**fixed, name: request[name]})
    assert {field: getattr(copy, field) for field in request} == request
    assert round_trip(dag).get_task("make").is_mapped


def test_an_operator_is_mapped_over_another_tasks_result(dag: DAG, case: Any, sandbox: Any) -> None:
    request = case.request(sandbox)
    name, _ = next(iter(case.change.items()))
    fixed = {field: value for field, value in request.items() if field != name}
    source = EmptyOperator(task_id="source")
    case.operator.partial(task_id="make", **fixed).expand(**{name: source.output})
    assert round_trip(dag).get_task("make").upstream_task_ids == {"source"}


def test_a_sensor_is_mapped_over_job_ids(dag: DAG, case: Any) -> None:
    mapped = case.sensor.partial(task_id="wait", deferrable=False).expand(job_id=[case.absent_id] * 2)
    assert mapped.unmap({"job_id": case.absent_id}).job_id == case.absent_id
    assert round_trip(dag).get_task("wait").is_mapped


def test_a_sensor_waits_for_what_a_mapped_operator_submitted(dag: DAG, case: Any, sandbox: Any) -> None:
    request = case.request(sandbox)
    name, _ = next(iter(case.change.items()))
    fixed = {field: value for field, value in request.items() if field != name}
    made = case.operator.partial(task_id="make", wait_for_completion=False, **fixed).expand(**{name: [request[name]]})
    sensor = case.sensor(task_id="wait", job_id=made.output)
    assert not getattr(sensor, "start_from_trigger", False), "the trigger could not know whose results to read"
    assert round_trip(dag).get_task("wait").upstream_task_ids == {"make"}


def test_a_connection_may_come_from_another_task(dag: DAG, case: Any, sandbox: Any) -> None:
    request, source = case.request(sandbox), EmptyOperator(task_id="source")
    account = {case.conn_argument: source.output}
    case.operator(task_id="make", **request, **account)
    case.sensor(task_id="wait", job_id=case.absent_id, **account)
    name, _ = next(iter(case.change.items()))
    fixed = {field: value for field, value in request.items() if field != name}
    case.operator.partial(task_id="mapped", **fixed, **account).expand(**{name: [request[name]]})
    read = round_trip(dag)
    for task_id in ("make", "wait", "mapped"):
        assert read.get_task(task_id).upstream_task_ids == {"source"}


def test_each_part_of_a_result_can_be_referred_to(dag: DAG, cases: Any, sandbox: Any) -> None:
    made = cases["viitor"].operator(task_id="make", **cases["viitor"].request(sandbox))
    assert made.multiple_outputs
    pulled = cases["cdnetworks_pull"].operator(task_id="pull", fetch_url=made.output["media_url"], filename="clip.mp4")
    assert pulled.upstream_task_ids == {"make"}
    assert round_trip(dag).get_task("pull").upstream_task_ids == {"make"}


def test_the_serialized_dag_holds_no_secret(dag: DAG, cases: Any, sandbox: Any) -> None:
    for case in cases.values():
        case.operator(task_id=case.name, **case.request(sandbox))
        case.sensor(task_id=f"{case.name}_wait", job_id=case.absent_id)
    stored = json.dumps(DagSerialization.to_dict(dag))
    for case in cases.values():
        assert not [secret for secret in [case.password] if secret in stored]
