# SPDX-License-Identifier: Apache-2.0
"""Find a vendor's hook by the vendor's key, and in a triggerer the account that many tasks share."""

from __future__ import annotations

import asyncio
import weakref
from dataclasses import dataclass, field
from importlib import import_module
from typing import cast

from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.jobs.http import connections as pool
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.registry import hook_path

__all__ = ["hook_for", "transport_for"]

_FRESH = 30.0
"""Seconds for which one lookup of a connection serves all triggers that start meanwhile."""


def hook_for(vendor: str, conn_id: str | None = None) -> VideoJobHook:
    """Make the hook of a vendor.

    :param vendor: the vendor's key.
    :param conn_id: the connection; without it the vendor's default one.
    :raises KeyError: for a vendor that this package does not have.
    """
    module, _, name = hook_path(vendor).rpartition(".")
    hook = getattr(import_module(module), name)
    return cast(VideoJobHook, hook() if conn_id is None else hook(conn_id))


@dataclass(slots=True)
class _Lookup:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    found: Transport | None = None

    def forget(self, transport: Transport) -> None:
        """Let go of an account, which holds its secrets, unless another has been found since."""
        if self.found is transport:
            self.found = None


_lookups: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str], _Lookup]] = (
    weakref.WeakKeyDictionary()
)


async def transport_for(vendor: str, conn_id: str, *, refused: Transport | None = None) -> Transport:
    """Return the transport of an account for the running event loop; tasks that start together look it up once.

    :param vendor: the vendor's key.
    :param conn_id: the connection.
    :param refused: a transport whose credentials the vendor refused: the connection may hold others by now.
    """
    loop = asyncio.get_running_loop()
    lookup = _lookups.setdefault(loop, {}).setdefault((vendor, conn_id), _Lookup())
    async with lookup.turn:
        found = lookup.found
        if found is None or found is refused:
            hook = await asyncio.to_thread(_loaded, vendor, conn_id)
            lookup.found = found = await hook.atransport()
            loop.call_later(_FRESH, lookup.forget, found)
        return found


def _loaded(vendor: str, conn_id: str) -> VideoJobHook:
    """Make the hook and import what requests need, which blocks for too long for an event loop the first time."""
    import airflow.providers.common.compat.connection  # noqa: F401 - loaded here so that it is there later

    pool.load()
    return hook_for(vendor, conn_id)
