# SPDX-License-Identifier: Apache-2.0
"""Templates in a DAG that renders native objects: text stays the text that was rendered, lists become lists."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator
from airflow.sdk.definitions.mappedoperator import MappedOperator
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.operators.cdnetworks import CDNetworksTrimOperator, CDNetworksUploadVideoOperator
from airflow_provider_videoai.operators.tencent_ivh import TencentTtsOperator, TencentVideoMakeOperator
from airflow_provider_videoai.operators.topview import TopviewUploadOperator
from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator
from airflow_provider_videoai.sensors.topview import TopviewVideoAvatarSensor
from tests.support.fuzzing import fuzz

READ_AS_LITERALS = ["20260511", "3, 2, 1", "1e5", "'Hello'", "True", "None.", "[1]", "{1}", "0x1f", "1_000", "b'x'"]
ROI = [[0, 600, 1280, 700]]
texts = pytest.mark.parametrize("native", [True, False], ids=["native", "as text"])


def rendered(make: Any, native: bool, **params: Any) -> Any:
    """Return the operator of a DAG after Airflow rendered it."""
    with DAG("pipeline", schedule=None, render_template_as_native_obj=native):
        operator: BaseOperator = make()
    operator.render_template_fields({"params": params})
    return operator


def removal(**fields: Any) -> ViiTorTextRemovalOperator:
    return ViiTorTextRemovalOperator(
        **{"task_id": "make", "url": "https://host/a.mp4", "task_name": "clip", "full_erase_roi": ROI, **fields}
    )


@texts
@pytest.mark.parametrize("text", READ_AS_LITERALS)
def test_a_text_field_keeps_the_text_that_its_template_makes(text: str, native: bool) -> None:
    for field in ("{{ params.x }}", "{{ params.x[:1] }}{{ params.x[1:] }}"):
        operator = rendered(lambda field=field: removal(task_name=field), native, x=text)
        assert operator._request().task_name == text


@texts
@pytest.mark.parametrize("text", READ_AS_LITERALS)
def test_a_literal_text_stays_what_it_is(text: str, native: bool) -> None:
    operator = rendered(lambda: TencentTtsOperator(task_id="make", input_ssml=text, timbre_key="t"), native)
    assert operator._request().input_ssml == text


@fuzz
@given(text=st.text(min_size=1), native=st.booleans())
def test_any_text_arrives_as_it_was_rendered(text: str, native: bool) -> None:
    operator = rendered(lambda: removal(task_name="{{ params.x }}"), native, x=text)
    assert operator.task_name == text


@texts
def test_numbers_flags_lists_and_objects_mean_the_same_either_way(native: bool) -> None:
    trim = rendered(
        lambda: CDNetworksTrimOperator(
            task_id="make", video_id="{{ params.id }}", seek_start="{{ params.at }}", duration=2, filename="piece"
        ),
        native,
        id="0042",
        at=3,
    )
    assert (trim._request().video_id, trim._request().seek_start) == ("0042", 3)
    make = rendered(
        lambda: TencentVideoMakeOperator(
            task_id="make", virtualman_key="k", input_ssml="Hi.", video_param="{{ params.video }}"
        ),
        native,
        video={"Format": "Mp4", "Name": "it's"},
    )
    assert make._request().video_param == {"Format": "Mp4", "Name": "it's"}
    regions = rendered(lambda: removal(full_erase_roi="{{ params.roi }}"), native, roi=ROI)
    assert regions._request().full_erase_roi == ROI


@texts
def test_a_mapped_operator_renders_alike(native: bool) -> None:
    with DAG("pipeline", schedule=None, render_template_as_native_obj=native):
        mapped = ViiTorTextRemovalOperator.partial(task_id="make", url="https://host/a.mp4", full_erase_roi=ROI).expand(
            task_name=["{{ params.x }}"]
        )
    assert isinstance(mapped, MappedOperator)
    operator: Any = mapped.unmap({"task_name": "{{ params.x }}"})
    context: Any = {"params": {"x": "20260511"}}
    operator._do_render_template_fields(operator, mapped.template_fields, context, mapped.get_template_env(), set())
    assert operator.task_name == "20260511"


def test_a_value_that_airflow_has_rendered_is_not_rendered_again() -> None:
    operator = removal()
    operator.task_name = "{{ params.x }}"
    known = {id(operator.task_name)}
    context: Any = {"params": {"x": "no"}}
    assert operator.render_template(operator.task_name, context, None, known) == "{{ params.x }}"


@texts
def test_paths_stay_text_too(native: bool) -> None:
    for make in (
        lambda: TopviewUploadOperator(task_id="make", source="{{ params.x }}"),
        lambda: CDNetworksUploadVideoOperator(task_id="make", source="{{ params.x }}"),
    ):
        assert rendered(make, native, x="20260511").source == "20260511"


@texts
@pytest.mark.parametrize(
    ("given_id", "ids"),
    [
        ("20260511", ["20260511"]),
        ("1e5", ["1e5"]),
        (["20260511", "a1"], ["20260511", "a1"]),
        ({"job_id": "20260511", "media_url": "https://host/it's?a=1", "details": {"x": None}}, ["20260511"]),
        ([{"job_id": "a"}, {"job_id": "b"}], ["a", "b"]),
    ],
)
def test_a_sensor_reads_the_same_ids_either_way(given_id: Any, ids: list[str], native: bool) -> None:
    sensor = rendered(lambda: TopviewVideoAvatarSensor(task_id="wait", job_id="{{ params.x }}"), native, x=given_id)
    assert sensor._job_ids().ids == ids


@texts
@pytest.mark.parametrize("text", READ_AS_LITERALS)
def test_a_connection_id_stays_text(text: str, native: bool) -> None:
    fields: dict[str, Any] = {"viitor_conn_id": "{{ params.x }}", "input_conn_id": "{{ params.x }}"}
    operator = rendered(lambda: removal(**fields), native, x=text)
    assert operator.conn_id == operator.viitor_conn_id == operator.input_conn_id == text
    sensor = rendered(
        lambda: TopviewVideoAvatarSensor(task_id="wait", job_id="a1", topview_conn_id="{{ params.x }}"), native, x=text
    )
    assert sensor.conn_id == sensor.topview_conn_id == text


@texts
def test_a_list_of_templates_keeps_each_id(native: bool) -> None:
    sensor = rendered(
        lambda: TopviewVideoAvatarSensor(task_id="wait", job_id=["{{ params.x }}", "1e5"]), native, x="20260511"
    )
    assert sensor._job_ids().ids == ["20260511", "1e5"]
