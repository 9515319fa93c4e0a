# SPDX-License-Identifier: Apache-2.0
"""Alibaba Aidge: video removal."""

from __future__ import annotations

from typing import Any

from airflow_provider_videoai.connections.aidge import CONNECTION
from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.vendors.aidge import Aidge

__all__ = ["AidgeHook"]


class AidgeHook(VideoJobHook):
    """Submit and follow jobs of one Alibaba Aidge account.

    :param aidge_conn_id: the Airflow connection (type ``aidge``) that holds the account.
    """

    vendor_class = Aidge
    conn_name_attr = "aidge_conn_id"
    default_conn_name = "aidge_default"
    conn_type = "aidge"
    hook_name = CONNECTION.title

    def __init__(self, aidge_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(aidge_conn_id, **kwargs)
        self.aidge_conn_id = aidge_conn_id
