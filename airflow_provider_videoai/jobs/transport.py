# SPDX-License-Identifier: Apache-2.0
"""Send a vendor's calls over HTTP: one blocking side for workers, one async side for the triggerer.

A poller's requests share one client an account over aiohttp, which costs a fraction of httpx's own pool. A call that
buys always has a connection of its own: a kept-alive connection may die while the request is on its way, and then
nobody could say whether the job was bought.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from typing import Any, TypeVar, cast
from urllib.request import getproxies, proxy_bypass

import httpx
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
    httpx.PoolTimeout,
    httpx.ProxyError,  # the proxy opened no way to the vendor
    httpx.UnsupportedProtocol,
    UnicodeError,  # a host name that no name server is asked for
)
_CONNECT_ATTEMPTS = 3
_CONNECTIONS = 100
_USER_AGENT = "airflow-provider-videoai"


class _NotSentError(Exception):
    """The connection could not be made, so nothing of the request has left: safe to repeat."""


class Transport:
    """Drives a vendor's flows. ``sleep`` waits for the account's rate limit on a worker."""

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
        with _told(self.vendor, call):
            for attempt in Retrying(**_REPEAT_CONNECT):
                for delay in self._delays(call):
                    self._sleep(delay)
                exchange = _Exchange(self.vendor.account.timeout)
                with attempt, exchange.unsent_is_told(), httpx.Client(**_options(self.vendor.account)) as client:
                    trace = {"trace": exchange.note}
                    with client.stream(**_request(call), auth=auth, extensions=trace) as response:
                        for chunk in response.iter_bytes():
                            exchange.add(chunk)
                        return exchange.answer(response)
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
        with _told(self.vendor, call):
            async for attempt in AsyncRetrying(**_REPEAT_CONNECT):
                for delay in self._delays(call):
                    await asyncio.sleep(delay)
                exchange = _Exchange(self.vendor.account.timeout)
                with attempt, exchange.unsent_is_told():
                    trace = {"trace": exchange.anote}
                    async with (
                        self._client(call) as client,
                        client.stream(**_request(call), auth=auth, extensions=trace) as response,
                    ):
                        async for chunk in response.aiter_bytes():
                            exchange.add(chunk)
                        return exchange.answer(response)
        raise AssertionError("tenacity returns or raises")

    @asynccontextmanager
    async def _client(self, call: Call) -> AsyncIterator[httpx.AsyncClient]:
        account = self.vendor.account
        clients = _clients.get(asyncio.get_running_loop(), {})
        if account in clients and not call.buys:
            shared = clients[account] = clients[account] or _pooled_client(account)
            yield shared
        else:
            async with httpx.AsyncClient(**_options(account)) as client:
                yield client


_REPEAT_CONNECT: dict[str, Any] = {
    "retry": retry_if_exception_type(_NotSentError),
    "stop": stop_after_attempt(_CONNECT_ATTEMPTS),
    "wait": wait_random_exponential(multiplier=0.2, max=2),
    "reraise": True,
}

_clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Account, httpx.AsyncClient | None]] = (
    weakref.WeakKeyDictionary()
)


def share(account: Account) -> None:
    """Let the running loop's polls of an account share one client, until :func:`aclose`."""
    _clients.setdefault(asyncio.get_running_loop(), {}).setdefault(account, None)


async def aclose(account: Account) -> None:
    """Close the client that the running loop's polls of an account shared."""
    # Taken away before anything is awaited: a poller that starts meanwhile opens a client of its own.
    client = _clients.get(asyncio.get_running_loop(), {}).pop(account, None)
    if client is not None:
        await client.aclose()


def _pooled_client(account: Account) -> httpx.AsyncClient:
    url = httpx.URL(account.host)
    if {url.scheme, "all"} & getproxies().keys() and not proxy_bypass(url.host):
        # Only httpx's own transport goes through the environment's proxies, as a submit does.
        return httpx.AsyncClient(**_options(account))
    # Loaded where polls are pooled, in the triggerer: DAG files are parsed often, and need none of it.
    from httpx_aiohttp import AiohttpTransport  # noqa: PLC0415

    transport = AiohttpTransport(verify=_tls(), limits=httpx.Limits(max_connections=_CONNECTIONS))
    return httpx.AsyncClient(**_options(account), transport=transport)


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
        "verify": _tls(),
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
def _told(vendor: Vendor, call: Call) -> Iterator[None]:
    """Turn what the network did into a typed error whose text never holds the URL: signatures travel in it."""
    where = _host_of(vendor.account)
    try:
        yield
    except _NotSentError as failure:
        text = f"{vendor.title} {call.name}: no connection to {where} ({failure})"
        raise VendorUnavailable(text + (": nothing was sent, nothing was bought" if call.buys else "")) from None
    except _lost() as failure:
        if call.buys:
            raise SubmitUncertain(
                f"{vendor.title} {call.name} was sent to {where} and its answer was lost ({_why(failure)}): "
                "the job may have been bought"
            ) from None
        raise VendorUnavailable(f"{vendor.title} {call.name}: no answer from {where} ({_why(failure)})") from None


def _host_of(account: Account) -> str:
    try:
        return repr(httpx.URL(account.host).host)
    except httpx.InvalidURL:
        return f"the host of connection {account.conn_id!r}"


def _why(failure: Exception) -> str:
    return type(failure.__cause__ or failure).__name__.strip("_")


class _TooLongError(Exception):
    """The answer is longer than any that a vendor documents."""


class _TooSlowError(Exception):
    """The answer trickles in for longer than a request may take."""


_LOST = (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError, _TooLongError, _TooSlowError)


def _lost() -> tuple[type[Exception], ...]:
    # aiohttp's own errors come through where httpx-aiohttp has no name for them; their texts hold the URL.
    aiohttp = sys.modules.get("aiohttp")
    return (*_LOST, aiohttp.ClientError) if aiohttp else _LOST


class _Exchange:
    """One attempt: whether any byte of the request left, and the answer, of at most ``MAX_BODY`` bytes and ``seconds``.

    Of a call that buys, an attempt is repeated only if both the kind of failure and httpcore's trace say that nothing
    left. aiohttp has no trace, and httpx-aiohttp calls every lost connection a ``ConnectTimeout``: over it only polls
    go, which may be repeated, and often are when a kept-alive connection has died.
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
        """Turn a failure before anything left into :class:`_NotSentError`."""
        try:
            yield
        except _NEVER_SENT as failure:
            if self._left:
                raise
            raise _NotSentError(_why(failure)) from failure

    def add(self, chunk: bytes) -> None:
        """Take in a piece of the answer."""
        self._content += chunk
        if len(self._content) > MAX_BODY:
            raise _TooLongError
        if time.monotonic() > self._until:
            raise _TooSlowError

    def answer(self, response: httpx.Response) -> Answer:
        """Return the whole answer."""
        return Answer(response.status_code, response.headers, bytes(self._content))
