# SPDX-License-Identifier: Apache-2.0
"""ViiTor: video text removal."""

from __future__ import annotations

from typing import Any

from airflow_provider_videoai.connections.viitor import CONNECTION
from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.vendors.viitor import ViiTor

__all__ = ["ViiTorHook"]


class ViiTorHook(VideoJobHook):
    """Submit and follow jobs of one ViiTor account.

    :param viitor_conn_id: the Airflow connection (type ``viitor``) that holds the account.
    """

    vendor_class = ViiTor
    conn_name_attr = "viitor_conn_id"
    default_conn_name = "viitor_default"
    conn_type = "viitor"
    hook_name = CONNECTION.title

    def __init__(self, viitor_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(viitor_conn_id, **kwargs)
        self.viitor_conn_id = viitor_conn_id
