# SPDX-License-Identifier: Apache-2.0
"""CDNetworks Cloud VoD: wait for jobs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from airflow_provider_videoai.hooks.cdnetworks import CDNetworksHook
from airflow_provider_videoai.sensors.job import VideoJobSensor
from airflow_provider_videoai.tasks.templated import JobIds, Text

__all__ = ["CDNetworksPullVideoSensor", "CDNetworksTrimSensor"]


class CDNetworksTrimSensor(VideoJobSensor):
    """Wait for trimming jobs, by their ``transNo``.

    :param job_id: one id or a list. (templated)
    :param cdnetworks_conn_id: the Airflow connection of the account. (templated)

    Further arguments: :class:`~airflow_provider_videoai.sensors.job.VideoJobSensor`.
    """

    hook_class = CDNetworksHook
    operation = "trim"
    template_fields: Collection[str] = ("job_id", "cdnetworks_conn_id")

    def __init__(
        self, *, job_id: JobIds, cdnetworks_conn_id: Text = CDNetworksHook.default_conn_name, **kwargs: Any
    ) -> None:
        super().__init__(job_id=job_id, conn_id=cdnetworks_conn_id, **kwargs)
        self.cdnetworks_conn_id = cdnetworks_conn_id


class CDNetworksPullVideoSensor(CDNetworksTrimSensor):
    """Wait for videos that are being pulled in, by their ``transNo``."""

    operation = "pull_video"
