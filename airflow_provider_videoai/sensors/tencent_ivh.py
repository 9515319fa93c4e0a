# SPDX-License-Identifier: Apache-2.0
"""Tencent IVH: wait for jobs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from airflow_provider_videoai.hooks.tencent_ivh import TencentIVHHook
from airflow_provider_videoai.sensors.job import VideoJobSensor
from airflow_provider_videoai.tasks.templated import JobIds, Text

__all__ = ["TencentProductionSensor"]


class TencentProductionSensor(VideoJobSensor):
    """Wait for productions, videos and speech alike.

    :param job_id: one id or a list. (templated)
    :param tencent_ivh_conn_id: the Airflow connection of the account. (templated)

    Further arguments: :class:`~airflow_provider_videoai.sensors.job.VideoJobSensor`.
    """

    hook_class = TencentIVHHook
    operation = "video_make"
    template_fields: Collection[str] = ("job_id", "tencent_ivh_conn_id")

    def __init__(
        self, *, job_id: JobIds, tencent_ivh_conn_id: Text = TencentIVHHook.default_conn_name, **kwargs: Any
    ) -> None:
        super().__init__(job_id=job_id, conn_id=tencent_ivh_conn_id, **kwargs)
        self.tencent_ivh_conn_id = tencent_ivh_conn_id
