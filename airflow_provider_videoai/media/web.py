# SPDX-License-Identifier: Apache-2.0
"""Open URLs from outside: where they may lead, through the environment's proxies, at no server's pace.

The one place that knows the HTTP library: what the network does is raised as :class:`Unreachable`, in words that hold
neither a URL nor a proxy's login.
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
"""How many are followed at most."""
MIN_RATE = 4 * 1024
"""Bytes a second that a server must send, or take, on average; whoever is slower is left."""
PIECE = 1024 * 1024
"""Bytes that are held at once."""

_CONNECT_SECONDS = 20.0
_RESOLVE_SECONDS = 5.0
_REDIRECTS_OF_HTTP = frozenset({301, 302, 303, 307, 308})


class Unreachable(Exception):
    """The network, a proxy or the server failed; the text says why. ``slow``: they are there, and too slow."""

    def __init__(self, reason: str, *, slow: bool = False) -> None:
        super().__init__(reason)
        self.slow = slow


class TooManyRedirects(Exception):
    """The URL leads from one address to the next, without end."""

    def __init__(self) -> None:
        super().__init__(f"redirected more than {REDIRECTS} times")


class MediaClient:
    """An HTTP client for URLs from outside. A private address is refused unless ``allow_private``.

    A name is judged by the address that is connected to. A proxy looks names up itself: there a literal address, and
    what a name means here, if it means anything here, is judged; the rest is the proxy's decision.
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
        """Open a URL and follow its redirects, each judged like the first; return the answer at their end.

        Takes ``seconds`` at most, however the server sends its heads. Raises :class:`AddressRefused`,
        :class:`TooManyRedirects`, :class:`Unreachable`, and :class:`InvalidRequest` for an environment variable.
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
        """Send one request to an address that was :func:`check_url` and return its answer; follows no redirect."""
        proxy = proxy_for(str(address))
        if proxy is None:
            session, proxy_options = self._session(guarded=not self._allow_private), {}
        else:
            await self._check_for_proxy(address)
            session, proxy_options = self._session(guarded=False), _proxy_options(proxy)
        # A tunnel is requested with the login; a plain request carries it itself.
        headers = {**(headers or {}), **(_login(proxy) if address.scheme == "http" else {})}
        with _network_errors(proxy):
            answer = await session.request(
                method, address, headers=headers, allow_redirects=False, **proxy_options, **options
            )
        if answer.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED and proxy is not None:
            answer.close()  # of a plain request; a tunnel that is refused is an error of the library
            raise Unreachable(_proxy_refusal(proxy, answer.status))
        return answer

    def _session(self, *, guarded: bool) -> aiohttp.ClientSession:
        if guarded not in self._sessions:
            self._sessions[guarded] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    ssl=tls(),
                    socket_factory=_public_socket if guarded else None,
                    # In turn, not in a race: a refusal is then raised, and not passed over for the next address.
                    happy_eyeballs_delay=None,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
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
        except (OSError, UnicodeError):  # a TimeoutError is an OSError: the name means nothing here
            return
        for *_, (host, *_) in found:
            require_public(str(host))


async def pieces(answer: aiohttp.ClientResponse, *, seconds: float) -> AsyncIterator[bytes]:
    """Yield the body as it comes. Raises :class:`Unreachable` if it breaks or comes too slowly.

    ``MIN_RATE * seconds`` bytes must come within each ``seconds`` of waiting; what the caller does with them does
    not count.
    """
    waited, count = 0.0, 0
    while True:
        began = time.monotonic()
        with _network_errors(None):
            try:
                async with asyncio.timeout(max(seconds - waited, 0.0)):
                    piece = await _read(answer)
            except aiohttp.ClientError:
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
    except RuntimeError as closed:  # so aiohttp says that the connection was closed while nobody read
        raise aiohttp.ClientPayloadError from closed


def _unread(content: aiohttp.StreamReader) -> bytes:
    """Return what came before the break and was not read yet, which the library would drop."""
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
    """Turn what the network did into words; no text of the library, which holds URLs, is passed on."""
    try:
        yield
    except (aiohttp.InvalidURL, UnicodeError) as failure:
        raise AddressRefused("it is no address that can be connected to") from failure
    except TimeoutError as failure:
        raise Unreachable("no answer in time, or too little of it", slow=True) from failure
    except (aiohttp.ClientError, HttpProcessingError, OSError) as failure:
        raise Unreachable(_reason(failure, proxy)) from failure


def _reason(failure: Exception, proxy: Proxy | None) -> str:
    match failure:
        case aiohttp.ClientPayloadError():
            return "the connection ended before the body did"
        case aiohttp.ClientHttpProxyError(status=status):
            return _proxy_refusal(proxy, status)
        case aiohttp.ClientProxyConnectionError():
            return f"no connection to {proxy}: {why(failure)}"
        case aiohttp.ClientResponseError() | HttpProcessingError():
            return "its answer is no HTTP that can be read, or has a head that is too long"
        case _:
            return f"{why(failure)}, through {proxy}" if proxy else why(failure)


def _proxy_refusal(proxy: Proxy | None, status: int) -> str:
    return f"{proxy} opened no way there: HTTP {status}"


def _redirect_target(address: URL, location: str) -> URL:
    try:
        target = str(address.join(URL(location, encoded=True)))
    except ValueError:
        raise AddressRefused("it is redirected to what is no URL") from None
    return check_url(target)


def _public_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """Make the socket for an address that a name resolved to, or that was written in the URL."""
    family, kind, protocol, _, (host, *_) = address
    require_public(str(host))
    return socket.socket(family, kind, protocol)
