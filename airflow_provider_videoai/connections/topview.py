# SPDX-License-Identifier: Apache-2.0
"""Connections of type ``topview``."""

from __future__ import annotations

from pydantic import Field

from airflow_provider_videoai.connections.form import ConnectionType
from airflow_provider_videoai.jobs.protocol.options import ConnectionOptions

__all__ = ["CONNECTION", "TopviewOptions"]


class TopviewOptions(ConnectionOptions):
    """What the extra of a ``topview`` connection may say."""

    need_cloud_front_url: bool = Field(
        default=False,
        title="CloudFront addresses",
        description="Request CloudFront addresses of results instead of S3 ones, if the operator does not say.",
    )


CONNECTION = ConnectionType(
    title="Topview",
    website="https://www.topview.ai",
    default_host="https://api.topview.ai",
    login="Topview-Uid",
    password="API key",
    options=TopviewOptions,
)
