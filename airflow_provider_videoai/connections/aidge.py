# SPDX-License-Identifier: Apache-2.0
"""Connections of type ``aidge``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from airflow_provider_videoai.connections.form import ConnectionType
from airflow_provider_videoai.jobs.protocol.options import ConnectionOptions

__all__ = ["CONNECTION", "AidgeOptions"]


class AidgeOptions(ConnectionOptions):
    """What the extra of an ``aidge`` connection may say."""

    trial: bool = Field(default=False, title="Trial quota", description="Use the account's trial quota.")
    param_style: Literal["flat", "json"] = Field(
        "flat",
        title="Parameter style",
        description="How a submit carries its fields.",
        json_schema_extra={"values_display": {"flat": "flat: as they are", "json": "json: wrapped in paramJson"}},
    )


CONNECTION = ConnectionType(
    title="Alibaba Aidge",
    website="https://www.aidge.com",
    default_host="https://api.aidc-ai.com",
    login="Access key name",
    password="Access key secret",
    options=AidgeOptions,
)
