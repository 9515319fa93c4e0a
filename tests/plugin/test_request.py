# SPDX-License-Identifier: Apache-2.0
"""What the page shows of a request, from the arguments that a task ran with."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.job_reference import JobReference
from airflow_provider_videoai.plugin.request import MOST_REGIONS, request_of

SIGNED = "https://media.example/in.mp4?sign=secret"


def reference(vendor: str = "viitor", operation: str = "text_removal", source: str | None = SIGNED) -> JobReference:
    return JobReference(
        vendor=vendor, operation=operation, polled_as=operation, conn_id="c", job_ids=("j1",), source=source
    )


def test_the_fields_of_the_request_are_shown_and_neither_the_input_nor_the_operators_own_arguments() -> None:
    rendered = {"url": SIGNED, "task_name": "clip", "full_erase_roi": None, "viitor_conn_id": "c", "job_timeout": 60}
    assert request_of(reference(), rendered)["rows"] == [("task_name", "clip")]


@pytest.mark.parametrize("value", [[[0, 270, 640, 350]], "[[0, 270, 640, 350]]", "[(0, 270, 640, 350)]"])
def test_regions_are_read_as_a_template_or_a_list_gives_them(value: Any) -> None:
    shown = request_of(reference(), {"full_erase_roi": value})["regions"]
    assert json.loads(json.dumps(shown)) == [
        {"field": "full_erase_roi", "box": [0, 270, 640, 350], "relative": False, "seconds": None}
    ]


def test_a_box_of_aidge_is_a_fraction_of_the_picture_for_some_seconds() -> None:
    boxes = [{"timestamp": [1, 2.5], "box": [0, 0.8, 1, 1]}]
    (region,) = request_of(reference("aidge", "video_removal"), {"inpainting_boxes": boxes})["regions"]
    assert region == {"field": "inpainting_boxes", "box": [0, 0.8, 1, 1], "relative": True, "seconds": [1, 2.5]}


@pytest.mark.parametrize(
    "box", [[0, 0, 1], [0, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, float("nan")], [0, 0, 1, True], "0", None, {"box": 3}]
)
def test_what_is_no_region_is_not_drawn(box: Any) -> None:
    assert request_of(reference(), {"full_erase_roi": [box]})["regions"] == []


def test_no_more_regions_are_drawn_than_a_picture_can_show() -> None:
    shown = request_of(reference(), {"full_erase_roi": [[0, 0, 1, 1]] * 5000})
    assert len(shown["regions"]) == MOST_REGIONS


def test_of_a_cut_begin_and_end_are_shown_instead_of_its_fields() -> None:
    rendered = {"video_id": "v", "seek_start": "1", "duration": 5, "filename": "cut"}
    shown = request_of(reference("cdnetworks", "trim", "v"), rendered)
    assert (shown["cut"], shown["rows"]) == ((1, 6), [("filename", "cut")])


def test_values_are_shown_as_a_person_writes_them() -> None:
    rendered = {
        "virtualman_key": "v",
        "input_ssml": "<speak>One &amp; two.<break time='1s'/>Three.</speak>",
        "speech_param": {"Speed": 1.2},
        "video_param": "{'Format': 'Mp4'}",
        "callback_url": SIGNED,
    }
    assert request_of(reference("tencent_ivh", "video_make", None), rendered)["rows"] == [
        ("virtualman_key", "v"),
        ("input_ssml", "One & two. Three."),
        ("speech_param", "Speed: 1.2"),
        ("video_param", "Format: Mp4"),
        ("callback_url", "https://media.example/in.mp4"),
    ]


@pytest.mark.parametrize("rendered", [None, "text", 3, [1], {}])
@pytest.mark.parametrize("vendor", ["viitor", "another"])
def test_without_arguments_or_their_vendor_there_is_nothing_to_show(vendor: str, rendered: Any) -> None:
    assert request_of(reference(vendor), rendered) == {"rows": [], "regions": [], "cut": None}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(SIGNED),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(["box", "timestamp", "a"]), inner),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(
        [("viitor", "text_removal"), ("aidge", "video_removal"), ("cdnetworks", "trim"), ("tencent_ivh", "tts")]
    ),
    st.dictionaries(
        st.sampled_from(["full_erase_roi", "inpainting_boxes", "seek_start", "duration", "input_ssml", "video_url"]),
        JSON | JSON.map(str),
    ),
)
def test_whatever_airflow_kept_a_browser_can_read_it_and_no_secret_is_in_it(
    job: tuple[str, str], rendered: dict[str, Any]
) -> None:
    text = json.dumps(request_of(reference(*job), rendered), allow_nan=False, ensure_ascii=False)
    assert "secret" not in text.encode().decode()
