# SPDX-License-Identifier: Apache-2.0
"""Alibaba Aidge: wait for jobs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from airflow_provider_videoai.hooks.aidge import AidgeHook
from airflow_provider_videoai.sensors.job import VideoJobSensor
from airflow_provider_videoai.tasks.templated import JobIds, Text

__all__ = ["AidgeVideoRemovalSensor"]


class AidgeVideoRemovalSensor(VideoJobSensor):
    """Wait for video removal jobs.

    :param job_id: one id or a list. (templated)
    :param aidge_conn_id: the Airflow connection of the account. (templated)

    Further arguments: :class:`~airflow_provider_videoai.sensors.job.VideoJobSensor`.
    """

    hook_class = AidgeHook
    operation = "video_removal"
    template_fields: Collection[str] = ("job_id", "aidge_conn_id")

    def __init__(self, *, job_id: JobIds, aidge_conn_id: Text = AidgeHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(job_id=job_id, conn_id=aidge_conn_id, **kwargs)
        self.aidge_conn_id = aidge_conn_id
