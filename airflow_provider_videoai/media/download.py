# SPDX-License-Identifier: Apache-2.0
"""Fetch one body through breaks: continue it where it stopped if it is proven to be the same, else from its start.

The vendor is queried for a fresh URL if one does not open any more. Tries, bytes and time are bounded, whatever the
server does (:class:`~airflow_provider_videoai.media.attempts.Attempts`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlsplit

import aiohttp

from airflow_provider_videoai.jobs.errors import QuotaExceeded, ResultUnavailable, VendorUnavailable
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.values.printable import printable
from airflow_provider_videoai.media import decoding
from airflow_provider_videoai.media.attempts import Attempts
from airflow_provider_videoai.media.body import Action, Body, body_from_headers, decide, range_headers, retry_after
from airflow_provider_videoai.media.decoding import ENCODINGS, Decoding, Undecodable
from airflow_provider_videoai.media.web import MIN_RATE, MediaClient, TooManyRedirects, Unreachable, pieces

__all__ = ["STALL_SECONDS", "Download", "Rules", "Sink"]

STALL_SECONDS = 60.0
"""For how long a server may be silent, or send less than ``MIN_RATE`` on average."""

_LONGEST_PAUSE = 30.0


class Sink(decoding.Sink, Protocol):
    """Where the bytes go, from the first to the last."""

    @property
    def size(self) -> int:  # pyright: ignore[reportReturnType] - a protocol's method has no body
        """How many bytes it has."""


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
    """What came is not the whole body. ``pause`` is what the server requests, in seconds."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause


class Download:
    """One body on its way into a sink; ``name`` is what errors call it.

    ``renew`` queries the vendor for a fresh URL of the same media; ``report`` is called after each piece with how many
    bytes there are, and of how many.
    """

    def __init__(
        self,
        name: str,
        sink: Sink,
        *,
        rules: Rules,
        renew: Callable[[], Awaitable[str]],
        log: Log,
        report: Callable[[int, int | None], None],
    ) -> None:
        self._name = name
        self._sink = Decoding(sink, self._check_size)
        self._rules = rules
        self._renew = renew
        self._log = log
        self._report = report
        self._body: Body | None = None
        self._fresh = False
        self._unframed: tuple[int, str | None] | None = None
        self._attempts = Attempts(slow_progress=int(MIN_RATE * STALL_SECONDS), rate=MIN_RATE)

    async def run(self, url: str) -> Body:
        """Fetch all of it and return what the server says of it.

        Raises ``ResultUnavailable`` if no URL opens, the body is larger than the limit or in an unknown encoding,
        ``VendorUnavailable`` if it breaks over and over, ``InvalidRequest`` and ``AddressRefused``.
        """
        # One thread writes: each more would keep memory of its own for the blocks that it sends.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        async with MediaClient(allow_private=self._rules.allow_private) as client:
            while True:
                try:
                    return await self._once(client, url)
                except _UrlRefused as refused:
                    url = await self._renewed(url, refused)
                except (_Broken, Unreachable) as broken:
                    await self._pause(broken)

    async def _once(self, client: MediaClient, url: str) -> Body:
        """Send one request and take what comes; return at the end of the body."""
        at = self._sink.size
        async with await self._answer(client, url, range_headers(at, self._body)) as answer:
            match decide(answer.status, answer.headers, at, self._body):
                case Action.COMPLETE:
                    pass
                case Action.CONTINUE:
                    await self._take(answer)
                case Action.START:
                    await self._begin(body_from_headers(answer.headers))
                    await self._take(answer)
                case Action.RESTART:
                    raise await self._forget(f"nothing proves that HTTP {answer.status} continues the same file")
                case Action.URL_REFUSED:
                    raise _UrlRefused(answer.status)
                case Action.RETRY_LATER:
                    raise _Broken(f"HTTP {answer.status}", retry_after(answer.headers))
        return await self._whole()

    async def _begin(self, body: Body) -> None:
        self._fresh = False
        if body.encoding is not None and body.encoding not in ENCODINGS:
            raise ResultUnavailable(
                f"{self._name} cannot be read: its server sends it encoded as {printable(body.encoding)!r}, which "
                f"nobody requested; {', '.join(sorted(ENCODINGS))} are decoded"
            )
        if (reason := self._attempts.start()) is not None:
            raise VendorUnavailable(f"{self._name} cannot be fetched for now: {reason}")
        if self._attempts.starts > 1:
            self._log.info("Starting over at the first byte")
        self._check_size(body.length or 0)
        self._body = None
        await asyncio.to_thread(self._sink.begin, body)
        self._body = body

    async def _forget(self, reason: str) -> _Broken:
        """Drop what came, so that all of it is requested next; return the break to be raised."""
        self._body = None
        await asyncio.to_thread(self._sink.begin, Body())
        return _Broken(reason)

    async def _take(self, answer: aiohttp.ClientResponse) -> None:
        self._fresh = False
        total = self._body.length if self._body else None
        async for piece in pieces(answer, seconds=STALL_SECONDS):
            self._check_size(self._sink.size + len(piece))
            try:
                await asyncio.to_thread(self._sink.write, piece)
            except Undecodable as wrong:
                raise await self._forget(str(wrong)) from wrong
            self._report(self._sink.size, total)

    async def _whole(self) -> Body:
        """Return what is said of the body if it is there as a whole; raise the break if not."""
        body, size = self._body, self._sink.size
        if body is None:
            raise _Broken("there is no body")
        if body.length is not None and size > body.length:
            raise await self._forget(f"{size} bytes came of {body.length}")
        if body.length not in (None, size):
            raise _Broken(f"{size} bytes came of {body.length}")
        try:
            self._sink.end()
        except Undecodable as wrong:
            raise await self._forget(str(wrong)) from wrong
        if not body.framed:
            await self._confirm()
        return body

    async def _confirm(self) -> None:
        """Raise the break unless the same bytes came twice in a row: here a broken connection looks like the end."""
        before, self._unframed = self._unframed, (self._sink.size, self._sink.sha256)
        if before != self._unframed:
            raise await self._forget("its server does not say where it ends, so it is fetched once more and compared")

    def _check_size(self, size: int) -> None:
        if size > self._rules.max_bytes:
            raise ResultUnavailable(f"{self._name} is larger than max_bytes, which is {self._rules.max_bytes}")

    async def _renewed(self, url: str, refused: _UrlRefused) -> str:
        """Return a fresh URL; raise if the one before was fresh as well."""
        if self._fresh:
            raise ResultUnavailable(
                f"{self._name} cannot be had any more: a fresh URL from the vendor was refused as well ({refused}). "
                "To have it made again, and pay for it again, clear its task with on_finished_job='resubmit'."
            )
        self._log.info("The URL does not open any more (%s): querying the vendor for a fresh one", refused)
        try:
            fresh = await self._renew()
        except (VendorUnavailable, QuotaExceeded) as failure:
            await self._pause(failure)
            return url
        self._fresh = True
        if _place(fresh) != _place(url):
            self._body = None  # its validators are those of another resource
        return fresh

    async def _pause(self, broken: Exception) -> None:
        """Wait before the next try; raise :class:`VendorUnavailable` if there is none."""
        slow = isinstance(broken, Unreachable) and broken.slow
        if (reason := self._attempts.attempt_ended(self._sink.size, slow=slow)) is not None:
            raise VendorUnavailable(f"{self._name} cannot be fetched for now: {broken} ({reason})") from broken
        requested = getattr(broken, "pause", None) or getattr(broken, "retry_after", None)
        jitter = random.uniform(0.1, 0.3) * 2**self._attempts.fruitless  # noqa: S311 - jitter
        pause = min(requested or jitter, _LONGEST_PAUSE)
        self._log.info("Interrupted at byte %s (%s): going on in %.1f seconds", self._sink.size, broken, pause)
        await asyncio.sleep(pause)

    async def _answer(self, client: MediaClient, url: str, headers: dict[str, str]) -> aiohttp.ClientResponse:
        try:
            return await client.get(url, headers, seconds=STALL_SECONDS)
        except TooManyRedirects as lost:
            raise ResultUnavailable(f"{self._name} cannot be had: its URL was {lost}") from lost


def _place(url: str) -> str:
    """Return what stays of a URL when it is signed again."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
