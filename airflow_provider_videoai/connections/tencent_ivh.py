# SPDX-License-Identifier: Apache-2.0
"""Connections of type ``tencent_ivh``; they have no options of their own."""

from __future__ import annotations

from airflow_provider_videoai.connections.form import ConnectionType

__all__ = ["CONNECTION"]

CONNECTION = ConnectionType(
    title="Tencent IVH",
    website="https://cloud.tencent.com/product/ivh",
    default_host="https://gw.tvs.qq.com",
    login="appkey",
    password="accesstoken",
)
