# SPDX-License-Identifier: Apache-2.0
"""ViiTor: remove burnt-in text from a video."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from airflow_provider_videoai.hooks.viitor import ViiTorHook
from airflow_provider_videoai.operators.job import VideoJobOperator
from airflow_provider_videoai.tasks.templated import Regions, Text
from airflow_provider_videoai.vendors.viitor import TextRemovalRequest

__all__ = ["ViiTorTextRemovalOperator"]


class ViiTorTextRemovalOperator(VideoJobOperator):
    """Remove burnt-in text; ``media_url`` of the result is the cleaned video. At least one region is needed.

    :param url: the video, at a URL that ViiTor can fetch, or an object in a store: ``s3://conn@bucket/key``.
    :param task_name: a name for ViiTor's console, cut at 50 characters there.
    :param text_detect_roi: at most 5 regions ``[x1, y1, x2, y2]`` in which text is looked for and erased.
    :param full_erase_roi: at most 5 regions that are erased whole.
    :param viitor_conn_id: the Airflow connection of the account. Templated.

    Request fields are templated. Further arguments:
    :class:`~airflow_provider_videoai.operators.job.VideoJobOperator`.
    """

    hook_class = ViiTorHook
    request_class = TextRemovalRequest
    source_fields = ("url",)
    template_fields: Collection[str] = (*TextRemovalRequest.model_fields, "viitor_conn_id", "input_conn_id")

    def __init__(
        self,
        *,
        url: Text,
        task_name: Text,
        text_detect_roi: Regions | None = None,
        full_erase_roi: Regions | None = None,
        viitor_conn_id: Text = ViiTorHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=viitor_conn_id, **kwargs)
        self.url = url
        self.task_name = task_name
        self.text_detect_roi = text_detect_roi
        self.full_erase_roi = full_erase_roi
        self.viitor_conn_id = viitor_conn_id
        self.check_literals()
