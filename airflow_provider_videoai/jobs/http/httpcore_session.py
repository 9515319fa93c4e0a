# SPDX-License-Identifier: Apache-2.0
"""Send a call over httpcore, within a deadline and a number of bytes that hold for all of it.

Timeouts of HTTP libraries hold for one read each: a server that sends a byte now and then (in the head, in
informational responses, in chunk extensions) would keep a request open for ever. Here each read has what is left of
the whole, and all bytes from the network count, before anything is parsed or decoded.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

import h11
import httpcore
import httpx
from typing_extensions import override

from airflow_provider_videoai.jobs.http.attempt import HEADERS, MAX_BODY, Deadline, Exchange, signed
from airflow_provider_videoai.jobs.http.departure import Departure
from airflow_provider_videoai.jobs.http.environment import proxy_for, tls
from airflow_provider_videoai.jobs.http.network_errors import Unreadable
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.protocol.call import Answer, Call

__all__ = ["T", "apool", "asend", "asend_over", "send"]

T = TypeVar("T")

# A body, and more than enough for heads, chunk extensions and trailers, which a server could send without end.
_MAX_BYTES = MAX_BODY + 1024 * 1024
_PIECE = 64 * 1024
# Seconds for which an unused connection of a pool is kept; servers often close theirs after 20 or more.
_KEPT_ALIVE = 15.0

_FAILURES = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
    h11.ProtocolError,
)


def send(
    account: Account,
    call: Call,
    auth: httpx.Auth,
    deadline: Deadline,
    before_send: Callable[[], object] | None = None,
) -> Answer:
    """Send a call once, blocking, on a connection of its own.

    :param account: whose vendor it is sent to.
    :param call: what is sent.
    :param auth: signs it.
    :param deadline: by when all of the answer must have come.
    :param before_send: see :class:`~airflow_provider_videoai.jobs.http.attempt.Exchange`.
    :raises NotSentError: if no byte of it was sent, so that it may be repeated.
    :raises LostError: if it was sent, or may have been, and no whole answer came.
    """
    exchange = Exchange(before_send)
    with exchange.judged(*_FAILURES, unsent=(httpcore.LocalProtocolError,)):
        request = signed(account, call, auth)
        pool = httpcore.ConnectionPool(
            ssl_context=tls(), proxy=_proxy(account), network_backend=_BlockingNetwork(deadline)
        )
        with pool, pool.stream(**_parts(request), extensions={"trace": exchange.note}) as response:
            for chunk in response.iter_stream():
                exchange.add(chunk)
            return exchange.answer(response.status, httpx.Headers(response.headers))


async def asend(account: Account, call: Call, auth: httpx.Auth, deadline: Deadline, departure: Departure) -> Answer:
    """Send a call once, on a connection of its own, as :func:`send` does.

    :param account: whose vendor it is sent to.
    :param call: what is sent.
    :param auth: signs it.
    :param deadline: by when all of the answer must have come.
    :param departure: by when it must leave.
    :raises NotSentError, LostError: as :func:`send`.
    """
    async with apool(account, 1) as pool:
        return await asend_over(pool, account, call, auth, deadline, departure)


async def asend_over(
    pool: httpcore.AsyncConnectionPool,
    account: Account,
    call: Call,
    auth: httpx.Auth,
    deadline: Deadline,
    departure: Departure,
) -> Answer:
    """Send a call once on a connection of a pool.

    :param pool: see :func:`apool`.
    :param account: whose vendor it is sent to.
    :param call: what is sent.
    :param auth: signs it.
    :param deadline: by when all of the answer must have come.
    :param departure: by when it must leave.
    :raises NotSentError, LostError: as :func:`send`.
    """
    exchange = Exchange(departure.check)
    with exchange.judged(*_FAILURES, unsent=(httpcore.LocalProtocolError,)):
        request = signed(account, call, auth)
        # One timeout around all of it; httpcore's own hold for each connect, read and write, and start afresh.
        async with (
            asyncio.timeout(deadline.left()),
            pool.stream(**_parts(request), extensions={"trace": exchange.anote}) as response,
        ):
            async for chunk in response.aiter_stream():
                exchange.add(chunk)
            return exchange.answer(response.status, httpx.Headers(response.headers))


def apool(account: Account, connections: int) -> httpcore.AsyncConnectionPool:
    """Open a pool of connections to the account's vendor, through the environment's proxy if it has one.

    :param account: whose vendor is polled.
    :param connections: how many it may have open.
    """
    return httpcore.AsyncConnectionPool(
        ssl_context=tls(),
        proxy=_proxy(account),
        max_connections=connections,
        keepalive_expiry=_KEPT_ALIVE,
        network_backend=_MeteredNetwork(),
    )


def _proxy(account: Account) -> httpcore.Proxy | None:
    proxy = proxy_for(account.host)
    if proxy is None:
        return None
    login = None if proxy.login is None else (proxy.login[0].encode(), proxy.login[1].encode())
    return httpcore.Proxy(proxy.url, auth=login, ssl_context=tls() if proxy.scheme == "https" else None)


def _parts(request: httpx.Request) -> dict[str, Any]:
    # The parts of the URL as they were signed: nothing is parsed or encoded again.
    url = request.url
    return {
        "method": request.method,
        "url": httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        "headers": [*_headers_beside(request), *request.headers.raw],
        "content": request.content,
    }


def _headers_beside(request: httpx.Request) -> list[tuple[bytes, bytes]]:
    # httpcore adds no headers of its own, and a vendor's signature may have set one of these.
    return [(name.encode(), value.encode()) for name, value in HEADERS.items() if name not in request.headers]


class _Meter:
    """Counts the bytes that come for one request."""

    def __init__(self) -> None:
        self._bytes = 0

    def begin(self) -> None:
        self._bytes = 0

    def came(self, piece: bytes) -> bytes:
        self._bytes += len(piece)
        if self._bytes > _MAX_BYTES:
            raise Unreadable(f"its answer is longer than {_MAX_BYTES // 1024**2} MiB with all that is not its body")
        return piece


# -- blocking --------------------------------------------------------------------------------------------------


class _BlockingNetwork(httpcore.NetworkBackend):
    """Opens connections that end at the deadline, whatever they do."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    @override
    def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.NetworkStream:
        return _Socket(_connected(host, port, self._deadline), self._deadline)


def _connected(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Connect to the first address that answers; each has its share of the time, so that a dead one costs no other."""
    addresses = _resolved(host, port, deadline.left())
    for number, address in enumerate(addresses, 1):
        try:
            connection = socket.create_connection(address, deadline.left() / (len(addresses) - number + 1))
        except OSError:
            if number == len(addresses):
                raise
        else:
            # Head and body are written separately: with Nagle's algorithm the body would wait for the server's ACK.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
    raise socket.gaierror(socket.EAI_NONAME, "no address")


def _resolved(host: str, port: int, seconds: float) -> list[tuple[str, int]]:
    """Resolve a name; in a thread that is left to itself if it takes too long, because no lookup can be ended."""
    found: Future[list[tuple[str, int]]] = Future()

    def look_up() -> None:
        try:
            addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.set_result([(str(address[0]), port) for *_, address in addresses])
        except Exception as failure:  # noqa: BLE001 - raised by whoever waits for it
            found.set_exception(failure)

    # Not a ThreadPoolExecutor: the interpreter waits for its threads when it exits.
    threading.Thread(target=look_up, daemon=True).start()
    return found.result(seconds)


class _Socket(httpcore.NetworkStream):
    """A connection of which each read and write may take what is left until the deadline."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline
        self._meter = _Meter()

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._connection.settimeout(self._deadline.left())
        return self._meter.came(self._connection.recv(max_bytes))

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        while rest:
            self._connection.settimeout(self._deadline.left())
            try:
                rest = rest[self._connection.send(rest) :]
            except ConnectionError as failure:  # httpcore then reads the answer of a server that has heard enough
                raise httpcore.WriteError from failure

    @override
    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _tls_over(self, ssl_context, server_hostname)

    @override
    def close(self) -> None:
        self._connection.close()


class _Tls(httpcore.NetworkStream):
    """TLS over a stream, which may speak TLS itself: to a proxy."""

    # In memory instead of SSLContext.wrap_socket(): that cannot wrap what is TLS already, and it would read from the
    # socket itself, without the stream's deadline and its count of bytes.

    def __init__(self, stream: httpcore.NetworkStream, context: ssl.SSLContext, host: str | None) -> None:
        self._stream = stream
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._do(self._tls.do_handshake)

    def _do(self, step: Callable[[], T]) -> T:
        while True:
            try:
                done = step()
            except ssl.SSLWantReadError:
                self._flush()
                if piece := self._stream.read(_PIECE):
                    self._incoming.write(piece)
                else:
                    self._incoming.write_eof()
            else:
                self._flush()
                return done

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._stream.write(self._outgoing.read())

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return self._do(partial(self._tls.read, max_bytes))
        except ssl.SSLEOFError:  # many servers close the connection without TLS's close_notify
            return b""

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        while rest:
            rest = rest[self._do(partial(self._tls.write, rest)) :]

    @override
    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _tls_over(self, ssl_context, server_hostname)

    @override
    def close(self) -> None:
        self._stream.close()


def _tls_over(stream: httpcore.NetworkStream, context: ssl.SSLContext, host: str | None) -> httpcore.NetworkStream:
    try:
        return _Tls(stream, context, host)
    except BaseException:  # httpcore does not know the stream yet, and would leave it open
        stream.close()
        raise


# -- async: asyncio keeps the deadline -------------------------------------------------------------------------


class _MeteredNetwork(httpcore.AsyncNetworkBackend):
    """Opens connections that bring at most so many bytes for each request."""

    def __init__(self) -> None:
        self._network = httpcore.AnyIOBackend()

    @override
    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        stream = await self._network.connect_tcp(host, port)  # pyright: ignore[reportAttributeAccessIssue] - httpcore has an empty class of this name for when anyio is absent
        return _Metered(stream)


class _Metered(httpcore.AsyncNetworkStream):
    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._meter = _Meter()

    @override
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._meter.came(await self._stream.read(max_bytes))

    @override
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._meter.begin()  # a connection of a pool serves many requests: what comes now answers this one
        await self._stream.write(buffer)

    @override
    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        try:
            return _Metered(await self._stream.start_tls(ssl_context, server_hostname))
        except asyncio.CancelledError:  # as at the deadline: httpcore closes the stream after an Exception only
            await self._stream.aclose()
            raise

    @override
    async def aclose(self) -> None:
        await self._stream.aclose()

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
