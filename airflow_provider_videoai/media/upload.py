# SPDX-License-Identifier: Apache-2.0
"""Upload a file to a URL that a vendor issued: streamed, and without headers that the signature does not cover."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import BinaryIO
from urllib.parse import quote

from airflow_provider_videoai.jobs.errors import InvalidRequest, StorageFailed, VendorUnavailable
from airflow_provider_videoai.media.addresses import check_url
from airflow_provider_videoai.media.web import MIN_RATE, MediaClient, Unreachable

__all__ = ["PIECE", "STALL_SECONDS", "Upload", "post", "put"]

STALL_SECONDS = 60.0
"""Timeout for the storage to take the next piece, and to respond after the last one."""
PIECE = int(MIN_RATE * STALL_SECONDS)
"""Bytes of the file that are held in memory at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """The file to upload.

    :param file: open for reading, at its first byte.
    :param size: how many bytes are sent; a longer file is cut, a shorter one fails.
    :param name: of the file, for messages.
    :param report: called after each piece with the bytes sent and the total.
    """

    file: BinaryIO
    size: int
    name: str
    report: Callable[[int, int | None], None]


async def put(url: str, body: Upload, *, allow_private: bool) -> None:
    """Upload with PUT and no header but Content-Length: a pre-signed URL refuses headers that were not signed.

    No error message contains the URL.

    :param url: pre-signed.
    :param allow_private: whether it may lead into the user's own network.
    :raises VendorUnavailable: if it failed; the whole file may be sent again, to a fresh URL.
    :raises StorageFailed: if the file cannot be read.
    :raises InvalidRequest: if the file became shorter.
    :raises AddressRefused: if the URL leads to an address that is not allowed.
    """
    await _send("PUT", url, _Pieces(body), None, allow_private=allow_private)


async def post(url: str, body: Upload, form: Mapping[str, str], *, allow_private: bool) -> None:
    """Upload as the last part, ``file``, of a form (multipart/form-data, RFC 7578); raises as :func:`put` does.

    :param form: the fields before it.
    """
    boundary = secrets.token_hex(16)  # random, so that a file cannot contain it on purpose
    begin = f"--{boundary}\r\nContent-Disposition: form-data; name="
    fields = [f'{begin}"{name}"\r\n\r\n{value}\r\n' for name, value in form.items()]
    # Percent-encoded: a quote or line break in a name would end the header.
    file = f'{begin}"file"; filename="{quote(body.name)}"\r\nContent-Type: application/octet-stream\r\n\r\n'
    pieces = _Pieces(body, "".join([*fields, file]).encode(), f"\r\n--{boundary}--\r\n".encode())
    await _send("POST", url, pieces, f"multipart/form-data; boundary={boundary}", allow_private=allow_private)


async def _send(method: str, url: str, pieces: _Pieces, content_type: str | None, *, allow_private: bool) -> None:
    headers = {"Content-Length": str(pieces.size)} | ({"Content-Type": content_type} if content_type else {})
    try:
        async with MediaClient(allow_private=allow_private) as client, asyncio.timeout(None) as pieces.limit:
            pieces.wait()
            answer = await client.request(
                method, check_url(url), data=pieces, headers=headers, skip_auto_headers=("Content-Type",)
            )
            answer.close()  # its body may be endless, and nothing in it is needed
    except (Unreachable, TimeoutError) as failure:
        if pieces.read_error is not None:
            raise pieces.read_error from failure
        reason = str(failure) or "no response in time, or too slow"
        raise VendorUnavailable(f"{pieces.name} could not be uploaded: {reason}; a retry uploads it again") from failure
    if answer.status not in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT):
        raise VendorUnavailable(
            f"{pieces.name} was refused by the vendor's storage: HTTP {answer.status}; a retry uploads it again"
        )
    # A store or a proxy may answer 200 before it has read the body; the vendor would then find a part of the file.
    if not pieces.all_sent:
        raise VendorUnavailable(
            f"{pieces.name} was not stored by the vendor's storage: HTTP {answer.status} before all of it was sent; a "
            "retry uploads it again"
        )


class _Pieces:
    """The bytes of the request. ``read_error`` keeps an error of the file, which aiohttp replaces by its own."""

    def __init__(self, body: Upload, head: bytes = b"", tail: bytes = b"") -> None:
        self._body = body
        self._head = head
        self._tail = tail
        self.name = body.name
        self.size = len(head) + body.size + len(tail)
        self.read_error: Exception | None = None
        self.all_sent = False
        self.limit: asyncio.Timeout

    def wait(self) -> None:
        """Restart the timeout of the storage."""
        self.limit.reschedule(asyncio.get_running_loop().time() + STALL_SECONDS)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._head:
            yield self._head
        sent = 0
        while sent < self._body.size:
            self.limit.reschedule(None)  # reading the file may take longer: that is another store
            piece = await asyncio.to_thread(self._read, min(PIECE, self._body.size - sent))
            self.wait()
            sent += len(piece)
            self.all_sent = (
                sent == self._body.size
            )  # before the yield: the response may come before this code runs again
            yield piece
            self._body.report(sent, self._body.size)
        if self._tail:
            yield self._tail

    def _read(self, count: int) -> bytes:
        try:
            piece = self._body.file.read(count)
        except Exception as fault:
            self.read_error = StorageFailed(f"{self._body.name} cannot be read from its store ({type(fault).__name__})")
            self.read_error.__cause__ = fault
            raise self.read_error from fault
        if not piece:
            self.read_error = InvalidRequest(f"{self._body.name} became shorter while it was uploaded")
            raise self.read_error
        return piece
