# SPDX-License-Identifier: Apache-2.0
"""Connections of type ``viitor``."""

from __future__ import annotations

from pydantic import Field

from airflow_provider_videoai.connections.form import ConnectionType
from airflow_provider_videoai.jobs.protocol.options import ConnectionOptions

__all__ = ["CONNECTION", "ViiTorOptions"]


class ViiTorOptions(ConnectionOptions):
    """What the extra of a ``viitor`` connection may say."""

    channel: int = Field(
        100,
        title="Channel",
        description="Sent as X-Channel.",
        ge=0,
        le=2**31 - 1,
        json_schema_extra={
            "enum": [100, 200, 300],
            "values_display": {"100": "100: web", "200": "200: Android", "300": "300: iOS"},
        },
    )
    app_source: str | None = Field(
        None,
        title="App source",
        description="Sent as X-App-Source, at most 20 characters. Empty: not sent.",
        max_length=20,
    )


CONNECTION = ConnectionType(
    title="ViiTor",
    website="https://www.viitor.com",
    default_host="https://video-translation.ilivedata.com",
    login="User id (X-User-Id)",
    password="Bearer token",
    options=ViiTorOptions,
    placeholders={"login": "a number, for example 12345678", "password": "without the word Bearer"},
)
