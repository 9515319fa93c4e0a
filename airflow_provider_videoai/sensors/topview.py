# SPDX-License-Identifier: Apache-2.0
"""Topview: wait for jobs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from airflow_provider_videoai.hooks.topview import TopviewHook
from airflow_provider_videoai.sensors.job import VideoJobSensor
from airflow_provider_videoai.tasks.templated import JobIds, Text

__all__ = ["TopviewVideoAvatarSensor"]


class TopviewVideoAvatarSensor(VideoJobSensor):
    """Wait for video avatar jobs.

    :param job_id: one id or a list. (templated)
    :param topview_conn_id: the Airflow connection of the account. (templated)

    Further arguments: :class:`~airflow_provider_videoai.sensors.job.VideoJobSensor`.
    """

    hook_class = TopviewHook
    operation = "video_avatar"
    template_fields: Collection[str] = ("job_id", "topview_conn_id")

    def __init__(self, *, job_id: JobIds, topview_conn_id: Text = TopviewHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(job_id=job_id, conn_id=topview_conn_id, **kwargs)
        self.topview_conn_id = topview_conn_id
