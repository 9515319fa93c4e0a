# SPDX-License-Identifier: Apache-2.0
"""Tencent IVH: digital-human video and speech."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from airflow_provider_videoai.hooks.tencent_ivh import TencentIVHHook
from airflow_provider_videoai.operators.job import VideoJobOperator
from airflow_provider_videoai.tasks.templated import Fields, Integer, Number, Text
from airflow_provider_videoai.vendors.tencent_ivh import TtsRequest, VideoMakeRequest

__all__ = ["TencentTtsOperator", "TencentVideoMakeOperator"]


class TencentVideoMakeOperator(VideoJobOperator):
    """Make a video of a digital human that speaks a text or a recording. Tencent keeps it for 7 days.

    :param virtualman_key: the digital human.
    :param input_ssml: the text, at most 20,000 characters without line breaks.
    :param input_audio_url: the recording, at a URL that Tencent can fetch, or an object in a store:
        ``s3://conn@bucket/key``.
    :param driver_type: ``Text``, ``OriginalVoice`` or ``ModulatedVoice``. Vendor default: Text.
    :param speech_param: ``Speed`` (0.5-1.5), ``TimbreKey``, ``Volume`` and so on, under Tencent's names;
        ``None`` is ``{"Speed": 1.0}``.
    :param video_param: ``Format`` and so on, under Tencent's names; editions differ, so it is passed on as it is.
    :param callback_url: where the vendor posts, once, that the job ended; this package does not need it.
    :param video_storage_s3_url: a pre-signed address that takes the video instead of the 7-day store.
    :param subtitle_storage_s3_url: the same for the subtitles.
    :param concurrency_type: ``Exclusive`` or ``Shared``.
    :param tencent_ivh_conn_id: the Airflow connection of the account. Templated.

    Request fields are templated. Further arguments:
    :class:`~airflow_provider_videoai.operators.job.VideoJobOperator`.
    """

    hook_class = TencentIVHHook
    request_class = VideoMakeRequest
    source_fields = ("input_audio_url", "input_ssml")
    template_fields: Collection[str] = (*VideoMakeRequest.model_fields, "tencent_ivh_conn_id", "input_conn_id")

    def __init__(
        self,
        *,
        virtualman_key: Text,
        input_ssml: Text | None = None,
        input_audio_url: Text | None = None,
        driver_type: Text | None = None,
        speech_param: Fields | None = None,
        video_param: Fields | None = None,
        callback_url: Text | None = None,
        video_storage_s3_url: Text | None = None,
        subtitle_storage_s3_url: Text | None = None,
        concurrency_type: Text | None = None,
        tencent_ivh_conn_id: Text = TencentIVHHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=tencent_ivh_conn_id, **kwargs)
        self.virtualman_key = virtualman_key
        self.input_ssml = input_ssml
        self.input_audio_url = input_audio_url
        self.driver_type = driver_type
        self.speech_param = {"Speed": 1.0} if speech_param is None else speech_param
        self.video_param = video_param
        self.callback_url = callback_url
        self.video_storage_s3_url = video_storage_s3_url
        self.subtitle_storage_s3_url = subtitle_storage_s3_url
        self.concurrency_type = concurrency_type
        self.tencent_ivh_conn_id = tencent_ivh_conn_id
        self.check_literals()


class TencentTtsOperator(VideoJobOperator):
    """Make speech from a text; the result has the time of each word in ``details``. Tencent keeps it for 7 days.

    :param input_ssml: the text, at most 20,000 characters without line breaks.
    :param timbre_key: the voice.
    :param virtualman_key: the digital human whose voice it is. One of the two is needed.
    :param speed: 0.5 to 1.5.
    :param volume: 0 to 10; 0 is normal.
    :param sample_rate: 24000 or 16000 Hz. Vendor default: 24000.
    :param codec: ``mp3`` or ``wav``. Vendor default: mp3.
    :param audio_storage_s3_url: a pre-signed address that takes the audio instead of the 7-day store.
    :param sentence_max_words: words in a sentence of the timestamps, 0 to 999. Vendor default: 30.
    :param sentence_display_punctuation: ``0`` none, ``1`` all, or the marks to keep.
    :param sentence_split_punctuation: the marks that end a sentence.
    :param emotion_category: for voices with several emotions.
    :param emotion_intensity: 50 to 200, with an emotion.
    :param tencent_ivh_conn_id: the Airflow connection of the account. Templated.

    Request fields are templated. Further arguments:
    :class:`~airflow_provider_videoai.operators.job.VideoJobOperator`.
    """

    hook_class = TencentIVHHook
    request_class = TtsRequest
    source_fields = ("input_ssml",)
    template_fields: Collection[str] = (*TtsRequest.model_fields, "tencent_ivh_conn_id")

    def __init__(
        self,
        *,
        input_ssml: Text,
        timbre_key: Text | None = None,
        virtualman_key: Text | None = None,
        speed: Number = 1.0,
        volume: Integer | None = None,
        sample_rate: Integer | None = None,
        codec: Text | None = None,
        audio_storage_s3_url: Text | None = None,
        sentence_max_words: Integer | None = None,
        sentence_display_punctuation: Text | None = None,
        sentence_split_punctuation: Text | None = None,
        emotion_category: Text | None = None,
        emotion_intensity: Integer | None = None,
        tencent_ivh_conn_id: Text = TencentIVHHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=tencent_ivh_conn_id, **kwargs)
        self.input_ssml = input_ssml
        self.timbre_key = timbre_key
        self.virtualman_key = virtualman_key
        self.speed = speed
        self.volume = volume
        self.sample_rate = sample_rate
        self.codec = codec
        self.audio_storage_s3_url = audio_storage_s3_url
        self.sentence_max_words = sentence_max_words
        self.sentence_display_punctuation = sentence_display_punctuation
        self.sentence_split_punctuation = sentence_split_punctuation
        self.emotion_category = emotion_category
        self.emotion_intensity = emotion_intensity
        self.tencent_ivh_conn_id = tencent_ivh_conn_id
        self.check_literals()
