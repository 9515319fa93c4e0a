# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.request import JobRequest
from airflow_provider_videoai.vendors.tencent_ivh import TtsRequest, VideoMakeRequest

AUDIO = "https://media.example.com/speech.mp3"
VIDEO = {"virtualman_key": "vmk-1", "input_ssml": "<speak>Good morning</speak>"}
SPEECH = {"timbre_key": "timbre-1", "input_ssml": "<speak>Good morning</speak>"}

LITERAL = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["Text", "OriginalVoice", AUDIO]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["Speed", "Volume", "Format", "x"]), inner, max_size=3)
    ),
    max_leaves=4,
)


def video(**changes: Any) -> VideoMakeRequest:
    return VideoMakeRequest.parse({**VIDEO, **changes})


def tts(**changes: Any) -> TtsRequest:
    return TtsRequest.parse({**SPEECH, **changes})


# -- video --------------------------------------------------------------------------------------------------


def test_every_field_of_a_video_travels_under_the_vendors_name() -> None:
    full = video(
        input_audio_url=AUDIO,
        driver_type="ModulatedVoice",
        speech_param={"Speed": 1.2, "TimbreKey": "timbre-1", "Volume": 3, "SomethingNew": {"a": [1]}},
        video_param={"Format": "Mp4"},
        callback_url="https://hooks.example.com/ivh",
        video_storage_s3_url="https://bucket.example.com/v?sig=1%2F2",
        subtitle_storage_s3_url="https://bucket.example.com/s?sig=3",
        concurrency_type="Shared",
    )
    assert full.to_vendor() == {
        "VirtualmanKey": "vmk-1",
        "InputSsml": "<speak>Good morning</speak>",
        "InputAudioUrl": AUDIO,
        "DriverType": "ModulatedVoice",
        "SpeechParam": {"Speed": 1.2, "TimbreKey": "timbre-1", "Volume": 3, "SomethingNew": {"a": [1]}},
        "VideoParam": {"Format": "Mp4"},
        "CallbackUrl": "https://hooks.example.com/ivh",
        "VideoStorageS3Url": "https://bucket.example.com/v?sig=1%2F2",
        "SubtitleStorageS3Url": "https://bucket.example.com/s?sig=3",
        "ConcurrencyType": "Shared",
    }


def test_the_least_video_speaks_its_text_at_normal_speed() -> None:
    assert video().to_vendor() == {
        "VirtualmanKey": "vmk-1",
        "InputSsml": "<speak>Good morning</speak>",
        "SpeechParam": {"Speed": 1.0},
    }


def test_the_mandatory_speed_is_added_to_a_speech_param_without_it() -> None:
    sent = video(speech_param={"TimbreKey": "timbre-1"}).to_vendor()
    assert sent["SpeechParam"] == {"Speed": 1.0, "TimbreKey": "timbre-1"}


def test_numbers_rendered_as_text_are_sent_as_numbers() -> None:
    sent = video(speech_param={"Speed": "1.25", "Volume": "4"}).to_vendor()
    assert sent["SpeechParam"] == {"Speed": 1.25, "Volume": 4}


def test_an_audio_alone_drives_the_video_as_it_is() -> None:
    sent = video(input_ssml=None, input_audio_url=AUDIO).to_vendor()
    assert (sent["DriverType"], sent["InputAudioUrl"]) == ("OriginalVoice", AUDIO)


@pytest.mark.parametrize("driver", ["OriginalVoice", "ModulatedVoice"])
def test_a_chosen_driver_is_kept(driver: str) -> None:
    sent = video(input_ssml=None, input_audio_url=AUDIO, driver_type=driver).to_vendor()
    assert sent["DriverType"] == driver


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"virtualman_key": ""}, "virtualman_key"),
        ({"input_ssml": None}, "input_ssml, input_audio_url"),
        ({"input_ssml": ""}, "input_ssml, input_audio_url"),
        ({"input_audio_url": AUDIO}, "driver_type"),
        ({"driver_type": "OriginalVoice"}, "input_audio_url"),
        ({"driver_type": "ModulatedVoice"}, "input_audio_url"),
        ({"driver_type": "Text", "input_ssml": None, "input_audio_url": AUDIO}, "input_ssml"),
        ({"driver_type": "Audio"}, "driver_type"),
        ({"input_audio_url": "speech.mp3", "driver_type": "OriginalVoice"}, "input_audio_url"),
        ({"input_ssml": "x" * 20_001}, "input_ssml"),
        ({"input_ssml": "one\ntwo"}, "input_ssml"),
        ({"input_ssml": "one\r"}, "input_ssml"),
        ({"input_ssml": "x" * 2_001, "video_param": {"Format": "TransparentMov"}}, "input_ssml"),
        ({"speech_param": {"Speed": 0.49}}, r"speech_param\[Speed\]"),
        ({"speech_param": {"Speed": 1.51}}, r"speech_param\[Speed\]"),
        ({"speech_param": {"Speed": float("nan")}}, r"speech_param\[Speed\]"),
        ({"speech_param": {"Volume": -1}}, r"speech_param\[Volume\]"),
        ({"speech_param": {"Volume": 11}}, r"speech_param\[Volume\]"),
        ({"speech_param": {"EmotionIntensity": 100}}, "speech_param"),
        (
            {"speech_param": {"EmotionCategory": "glad", "EmotionIntensity": 49}},
            r"speech_param\[EmotionIntensity\]",
        ),
        (
            {"speech_param": {"EmotionCategory": "glad", "EmotionIntensity": 201}},
            r"speech_param\[EmotionIntensity\]",
        ),
        ({"speech_param": "fast"}, "speech_param"),
        ({"video_param": "Mp4"}, "video_param"),
        ({"video_param": {"Format": object()}}, r"video_param\[Format\]"),
        ({"callback_url": "https://h.example.com/" + "x" * 978}, "callback_url"),
        ({"callback_url": "ftp://h.example.com"}, "callback_url"),
        ({"video_storage_s3_url": "bucket/key"}, "video_storage_s3_url"),
        ({"subtitle_storage_s3_url": "bucket/key"}, "subtitle_storage_s3_url"),
        ({"concurrency_type": "exclusive"}, "concurrency_type"),
        ({"speed": 1.0}, "speed"),
    ],
)
def test_a_broken_video_rule_names_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest, match=rf"video_make request is not valid: {field}:"):
        video(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"input_ssml": "x" * 20_000},
        {"input_ssml": "晚" * 20_000},
        {"input_ssml": "x" * 2_000, "video_param": {"Format": "TransparentMov"}},
        {"input_ssml": "x" * 2_001, "video_param": {"Format": "TransparentWebm"}},
        {"input_audio_url": AUDIO, "driver_type": "OriginalVoice"},
        {"input_audio_url": AUDIO, "driver_type": "Text"},
        {"speech_param": {"Speed": 0.5, "EmotionCategory": "glad", "EmotionIntensity": 200}},
        {"speech_param": {"Speed": 1.5, "Volume": 0}},
        {"speech_param": {}},
        {"video_param": {"Format": "AnEditionsOwn", "LogoParams": [{"LogoFileUrl": None}]}},
        {"callback_url": "https://h.example.com/" + "x" * 977},
        {"concurrency_type": "Exclusive"},
    ],
)
def test_a_video_within_the_rules_is_accepted(changes: dict[str, Any]) -> None:
    assert video(**changes).to_vendor()


# -- speech -------------------------------------------------------------------------------------------------


def test_every_field_of_speech_travels_flat_under_the_vendors_name() -> None:
    full = tts(
        virtualman_key="vmk-1",
        speed=0.9,
        volume=10,
        sample_rate=16000,
        codec="wav",
        audio_storage_s3_url="https://bucket.example.com/a?sig=1",
        sentence_max_words=0,
        sentence_display_punctuation="1",
        sentence_split_punctuation="。",
        emotion_category="glad",
        emotion_intensity=50,
    )
    assert full.to_vendor() == {
        "InputSsml": "<speak>Good morning</speak>",
        "TimbreKey": "timbre-1",
        "VirtualmanKey": "vmk-1",
        "Speed": 0.9,
        "Volume": 10,
        "SampleRate": 16000,
        "Codec": "wav",
        "AudioStorageS3Url": "https://bucket.example.com/a?sig=1",
        "SentenceMaxWords": 0,
        "SentenceDisplayPunctuation": "1",
        "SentenceSplitPunctuation": "。",
        "EmotionCategory": "glad",
        "EmotionIntensity": 50,
    }


def test_the_least_speech_has_a_voice_a_text_and_the_mandatory_speed() -> None:
    least = {"InputSsml": "<speak>Good morning</speak>", "Speed": 1.0}
    assert tts().to_vendor() == least | {"TimbreKey": "timbre-1"}
    assert tts(timbre_key=None, virtualman_key="vmk-1").to_vendor() == least | {"VirtualmanKey": "vmk-1"}


def test_a_sample_rate_rendered_as_text_is_sent_as_a_number() -> None:
    assert tts(sample_rate="24000").to_vendor()["SampleRate"] == 24000


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"timbre_key": None}, "timbre_key, virtualman_key"),
        ({"timbre_key": ""}, "timbre_key, virtualman_key"),
        ({"timbre_key": "  "}, "timbre_key"),
        ({"input_ssml": None}, "input_ssml"),
        ({"input_ssml": "x" * 20_001}, "input_ssml"),
        ({"input_ssml": "one\ntwo"}, "input_ssml"),
        ({"speed": 0.4}, "speed"),
        ({"speed": 1.6}, "speed"),
        ({"volume": 11}, "volume"),
        ({"volume": 1.5}, "volume"),
        ({"sample_rate": 8000}, "sample_rate"),
        ({"sample_rate": "fast"}, "sample_rate"),
        ({"codec": "ogg"}, "codec"),
        ({"audio_storage_s3_url": "bucket/key"}, "audio_storage_s3_url"),
        ({"sentence_max_words": 1000}, "sentence_max_words"),
        ({"sentence_max_words": -1}, "sentence_max_words"),
        ({"emotion_intensity": 100}, "emotion_intensity"),
        ({"emotion_category": "glad", "emotion_intensity": 49}, "emotion_intensity"),
        ({"emotion_category": "glad", "emotion_intensity": 201}, "emotion_intensity"),
        ({"speech_param": {"Speed": 1.0}}, "speech_param"),
    ],
)
def test_a_broken_speech_rule_names_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest, match=rf"tts request is not valid: {field}:"):
        tts(**changes)


# -- both ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_class", [VideoMakeRequest, TtsRequest])
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_rules_judge_literals_of_any_type(request_class: type[JobRequest], data: st.DataObject) -> None:
    names = st.sampled_from(sorted(request_class.model_fields))
    values = data.draw(st.dictionaries(names, LITERAL, max_size=5))
    for rule in request_class.rules:
        assert rule.holds(*(values.get(name) for name in rule.fields)) in (True, False)
    with suppress(InvalidRequest):
        request_class.check_known(values, unknown=[])
