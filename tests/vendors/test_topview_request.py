# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.vendors.topview import VideoAvatarRequest

REQUEST = {
    "avatar_source_from": "0",
    "video_file_id": "file-7",
    "audio_source_from": "1",
    "tts_text": "Good morning",
    "voiceover_id": "voice-3",
}

LITERAL = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from("0123"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)


def request(**changes: Any) -> VideoAvatarRequest:
    return VideoAvatarRequest.parse({**REQUEST, **changes})


def test_every_field_travels_under_the_vendors_name() -> None:
    full = request(
        avatar_source_from=1,
        ai_avatar_id="avatar-1",
        image_file_id="image-1",
        audio_file_id="audio-1",
        voice_speed=1.1,
        mode_type=2,
        caption_id="caption-1",
        save_as_custom_avatar=True,
        notice_url="https://hooks.example.com/done",
        need_cloud_front_url=True,
    )
    assert full.to_vendor() == {
        "avatarSourceFrom": "1",
        "audioSourceFrom": "1",
        "videoFileId": "file-7",
        "aiAvatarId": "avatar-1",
        "imageFileId": "image-1",
        "audioFileId": "audio-1",
        "ttsText": "Good morning",
        "voiceoverId": "voice-3",
        "voiceSpeed": 1.1,
        "modeType": "2",
        "captionId": "caption-1",
        "isSave2CustomAiAvatar": True,
        "noticeUrl": "https://hooks.example.com/done",
    }


def test_a_field_that_is_left_out_is_not_sent() -> None:
    assert set(request().to_vendor()) == {
        "avatarSourceFrom",
        "audioSourceFrom",
        "videoFileId",
        "ttsText",
        "voiceoverId",
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"avatar_source_from": "0", "video_file_id": None}, "video_file_id"),
        ({"avatar_source_from": 0, "video_file_id": None}, "video_file_id"),
        ({"avatar_source_from": "1"}, "ai_avatar_id"),
        ({"avatar_source_from": "2"}, "ai_avatar_id"),
        ({"avatar_source_from": "3"}, "image_file_id"),
        ({"audio_source_from": "0"}, "audio_file_id"),
        ({"audio_source_from": "1", "tts_text": None}, "tts_text"),
        ({"audio_source_from": "1", "voiceover_id": None}, "voiceover_id"),
        ({"avatar_source_from": "2", "ai_avatar_id": "a", "voiceover_id": None}, "voiceover_id"),
        ({"audio_source_from": "0", "audio_file_id": "a", "voice_speed": 1.0}, "voice_speed"),
        ({"caption_id": "c"}, "caption_id"),
        ({"avatar_source_from": "4"}, "avatar_source_from"),
        ({"avatar_source_from": True}, "avatar_source_from"),
        ({"audio_source_from": "2"}, "audio_source_from"),
        ({"mode_type": "3"}, "mode_type"),
        ({"voice_speed": 0.79}, "voice_speed"),
        ({"voice_speed": 1.21}, "voice_speed"),
        ({"voice_speed": float("nan")}, "voice_speed"),
        ({"tts_text": "  "}, "tts_text"),
        ({"video_file_id": ""}, "video_file_id"),
        ({"notice_url": "hooks.example.com"}, "notice_url"),
        ({"save_as_custom_avatar": "perhaps"}, "save_as_custom_avatar"),
        ({"voice_id": "v"}, "voice_id"),
    ],
)
def test_a_broken_rule_names_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest, match=rf"video_avatar request is not valid: {field}:"):
        request(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"avatar_source_from": "1", "ai_avatar_id": "a", "voiceover_id": None},
        {"avatar_source_from": 1, "ai_avatar_id": "a", "caption_id": "c"},
        {"avatar_source_from": "3", "image_file_id": "i", "video_file_id": None},
        {"audio_source_from": 0, "audio_file_id": "a", "tts_text": None, "voiceover_id": None},
        {"voice_speed": 0.8},
        {"voice_speed": "1.2"},
        {"mode_type": 0},
    ],
)
def test_what_the_rules_allow_is_accepted(changes: dict[str, Any]) -> None:
    assert request(**changes).to_vendor()


@given(values=st.dictionaries(st.sampled_from(sorted(VideoAvatarRequest.model_fields)), LITERAL, max_size=6))
@settings(max_examples=150, deadline=None)
def test_rules_judge_literals_of_any_type(values: dict[str, Any]) -> None:
    for rule in VideoAvatarRequest.rules:
        assert rule.holds(*(values.get(name) for name in rule.fields)) in (True, False)
    with suppress(InvalidRequest):
        VideoAvatarRequest.check_known(values, unknown=[])
