# SPDX-License-Identifier: Apache-2.0
"""Tencent IVH: digital-human video and speech."""

from __future__ import annotations

from typing import Any

from airflow_provider_videoai.connections.tencent_ivh import CONNECTION
from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.vendors.tencent_ivh import TencentIVH

__all__ = ["TencentIVHHook"]


class TencentIVHHook(VideoJobHook):
    """Submit and follow jobs of one Tencent IVH account.

    :param tencent_ivh_conn_id: the Airflow connection (type ``tencent_ivh``) that holds the account.
    """

    vendor_class = TencentIVH
    conn_name_attr = "tencent_ivh_conn_id"
    default_conn_name = "tencent_ivh_default"
    conn_type = "tencent_ivh"
    hook_name = CONNECTION.title

    def __init__(self, tencent_ivh_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(tencent_ivh_conn_id, **kwargs)
        self.tencent_ivh_conn_id = tencent_ivh_conn_id
