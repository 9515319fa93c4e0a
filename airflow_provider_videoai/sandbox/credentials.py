# SPDX-License-Identifier: Apache-2.0
"""The sandbox's own credentials, and Airflow connections that carry them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Credential:
    """Login and password of one vendor account, in the meaning that the vendor's connection type gives them."""

    login: str
    password: str


CREDENTIALS: dict[str, Credential] = {
    "viitor": Credential("100001", "sandbox-viitor-token"),
    "aidge": Credential("500001", "sandbox-aidge-secret"),
    "cdnetworks": Credential("SANDBOXACCESSKEY", "sandbox-cdnetworks-secret"),
    "topview": Credential("sandbox-topview-uid", "sandbox-topview-key"),
    "tencent_ivh": Credential("sandbox-ivh-appkey", "sandbox-ivh-accesstoken"),
}
"""Fixed and obviously fake: they open nothing but a sandbox."""

EXTRAS: dict[str, dict[str, Any]] = {
    "viitor": {"channel": 100},
    # CDNetworks recommends six calls a minute; a sandbox is harmed by none.
    "cdnetworks": {"max_requests_per_minute": 600},
}


def connections(url: str) -> dict[str, str]:
    """Airflow connections, as JSON, that point the five default connection ids at the sandbox on ``url``.

    Returns a dict from environment variable name (``AIRFLOW_CONN_VIITOR_DEFAULT`` ...) to its value.
    """
    return {
        f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT": json.dumps(
            {
                "conn_type": vendor,
                "host": url,
                "login": credential.login,
                "password": credential.password,
                # Its results are at its own address, which is a local one.
                "extra": {"allow_private_addresses": True, **EXTRAS.get(vendor, {})},
            },
        )
        for vendor, credential in CREDENTIALS.items()
    }
