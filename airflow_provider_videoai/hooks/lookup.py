# SPDX-License-Identifier: Apache-2.0
"""Find a vendor's hook by the vendor's key, and in a triggerer the session that tasks of an account share."""

from __future__ import annotations

import asyncio

from airflow_provider_videoai.hooks.hook_class import hook_class
from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.jobs.http import connections
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.polling.account_session import AccountSession, session_of

__all__ = ["hook_for", "session_for"]


def hook_for(vendor: str, conn_id: str | None = None) -> VideoJobHook:
    """Make the hook of a vendor.

    :param vendor: the vendor's key.
    :param conn_id: the connection; without it the vendor's default one.
    :raises KeyError: for a vendor that this package does not have.
    """
    hook = hook_class(vendor)
    return hook(hook.default_conn_name if conn_id is None else conn_id)


async def session_for(vendor: str, conn_id: str, *, refused: AccountSession | None = None) -> AccountSession:
    """Return the running loop's session of an Airflow connection; tasks that start together look it up once.

    :param refused: see :func:`~airflow_provider_videoai.jobs.polling.account_session.session_of`.
    :raises VideoAIError: if the connection cannot be read, or makes no account.
    """

    async def look_up() -> Transport:
        hook = await asyncio.to_thread(_loaded, vendor, conn_id)
        return await hook.atransport()

    return await session_of(vendor, conn_id, look_up, refused=refused)


def _loaded(vendor: str, conn_id: str) -> VideoJobHook:
    """Make the hook and import what requests need, which blocks for too long for an event loop the first time."""
    import airflow.providers.common.compat.connection  # noqa: F401 - loaded here so that it is there later

    connections.load()
    return hook_for(vendor, conn_id)
