# SPDX-License-Identifier: Apache-2.0
"""A remote file that is read by range requests: to probe a video without downloading all of it."""

from __future__ import annotations

import asyncio
import io
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import aiohttp
from typing_extensions import override

from airflow_provider_videoai.jobs.errors import InvalidRequest, VendorUnavailable
from airflow_provider_videoai.jobs.http.blocking_runner import Runner, run
from airflow_provider_videoai.media.body import body_from_headers
from airflow_provider_videoai.media.web import MediaClient, TooManyRedirects, Unreachable, pieces

__all__ = ["MAX_BYTES", "PART", "SECONDS", "TOTAL_TIMEOUT", "RemoteFile", "check_opens"]

MAX_BYTES = 32 * 1024 * 1024
"""Bytes of a file that are fetched at most: its header, wherever that is."""
PART = 256 * 1024
"""Bytes per request."""
SECONDS = 30.0
"""Timeout of one request."""
TOTAL_TIMEOUT = 300.0
"""Timeout of all requests for one file, in seconds."""

_TOTAL = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})", re.ASCII)


class RemoteFile(io.RawIOBase):
    """A seekable read-only file at a URL; each read is a range request. Blocks: not for an event loop.

    The size is found with a GET of the first byte: a URL that is pre-signed for GET refuses HEAD. ``size`` is in bytes.
    No error message contains the URL.

    :param url: http or https.
    :param allow_private: whether it may lead into the user's own network.
    :raises InvalidRequest: if the URL does not open, or its server does not support range requests.
    :raises VendorUnavailable: if its server is unreachable or too slow, or the file changes while it is read.
    :raises AddressRefused: if the URL leads to an address that is not allowed.
    """

    def __init__(self, url: str, *, allow_private: bool) -> None:
        self._url = url
        self._at = 0
        self._fetched = 0
        self.size = 0
        self._until = time.monotonic() + TOTAL_TIMEOUT
        self._runner = Runner()
        self._client = MediaClient(allow_private=allow_private)
        try:
            self._runner.run(self._part(0, 0))
        except BaseException:
            self.close()
            raise

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True

    @override
    def tell(self) -> int:
        return self._at

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    @override
    def readinto(self, buffer: Any, /) -> int:
        count = min(len(buffer), self.size - self._at)
        if count <= 0:
            return 0
        # Before the request: what would exceed the limit is not even fetched.
        self._fetched += count
        if self._fetched > MAX_BYTES:
            raise InvalidRequest(f"its header is not within {MAX_BYTES // 1024**2} MB of it")
        buffer[:count] = self._runner.run(self._part(self._at, self._at + count - 1))
        self._at += count
        return count

    @override
    def close(self) -> None:
        if not self.closed:
            self._runner.run(self._client.close())
            self._runner.close()
        super().close()

    async def _part(self, first: int, last: int) -> bytes:
        """Fetch the bytes from ``first`` to ``last``, both included."""
        seconds = min(SECONDS, self._until - time.monotonic())
        with _network_errors():
            async with (
                asyncio.timeout(seconds),
                await self._client.get(self._url, {"Range": f"bytes={first}-{last}"}, seconds=seconds) as answer,
            ):
                self._check_response(answer, first)
                self._url = str(answer.url)  # further requests need not follow the redirects again
                return await _bytes(answer, last - first + 1, seconds)

    def _check_response(self, answer: aiohttp.ClientResponse, first: int) -> None:
        """Set the size; raise unless the response has the requested part."""
        _check_server(answer)
        # 200 would be the whole file, however large, for a part of it.
        if answer.status == HTTPStatus.OK:
            raise InvalidRequest("its server does not support range requests, which are needed to check its header")
        said = _TOTAL.fullmatch(answer.headers.get("Content-Range", ""))
        if answer.status != HTTPStatus.PARTIAL_CONTENT or said is None or int(said[1]) != first:
            raise InvalidRequest(f"it does not open: HTTP {answer.status}")
        if (encoding := body_from_headers(answer.headers).encoding) is not None:
            raise InvalidRequest(f"its server sends it encoded as {encoding!r}, so that parts of it cannot be read")
        if self.size not in (0, int(said[2])):
            raise VendorUnavailable("it cannot be checked for now: it was replaced meanwhile")
        self.size = int(said[2])


def check_opens(url: str, *, allow_private: bool) -> None:
    """Check that a URL gives a file to whoever requests it; of its content one byte is requested. Blocks.

    No error message contains the URL.

    :param url: http or https.
    :param allow_private: whether it may lead into the user's own network.
    :raises InvalidRequest: if the URL does not open, or leads to a web page.
    :raises VendorUnavailable: if its server is unreachable or too slow.
    :raises AddressRefused: if the URL leads to an address that is not allowed.
    """
    run(_opens(url, allow_private))


async def _opens(url: str, allow_private: bool) -> None:
    with _network_errors():
        async with (
            MediaClient(allow_private=allow_private) as client,
            await client.get(url, {"Range": "bytes=0-0"}, seconds=SECONDS) as answer,
        ):
            _check_server(answer)
            # 200 from a server without range requests: the vendor may do without them.
            if answer.status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
                raise InvalidRequest(f"it does not open: HTTP {answer.status}")
            # Of a link that is meant for people, such as one to a shared folder, or a form for a login.
            if answer.content_type == "text/html":
                raise InvalidRequest("it is a web page (text/html), not media")


@contextmanager
def _network_errors() -> Iterator[None]:
    try:
        yield
    except TooManyRedirects as lost:
        raise InvalidRequest(f"it was {lost}") from lost
    except (Unreachable, TimeoutError) as failure:
        reason = str(failure) or "no response in time"
        raise VendorUnavailable(f"it cannot be checked for now: {reason}") from failure


def _check_server(answer: aiohttp.ClientResponse) -> None:
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise VendorUnavailable(f"it cannot be checked for now: HTTP {answer.status}")


async def _bytes(answer: aiohttp.ClientResponse, count: int, seconds: float) -> bytes:
    """Return exactly so many bytes of a response."""
    part = bytearray()
    async for piece in pieces(answer, seconds=seconds):
        part += piece
        if len(part) >= count:
            return bytes(part[:count])
    raise Unreachable("the connection was lost before the end of the body")
