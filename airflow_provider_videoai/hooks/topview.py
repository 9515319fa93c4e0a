# SPDX-License-Identifier: Apache-2.0
"""Topview: video avatars."""

from __future__ import annotations

from typing import Any

from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.vendors.topview import Topview


class TopviewHook(VideoJobHook):
    """Submit and follow jobs of one Topview account.

    :param topview_conn_id: the Airflow connection (type ``topview``) that holds the account.
    """

    vendor_class = Topview
    conn_name_attr = "topview_conn_id"
    default_conn_name = "topview_default"
    conn_type = "topview"
    hook_name = "Topview"

    def __init__(self, topview_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(topview_conn_id, **kwargs)
        self.topview_conn_id = topview_conn_id
