# SPDX-License-Identifier: Apache-2.0
"""Fetch one body through breaks: after each, go on where it stopped, if the server still has the same bytes.

The vendor is asked for a fresh URL where one does not open any more, and the body goes on at the same place there.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

import aiohttp

from airflow_provider_videoai.jobs.errors import QuotaExceeded, ResultUnavailable, VendorUnavailable
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.unreachable import why
from airflow_provider_videoai.media.addresses import TooManyRedirects, get, session
from airflow_provider_videoai.media.body import Body, Next, body_of, judge, range_headers, retry_after

PIECE = 1024 * 1024
"""Bytes that are held at once."""
STALL_SECONDS = 60.0
"""For how long a server may be silent."""
FRUITLESS = 6
"""Tries in a row that bring nothing new, before it is given up."""

_CONNECT_SECONDS = 20.0
_LONGEST_PAUSE = 30.0


class Sink(Protocol):
    """Where the bytes go, from the first to the last."""

    @property
    def size(self) -> int:
        """How many bytes it has."""

    def begin(self, body: Body) -> None:
        """Be empty, and ready for the first byte of this body; raise what forbids it."""

    def write(self, piece: bytes) -> None:
        """Take the next bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a download must keep to: bytes at most, and whether it may lead into the user's own network."""

    max_bytes: int
    allow_private: bool = False


class _UrlRefused(Exception):
    """The server does not give the body at this URL."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}" + (" and an error page" if status == HTTPStatus.OK else ""))


class _Broken(Exception):
    """The server cannot be had for now, or the connection broke. ``pause`` is what the server asks for, in seconds."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause


class Download:
    """One body on its way into a sink; ``name`` is what errors call it.

    ``renew`` asks the vendor for a fresh URL of the same media; ``tell`` hears after each piece how many bytes there
    are, and of how many.
    """

    def __init__(
        self,
        name: str,
        sink: Sink,
        *,
        rules: Rules,
        renew: Callable[[], Awaitable[str]],
        log: Log,
        tell: Callable[[int, int | None], None],
    ) -> None:
        self._name = name
        self._sink = sink
        self._rules = rules
        self._renew = renew
        self._log = log
        self._tell = tell
        self._body: Body | None = None
        self._fruitless = 0
        self._renewed_at: int | None = None

    async def run(self, url: str) -> Body:
        """Fetch all of it and return what the server says of it.

        Raises ``ResultUnavailable`` where no URL opens or the body is larger than the limit, ``VendorUnavailable``
        where it breaks over and over, and ``AddressRefused``.
        """
        # One thread writes: each more would keep memory of its own for the blocks that it sends.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        timeout = aiohttp.ClientTimeout(sock_connect=_CONNECT_SECONDS, sock_read=STALL_SECONDS)
        private = self._rules.allow_private
        async with session(allow_private=private, timeout=timeout, read_bufsize=PIECE) as client:
            while True:
                before = self._sink.size
                try:
                    return await self._once(client, url)
                except _UrlRefused as refused:
                    url = await self._fresh(refused)
                except (_Broken, VendorUnavailable, QuotaExceeded) as broken:
                    await self._pause(broken, before)

    async def _once(self, client: aiohttp.ClientSession, url: str) -> Body:
        """Ask once and take what comes; return at the end of the body."""
        at = self._sink.size
        async with await self._answer(client, url, range_headers(at, self._body)) as answer:
            match judge(answer.status, answer.headers, at, self._body):
                case Next.END:
                    pass
                case Next.GO_ON:
                    await self._take(answer)
                case Next.BEGIN:
                    await self._begin(body_of(answer.headers))
                    await self._take(answer)
                case Next.ASK_WHOLE:
                    await self._begin(None)
                    raise _Broken("the media has changed meanwhile")
                case Next.REFUSED:
                    raise _UrlRefused(answer.status)
                case Next.WAIT:
                    raise _Broken(f"HTTP {answer.status}", retry_after(answer.headers))
        return self._whole()

    async def _begin(self, body: Body | None) -> None:
        if self._sink.size:
            self._log.info("Starting over at the first byte")
        if body is not None:
            self._check_size(body.length or 0)
        await asyncio.to_thread(self._sink.begin, body or Body())
        self._body = body

    async def _take(self, answer: aiohttp.ClientResponse) -> None:
        total = self._body.length if self._body else None
        while piece := await _piece(answer):
            self._check_size(self._sink.size + len(piece))
            await asyncio.to_thread(self._sink.write, piece)
            self._tell(self._sink.size, total)

    def _whole(self) -> Body:
        if self._body is None:
            raise _Broken("there is no body")
        if self._body.length not in (None, self._sink.size):
            raise _Broken(f"{self._sink.size} bytes came of {self._body.length}")
        return self._body

    def _check_size(self, size: int) -> None:
        if size > self._rules.max_bytes:
            raise ResultUnavailable(f"{self._name} is larger than max_bytes, which is {self._rules.max_bytes}")

    async def _fresh(self, refused: _UrlRefused) -> str:
        """Return a fresh URL; raise where the one before was fresh as well and brought nothing."""
        if self._renewed_at == self._sink.size:
            raise ResultUnavailable(
                f"{self._name} cannot be had any more: a fresh URL from the vendor was refused as well ({refused}). "
                "To have it made again, and pay for it again, clear its task with on_finished_job='resubmit'."
            )
        self._renewed_at = self._sink.size
        self._log.info("The URL does not open any more (%s): asking the vendor for a fresh one", refused)
        try:
            return await self._renew()
        except (VendorUnavailable, QuotaExceeded):
            self._renewed_at = None
            raise

    async def _pause(self, broken: Exception, before: int) -> None:
        """Wait before the next try; raise :class:`VendorUnavailable` after too many that brought nothing."""
        self._fruitless = 0 if self._sink.size > before else self._fruitless + 1
        if self._fruitless >= FRUITLESS:
            raise VendorUnavailable(f"{self._name} cannot be fetched for now: {broken}") from broken
        asked = getattr(broken, "pause", None) or getattr(broken, "retry_after", None)
        pause = min(asked or random.uniform(0.1, 0.3) * 2**self._fruitless, _LONGEST_PAUSE)  # noqa: S311 - jitter
        self._log.info("Interrupted at byte %s (%s): going on in %.1f seconds", self._sink.size, broken, pause)
        await asyncio.sleep(pause)

    async def _answer(self, client: aiohttp.ClientSession, url: str, headers: dict[str, str]) -> aiohttp.ClientResponse:
        try:
            with _network():
                return await get(client, url, headers)
        except TooManyRedirects as lost:
            raise ResultUnavailable(f"{self._name} cannot be had: its URL was {lost}") from lost


async def _piece(answer: aiohttp.ClientResponse) -> bytes:
    """Return the next bytes of the body; none at its end."""
    with _network():
        return await answer.content.read(PIECE)


@contextmanager
def _network() -> Iterator[None]:
    """Call what the network does a break; no text of the library, which holds URLs, is passed on."""
    try:
        yield
    except aiohttp.ClientPayloadError as failure:
        raise _Broken("the connection ended before the body did") from failure
    except (aiohttp.ClientError, TimeoutError) as failure:
        raise _Broken(why(failure)) from failure
