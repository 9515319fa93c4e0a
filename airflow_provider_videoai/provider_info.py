# SPDX-License-Identifier: Apache-2.0
"""This provider as Airflow sees it. A new vendor adds one entry to :data:`_VENDORS`; nothing else here changes."""

from __future__ import annotations

from typing import Any

_PACKAGE = "airflow_provider_videoai"

_COMMON_FIELDS = {
    "max_requests_per_minute": {
        "label": "Requests a minute",
        "description": "The most that is sent to this account in a minute. Empty: the vendor's documented limit.",
        "schema": {"type": ["number", "null"], "minimum": 0.001, "maximum": 1_000_000},
    },
    "timeout": {
        "label": "Timeout (seconds)",
        "description": "How long one request may take.",
        "schema": {"type": ["number", "null"], "minimum": 0.001, "maximum": 86_400, "default": 30},
    },
    "outage_tolerance": {
        "label": "Outage tolerance (seconds)",
        "description": "For how long a waiting task tolerates that the vendor cannot be reached.",
        "schema": {"type": ["number", "null"], "minimum": 0.001, "default": 900},
    },
    "allow_private_addresses": {
        "label": "Results in my own network",
        "description": "Let results be fetched from private and local addresses, which are refused otherwise.",
        "schema": {"type": "boolean", "default": False},
    },
}


def _connection(
    key: str,
    hook: str,
    name: str,
    host: str,
    login: str,
    password: str,
    fields: dict[str, Any] | None = None,
    placeholders: dict[str, str] | None = None,
) -> dict[str, Any]:
    return {
        "connection-type": key,
        "hook-class-name": f"{_PACKAGE}.hooks.{key}.{hook}",
        "hook-name": name,
        "ui-field-behaviour": {
            # Every extra that is read has a field of its own. The port may stand in the host as well, but the Test
            # button of Airflow 3.3 answers "Bad Request" for a stored connection without one.
            "hidden-fields": ["schema", "extra"],
            "relabeling": {
                "host": "Host (empty: the default)",
                "port": "Port (the Test button needs one: 443)",
                "login": login,
                "password": password,
            },
            "placeholders": {"host": host, "port": "443", **(placeholders or {})},
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
                    "description": "Sent as X-Channel.",
                    "schema": {
                        "type": ["integer", "null"],
                        "enum": [100, 200, 300],
                        "values_display": {"100": "100: web", "200": "200: Android", "300": "300: iOS"},
                        "default": 100,
                    },
                },
                "app_source": {
                    "label": "App source",
                    "description": "Sent as X-App-Source, at most 20 characters. Empty: not sent.",
                    "schema": {"type": ["string", "null"], "maxLength": 20},
                },
            },
            placeholders={"login": "a number, for example 12345678", "password": "without the word Bearer"},
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
                    "description": "How a submit carries its fields.",
                    "schema": {
                        "type": ["string", "null"],
                        "enum": ["flat", "json"],
                        "values_display": {"flat": "flat: as they are", "json": "json: wrapped in paramJson"},
                        "default": "flat",
                    },
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
                    "description": "The old API has a host of its own: https://api.cloudv.haplat.net.",
                    "schema": {
                        "type": ["string", "null"],
                        "enum": ["cnc", "ws3"],
                        "values_display": {"cnc": "cnc: the new API", "ws3": "ws3: the old API"},
                        "default": "cnc",
                    },
                },
            },
        ),
    ),
    "topview": (
        "Topview",
        "https://www.topview.ai",
        _connection(
            "topview",
            "TopviewHook",
            "Topview",
            "https://api.topview.ai",
            "Topview-Uid",
            "API key",
            {
                "need_cloud_front_url": {
                    "label": "CloudFront addresses",
                    "description": "Ask for CloudFront addresses of results instead of S3 ones, "
                    "where the operator does not say.",
                    "schema": {"type": "boolean", "default": False},
                },
            },
        ),
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
    "transfers": [
        {
            "source-integration-name": name,
            "target-integration-name": "Common IO",
            "python-module": f"{_PACKAGE}.transfers.media",
        }
        for name, _, _ in _VENDORS.values()
    ],
    "triggers": [{"integration-name": "Video AI", "python-modules": [f"{_PACKAGE}.triggers.job"]}],
    "extra-links": [f"{_PACKAGE}.links.VideoJobLink", f"{_PACKAGE}.links.VideoResultLink"],
    "config": {
        "videoai": {
            "description": "Video AI jobs.",
            "options": {
                "ui": {
                    "description": 'Show the "Video jobs" page, and the links "Job" and "Result" that lead to it.\n',
                    "version_added": "0.1.0",
                    "type": "boolean",
                    "example": None,
                    "default": "True",
                },
                "freeze_triggerer": {
                    "description": "Leave out of Python's garbage collections what the triggerer holds when it begins "
                    "to wait for its\nfirst video job (gc.freeze). With thousands of triggers its loop stalls "
                    "for about half as long.\nReference cycles among what is left out are never freed.\n",
                    "version_added": "0.1.0",
                    "type": "boolean",
                    "example": None,
                    "default": "False",
                },
            },
        },
    },
    "connection-types": [connection for _, _, connection in _VENDORS.values()],
}

HOOKS: dict[str, str] = {
    connection["connection-type"]: connection["hook-class-name"] for connection in PROVIDER_INFO["connection-types"]
}
"""Vendor key -> its hook's class path."""
