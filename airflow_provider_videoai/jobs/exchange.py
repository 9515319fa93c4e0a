# SPDX-License-Identifier: Apache-2.0
"""One attempt to send a call: what is sent, whether anything of it left, and how much of an answer is read."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from airflow_provider_videoai.jobs.network import tls
from airflow_provider_videoai.jobs.unreachable import why
from airflow_provider_videoai.jobs.vendor import Account, Answer, Call

MAX_BODY = 8 * 1024 * 1024
"""Bytes of an answer that are read at most: a full batch of statuses is some 30 kB."""

USER_AGENT = "airflow-provider-videoai"

_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.InvalidURL,
    httpx.PoolTimeout,
    httpx.ProxyError,  # the proxy opened no way to the vendor
    httpx.UnsupportedProtocol,
    UnicodeError,  # a host name that no name server is asked for
)


class NotSentError(Exception):
    """The connection could not be made, so nothing of the request has left: safe to repeat."""


class _TooLongError(Exception):
    """The answer is longer than any that a vendor documents."""


class _TooSlowError(Exception):
    """The answer trickles in for longer than a request may take."""


_LOST = (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError, _TooLongError, _TooSlowError)


def lost() -> tuple[type[Exception], ...]:
    """Return what an attempt raises when the request left, or may have, and its answer did not come."""
    aiohttp = sys.modules.get("aiohttp")  # only a triggerer has loaded it
    return (*_LOST, aiohttp.ClientError) if aiohttp else _LOST


def client_options(account: Account) -> dict[str, Any]:
    """Return the arguments of an httpx client for the account."""
    return {
        "base_url": account.host,
        "timeout": httpx.Timeout(account.timeout),
        "headers": {"User-Agent": USER_AGENT},
        "follow_redirects": False,
        "verify": tls(),
    }


def request_parts(call: Call) -> dict[str, Any]:
    """Return the call as arguments of an httpx request; ``url`` is the path below the account's host."""
    return {
        "method": call.method,
        "url": call.path,
        "params": dict(call.params) or None,
        "headers": dict(call.headers),
        "content": call.body or None,
    }


class Exchange:
    """One attempt: whether any byte of the request left, and the answer, of at most ``MAX_BODY`` bytes and ``seconds``.

    "Nothing left" takes both the kind of failure and httpcore's trace.
    """

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._content = bytearray()
        self._left = False

    def note(self, event: str, info: Mapping[str, Any]) -> None:
        """Take in an event of httpcore's trace; a CONNECT is spoken to a proxy, not to the vendor."""
        if event.endswith(".send_request_headers.started") and info["request"].method != b"CONNECT":
            self._left = True

    async def anote(self, event: str, info: Mapping[str, Any]) -> None:
        """See :meth:`note`."""
        self.note(event, info)

    @contextmanager
    def unsent_is_told(self) -> Iterator[None]:
        """Turn a failure before anything left into :class:`NotSentError`."""
        try:
            yield
        except _NEVER_SENT as failure:
            if self._left:
                raise
            raise NotSentError(why(failure)) from failure

    def add(self, chunk: bytes) -> None:
        """Take in a piece of the answer."""
        self._content += chunk
        if len(self._content) > MAX_BODY:
            raise _TooLongError
        if time.monotonic() > self._until:
            raise _TooSlowError

    def answer(self, status: int, headers: Mapping[str, str]) -> Answer:
        """Return the whole answer."""
        return Answer(status, headers, bytes(self._content))


def send_over(client: httpx.Client, call: Call, auth: httpx.Auth, seconds: float) -> Answer:
    """Send a call once and read its answer, within so many seconds."""
    exchange = Exchange(seconds)
    trace = {"trace": exchange.note}
    with exchange.unsent_is_told(), client.stream(**request_parts(call), auth=auth, extensions=trace) as response:
        for chunk in response.iter_bytes():
            exchange.add(chunk)
        return exchange.answer(response.status_code, response.headers)


async def asend_over(client: httpx.AsyncClient, call: Call, auth: httpx.Auth, seconds: float) -> Answer:
    """See :func:`send_over`."""
    exchange = Exchange(seconds)
    trace = {"trace": exchange.anote}
    with exchange.unsent_is_told():
        async with client.stream(**request_parts(call), auth=auth, extensions=trace) as response:
            async for chunk in response.aiter_bytes():
                exchange.add(chunk)
            return exchange.answer(response.status_code, response.headers)
