# SPDX-License-Identifier: Apache-2.0
"""What the tasks of Tencent IVH take: "Video Production API" and "Audio Production API" (2024-07-18)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, JsonValue, StringConstraints, with_config
from pydantic.alias_generators import to_pascal
from typing_extensions import TypedDict, override

from airflow_provider_videoai.jobs.protocol.json_values import mapping
from airflow_provider_videoai.jobs.request import InputUrl, JobRequest, Rule, WebUrl

__all__ = ["SpeechParam", "TtsRequest", "VideoMakeRequest"]

_TRANSPARENT_MOV_LENGTH, _CALLBACK_URL_LENGTH = 2000, 1000  # characters


def _one_line(value: str) -> str:
    if "\n" in value or "\r" in value:
        raise ValueError("must not contain line breaks")
    return value


# A rendered template is text, which a Literal of numbers would refuse.
def _as_number(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


_Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
# "Video Production API": 20,000 characters, and line breaks are refused.
_Ssml = Annotated[str, StringConstraints(min_length=1, max_length=20_000), AfterValidator(_one_line)]
_Speed = Annotated[float, Field(ge=0.5, le=1.5, allow_inf_nan=False)]
_Volume = Annotated[int, Field(ge=0, le=10)]
_Intensity = Annotated[int, Field(ge=50, le=200)]


@with_config(ConfigDict(extra="allow"))
class SpeechParam(TypedDict, total=False):
    """The vendor's ``SpeechParam`` under its own names; those without a limit are not listed and passed on."""

    Speed: _Speed
    Volume: _Volume
    EmotionCategory: _Words
    EmotionIntensity: _Intensity


def _whole_speech(speech: SpeechParam) -> SpeechParam:
    if "EmotionIntensity" in speech and "EmotionCategory" not in speech:
        raise ValueError("EmotionIntensity needs EmotionCategory")
    return {"Speed": 1.0, **speech}  # Speed is mandatory on the wire


class _IvhRequest(JobRequest):
    model_config = ConfigDict(alias_generator=to_pascal)


class VideoMakeRequest(_IvhRequest):
    """Make a video in which a presenter speaks a text or an audio.

    ``driver_type`` "Text" (the vendor's default) speaks ``input_ssml``; "OriginalVoice" and "ModulatedVoice" follow
    ``input_audio_url``. Left out, and with an audio alone, "OriginalVoice" is sent: the audio as it is.
    ``input_ssml`` has at most 20,000 characters (2,000 for ``video_param`` Format "TransparentMov") and no line break.
    ``speech_param`` and ``video_param`` keep the vendor's names; ``video_param`` is passed on as it is, since its
    values differ between the vendor's editions. Without storage addresses the vendor keeps the results 7 days.
    """

    operation: ClassVar[str] = "video_make"

    virtualman_key: _Words
    input_ssml: _Ssml | None = None
    input_audio_url: InputUrl | None = None
    driver_type: Literal["Text", "OriginalVoice", "ModulatedVoice"] | None = None
    speech_param: Annotated[SpeechParam, AfterValidator(_whole_speech)] = Field(
        default_factory=lambda: SpeechParam(Speed=1.0)
    )
    video_param: dict[str, JsonValue] | None = None
    # One POST, never repeated and not signed ("Video Production API"): a hint at most, so jobs are polled all the same.
    callback_url: WebUrl | None = None
    video_storage_s3_url: WebUrl | None = None
    subtitle_storage_s3_url: WebUrl | None = None
    # Which one an absent ConcurrencyType means is not documented: nothing is sent then.
    concurrency_type: Literal["Exclusive", "Shared"] | None = None

    rules = (
        Rule(
            ("input_ssml", "input_audio_url"),
            "input_ssml, input_audio_url: one of them must be given",
            lambda ssml, audio: bool(ssml or audio),
        ),
        Rule(
            ("driver_type", "input_ssml", "input_audio_url"),
            "driver_type: must say which drives the video when both input_ssml and input_audio_url are given",
            lambda driver, ssml, audio: bool(driver) or not (ssml and audio),
        ),
        Rule(
            ("driver_type", "input_ssml"),
            "input_ssml: required when driver_type is 'Text'",
            lambda driver, ssml: driver != "Text" or bool(ssml),
        ),
        Rule(
            ("driver_type", "input_audio_url"),
            "input_audio_url: required when driver_type is 'OriginalVoice' or 'ModulatedVoice'",
            lambda driver, audio: driver in (None, "Text") or bool(audio),
        ),
        Rule(
            ("input_ssml", "video_param"),
            "input_ssml: at most 2000 characters when video_param has the Format 'TransparentMov'",
            lambda ssml, video: (
                mapping(video).get("Format") != "TransparentMov" or len(str(ssml)) <= _TRANSPARENT_MOV_LENGTH
            ),
        ),
        Rule(
            ("callback_url",),
            "callback_url: must be shorter than 1000 characters",
            lambda address: len(str(address)) < _CALLBACK_URL_LENGTH,
        ),
    )

    @override
    def to_vendor(self) -> dict[str, Any]:
        # Absent, DriverType is "Text" at the vendor, which then demands the InputSsml that is not there.
        driver = {} if self.driver_type or self.input_ssml else {"DriverType": "OriginalVoice"}
        return super().to_vendor() | driver


class TtsRequest(_IvhRequest):
    """Make speech from text, with the time of every word. A voice is named by ``timbre_key`` or ``virtualman_key``.

    ``sample_rate`` is in Hz, ``speed`` 0.5-1.5 (1 is normal), ``volume`` 0-10 (0 is normal);
    ``sentence_display_punctuation`` is "0" for none, "1" for all, or the marks to show.
    """

    operation: ClassVar[str] = "tts"

    input_ssml: _Ssml
    timbre_key: _Words | None = None
    virtualman_key: _Words | None = None
    speed: _Speed = 1.0
    volume: _Volume | None = None
    sample_rate: Annotated[Literal[24000, 16000] | None, BeforeValidator(_as_number)] = None
    # 24000 Hz and mp3 are the vendor's defaults: left out rather than repeated here, where they could grow stale.
    codec: Literal["mp3", "wav"] | None = None
    audio_storage_s3_url: WebUrl | None = None
    sentence_max_words: Annotated[int | None, Field(ge=0, le=999)] = None
    sentence_display_punctuation: str | None = None
    sentence_split_punctuation: str | None = None
    emotion_category: _Words | None = None
    emotion_intensity: _Intensity | None = None

    rules = (
        Rule(
            ("timbre_key", "virtualman_key"),
            "timbre_key, virtualman_key: one of them must be given",
            lambda timbre, virtualman: bool(timbre or virtualman),
        ),
        Rule(
            ("emotion_intensity", "emotion_category"),
            "emotion_intensity: needs emotion_category",
            lambda intensity, category: intensity is None or bool(category),
        ),
    )
