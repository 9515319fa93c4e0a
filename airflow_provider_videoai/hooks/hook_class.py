# SPDX-License-Identifier: Apache-2.0
"""Find the class of a vendor's hook by the vendor's key, without what waiting for jobs takes."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.registry import hook_path

__all__ = ["hook_class"]


def hook_class(vendor: str) -> type[VideoJobHook]:
    """Return the class of a vendor's hook.

    :param vendor: the vendor's key.
    :raises KeyError: for a vendor that this package does not have.
    """
    module, _, name = hook_path(vendor).rpartition(".")
    return cast(type[VideoJobHook], getattr(import_module(module), name))
