# SPDX-License-Identifier: Apache-2.0
"""The vendors of this package. A new vendor is one line here, and files of its own that are named by its key.

Hook lookup, provider info, connection forms, the "Video jobs" page, documentation tables and tests all read this table;
``tests/test_registry.py`` names the file that a vendor lacks. Every process of Airflow imports this module.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_videoai.connections.form import ConnectionType

__all__ = ["VENDORS", "connection_type", "hook_path", "module_of"]

VENDORS: dict[str, str] = {
    "viitor": "ViiTorHook",
    "aidge": "AidgeHook",
    "cdnetworks": "CDNetworksHook",
    "topview": "TopviewHook",
    "tencent_ivh": "TencentIVHHook",
}
"""Vendor key, which is its connection type and its modules' name, -> the class of its hook."""

_PACKAGE = __name__.rpartition(".")[0]


def module_of(layer: str, vendor: str) -> str:
    """Return the path of a vendor's module.

    :param layer: ``connections``, ``vendors``, ``hooks``, ``operators`` or ``sensors``.
    :param vendor: the vendor's key.
    """
    return f"{_PACKAGE}.{layer}.{vendor}"


def hook_path(vendor: str) -> str:
    """Return the class path of a vendor's hook.

    :param vendor: the vendor's key.
    :raises KeyError: for a vendor that this package does not have.
    """
    return f"{module_of('hooks', vendor)}.{VENDORS[vendor]}"


def connection_type(vendor: str) -> ConnectionType:
    """Return what a user sees of a vendor's connections: its name, labels and options.

    :param vendor: the vendor's key.
    :raises KeyError: for a vendor that this package does not have.
    """
    if vendor not in VENDORS:
        raise KeyError(vendor)
    # Imported here, not above: every process reads this table, and few need the forms.
    found: ConnectionType = import_module(module_of("connections", vendor)).CONNECTION
    return found
