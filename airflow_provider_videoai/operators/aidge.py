# SPDX-License-Identifier: Apache-2.0
"""Alibaba Aidge: remove text, and what else covers a video."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from typing_extensions import override

from airflow_provider_videoai.hooks.aidge import AidgeHook
from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.jobs.request import JobRequest
from airflow_provider_videoai.jobs.submission.record_store import Store
from airflow_provider_videoai.operators.job import VideoJobOperator
from airflow_provider_videoai.tasks.arguments import flag
from airflow_provider_videoai.tasks.templated import FieldsList, Flag, Text
from airflow_provider_videoai.uploads.media_check import check_media
from airflow_provider_videoai.vendors.aidge import VideoRemovalRequest

__all__ = ["AidgeVideoRemovalOperator"]


class AidgeVideoRemovalOperator(VideoJobOperator):
    """Remove text from a video; ``media_url`` of the result is the cleaned video.

    :param video_url: the video, up to 200 MB, 6 minutes and 1080p, at a URL that Aidge can fetch, or an object in a
        store: ``s3://conn@bucket/key``.
    :param language: the text's language, ``zh`` or ``en``.
    :param artificial_text_only: ``False`` also removes natural text, on products say. Vendor default: true.
    :param remove_audio: ``True`` mutes the result. Vendor default: false.
    :param inpainting_boxes: ``{"timestamp": [start, end], "box": [x1, y1, x2, y2]}``: seconds, and corners in 0-1.
    :param color_blocks: ``True`` also removes colour blocks behind text, and logos near it. Vendor default: false.
    :param check_media: check the video before the job is submitted, and fail with ``InvalidRequest`` if it exceeds
        Aidge's limits. Its header is fetched, not the video. Needs the extra ``media``.
    :param aidge_conn_id: the Airflow connection of the account. Templated.

    Request fields are templated. Further arguments:
    :class:`~airflow_provider_videoai.operators.job.VideoJobOperator`.
    """

    hook_class = AidgeHook
    request_class = VideoRemovalRequest
    source_fields = ("video_url",)
    template_fields: Collection[str] = (*VideoRemovalRequest.model_fields, "aidge_conn_id", "input_conn_id")

    def __init__(
        self,
        *,
        video_url: Text,
        language: Text,
        artificial_text_only: Flag | None = None,
        remove_audio: Flag | None = None,
        inpainting_boxes: FieldsList | None = None,
        color_blocks: Flag | None = None,
        check_media: bool = False,
        aidge_conn_id: Text = AidgeHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=aidge_conn_id, **kwargs)
        self.video_url = video_url
        self.language = language
        self.artificial_text_only = artificial_text_only
        self.remove_audio = remove_audio
        self.inpainting_boxes = inpainting_boxes
        self.color_blocks = color_blocks
        self.check_media = flag("check_media", check_media)
        self.aidge_conn_id = aidge_conn_id
        self.check_literals()

    @override
    def ready(self, request: JobRequest, hook: VideoJobHook, store: Store) -> JobRequest:
        # Here and not in execute(): a retry that attaches to a running job need not fetch the video again.
        if self.check_media:
            check_media(request, hook.transport.vendor.account)
        return request
