# SPDX-License-Identifier: Apache-2.0
"""Connections of type ``tencent_ivh``."""

from __future__ import annotations

from pydantic import Field

from airflow_provider_videoai.connections.form import ConnectionType
from airflow_provider_videoai.jobs.protocol.options import ConnectionOptions

__all__ = ["CONNECTION", "TencentIVHOptions"]


class TencentIVHOptions(ConnectionOptions):
    """What the extra of a ``tencent_ivh`` connection may say."""

    max_audio_jobs_in_flight: int = Field(
        1,
        title="Audio jobs in flight",
        description="The most audio jobs of this account at a time; the option for all jobs is that for videos.",
        ge=1,
        le=1_000_000,
    )


CONNECTION = ConnectionType(
    title="Tencent IVH",
    website="https://cloud.tencent.com/product/ivh",
    default_host="https://gw.tvs.qq.com",
    login="appkey",
    password="accesstoken",
    options=TencentIVHOptions,
)
