# SPDX-License-Identifier: Apache-2.0
"""Topview: upload files, and let an avatar speak."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any, cast

from airflow.sdk import Context
from typing_extensions import override

from airflow_provider_videoai.files.locations import FilePath
from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.hooks.topview import TopviewHook
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.request import JobRequest
from airflow_provider_videoai.jobs.submission.record_store import Store
from airflow_provider_videoai.operators.job import VideoJobOperator
from airflow_provider_videoai.tasks.airflow_failures import airflow_boundary
from airflow_provider_videoai.tasks.arguments import connection_id
from airflow_provider_videoai.tasks.connection_fields import connection_in
from airflow_provider_videoai.tasks.template_literals import RendersText, is_known
from airflow_provider_videoai.tasks.templated import FileSource, Flag, Integer, Number, Text
from airflow_provider_videoai.uploads.upload_source import SourceFile, format_of
from airflow_provider_videoai.uploads.uploaded_file import upload_once
from airflow_provider_videoai.vendors.topview import FORMATS, VideoAvatarRequest

__all__ = ["TopviewUploadOperator", "TopviewVideoAvatarOperator"]

_FILES = {"video_file": "video", "audio_file": "audio", "image_file": "image"}
"""Arguments that name a file to be uploaded, in place of the id of an uploaded one, and its kind."""


class TopviewUploadOperator(RendersText):
    """Upload a file to Topview and return its file id.

    An upload costs nothing: a retry, or a cleared task, uploads the file again under another id.

    :param source: the file: a path, the URL of one in a store (``s3://conn@bucket/clip.mp4``), or an
        ``ObjectStoragePath``; its name ends in .mp4, .mov, .avi, .png, .jpg, .jpeg, .bmp, .webp, .mp3, .wav or .m4a.
        Templated.
    :param topview_conn_id: the Airflow connection of the account. Templated.
    """

    template_fields: Collection[str] = ("source", "topview_conn_id")
    ui_color = VideoJobOperator.ui_color

    def __init__(
        self, *, source: FileSource, topview_conn_id: Text = TopviewHook.default_conn_name, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.topview_conn_id = connection_id("topview_conn_id", topview_conn_id)
        if is_known(source):
            format_of("source", source, FORMATS)

    @override
    def execute(self, context: Context) -> str:
        with airflow_boundary():
            hook = TopviewHook(connection_in(self, "topview_conn_id"))
            return hook.upload(cast(FilePath, self.source))  # rendered by now


class TopviewVideoAvatarOperator(VideoJobOperator):
    """Make a video of an avatar that speaks a text or a recording.

    Give an uploaded file by its id, or a file of your own by its path or URL: it is uploaded when the job is submitted,
    and only then. Such a file is identified by its path, size and version (ETag, MD5 or time of change):
    the same file is the same request, so a retry finds the job again; with other content it is another job.

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
    :param video_file: a file to be uploaded, .mp4, .mov or .avi, in place of ``video_file_id``.
    :param audio_file: a file to be uploaded, .mp3, .wav or .m4a, in place of ``audio_file_id``.
    :param image_file: a file to be uploaded, .png, .jpg, .jpeg, .bmp or .webp, in place of ``image_file_id``.
    :param need_cloud_front_url: ``True`` requests a CloudFront address of the result, ``False`` for one at S3.
    :param topview_conn_id: the Airflow connection of the account. Templated.

    Request fields are templated. Further arguments:
    :class:`~airflow_provider_videoai.operators.job.VideoJobOperator`.
    """

    hook_class = TopviewHook
    request_class = VideoAvatarRequest
    source_fields = ("tts_text", "audio_file", "audio_file_id", "video_file", "video_file_id")
    template_fields: Collection[str] = (*VideoAvatarRequest.model_fields, *_FILES, "topview_conn_id")

    def __init__(
        self,
        *,
        avatar_source_from: Integer,
        audio_source_from: Integer,
        video_file_id: Text | None = None,
        ai_avatar_id: Text | None = None,
        image_file_id: Text | None = None,
        audio_file_id: Text | None = None,
        tts_text: Text | None = None,
        voiceover_id: Text | None = None,
        voice_speed: Number | None = None,
        mode_type: Integer | None = None,
        caption_id: Text | None = None,
        save_as_custom_avatar: Flag | None = None,
        notice_url: Text | None = None,
        need_cloud_front_url: Flag | None = None,
        video_file: FileSource | None = None,
        audio_file: FileSource | None = None,
        image_file: FileSource | None = None,
        topview_conn_id: Text = TopviewHook.default_conn_name,
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
        self.video_file = video_file
        self.audio_file = audio_file
        self.image_file = image_file
        self.topview_conn_id = topview_conn_id
        self.check_literals()

    @override
    def identified(self, request: JobRequest) -> JobRequest:
        """Put what identifies each file in the place of the id that it does not have yet.

        :param request: whose ids of files are still their paths.
        """
        # Not the file's id: each upload has another one, and a retry would not recognise its own job.
        files = {f"{name}_id": SourceFile.find(name, source).identity for name, source in self._files().items()}
        return request.model_copy(update=files)

    @override
    def ready(self, request: JobRequest, hook: VideoJobHook, store: Store) -> JobRequest:
        """Upload the files and put their ids in the place of what identifies them.

        :param request: as :meth:`identified` returned it.
        :param hook: of the account.
        :param store: keeps the ids of uploaded files, so that a retry does not upload them again.
        """
        topview = cast(TopviewHook, hook)
        ids = {
            f"{name}_id": upload_once(
                store, getattr(request, f"{name}_id"), topview.has_file, partial(topview.upload, source)
            )
            for name, source in self._files().items()
        }
        return request.model_copy(update=ids)

    @override
    def _fields(self) -> dict[str, Any]:
        fields = super()._fields()
        for name, source in self._files().items():
            if f"{name}_id" in fields:
                raise InvalidRequest(f"{name}: cannot be given together with {name}_id")
            if is_known(source):
                format_of(name, source, [known for known, kind in FORMATS.items() if kind == _FILES[name]])
                source = str(source)  # noqa: PLW2901 - what is rendered later stays what it is
            # Under the id's name: the request's rules (which source needs which file) hold for files as well.
            fields[f"{name}_id"] = source
        return fields

    def _files(self) -> dict[str, Any]:
        # A template renders what is absent as an empty text, or as "None".
        return {name: source for name in _FILES if (source := getattr(self, name)) not in (None, "", "None")}
