# SPDX-License-Identifier: Apache-2.0
"""Send a file's bytes to a URL that a vendor gave: streamed, with no header that its signature does not know."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import BinaryIO

import aiohttp

from airflow_provider_videoai.jobs.errors import InvalidRequest, VendorUnavailable
from airflow_provider_videoai.jobs.unreachable import why
from airflow_provider_videoai.media.addresses import AddressRefused, checked, session

PIECE = 1024 * 1024
"""Bytes of the file that are held in memory at once."""
STALL_SECONDS = 60.0
"""How long the storage may take no bytes, or not answer after the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What is sent: exactly ``size`` bytes of ``file``. ``name`` is what messages call it."""

    file: BinaryIO
    size: int
    name: str
    tell: Callable[[int, int | None], None]


async def put(url: str, body: Body, *, allow_private: bool) -> None:
    """Send the body with PUT and nothing but its length, as a pre-signed URL wants it.

    Raises :class:`VendorUnavailable` where it did not arrive (all of it may be sent again, to a fresh URL),
    :class:`InvalidRequest` where the file is shorter than it was, and :class:`AddressRefused`. No text holds the URL.
    """
    pieces = _Pieces(body)
    try:
        async with (
            asyncio.timeout(None) as pieces.patience,
            session(allow_private=allow_private, timeout=aiohttp.ClientTimeout(total=None)) as client,
        ):
            pieces.wait()
            answer = await client.put(
                checked(url),
                data=pieces,
                headers={"Content-Length": str(body.size)},
                skip_auto_headers=("Content-Type",),
                allow_redirects=False,
            )
            answer.close()
    except aiohttp.InvalidURL as failure:
        raise AddressRefused("it is no address that can be connected to") from failure
    except (aiohttp.ClientError, TimeoutError) as failure:
        if pieces.fault is not None:
            raise pieces.fault from failure
        raise VendorUnavailable(f"{body.name} could not be uploaded: {why(failure)}") from failure
    if answer.status not in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT):
        raise VendorUnavailable(f"{body.name} was not taken by the vendor's storage: HTTP {answer.status}")


class _Pieces:
    """The bytes of a body. ``fault`` is what kept the file from giving them: the library hides it behind its own."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self.fault: Exception | None = None
        self.patience: asyncio.Timeout

    def wait(self) -> None:
        """Give the storage its time anew."""
        self.patience.reschedule(asyncio.get_running_loop().time() + STALL_SECONDS)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        sent = 0
        while sent < self._body.size:
            piece = await asyncio.to_thread(self._read, min(PIECE, self._body.size - sent))
            self.wait()
            yield piece
            sent += len(piece)
            self._body.tell(sent, self._body.size)

    def _read(self, count: int) -> bytes:
        try:
            piece = self._body.file.read(count)
        except Exception as fault:
            self.fault = fault
            raise
        if not piece:
            self.fault = InvalidRequest(f"{self._body.name} became shorter while it was uploaded")
            raise self.fault
        return piece
