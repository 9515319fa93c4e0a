# SPDX-License-Identifier: Apache-2.0
"""Send a vendor's calls over HTTP: one blocking side for workers, one async side for the triggerer.

A poller's requests share one client an account over aiohttp, which costs a fraction of httpx's own pool. A call that
buys always has a connection of its own: a kept-alive connection may die while the request is on its way, and then
nobody could say whether the job was bought.
"""

from __future__ import annotations

import asyncio
import ssl
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from typing import Any, TypeVar, cast
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from tenacity import AsyncRetrying, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from airflow_provider_videoai.jobs.errors import SubmitUncertain, VendorUnavailable, VideoAIError
from airflow_provider_videoai.jobs.limiter import Limiters
from airflow_provider_videoai.jobs.vendor import Account, Answer, Call, Flow, Vendor

T = TypeVar("T")

MAX_BODY = 8 * 1024 * 1024
"""Bytes of an answer that are read at most: a full batch of statuses is some 30 kB."""

_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.InvalidURL,
    httpx.LocalProtocolError,  # a header that HTTP does not allow
    httpx.PoolTimeout,
    httpx.ProxyError,  # the proxy would not open a way to the vendor
    httpx.UnsupportedProtocol,
    UnicodeError,  # a host name or a header that cannot be written
)
_CONNECT_ATTEMPTS = 3
_USER_AGENT = "airflow-provider-videoai"


class _NotSentError(Exception):
    """The connection could not be made, so nothing of the request has left: safe to repeat."""


class Transport:
    """Drives a vendor's flows. ``sleep`` and ``asleep`` wait for the account's rate limit."""

    def __init__(
        self,
        vendor: Vendor,
        *,
        limiters: Limiters | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.vendor = vendor
        self.limiters = limiters or Limiters.of(vendor)
        self._sleep = sleep

    # -- blocking: workers ---------------------------------------------------------------------------------

    def run(self, flow: Flow[T]) -> T:
        """Play a flow to its end and return what it read; raise its typed error."""
        try:
            call = next(flow)
            while True:
                try:
                    answer = self._send(call)
                except VideoAIError as failure:
                    call = flow.throw(failure)
                else:
                    call = flow.send(answer)
        except StopIteration as end:
            return cast(T, end.value)

    def _send(self, call: Call) -> Answer:
        auth = self.vendor.auth
        for delay in self._delays(call):
            self._sleep(delay)
        with _told(self.vendor, call):
            for attempt in Retrying(**_REPEAT_CONNECT):
                with attempt, _never_sent(), httpx.Client(**_options(self.vendor.account), verify=_tls()) as client:
                    body = _Body(self.vendor.account.timeout)
                    with client.stream(**_request(call), auth=auth) as response:
                        for chunk in response.iter_bytes():
                            body.add(chunk)
                        return body.answer(response)
        raise AssertionError("tenacity returns or raises")

    def _delays(self, call: Call) -> Iterator[float]:
        """Yield the seconds to sleep before the call may leave: again where the vendor asked for silence meanwhile."""
        silences = None
        while silences != self.limiters.silences:
            silences = self.limiters.silences
            if delay := self.limiters.reserve(call.name, time.monotonic()):
                yield delay

    # -- async: the triggerer ------------------------------------------------------------------------------

    async def arun(self, flow: Flow[T]) -> T:
        """Play a flow to its end in the running loop; see :meth:`run`."""
        try:
            call = next(flow)
            while True:
                try:
                    answer = await self._asend(call)
                except VideoAIError as failure:
                    call = flow.throw(failure)
                else:
                    call = flow.send(answer)
        except StopIteration as end:
            return cast(T, end.value)

    async def _asend(self, call: Call) -> Answer:
        auth = self.vendor.auth
        for delay in self._delays(call):
            await asyncio.sleep(delay)
        with _told(self.vendor, call):
            async for attempt in AsyncRetrying(**_REPEAT_CONNECT):
                with attempt, _never_sent():
                    async with self._client(call) as client:
                        body = _Body(self.vendor.account.timeout)
                        async with client.stream(**_request(call), auth=auth) as response:
                            async for chunk in response.aiter_bytes():
                                body.add(chunk)
                            return body.answer(response)
        raise AssertionError("tenacity returns or raises")

    @asynccontextmanager
    async def _client(self, call: Call) -> AsyncIterator[httpx.AsyncClient]:
        shared = _clients.get(asyncio.get_running_loop(), {}).get(self.vendor.account)
        if shared is not None and not call.buys:
            yield shared
            return
        async with httpx.AsyncClient(**_options(self.vendor.account), verify=_tls()) as client:
            yield client


_REPEAT_CONNECT: dict[str, Any] = {
    "retry": retry_if_exception_type(_NotSentError),
    "stop": stop_after_attempt(_CONNECT_ATTEMPTS),
    "wait": wait_random_exponential(multiplier=0.2, max=2),
    "reraise": True,
}

_clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Account, httpx.AsyncClient]] = (
    weakref.WeakKeyDictionary()
)


@asynccontextmanager
async def shared_client(account: Account) -> AsyncIterator[None]:
    """Let the running loop's polls of an account share one client for as long as this is open."""
    clients = _clients.setdefault(asyncio.get_running_loop(), {})
    with _readable(account):
        client = httpx.AsyncClient(**_options(account), **_pool(account))
    clients[account] = client
    try:
        yield
    finally:
        if clients.get(account) is client:
            del clients[account]
        await client.aclose()


def _pool(account: Account) -> dict[str, Any]:
    url = httpx.URL(account.host)
    if url.scheme in getproxies() and not proxy_bypass(url.host):
        return {"verify": _tls()}  # httpx finds its way through the environment's proxies, as it does for a submit
    return {"transport": AiohttpTransport(verify=_tls(), limits=httpx.Limits(max_connections=100))}


@cache
def _tls() -> ssl.SSLContext:
    # Building a context reads the certificate store, some 20 ms: once a process.
    return httpx.create_ssl_context()


def _options(account: Account) -> dict[str, Any]:
    return {
        "base_url": account.host,
        "timeout": httpx.Timeout(account.timeout),
        "headers": {"User-Agent": _USER_AGENT},
        "follow_redirects": False,
    }


def _request(call: Call) -> dict[str, Any]:
    return {
        "method": call.method,
        "url": call.path,
        "params": dict(call.params) or None,
        "headers": dict(call.headers),
        "content": call.body or None,
    }


@contextmanager
def _never_sent() -> Iterator[None]:
    try:
        yield
    except _NEVER_SENT as failure:
        if _was_lost(failure.__cause__):
            raise
        raise _NotSentError(_why(failure)) from failure


def _was_lost(cause: BaseException | None) -> bool:
    # httpx-aiohttp calls every lost connection a ConnectTimeout; only polls go over it.
    never_made = isinstance(cause, (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError))
    return isinstance(cause, aiohttp.ClientConnectionError) and not never_made


@contextmanager
def _told(vendor: Vendor, call: Call) -> Iterator[None]:
    """Turn what the network did into a typed error whose text never holds the URL: signatures travel in it."""
    where = f"the host of connection {vendor.account.conn_id!r}"
    try:
        yield
    except _NotSentError as failure:
        text = f"{vendor.title} {call.name}: no connection to {where} ({failure})"
        raise VendorUnavailable(text + (": nothing was sent, nothing was bought" if call.buys else "")) from None
    except _LOST as failure:
        if call.buys:
            raise SubmitUncertain(
                f"{vendor.title} {call.name} was sent to {where} and its answer was lost ({_why(failure)}): "
                "the job may have been bought"
            ) from None
        raise VendorUnavailable(f"{vendor.title} {call.name}: no answer from {where} ({_why(failure)})") from None


def _why(failure: Exception) -> str:
    return type(failure.__cause__ or failure).__name__.strip("_")


class _TooLongError(Exception):
    """The answer is longer than any that a vendor documents."""


class _TooSlowError(Exception):
    """The answer trickles in for longer than a request may take."""


# aiohttp's own errors come through where httpx-aiohttp has no name for them; their texts hold the URL.
_LOST = (httpx.HTTPError, aiohttp.ClientError, OSError, _TooLongError, _TooSlowError)


class _Body:
    """Collects an answer of at most ``MAX_BODY`` bytes and ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._content = bytearray()

    def add(self, chunk: bytes) -> None:
        self._content += chunk
        if len(self._content) > MAX_BODY:
            raise _TooLongError
        if time.monotonic() > self._until:
            raise _TooSlowError

    def answer(self, response: httpx.Response) -> Answer:
        return Answer(response.status_code, response.headers, bytes(self._content))
