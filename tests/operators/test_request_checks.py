# SPDX-License-Identifier: Apache-2.0
"""Wrong values are refused before anything is sent: literals when the DAG is parsed, templates when rendered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import pytest

from airflow_provider_videoai.jobs.errors import InvalidRequest
from tests.support.which_airflow import AirflowFailException

BOX = [[0, 0, 10, 10]]

WRONG_LITERALS = [
    ("viitor", {"url": "ftp://host/clip.mp4"}, "url: must be an http"),
    ("viitor", {"task_name": ""}, "task_name: "),
    ("viitor", {"full_erase_roi": None}, "text_detect_roi, full_erase_roi: at least one"),
    ("viitor", {"full_erase_roi": BOX * 6}, "full_erase_roi: "),
    ("viitor", {"text_detect_roi": [[10, 0, 0, 10]]}, r"text_detect_roi\[0\]: must be \[x1, y1, x2, y2\]"),
    ("viitor", {"full_erase_roi": "[[1, 2, 3]]"}, r"full_erase_roi\[0\]: "),
    ("aidge", {"language": "fr"}, "language: "),
    ("aidge", {"video_url": "clip.mp4"}, "video_url: must be an http"),
    ("aidge", {"remove_audio": "perhaps"}, "remove_audio: "),
    (
        "aidge",
        {"inpainting_boxes": [{"timestamp": [2, 1], "box": [0, 0, 1, 1]}]},
        r"inpainting_boxes\[0\]\[timestamp\]",
    ),
    ("aidge", {"inpainting_boxes": [{"timestamp": [0, 1], "box": [0, 0, 2, 2]}]}, "fractions of the frame"),
    ("cdnetworks_pull", {"fetch_url": "somewhere"}, "fetch_url: must be an http"),
    ("cdnetworks_pull", {"md5": "abc"}, "md5: "),
    ("cdnetworks_pull", {"trans_no": "x" * 33}, "trans_no: "),
    ("cdnetworks_trim", {"seek_start": -1}, "seek_start: "),
    ("cdnetworks_trim", {"duration": 0}, "duration: "),
    ("cdnetworks_trim", {"duration": "long"}, "duration: "),
    ("cdnetworks_trim", {"filename": "x" * 41}, "filename: "),
    ("cdnetworks_trim", {"suffix": "avi"}, "suffix: "),
    ("cdnetworks_trim", {"resolution": "640"}, "resolution: "),
    ("cdnetworks_trim", {"suffix": "flv", "sampling_rate": 48000}, "sampling_rate: an flv takes"),
    ("topview", {"avatar_source_from": "9"}, "avatar_source_from: "),
    ("topview", {"ai_avatar_id": None}, "ai_avatar_id: required when avatar_source_from is '1'"),
    ("topview", {"tts_text": None}, "tts_text: required when audio_source_from is '1'"),
    ("topview", {"voice_speed": 2}, "voice_speed: "),
    ("topview", {"avatar_source_from": 2}, "voiceover_id: required for text to speech"),
    ("topview", {"avatar_source_from": 3}, "image_file_id: required when"),
    ("tencent_video", {"input_ssml": None}, "input_ssml, input_audio_url: one of them"),
    ("tencent_video", {"input_ssml": "a\nb"}, "input_ssml: must not contain line breaks"),
    ("tencent_video", {"speech_param": {"Speed": 9}}, r"speech_param\[Speed\]: "),
    ("tencent_video", {"driver_type": "OriginalVoice"}, "input_audio_url: required when driver_type"),
    ("tencent_video", {"input_audio_url": "https://host/a.mp3"}, "driver_type: must say which"),
    ("tencent_tts", {"timbre_key": None}, "timbre_key, virtualman_key: one of them"),
    ("tencent_tts", {"speed": 0.1}, "speed: "),
    ("tencent_tts", {"sample_rate": 8000}, "sample_rate: "),
    ("tencent_tts", {"emotion_intensity": 100}, "emotion_intensity: needs emotion_category"),
]
NAMES = [
    f"{name}-{'-'.join(cast(dict[str, Any], changes))}-{number}"
    for number, (name, changes, _) in enumerate(WRONG_LITERALS)
]
wrong_literals = pytest.mark.parametrize(("name", "changes", "message"), WRONG_LITERALS, ids=NAMES)


@wrong_literals
def test_a_wrong_literal_is_refused_when_the_dag_is_parsed(
    name: str, changes: dict[str, Any], message: str, cases: Any, task: Any
) -> None:
    with pytest.raises(InvalidRequest, match=message):
        task(cases[name], **changes).make()


@wrong_literals
def test_a_wrong_rendered_value_is_refused_before_anything_is_sent(
    name: str, changes: dict[str, Any], message: str, cases: Any, task: Any, sandbox: Any
) -> None:
    waiting = task(cases[name], **dict.fromkeys(changes, "{{ params.given }}"))
    operator = waiting.make()
    for field, rendered in changes.items():
        setattr(operator, field, rendered)
    waiting.make = lambda: operator
    with pytest.raises(InvalidRequest, match=message) as refused:
        waiting.start()
    assert isinstance(refused.value, AirflowFailException), "a retry would render the same value"
    books = sandbox.ledger()
    assert books["submissions"] == books["polls"] == books["refused"] == []


@pytest.mark.parametrize(
    ("name", "rendered"),
    [
        ("viitor", {"full_erase_roi": "[[60, 288, 580, 336]]", "text_detect_roi": "None"}),
        ("aidge", {"remove_audio": "True", "inpainting_boxes": "", "artificial_text_only": "false"}),
        ("cdnetworks_trim", {"seek_start": "1", "duration": "1", "resolution": ""}),
        ("topview", {"avatar_source_from": "1", "voice_speed": "1.1", "mode_type": "0"}),
        ("tencent_video", {"video_param": '{"Format": "Mp4"}', "speech_param": '{"Speed": 1.2}'}),
        ("tencent_tts", {"speed": "1.2", "sample_rate": "16000"}),
    ],
)
@pytest.mark.usefixtures("prompt")
def test_rendered_texts_stand_for_numbers_lists_and_objects(
    name: str, rendered: dict[str, str], cases: Any, task: Any
) -> None:
    waiting = task(cases[name], **dict.fromkeys(rendered, "{{ params.given }}"))
    operator = waiting.make()
    for field, text in rendered.items():
        setattr(operator, field, text)
    waiting.make = lambda: operator
    assert waiting.run()["state"] == "succeeded"


def test_every_request_field_is_templated(case: Any) -> None:
    assert set(case.operator.template_fields) >= set(case.operator.request_class.model_fields)


def test_every_request_field_is_an_argument_of_its_own(case: Any, task: Any) -> None:
    templates = {field: f"{{{{ params.{field} }}}}" for field in case.operator.request_class.model_fields}
    operator = task(case, **templates).make()
    assert {field: getattr(operator, field) for field in templates} == templates


@pytest.mark.parametrize(
    ("argument", "wrong", "message"),
    [
        ("job_timeout", 0, "job_timeout: must be a timedelta or a number of seconds"),
        ("job_timeout", timedelta(seconds=-1), "job_timeout: "),
        ("job_timeout", "soon", "job_timeout: "),
        ("quota_timeout", float("inf"), "quota_timeout: "),
        ("poll_interval", True, "poll_interval: "),
        ("poll_interval", -5, "poll_interval: "),
        ("on_uncertain_submit", "guess", "on_uncertain_submit: must be one of fail, resubmit"),
        ("on_finished_job", "fail", "on_finished_job: must be one of reuse, resubmit"),
    ],
)
def test_a_wrong_way_to_wait_is_refused_when_the_dag_is_parsed(
    argument: str, wrong: Any, message: str, task: Any, cases: Any
) -> None:
    with pytest.raises(InvalidRequest, match=message):
        task(cases["viitor"], **{argument: wrong}).make()
