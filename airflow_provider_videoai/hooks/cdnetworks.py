# SPDX-License-Identifier: Apache-2.0
"""CDNetworks Cloud VoD: trimming, and pulling a video in."""

from __future__ import annotations

from typing import Any

from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.vendors.cdnetworks import CDNetworks


class CDNetworksHook(VideoJobHook):
    """Submit and follow jobs of one CDNetworks Cloud VoD account.

    :param cdnetworks_conn_id: the Airflow connection (type ``cdnetworks``) that holds the account.
    """

    vendor_class = CDNetworks
    conn_name_attr = "cdnetworks_conn_id"
    default_conn_name = "cdnetworks_default"
    conn_type = "cdnetworks"
    hook_name = "CDNetworks Cloud VoD"

    def __init__(self, cdnetworks_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(cdnetworks_conn_id, **kwargs)
        self.cdnetworks_conn_id = cdnetworks_conn_id
