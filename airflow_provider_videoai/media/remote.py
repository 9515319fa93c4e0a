# SPDX-License-Identifier: Apache-2.0
"""A file at a URL, read in parts: enough to look at a video without fetching all of it."""

from __future__ import annotations

import asyncio
import io
import re
from http import HTTPStatus
from typing import Any

import aiohttp
from typing_extensions import override

from airflow_provider_videoai.jobs.errors import InvalidRequest, VendorUnavailable
from airflow_provider_videoai.jobs.unreachable import why
from airflow_provider_videoai.media.addresses import TooManyRedirects, get, session

MOST_BYTES = 32 * 1024 * 1024
"""How much of a file is fetched at most: its header, wherever that is."""
PART = 256 * 1024
"""Bytes that are asked for at once."""

_SECONDS = 30.0
_TOTAL = re.compile(r"bytes (\d+)-\d+/(\d+)")


class RemoteFile(io.RawIOBase):
    """A file that can be read at any place, each part by a request of its own. For a worker: it blocks.

    A part is asked for with GET, from the first on: a pre-signed URL does not answer to HEAD. ``size`` is in bytes.
    Raises :class:`InvalidRequest` where the URL does not open or gives no parts, :class:`VendorUnavailable` where its
    server cannot be reached, and ``AddressRefused``; no text holds the URL.
    """

    def __init__(self, url: str, *, allow_private: bool) -> None:
        self._url = url
        self._at = 0
        self._fetched = 0
        self.size = 0
        self._runner = asyncio.Runner()
        self._client = self._runner.run(_client(allow_private=allow_private))
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
        self._fetched += count
        if self._fetched > MOST_BYTES:
            raise InvalidRequest(f"its header is not within {MOST_BYTES // 1024**2} MB of it")
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
        """Fetch the bytes from ``first`` to ``last``."""
        try:
            async with await get(self._client, self._url, {"Range": f"bytes={first}-{last}"}) as answer:
                self._judge(answer, first)
                self._url = str(answer.url)
                return await answer.content.readexactly(last - first + 1)
        except TooManyRedirects as lost:
            raise InvalidRequest(f"it was {lost}") from lost
        except (aiohttp.ClientError, asyncio.IncompleteReadError, TimeoutError) as failure:
            raise VendorUnavailable(f"it cannot be looked at for now: {why(failure)}") from failure

    def _judge(self, answer: aiohttp.ClientResponse, first: int) -> None:
        """Take in the size; raise unless the part that was asked for follows."""
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise VendorUnavailable(f"it cannot be looked at for now: HTTP {answer.status}")
        if answer.status == HTTPStatus.OK:
            raise InvalidRequest("its server gives no parts of it, so it cannot be looked at without fetching all")
        said = _TOTAL.fullmatch(answer.headers.get("Content-Range", ""))
        if answer.status != HTTPStatus.PARTIAL_CONTENT or said is None or int(said[1]) != first:
            raise InvalidRequest(f"it does not open: HTTP {answer.status}")
        self.size = int(said[2])


async def _client(*, allow_private: bool) -> aiohttp.ClientSession:
    return session(allow_private=allow_private, timeout=aiohttp.ClientTimeout(total=_SECONDS))
