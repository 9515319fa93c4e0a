# SPDX-License-Identifier: Apache-2.0
"""Download one file through interruptions: resume it if a validator proves that it is the same, else restart it.

If a URL has expired, the vendor is queried for a fresh one. Attempts, bytes and time are bounded, whatever the server
does (:class:`~airflow_provider_videoai.media.attempts.Attempts`).
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
"""For how long a server may send nothing, or less than ``MIN_RATE`` on average."""

_LONGEST_PAUSE = 30.0


class Sink(decoding.Sink, Protocol):
    """Receives the bytes of a file in order, and counts them."""

    @property
    def size(self) -> int:  # pyright: ignore[reportReturnType] - a protocol's method has no body
        """How many bytes it has received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The limits of a download.

    :param max_bytes: of the file, decoded.
    :param allow_private: whether a URL may lead into the user's own network.
    """

    max_bytes: int
    allow_private: bool = False


class _UrlRefused(Exception):
    """The server does not return the file at this URL: it may have expired."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}" + (" and an error page" if status == HTTPStatus.OK else ""))


class _Broken(Exception):
    """A transient error: the file is incomplete. ``pause`` is the server's Retry-After in seconds."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause


class Download:
    """The download of one file into a sink.

    :param name: of the file, for messages.
    :param sink: receives the decoded bytes.
    :param renew: queries the vendor for a fresh URL of the same media.
    :param report: called after each piece with the bytes received, and with the total if it is known.
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
        """Download the whole file.

        :param url: the first URL.
        :returns: what the server states about the file.
        :raises ResultUnavailable: if no URL opens, or the file is too large or in an unknown encoding.
        :raises VendorUnavailable: if the attempts are used up; a retry of the task may succeed.
        :raises InvalidRequest: for an invalid proxy variable.
        :raises AddressRefused: if a URL leads to an address that is not allowed.
        """
        # A single writer thread: each further one would hold buffers of its own for the blocks of an upload.
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
        """Send one request and receive its response; return when the file is complete."""
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
                    raise await self._restart(f"HTTP {answer.status} does not prove that it is the same file")
                case Action.URL_REFUSED:
                    raise _UrlRefused(answer.status)
                case Action.RETRY_LATER:
                    raise _Broken(f"HTTP {answer.status}", retry_after(answer.headers))
        return await self._whole()

    async def _begin(self, body: Body) -> None:
        self._fresh = False  # it opened: if it expires later, another fresh URL is due
        if body.encoding is not None and body.encoding not in ENCODINGS:
            raise ResultUnavailable(
                f"{self._name} cannot be read: its server sends it encoded as {printable(body.encoding)!r}, which was "
                f"not requested; {', '.join(sorted(ENCODINGS))} are decoded"
            )
        if (reason := self._attempts.start()) is not None:
            raise VendorUnavailable(f"{self._name} cannot be fetched for now: {reason}")
        if self._attempts.starts > 1:
            self._log.info("Restarting at the first byte")
        self._check_size(body.length or 0)
        # Until the sink has dropped the old bytes, no validator must suggest that they can be continued.
        self._body = None
        await asyncio.to_thread(self._sink.begin, body)
        self._body = body

    async def _restart(self, reason: str) -> _Broken:
        """Drop the received bytes, so that the whole file is requested next; return the error to raise."""
        self._body = None
        await asyncio.to_thread(self._sink.begin, Body())
        return _Broken(reason)

    async def _take(self, answer: aiohttp.ClientResponse) -> None:
        self._fresh = False
        total = self._body.length if self._body else None
        async for piece in pieces(answer, seconds=STALL_SECONDS):
            # Before the write: a stated length may be false, or missing.
            self._check_size(self._sink.size + len(piece))
            try:
                await asyncio.to_thread(self._sink.write, piece)
            except Undecodable as wrong:
                raise await self._restart(str(wrong)) from wrong
            self._report(self._sink.size, total)

    async def _whole(self) -> Body:
        """Return what is stated about the file if it is complete; raise if it is not."""
        body, size = self._body, self._sink.size
        if body is None:
            raise _Broken("nothing was received")
        if body.length is not None and size > body.length:
            raise await self._restart(f"{size} bytes were received of {body.length}")
        if body.length not in (None, size):
            raise _Broken(f"{size} bytes were received of {body.length}")
        try:
            self._sink.end()
        except Undecodable as wrong:
            raise await self._restart(str(wrong)) from wrong
        if not body.framed:
            await self._confirm()
        return body

    async def _confirm(self) -> None:
        """Raise unless the same bytes were received twice in a row.

        Without a length and without chunks a lost connection looks like the end of the file.
        """
        before, self._unframed = self._unframed, (self._sink.size, self._sink.sha256)
        if before != self._unframed:
            raise await self._restart("its server does not state its length, so it is downloaded again and compared")

    def _check_size(self, size: int) -> None:
        if size > self._rules.max_bytes:
            raise ResultUnavailable(f"{self._name} is larger than max_bytes={self._rules.max_bytes}")

    async def _renewed(self, url: str, refused: _UrlRefused) -> str:
        """Return a fresh URL; raise if the refused one was fresh already."""
        if self._fresh:
            raise ResultUnavailable(
                f"{self._name} is no longer available: a fresh URL from the vendor was refused as well ({refused}). "
                "To have it made again, and pay for it again, clear its task with on_finished_job='resubmit'."
            )
        self._log.info("The URL was refused (%s): querying the vendor for a fresh one", refused)
        try:
            fresh = await self._renew()
        except (VendorUnavailable, QuotaExceeded) as failure:
            await self._pause(failure)
            return url  # it will be refused again, and the vendor queried again: both count as attempts
        self._fresh = True
        if _place(fresh) != _place(url):
            # Another resource: its validators say nothing about the bytes received from this one (RFC 9110, 8.8).
            self._body = None
        return fresh

    async def _pause(self, broken: Exception) -> None:
        """Wait before the next attempt; raise :class:`VendorUnavailable` if there is none left."""
        slow = isinstance(broken, Unreachable) and broken.slow
        if (reason := self._attempts.attempt_ended(self._sink.size, slow=slow)) is not None:
            raise VendorUnavailable(f"{self._name} cannot be fetched for now: {broken} ({reason})") from broken
        # The server's Retry-After is capped: a hostile one must not hold the worker slot for hours.
        requested = getattr(broken, "pause", None) or getattr(broken, "retry_after", None)
        jitter = random.uniform(0.1, 0.3) * 2**self._attempts.fruitless  # noqa: S311 - jitter
        pause = min(requested or jitter, _LONGEST_PAUSE)
        self._log.info("Interrupted at byte %s (%s): retrying in %.1f seconds", self._sink.size, broken, pause)
        await asyncio.sleep(pause)

    async def _answer(self, client: MediaClient, url: str, headers: dict[str, str]) -> aiohttp.ClientResponse:
        try:
            return await client.get(url, headers, seconds=STALL_SECONDS)
        except TooManyRedirects as lost:
            raise ResultUnavailable(f"{self._name} is not available: its URL was {lost}") from lost


def _place(url: str) -> str:
    """Return the part of a URL that stays the same when it is signed again."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
