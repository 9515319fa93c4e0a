# SPDX-License-Identifier: Apache-2.0
"""Find a vendor's hook by the vendor's key."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.provider_info import HOOKS


def hook_for(vendor: str, conn_id: str) -> VideoJobHook:
    """Make the hook of a vendor for a connection; raise ``KeyError`` for a vendor that this package does not have."""
    module, _, name = HOOKS[vendor].rpartition(".")
    return cast(VideoJobHook, getattr(import_module(module), name)(conn_id))
