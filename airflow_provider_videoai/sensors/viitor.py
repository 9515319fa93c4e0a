# SPDX-License-Identifier: Apache-2.0
"""ViiTor: wait for jobs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from airflow_provider_videoai.hooks.viitor import ViiTorHook
from airflow_provider_videoai.sensors.job import VideoJobSensor
from airflow_provider_videoai.tasks.templated import JobIds, Text

__all__ = ["ViiTorTextRemovalSensor"]


class ViiTorTextRemovalSensor(VideoJobSensor):
    """Wait for text removal jobs.

    :param job_id: one id or a list. (templated)
    :param viitor_conn_id: the Airflow connection of the account. (templated)

    Further arguments: :class:`~airflow_provider_videoai.sensors.job.VideoJobSensor`.
    """

    hook_class = ViiTorHook
    operation = "text_removal"
    template_fields: Collection[str] = ("job_id", "viitor_conn_id")

    def __init__(self, *, job_id: JobIds, viitor_conn_id: Text = ViiTorHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(job_id=job_id, conn_id=viitor_conn_id, **kwargs)
        self.viitor_conn_id = viitor_conn_id
