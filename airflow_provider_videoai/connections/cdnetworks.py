# SPDX-License-Identifier: Apache-2.0
"""Connections of type ``cdnetworks``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from airflow_provider_videoai.connections.form import ConnectionType
from airflow_provider_videoai.jobs.protocol.options import ConnectionOptions

__all__ = ["CONNECTION", "CDNetworksOptions"]


class CDNetworksOptions(ConnectionOptions):
    """What the extra of a ``cdnetworks`` connection may say."""

    auth_scheme: Literal["cnc", "ws3"] = Field(
        "cnc",
        title="Signature",
        description="The old API has a host of its own: https://api.cloudv.haplat.net.",
        json_schema_extra={"values_display": {"cnc": "cnc: the new API", "ws3": "ws3: the old API"}},
    )


CONNECTION = ConnectionType(
    title="CDNetworks Cloud VoD",
    website="https://www.cdnetworks.com",
    default_host="https://api.cdnetworks.com",
    login="AccessKey",
    password="SecretKey",
    options=CDNetworksOptions,
)
