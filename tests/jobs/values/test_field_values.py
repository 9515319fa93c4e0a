# SPDX-License-Identifier: Apache-2.0
"""Rules that hold for every field of every request, whatever its type."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.request import JobRequest
from airflow_provider_videoai.jobs.values.field_values import Shape, unquoted
from airflow_provider_videoai.vendors.aidge import VideoRemovalRequest
from airflow_provider_videoai.vendors.cdnetworks import TrimRequest
from airflow_provider_videoai.vendors.tencent_ivh import VideoMakeRequest
from airflow_provider_videoai.vendors.topview import VideoAvatarRequest
from airflow_provider_videoai.vendors.viitor import TextRemovalRequest
from tests.support.fuzzing import json_values

GOOD: dict[type[JobRequest], dict[str, Any]] = {
    TextRemovalRequest: {"url": "https://host/a.mp4", "task_name": "clip", "full_erase_roi": [[0, 0, 9, 9]]},
    VideoRemovalRequest: {"video_url": "https://host/a.mp4", "language": "en"},
    TrimRequest: {"video_id": "DB78", "seek_start": 1, "duration": 2, "filename": "piece"},
    VideoAvatarRequest: {
        "avatar_source_from": "1",
        "ai_avatar_id": "anna",
        "audio_source_from": "1",
        "tts_text": "Hi.",
    },
    VideoMakeRequest: {"virtualman_key": "key", "input_ssml": "Hi."},
}
RESULT = {"job_id": "a1", "media_id": "DB78", "media_url": "https://host/a.mp4?sign=word"}

WRONG: list[tuple[type[JobRequest], dict[str, Any], str]] = [
    (TextRemovalRequest, {"full_erase_roi": [0, 600, 1280, 700]}, "is written [[0, 600, 1280, 700]]"),
    (TextRemovalRequest, {"full_erase_roi": [[0, 0, float("nan"), 9]]}, "full_erase_roi[0][2]: must be a finite"),
    (TextRemovalRequest, {"full_erase_roi": "[[0, 0, NaN, 9]]"}, "full_erase_roi[0][2]: must be a finite"),
    (TextRemovalRequest, {"full_erase_roi": [["0", "0", "inf", "9"]]}, "full_erase_roi[0][2]: "),
    (TextRemovalRequest, {"full_erase_roi": [["a"] * 4]}, "(given: 'a'), and 3 more like it"),
    (TextRemovalRequest, {"task_name": "clip\ud800"}, "task_name: must not contain half a surrogate pair"),
    (TextRemovalRequest, {"task_name": "clip\0"}, r"task_name: must not contain the character \x00"),
    (TextRemovalRequest, {"task_name": None}, "task_name: must be given, and came empty"),
    (TextRemovalRequest, {"task_name": "None"}, "task_name: must be given, and came empty"),
    (TextRemovalRequest, {"task_name": 10**5000}, "task_name: must be text, not an integer"),
    (TextRemovalRequest, {"task_name": ["a"]}, "task_name: must be one value, and is a list"),
    (TextRemovalRequest, {"task_name": True}, "task_name: "),
    (TextRemovalRequest, {"url": RESULT}, 'url: must be one part of a result, and is a whole one: add ["media_url"]'),
    (TextRemovalRequest, {"url": str(RESULT)}, "url: must be one part of a result"),
    (TextRemovalRequest, {"url": json.dumps(RESULT)}, "url: must be one part of a result"),
    (TextRemovalRequest, {"url": Path("/clip.mp4")}, "url: Input should be a valid string (given: a PosixPath)"),
    (TextRemovalRequest, {"url": "http://[host/a?b"}, "url: must be an http:// or https:// URL"),
    (TextRemovalRequest, {"url": "http://host:99999/a"}, "url: must be an http:// or https:// URL"),
    (TextRemovalRequest, {"url": "https://?a"}, "url: must be an http:// or https:// URL"),
    (TextRemovalRequest, {"url": "https://host/a b"}, "url: must be an http:// or https:// URL without whitespace"),
    (TextRemovalRequest, {"tasc_name": "a"}, "the fields are url, task_name, "),
    (TextRemovalRequest, {"textDetectROI": [], "text_detect_roi": []}, "text_detect_roi: given twice"),
    (VideoRemovalRequest, {"language": "EN"}, "language: Input should be 'zh' or 'en' (given: 'EN')"),
    (VideoRemovalRequest, {"inpainting_boxes": {"box": []}}, "inpainting_boxes: must be a list; a list of one"),
    (TrimRequest, {"seek_start": True}, "seek_start: must be a number"),
    (TrimRequest, {"seek_start": 2**53}, "seek_start: must be an integer between"),
    (TrimRequest, {"seek_start": str(2**53)}, "seek_start: must be an integer between"),
    (TrimRequest, {"video_id": RESULT}, "video_id: must be one part of a result"),
    (VideoAvatarRequest, {"voice_speed": "nan"}, "voice_speed: "),
    (VideoMakeRequest, {"video_param": {"Rate": float("inf")}}, "video_param[Rate]: must be a finite number"),
    (VideoMakeRequest, {"video_param": {"a": {"b": ["x\0"]}}}, "video_param[a][b][0]: must not contain"),
    (VideoMakeRequest, {"video_param": {"\ud800": 1}}, "video_param: a key in it: must not contain"),
    (VideoMakeRequest, {"video_param": {"Size": 2**60}}, "video_param[Size]: must be an integer between"),
    (VideoMakeRequest, {"speech_param": {"Pitch": float("nan")}}, "speech_param[Pitch]: must be a finite number"),
]


@pytest.mark.parametrize(("request_class", "changes", "said"), WRONG)
def test_what_cannot_be_meant_or_sent_is_refused_by_name(
    request_class: type[JobRequest], changes: dict[str, Any], said: str
) -> None:
    for check in (request_class.parse, lambda values: request_class.check_known(values, [])):
        with pytest.raises(InvalidRequest) as refused:
            check(GOOD[request_class] | changes)
        assert said in str(refused.value)
        assert "word" not in str(refused.value)
        str(refused.value).encode()


@pytest.mark.parametrize(
    ("request_class", "given_value", "kept"),
    [
        (TextRemovalRequest, {"task_name": 20260511}, "20260511"),
        (TextRemovalRequest, {"task_name": 1.5}, "1.5"),
        (TextRemovalRequest, {"url": " https://host/a.mp4?s=%20\n"}, "https://host/a.mp4?s=%20"),
        (TextRemovalRequest, {"full_erase_roi": "[(0, 0, 9, 9)]"}, [[0, 0, 9, 9]]),
        (TextRemovalRequest, {"fullEraseROI": "[[0, 0, 9, 9]]"}, [[0, 0, 9, 9]]),
        (TrimRequest, {"video_id": 2**60}, str(2**60)),
        (TrimRequest, {"seek_start": 2**53 - 1}, 2**53 - 1),
        (VideoRemovalRequest, {"artificial_text_only": "False"}, False),
        (VideoMakeRequest, {"video_param": "{'Format': 'Mp4', 'Alpha': None}"}, {"Format": "Mp4", "Alpha": None}),
    ],
)
def test_what_can_be_meant_in_one_way_only_is_taken(
    request_class: type[JobRequest], given_value: dict[str, Any], kept: Any
) -> None:
    (name,) = given_value
    field = {"fullEraseROI": "full_erase_roi"}.get(name, name)
    values = {key: value for key, value in GOOD[request_class].items() if key != field}
    assert getattr(request_class.parse(values | given_value), field) == kept


@pytest.mark.parametrize(
    "value", [b"a", bytearray(b"a"), memoryview(b"a"), b"\0"], ids=lambda value: type(value).__name__
)
def test_bytes_are_refused_with_what_to_do(value: Any) -> None:
    with pytest.raises(InvalidRequest, match=rf"must be text, not {type(value).__name__}: decode it"):
        TextRemovalRequest.parse(GOOD[TextRemovalRequest] | {"task_name": value})


@given(st.sampled_from(list(GOOD)), st.data())
def test_whatever_is_accepted_can_be_written_as_json_that_every_peer_reads(
    request_class: type[JobRequest], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(request_class.model_fields)))
    value = data.draw(json_values("https://host/a", "\ud800", "\0", 2**64, float("nan"), "nan") | st.binary())
    with suppress(InvalidRequest):
        sent = request_class.parse(GOOD[request_class] | {name: value}).to_vendor()
        text = json.dumps(sent, allow_nan=False, ensure_ascii=False)
        text.encode()
        assert r"\u0000" not in text
        assert json.loads(text, parse_int=float) == json.loads(text)


@given(json_values().filter(lambda value: isinstance(value, list | dict)))
def test_a_list_or_object_is_read_from_json_text_and_from_pythons(value: Any) -> None:
    assert unquoted(repr(value)) == value or "nan" in repr(value) or "inf" in repr(value)
    assert str(unquoted(json.dumps(value))) == str(value)


@given(st.text())
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert unquoted(text) == text or text.lstrip()[:1] in ("[", "{")


def test_a_cycle_is_refused() -> None:
    cycle: list[Any] = []
    cycle += [cycle, cycle]
    with pytest.raises(InvalidRequest, match="full_erase_roi: must not be nested deeper"):
        TextRemovalRequest.parse(GOOD[TextRemovalRequest] | {"full_erase_roi": cycle})


def test_every_field_has_its_shape() -> None:
    assert TextRemovalRequest.shape("full_erase_roi") is Shape.LIST_OF_LISTS
    assert VideoRemovalRequest.shape("inpainting_boxes") is Shape.LIST
    assert VideoMakeRequest.shape("speech_param") is VideoMakeRequest.shape("video_param") is Shape.OBJECT
    assert TrimRequest.shape("code_type") is VideoAvatarRequest.shape("voice_speed") is Shape.NUMBER
    assert VideoRemovalRequest.shape("color_blocks") is Shape.BOOLEAN
    assert TrimRequest.shape("suffix") is TrimRequest.shape("notify_url") is Shape.TEXT
