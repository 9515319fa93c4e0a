# SPDX-License-Identifier: Apache-2.0
"""The sandbox's vendors: their credentials, and Airflow connections that carry them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from airflow_provider_videoai.sandbox import vendors

__all__ = ["CREDENTIALS", "VENDORS", "Credential", "connections"]


@dataclass(frozen=True)
class Credential:
    """Login and password of one vendor account, in the meaning that the vendor's connection type gives them."""

    login: str
    password: str


# Found by its file, as the list of vendors belongs to the client, and the sandbox imports nothing of it.
VENDORS: dict[str, ModuleType] = {
    each.name: import_module(f"{vendors.__name__}.{each.name}") for each in iter_modules(vendors.__path__)
}
"""Vendor -> what is said of it in :mod:`airflow_provider_videoai.sandbox.vendors`, found by its file."""

CREDENTIALS: dict[str, Credential] = {key: Credential(each.LOGIN, each.PASSWORD) for key, each in VENDORS.items()}
"""The one account of each vendor in the sandbox, by the vendor's key."""


def connections(url: str) -> dict[str, str]:
    """Return Airflow connections, as JSON, that point the default connection ids at a sandbox.

    :param url: of the sandbox.
    :returns: the values by environment variable (``AIRFLOW_CONN_VIITOR_DEFAULT`` ...).
    """
    return {
        f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT": json.dumps(
            {
                "conn_type": vendor,
                "host": url,
                "login": credential.login,
                "password": credential.password,
                # Its results are at its own address, a local one, which a connection does not allow by default.
                "extra": {"allow_private_addresses": True, **getattr(VENDORS[vendor], "EXTRA", {})},
            },
        )
        for vendor, credential in CREDENTIALS.items()
    }
