# SPDX-License-Identifier: Apache-2.0
"""A field that came empty is an error which names the task, the XCom or the template that it came from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.operators.batch import VideoBatchOperator
from airflow_provider_videoai.operators.cdnetworks import CDNetworksPullVideoOperator
from airflow_provider_videoai.operators.topview import TopviewVideoAvatarOperator
from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator
from airflow_provider_videoai.sensors.viitor import ViiTorTextRemovalSensor
from airflow_provider_videoai.tasks.connection_fields import optional_connection_in
from airflow_provider_videoai.transfers.media import VideoResultToObjectStorageOperator

ROI = [[0, 10, 20, 30]]
RESULT = {"vendor": "viitor", "operation": "text_removal", "job_id": "1", "state": "succeeded"}
SKIPPED = "and is empty: a task that was skipped, failed or has not run yet pushes no XCom"
TEMPLATE = "{{ ti.xcom_pull(task_ids='clean', key='media_url') }}"


class Nothing:
    """The task instance of a DAG run in which no task pushed an XCom."""

    def __init__(self, task: Any) -> None:
        self.task = task

    def xcom_pull(self, *_: Any, default: Any = None, **__: Any) -> Any:
        return default


def downstream_of_skipped(make: Callable[[Any], Any]) -> Any:
    """Return an operator whose upstream, ``clean``, was skipped, after Airflow rendered it."""
    with DAG("pipeline", schedule=None):
        operator = make(
            ViiTorTextRemovalOperator(task_id="clean", url="https://h/a.mp4", task_name="a", full_erase_roi=ROI)
        )
    operator.render_template_fields({"ti": Nothing(operator), "params": {}})
    return operator


def pull(fetch_url: Any) -> Any:
    return CDNetworksPullVideoOperator(task_id="pull", fetch_url=fetch_url, filename="a.mp4", trigger_rule="all_done")


@pytest.mark.parametrize(
    ("make", "read", "origin"),
    [
        (
            lambda clean: pull(clean.output["media_url"]),
            lambda operator: operator._request(),
            "fetch_url comes from task 'clean', XCom 'media_url'",
        ),
        (
            lambda _: pull(TEMPLATE),
            lambda operator: operator._request(),
            f"fetch_url comes from the template '{TEMPLATE}'",
        ),
        (
            lambda clean: ViiTorTextRemovalSensor(task_id="wait", job_id=clean.output["job_id"]),
            lambda operator: operator._job_ids(),
            "job_id comes from task 'clean', XCom 'job_id'",
        ),
        (
            lambda clean: VideoBatchOperator(task_id="all", vendor="viitor", requests=clean.output["details"]),
            lambda operator: operator._items(operator._given()),
            "requests comes from task 'clean', XCom 'details'",
        ),
        (
            lambda clean: VideoBatchOperator(
                task_id="all",
                vendor="viitor",
                requests=[{"url": clean.output["media_url"], "task_name": "a", "full_erase_roi": ROI}],
            ),
            lambda operator: operator._items(operator._given()),
            "a value in it comes from task 'clean', XCom 'media_url'",
        ),
        (
            lambda clean: ViiTorTextRemovalSensor(
                task_id="wait", job_id="ViiTor_AI-1", viitor_conn_id=clean.output["details"]
            ),
            lambda operator: operator._hook(),
            "viitor_conn_id comes from task 'clean', XCom 'details'",
        ),
        (
            lambda clean: ViiTorTextRemovalOperator(
                task_id="again",
                url="s3://b/a.mp4",
                task_name="a",
                full_erase_roi=ROI,
                input_conn_id=clean.output["details"],
            ),
            lambda operator: optional_connection_in(operator, "input_conn_id"),
            "input_conn_id comes from task 'clean', XCom 'details'",
        ),
        (
            lambda clean: VideoBatchOperator(
                task_id="all", vendor="viitor", requests=[], conn_id=clean.output["details"]
            ),
            lambda operator: operator._given(),
            "conn_id comes from task 'clean', XCom 'details'",
        ),
        (
            lambda clean: VideoResultToObjectStorageOperator(
                task_id="keep",
                result=RESULT,
                destination="file:///videos/a.mp4",
                vendor_conn_id=clean.output["details"],
            ),
            lambda operator: operator.execute({"ti": None}),
            "vendor_conn_id comes from task 'clean', XCom 'details'",
        ),
        (
            lambda clean: VideoResultToObjectStorageOperator(
                task_id="keep",
                result=RESULT,
                destination="file:///videos/a.mp4",
                vendor_conn_id=clean.dag.param("account", default=None),
            ),
            lambda operator: operator.execute({"ti": None}),
            "vendor_conn_id comes from a parameter of the DAG run",
        ),
        (
            lambda clean: VideoResultToObjectStorageOperator(
                task_id="keep", result=clean.output, destination="file:///videos/a.mp4"
            ),
            lambda operator: operator.execute({"ti": None}),
            "result comes from task 'clean', XCom 'return_value'",
        ),
    ],
    ids=[
        "reference",
        "template",
        "sensor",
        "batch",
        "a row of a batch",
        "connection of a sensor",
        "connection of inputs",
        "connection of a batch",
        "connection of a transfer",
        "parameter",
        "transfer",
    ],
)
def test_a_skipped_upstream_is_named(make: Any, read: Any, origin: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(downstream_of_skipped(make))
    assert f". {origin}, {SKIPPED}" in refused.value.message


def test_an_empty_field_that_broke_no_rule_is_not_named() -> None:
    operator = downstream_of_skipped(
        lambda clean: TopviewVideoAvatarOperator(
            task_id="say",
            avatar_source_from="1",
            audio_source_from="1",
            ai_avatar_id="a",
            tts_text="{{ '' }}",
            caption_id=clean.output["media_id"],
        )
    )
    assert operator.caption_id is None
    with pytest.raises(InvalidRequest, match="tts_text comes from the template") as refused:
        operator._request()
    assert "caption_id comes" not in refused.value.message


def test_what_was_not_rendered_to_nothing_adds_nothing() -> None:
    assert downstream_of_skipped(lambda _: pull("{{ 'https://h/a.mp4' }}")).empty_origins == ()
    with pytest.raises(InvalidRequest) as refused:
        downstream_of_skipped(lambda _: pull("{{ 'ftp://h' }}"))._request()
    assert "comes from" not in refused.value.message
