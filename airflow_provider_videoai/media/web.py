# SPDX-License-Identifier: Apache-2.0
"""The HTTP client for media: SSRF protection, the environment's proxies, timeouts against slow servers.

It wraps aiohttp: network errors are raised as :class:`Unreachable`, whose text has neither a URL, which may be signed,
nor a proxy's login.
"""

from __future__ import annotations

import asyncio
import socket
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Self

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.http.attempt import USER_AGENT
from airflow_provider_videoai.jobs.http.environment import Proxy, proxy_for, tls
from airflow_provider_videoai.jobs.http.network_errors import why
from airflow_provider_videoai.media.addresses import AddressRefused, check_url, require_public

__all__ = ["MIN_RATE", "PIECE", "REDIRECTS", "MediaClient", "TooManyRedirects", "Unreachable", "pieces"]

REDIRECTS = 5
"""Redirects that are followed at most."""
MIN_RATE = 4 * 1024
"""Bytes per second that a server must send, or take, on average."""
PIECE = 1024 * 1024
"""Bytes that are held in memory at a time."""

_CONNECT_SECONDS = 20.0
_RESOLVE_SECONDS = 5.0
_REDIRECTS_OF_HTTP = frozenset({301, 302, 303, 307, 308})


class Unreachable(Exception):
    """The network, a proxy or the server failed; the text says why. ``slow``: it responded, but too slowly."""

    def __init__(self, reason: str, *, slow: bool = False) -> None:
        super().__init__(reason)
        self.slow = slow


class TooManyRedirects(Exception):
    """The URL was redirected more often than :data:`REDIRECTS`."""

    def __init__(self) -> None:
        super().__init__(f"redirected more than {REDIRECTS} times")


class MediaClient:
    """An HTTP client for URLs from outside.

    A name is checked by the address that is connected to. A proxy resolves names itself: then a literal address is
    checked, and a name by what it resolves to here, if it does; the rest is the proxy's decision.

    :param allow_private: whether URLs may lead into the user's own network.
    """

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        for session in self._sessions.values():
            await session.close()

    async def get(self, url: str, headers: Mapping[str, str], *, seconds: float) -> aiohttp.ClientResponse:
        """Send a GET request and follow redirects, each checked like the first URL.

        :param seconds: timeout until the headers of the last response, all redirects included.
        :returns: the last response, its body unread; the caller closes it.
        :raises AddressRefused: if a URL leads to an address that is not allowed.
        :raises TooManyRedirects: after :data:`REDIRECTS` redirects.
        :raises Unreachable: if the network, a proxy or a server fails.
        :raises InvalidRequest: for an invalid proxy variable.
        """
        address = check_url(url)
        with _network_errors(None):
            async with asyncio.timeout(seconds):
                for _ in range(REDIRECTS + 1):
                    answer = await self.request("GET", address, headers=headers)
                    if answer.status not in _REDIRECTS_OF_HTTP:
                        return answer
                    answer.close()
                    address = _redirect_target(address, answer.headers.get("Location", ""))
        raise TooManyRedirects

    async def request(
        self, method: str, address: URL, *, headers: Mapping[str, str] | None = None, **options: Any
    ) -> aiohttp.ClientResponse:
        """Send one request. Follows no redirect: each target has to be checked before it is requested.

        :param address: as :func:`check_url` returned it.
        :param headers: beside the proxy's login.
        :param options: aiohttp's own.
        :returns: the response, whose body is still to be read.
        :raises Unreachable: if no response came, or the proxy refused the request.
        """
        proxy = proxy_for(str(address))
        if proxy is None:
            session, proxy_options = self._session(guarded=not self._allow_private), {}
        else:
            # The proxy connects, so there is no socket of ours to guard: its own address may well be private.
            await self._check_for_proxy(address)
            session, proxy_options = self._session(guarded=False), _proxy_options(proxy)
        # For https the CONNECT request of the tunnel has the login; a plain http request must have it itself.
        headers = {**(headers or {}), **(_login(proxy) if address.scheme == "http" else {})}
        with _network_errors(proxy):
            answer = await session.request(
                method, address, headers=headers, allow_redirects=False, **proxy_options, **options
            )
        if answer.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED and proxy is not None:
            answer.close()  # only for plain http: of a refused tunnel aiohttp raises an error
            raise Unreachable(_proxy_refusal(proxy, answer.status))
        return answer

    def _session(self, *, guarded: bool) -> aiohttp.ClientSession:
        if guarded not in self._sessions:
            self._sessions[guarded] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    ssl=tls(),
                    socket_factory=_public_socket if guarded else None,
                    # Happy eyeballs would skip a refused address and use the next one; in sequence it raises.
                    happy_eyeballs_delay=None,
                ),
                # No cookies: one host's must not reach another that a redirect leads to.
                cookie_jar=aiohttp.DummyCookieJar(),
                # Decoded by us, within limits; and a range request counts the bytes as they are sent.
                auto_decompress=False,
                headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
                # No total: a large file may take hours. `pieces` bounds the waiting for bytes instead.
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
                read_bufsize=PIECE,
            )
        return self._sessions[guarded]

    async def _check_for_proxy(self, address: URL) -> None:
        if self._allow_private:
            return
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_RESOLVE_SECONDS):
                found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):  # includes TimeoutError; the name does not resolve here
            return
        for *_, (host, *_) in found:
            require_public(str(host))


async def pieces(answer: aiohttp.ClientResponse, *, seconds: float) -> AsyncIterator[bytes]:
    """Yield the body of a response in pieces.

    :param seconds: within each such time of waiting, ``MIN_RATE * seconds`` bytes must be received. The time that the
        caller takes for a piece does not count: a slow store must not look like a slow server.
    :raises Unreachable: if the connection is lost or too slow.
    """
    waited, count = 0.0, 0
    while True:
        began = time.monotonic()
        with _network_errors(None):
            try:
                async with asyncio.timeout(max(seconds - waited, 0.0)):
                    piece = await _read(answer)
            except aiohttp.ClientError:
                # Kept, so that each attempt brings a resumed download further, even if the connection breaks at once.
                if rest := _unread(answer.content):
                    yield rest
                raise
        if not piece:
            return
        waited, count = waited + time.monotonic() - began, count + len(piece)
        if count >= MIN_RATE * seconds:
            waited, count = 0.0, 0
        yield piece


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    try:
        return await answer.content.read(PIECE)
    except RuntimeError as closed:  # aiohttp's error if the connection was closed between two reads
        raise aiohttp.ClientPayloadError from closed


def _unread(content: aiohttp.StreamReader) -> bytes:
    """Return the bytes that were received before the connection was lost; aiohttp would drop them."""
    content.set_exception(None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    return content.read_nowait()


def _proxy_options(proxy: Proxy) -> dict[str, Any]:
    if proxy.scheme not in ("http", "https"):
        raise InvalidRequest(
            f"environment variable {proxy.variable}: media goes through a proxy at http:// or https:// only, not at "
            f"{proxy.scheme}://"
        )
    return {"proxy": proxy.url, "proxy_headers": _login(proxy)}


def _login(proxy: Proxy | None) -> dict[str, str]:
    if proxy is None or proxy.login is None:
        return {}
    return {"Proxy-Authorization": "Basic " + b64encode(":".join(proxy.login).encode()).decode()}


@contextmanager
def _network_errors(proxy: Proxy | None) -> Iterator[None]:
    """Translate network errors. The texts of aiohttp's errors may contain URLs, and are not passed on."""
    try:
        yield
    except (aiohttp.InvalidURL, UnicodeError) as failure:
        raise AddressRefused("it is not an address that can be connected to") from failure
    except TimeoutError as failure:
        raise Unreachable("no response in time, or too slow", slow=True) from failure
    except (aiohttp.ClientError, HttpProcessingError, OSError) as failure:
        raise Unreachable(_reason(failure, proxy)) from failure


def _reason(failure: Exception, proxy: Proxy | None) -> str:
    match failure:
        case aiohttp.ClientPayloadError():
            return "the connection was lost before the end of the body"
        case aiohttp.ClientHttpProxyError(status=status):
            return _proxy_refusal(proxy, status)
        case aiohttp.ClientProxyConnectionError():
            return f"no connection to {proxy}: {why(failure)}"
        case aiohttp.ClientResponseError() | HttpProcessingError():
            return "its response is not valid HTTP, or its headers are too long"
        case _:
            return f"{why(failure)}, through {proxy}" if proxy else why(failure)


def _proxy_refusal(proxy: Proxy | None, status: int) -> str:
    return f"{proxy} refused to connect: HTTP {status}"


def _redirect_target(address: URL, location: str) -> URL:
    try:
        target = str(address.join(URL(location, encoded=True)))
    except ValueError:
        raise AddressRefused("it redirects to an invalid URL") from None
    return check_url(target)


def _public_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """Create the socket for a connection; raise if the address is private.

    The last point before the connection, and for literal addresses as well as for resolved names: an earlier check
    could be bypassed by a second DNS answer.
    """
    family, kind, protocol, _, (host, *_) = address
    require_public(str(host))
    return socket.socket(family, kind, protocol)
