# SPDX-License-Identifier: Apache-2.0
"""This provider as Airflow sees it. A new vendor adds one entry to :data:`_VENDORS`; nothing else here changes."""

from __future__ import annotations

from typing import Any

_PACKAGE = "airflow_provider_videoai"

_COMMON_FIELDS = {
    "max_requests_per_minute": {
        "label": "Requests a minute",
        "description": "Upper limit for this account. Empty: the vendor's documented limit.",
        "schema": {"type": ["number", "null"], "exclusiveMinimum": 0},
    },
    "timeout": {
        "label": "Timeout (seconds)",
        "description": "How long one request may take.",
        "schema": {"type": ["number", "null"], "exclusiveMinimum": 0, "default": 30},
    },
    "outage_tolerance": {
        "label": "Outage tolerance (seconds)",
        "description": "For how long a waiting task rides out a vendor that cannot be asked.",
        "schema": {"type": ["number", "null"], "exclusiveMinimum": 0, "default": 900},
    },
}


def _connection(
    key: str, hook: str, name: str, host: str, login: str, password: str, fields: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "connection-type": key,
        "hook-class-name": f"{_PACKAGE}.hooks.{key}.{hook}",
        "hook-name": name,
        "ui-field-behaviour": {
            "hidden-fields": ["schema", "port"],
            "relabeling": {"login": login, "password": password},
            "placeholders": {"host": host},
        },
        "conn-fields": {**(fields or {}), **_COMMON_FIELDS},
    }


_VENDORS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "viitor": (
        "ViiTor",
        "https://www.viitor.com",
        _connection(
            "viitor",
            "ViiTorHook",
            "ViiTor",
            "https://video-translation.ilivedata.com",
            "User id (X-User-Id)",
            "Bearer token",
            {
                "channel": {
                    "label": "Channel",
                    "description": "X-Channel: 100 web, 200 Android, 300 iOS.",
                    "schema": {"type": ["integer", "null"], "default": 100},
                },
                "app_source": {
                    "label": "App source",
                    "description": "X-App-Source, at most 20 characters.",
                    "schema": {"type": ["string", "null"], "maxLength": 20},
                },
            },
        ),
    ),
    "aidge": (
        "Alibaba Aidge",
        "https://www.aidge.com",
        _connection(
            "aidge",
            "AidgeHook",
            "Alibaba Aidge",
            "https://api.aidc-ai.com",
            "Access key name",
            "Access key secret",
            {
                "trial": {
                    "label": "Trial quota",
                    "description": "Use the account's trial quota.",
                    "schema": {"type": "boolean", "default": False},
                },
                "param_style": {
                    "label": "Parameter style",
                    "description": "flat, or json: wrapped in paramJson.",
                    "schema": {"type": "string", "enum": ["flat", "json"], "default": "flat"},
                },
            },
        ),
    ),
    "cdnetworks": (
        "CDNetworks Cloud VoD",
        "https://www.cdnetworks.com",
        _connection(
            "cdnetworks",
            "CDNetworksHook",
            "CDNetworks Cloud VoD",
            "https://api.cdnetworks.com",
            "AccessKey",
            "SecretKey",
            {
                "auth_scheme": {
                    "label": "Signature",
                    "description": "cnc for the new API, ws3 for the old one.",
                    "schema": {"type": "string", "enum": ["cnc", "ws3"], "default": "cnc"},
                },
            },
        ),
    ),
    "topview": (
        "Topview",
        "https://www.topview.ai",
        _connection("topview", "TopviewHook", "Topview", "https://api.topview.ai", "Topview-Uid", "API key"),
    ),
    "tencent_ivh": (
        "Tencent IVH",
        "https://cloud.tencent.com/product/ivh",
        _connection("tencent_ivh", "TencentIVHHook", "Tencent IVH", "https://gw.tvs.qq.com", "appkey", "accesstoken"),
    ),
}


def _modules(layer: str) -> list[dict[str, Any]]:
    return [
        {"integration-name": name, "python-modules": [f"{_PACKAGE}.{layer}.{key}"]}
        for key, (name, _, _) in _VENDORS.items()
    ]


PROVIDER_INFO: dict[str, Any] = {
    "package-name": "airflow-provider-videoai",
    "name": "Video AI",
    "description": "Video AI jobs as ordinary Airflow tasks: ViiTor, Alibaba Aidge, CDNetworks Cloud VoD, Topview, "
    "Tencent IVH.",
    "integrations": [
        {"integration-name": name, "external-doc-url": url, "tags": ["service"]} for name, url, _ in _VENDORS.values()
    ],
    "operators": _modules("operators"),
    "sensors": _modules("sensors"),
    "hooks": _modules("hooks"),
    "triggers": [{"integration-name": "Video AI", "python-modules": [f"{_PACKAGE}.triggers.job"]}],
    "connection-types": [connection for _, _, connection in _VENDORS.values()],
}

HOOKS: dict[str, str] = {
    connection["connection-type"]: connection["hook-class-name"] for connection in PROVIDER_INFO["connection-types"]
}
"""Vendor key -> its hook's class path."""
