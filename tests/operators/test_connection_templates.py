# SPDX-License-Identifier: Apache-2.0
"""A connection id may be a template: what it renders to is the account, and for as long as the task waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.operators.batch import VideoBatchOperator
from airflow_provider_videoai.operators.cdnetworks import CDNetworksUploadVideoOperator
from airflow_provider_videoai.operators.topview import TopviewUploadOperator
from airflow_provider_videoai.transfers.media import VideoResultToObjectStorageOperator
from tests.support.cases import Case
from tests.support.tasks import Task, execute

pytestmark = pytest.mark.usefixtures("prompt")

ODD = ["", " ", "None", " topview_default", "top view", "a\nb", "a\x1b[2J", "a\u202eb", "{{ params.x }}", "x" * 251]
TEMPLATE = "{{ params.account }}"


def rendering(task: Task, params: dict[str, Any]) -> Task:
    """Have Airflow's own rendering come before each segment of a task, with what the parameters are then."""
    make = task.make

    def rendered() -> Any:
        operator = make()
        operator.render_template_fields({"params": params})
        return operator

    task.make = rendered
    return task


@pytest.fixture
def chosen(task: Callable[..., Task]) -> Callable[..., Task]:
    """Make a task of a case's operator, whose connection is a parameter of the DAG run."""

    def chosen(case: Case, params: dict[str, Any], **arguments: Any) -> Task:
        return rendering(task(case, **{case.conn_argument: TEMPLATE}, **arguments), params)

    return chosen


def test_connections_are_template_fields_wherever_they_are_arguments(case: Case) -> None:
    takes_inputs = bool(case.operator.request_class.inputs())
    assert case.conn_argument in case.operator.template_fields
    assert ("input_conn_id" in case.operator.template_fields) is takes_inputs
    assert set(case.sensor.template_fields) == {"job_id", case.conn_argument}
    assert {"conn_id", "input_conn_id"} <= set(VideoBatchOperator.template_fields)
    assert "vendor_conn_id" in VideoResultToObjectStorageOperator.template_fields
    assert "cdnetworks_conn_id" in CDNetworksUploadVideoOperator.template_fields
    assert "topview_conn_id" in TopviewUploadOperator.template_fields


def test_a_job_is_bought_and_waited_for_in_the_account_that_was_rendered(
    case: Case, chosen: Any, sensor: Any, connect: Any, bought: Any
) -> None:
    params = {"account": connect(case.vendor)}
    made = chosen(case, params)
    deferred = made.defer()
    assert deferred.trigger.arguments.conn_id == params["account"]
    assert made.ti.xcom_pull(key="video_job")["conn_id"] == params["account"]
    result = made.go_on(deferred)
    assert (result["state"], [result["job_id"]]) == ("succeeded", bought(case))
    waited = rendering(sensor(case, result["job_id"], **{case.conn_argument: TEMPLATE}), params)
    assert waited.defer().trigger.arguments.conn_id == params["account"]
    assert waited.run()["job_id"] == result["job_id"]


def test_the_same_rendered_connection_finds_the_job_and_another_one_buys_another(
    cases: Any, chosen: Any, connect: Any, bought: Any
) -> None:
    case = cases["topview"]
    params = {"account": connect("topview")}
    made = chosen(case, params)
    first = made.run()["job_id"]
    assert made.run()["job_id"] == first
    assert bought(case) == [first]
    params["account"] = "topview_default"
    assert made.run()["job_id"] != first
    assert len(bought(case)) == 2


def test_a_task_goes_on_in_the_account_in_which_it_began_whatever_is_rendered_later(
    case: Case, chosen: Any, sensor: Any, connect: Any, bought: Any
) -> None:
    params = {"account": connect(case.vendor)}
    made = chosen(case, params)
    deferred = made.defer()
    params["account"] = "an_account_that_is_not_defined"
    job_id = made.go_on(deferred)["job_id"]
    assert bought(case) == [job_id]
    params["account"] = connect(case.vendor)
    waited = rendering(sensor(case, job_id, **{case.conn_argument: TEMPLATE}), params)
    deferred = waited.defer()
    params["account"] = "an_account_that_is_not_defined"
    assert waited.go_on(deferred)["job_id"] == job_id


@pytest.mark.parametrize("code_type", ["None", "4", "9"])
def test_a_task_returns_the_job_that_it_waited_for_whatever_its_fields_are_rendered_to_later(
    code_type: str, cases: Any, task: Any, bought: Any
) -> None:
    case = cases["cdnetworks_trim"]
    params = {"code_type": 5, "filename": "cut"}
    templates = {name: f"{{{{ params.{name} }}}}" for name in params}
    made = rendering(task(case, **templates), params)
    deferred = made.defer()
    params |= {"code_type": code_type, "filename": ""}
    result = made.go_on(deferred)
    assert [result["job_id"]] == bought(case)
    assert "autoCode" in result["details"]


def test_fields_that_are_rendered_to_nothing_later_are_an_error_that_names_the_paid_job(
    cases: Any, task: Any, bought: Any, sandbox: Any
) -> None:
    case = cases["viitor"]
    params = {"url": case.request(sandbox)["url"]}
    made = rendering(task(case, url="{{ params.url }}"), params)
    made.defer()
    (job_id,) = bought(case)
    url, params["url"] = params["url"], "None"
    with pytest.raises(InvalidRequest, match=rf"url: must be given.*attempt submitted job {job_id}"):
        made.start()
    params["url"] = url
    assert made.run()["job_id"] == job_id


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("deferrable", [True, False])
def test_what_is_no_connection_id_is_refused_by_name_before_anything_is_sent(
    value: str, deferrable: bool, cases: Any, chosen: Any, sensor: Any, sandbox: Any
) -> None:
    params = {"account": value}
    made = chosen(cases["topview"], params, deferrable=deferrable)
    waited = rendering(sensor(cases["topview"], "a1", topview_conn_id=TEMPLATE, deferrable=deferrable), params)
    for refused in (made, waited):
        with pytest.raises(InvalidRequest, match="topview_conn_id: must be the id of an Airflow connection"):
            refused.start()
    books = sandbox.ledger("topview")
    assert books["submissions"] == books["refused"] == books["polls"] == []
    assert made.store is not None
    assert made.store.values == {}


@pytest.mark.parametrize("value", ODD)
def test_uploads_and_transfers_refuse_it_alike(value: str, sandbox: Any) -> None:  # noqa: ARG001 - its connections
    result = {"vendor": "topview", "operation": "video_avatar", "job_id": "a1", "state": "succeeded"}
    with DAG("pipeline", schedule=None):
        for operator in (
            TopviewUploadOperator(task_id="to_topview", source="/clips/a.mp4", topview_conn_id=TEMPLATE),
            CDNetworksUploadVideoOperator(task_id="to_vod", source="/clips/a.mp4", cdnetworks_conn_id=TEMPLATE),
            VideoResultToObjectStorageOperator(
                task_id="keep", result=result, destination="file:///clips/a.mp4", vendor_conn_id=TEMPLATE
            ),
        ):
            operator.render_template_fields({"params": {"account": value}})
            with pytest.raises(InvalidRequest, match="_conn_id: must be the id of an Airflow connection"):
                execute(operator)


@pytest.mark.parametrize("value", ODD)
def test_an_odd_connection_of_inputs_is_refused_before_a_job_is_bought(
    value: str, cases: Any, task: Any, bought: Any
) -> None:
    made = rendering(task(cases["viitor"], url="s3://clips/a.mp4", input_conn_id=TEMPLATE), {"account": value})
    with pytest.raises(InvalidRequest, match="input_conn_id: must be the id of an Airflow connection"):
        made.run()
    assert bought(cases["viitor"]) == []


def test_a_sensor_starts_in_the_triggerer_only_with_a_connection_that_the_dag_file_names(
    cases: Any, sensor: Any
) -> None:
    named = sensor(cases["topview"], "a1", topview_conn_id="topview_other").make()
    chosen = sensor(cases["topview"], "a1", topview_conn_id=TEMPLATE).make()
    assert not getattr(chosen, "start_from_trigger", False)
    if getattr(named, "start_from_trigger", False):  # Airflow 3.3
        assert named.start_trigger_args.trigger_kwargs["conn_id"] == "topview_other"
