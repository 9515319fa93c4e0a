# SPDX-License-Identifier: Apache-2.0
"""Topview: let an avatar speak."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_videoai.hooks.topview import TopviewHook
from airflow_provider_videoai.operators.job import VideoJobOperator
from airflow_provider_videoai.vendors.topview import VideoAvatarRequest


class TopviewVideoAvatarOperator(VideoJobOperator):
    """Make a video of an avatar that speaks a text or a recording.

    :param avatar_source_from: 0 uploaded video, 1 public avatar, 2 custom avatar, 3 uploaded photo.
    :param audio_source_from: 0 uploaded audio, 1 text to speech.
    :param video_file_id: the uploaded video; with avatar source 0.
    :param ai_avatar_id: the avatar; with avatar sources 1 and 2.
    :param image_file_id: the uploaded photo; with avatar source 3.
    :param audio_file_id: the uploaded audio; with audio source 0.
    :param tts_text: the text; with audio source 1.
    :param voiceover_id: the voice; with audio source 1. A public avatar has a voice of its own.
    :param voice_speed: 0.8 to 1.2, for text to speech.
    :param mode_type: 0 avatar 1, 1 avatar 2, 2 avatar 4. Vendor default: 0.
    :param caption_id: the style of burnt-in captions; with avatar source 1.
    :param save_as_custom_avatar: also keep the person of the video as a custom avatar.
    :param notice_url: where the vendor posts that the job ended; this package does not need it.
    :param need_cloud_front_url: ``True`` asks for a CloudFront address of the result, ``False`` for one at S3.
    :param topview_conn_id: the Airflow connection of the account.

    Request fields are templated. Further arguments:
    :class:`~airflow_provider_videoai.operators.job.VideoJobOperator`.
    """

    hook_class = TopviewHook
    request_class = VideoAvatarRequest
    source_fields = ("tts_text", "audio_file_id", "video_file_id")
    template_fields: Sequence[str] = tuple(VideoAvatarRequest.model_fields)

    def __init__(
        self,
        *,
        avatar_source_from: str | int,
        audio_source_from: str | int,
        video_file_id: str | None = None,
        ai_avatar_id: str | None = None,
        image_file_id: str | None = None,
        audio_file_id: str | None = None,
        tts_text: str | None = None,
        voiceover_id: str | None = None,
        voice_speed: float | str | None = None,
        mode_type: str | int | None = None,
        caption_id: str | None = None,
        save_as_custom_avatar: bool | str | None = None,
        notice_url: str | None = None,
        need_cloud_front_url: bool | str | None = None,
        topview_conn_id: str = TopviewHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=topview_conn_id, **kwargs)
        self.avatar_source_from = avatar_source_from
        self.audio_source_from = audio_source_from
        self.video_file_id = video_file_id
        self.ai_avatar_id = ai_avatar_id
        self.image_file_id = image_file_id
        self.audio_file_id = audio_file_id
        self.tts_text = tts_text
        self.voiceover_id = voiceover_id
        self.voice_speed = voice_speed
        self.mode_type = mode_type
        self.caption_id = caption_id
        self.save_as_custom_avatar = save_as_custom_avatar
        self.notice_url = notice_url
        self.need_cloud_front_url = need_cloud_front_url
        self.topview_conn_id = topview_conn_id
        self.check_literals()
