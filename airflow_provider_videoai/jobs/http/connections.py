# SPDX-License-Identifier: Apache-2.0
"""The connections that polls of one account share. A call that buys never uses one of them."""

from __future__ import annotations

from typing import Protocol

import httpx

from airflow_provider_videoai.jobs.http.attempt import Deadline
from airflow_provider_videoai.jobs.http.departure import Departure
from airflow_provider_videoai.jobs.http.environment import proxy_for, tls
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.protocol.call import Answer, Call

__all__ = ["CONNECTIONS", "Pool", "load", "open_pool"]

CONNECTIONS = 200
"""Connections per account at most, and so polls in flight: enough to poll 10,000 jobs every 10 s with answers in 0.2 s.

One number for both: a poll beyond the connections would only wait for one while its deadline runs.
"""


class Pool(Protocol):
    """Connections that are kept open for the next poll."""

    async def send(self, call: Call, auth: httpx.Auth, deadline: Deadline, departure: Departure) -> Answer:  # pyright: ignore[reportReturnType] - a protocol's method has no body
        """Send a call once.

        :param call: any but one that buys.
        :param auth: signs it.
        :param deadline: by when all of the answer must have come.
        :param departure: by when it must leave.
        :raises NotSentError: if no connection could be made or kept, or not before it is late.
        :raises LostError: if the answer was lost.
        """

    async def aclose(self) -> None:
        """Close all connections."""


def load() -> None:
    """Load the libraries and the certificate store; call it in a thread, for it takes some 100 ms."""
    import airflow_provider_videoai.jobs.http.aiohttp_session
    import airflow_provider_videoai.jobs.http.httpcore_session  # noqa: F401 - loaded here so that they are there later

    tls()


def open_pool(account: Account) -> Pool:
    """Open connections to the account's vendor within the running loop, through the environment's proxy if it has one.

    :param account: whose vendor is polled.
    :raises InvalidRequest: if an environment variable names no proxy, or certificates that cannot be read.
    """
    if proxy_for(account.host) is not None:
        return _Proxied(account)
    # Imported only in the triggerer: parsing a DAG file needs none of it.
    from airflow_provider_videoai.jobs.http.aiohttp_session import AiohttpSession

    return AiohttpSession(account, CONNECTIONS)


class _Proxied:
    """Connections through the environment's proxy, made as those of a submit are."""

    # Not over aiohttp: it speaks HTTP to proxies only, and a SOCKS proxy is supported as well.

    def __init__(self, account: Account) -> None:
        from airflow_provider_videoai.jobs.http import httpcore_session as bounded

        self._account = account
        self._send = bounded.asend_over
        self._pool = bounded.apool(account, CONNECTIONS)

    async def send(self, call: Call, auth: httpx.Auth, deadline: Deadline, departure: Departure) -> Answer:
        return await self._send(self._pool, self._account, call, auth, deadline, departure)

    async def aclose(self) -> None:
        await self._pool.aclose()
