# SPDX-License-Identifier: Apache-2.0
"""The connections that all polls of an account share in one event loop. A call that buys never takes one of them."""

from __future__ import annotations

import asyncio
import weakref
from typing import Protocol

import httpx

from airflow_provider_videoai.jobs.http.attempt import Deadline
from airflow_provider_videoai.jobs.http.environment import proxy_for, tls
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.protocol.call import Answer, Call

CONNECTIONS = 200
"""Connections of an account at most, and so polls under way: ten thousand jobs asked every 10 s, answered in 0.2 s."""


class Pool(Protocol):
    """Connections that are kept for the next poll."""

    async def send(self, call: Call, auth: httpx.Auth, deadline: Deadline) -> Answer:  # pyright: ignore[reportReturnType] - a protocol's method has no body
        """Send a call once; raise ``NotSentError`` if no connection could be made or kept, else ``LostError``."""

    async def aclose(self) -> None:
        """Close all connections."""


_pools: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Account, Pool]] = weakref.WeakKeyDictionary()


def load() -> None:
    """Load the libraries and the certificate store: some 100 ms, which would block an event loop."""
    import airflow_provider_videoai.jobs.http.aiohttp_session
    import airflow_provider_videoai.jobs.http.httpcore_session  # noqa: F401 - loaded here so that they are there later

    tls()


def share(account: Account) -> None:
    """Let the running loop's polls of an account share their connections, until :func:`aclose`."""
    pools = _pools.setdefault(asyncio.get_running_loop(), {})
    if account not in pools:
        pools[account] = _opened(account)


def pool_of(account: Account) -> Pool | None:
    """Return what the running loop's polls of an account share, if they do."""
    return _pools.get(asyncio.get_running_loop(), {}).get(account)


async def aclose(account: Account) -> None:
    """Close what the running loop's polls of an account shared."""
    # Taken away before anything is awaited: a poller that starts meanwhile opens connections of its own.
    pool = _pools.get(asyncio.get_running_loop(), {}).pop(account, None)
    if pool is not None:
        await pool.aclose()


def _opened(account: Account) -> Pool:
    if proxy_for(account.host) is not None:
        return _Proxied(account)
    # Loaded where polls are pooled, in the triggerer: DAG files are parsed often, and need none of it.
    from airflow_provider_videoai.jobs.http.aiohttp_session import AiohttpSession

    return AiohttpSession(account, CONNECTIONS)


class _Proxied:
    """Connections through the environment's proxy, made as those of a submit are."""

    def __init__(self, account: Account) -> None:
        from airflow_provider_videoai.jobs.http import httpcore_session as bounded

        self._account = account
        self._send = bounded.asend_over
        self._pool = bounded.apool(account, CONNECTIONS)

    async def send(self, call: Call, auth: httpx.Auth, deadline: Deadline) -> Answer:
        return await self._send(self._pool, self._account, call, auth, deadline)

    async def aclose(self) -> None:
        await self._pool.aclose()
