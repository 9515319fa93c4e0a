# SPDX-License-Identifier: Apache-2.0
"""Send a file's bytes to a URL that a vendor gave: streamed, with no header beside the signed ones."""

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
"""How long the storage may take for the next piece, and for its answer after the last one."""
PIECE = int(MIN_RATE * STALL_SECONDS)
"""Bytes of the file that are held in memory at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What is sent: exactly ``size`` bytes of ``file``. ``name`` is what messages call it."""

    file: BinaryIO
    size: int
    name: str
    report: Callable[[int, int | None], None]


async def put(url: str, body: Upload, *, allow_private: bool) -> None:
    """Send the body with PUT and nothing but its length, as a pre-signed URL wants it.

    Raises :class:`VendorUnavailable` if it did not arrive (all of it may be sent again, to a fresh URL),
    :class:`StorageFailed` if the file cannot be read, :class:`InvalidRequest` if it is shorter than it was, and
    :class:`AddressRefused`. No text holds the URL.
    """
    await _send("PUT", url, _Pieces(body), None, allow_private=allow_private)


async def post(url: str, body: Upload, form: Mapping[str, str], *, allow_private: bool) -> None:
    """Send the body as the last part, ``file``, of a form (multipart/form-data, RFC 7578); raises as :func:`put`."""
    boundary = secrets.token_hex(16)
    begin = f"--{boundary}\r\nContent-Disposition: form-data; name="
    fields = [f'{begin}"{name}"\r\n\r\n{value}\r\n' for name, value in form.items()]
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
            answer.close()
    except (Unreachable, TimeoutError) as failure:
        if pieces.read_error is not None:
            raise pieces.read_error from failure
        reason = str(failure) or "no answer in time, or too few bytes taken"
        raise VendorUnavailable(f"{pieces.name} could not be uploaded: {reason}; a retry uploads it again") from failure
    if answer.status not in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT):
        raise VendorUnavailable(
            f"{pieces.name} was not taken by the vendor's storage: HTTP {answer.status}; a retry uploads it again"
        )
    if not pieces.all_sent:
        raise VendorUnavailable(
            f"{pieces.name} was not taken by the vendor's storage: HTTP {answer.status} came before all of it was "
            "sent; a retry uploads it again"
        )


class _Pieces:
    """The bytes that are sent. ``read_error`` is what kept the file from giving them: the library hides it."""

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
        """Start the storage's time for the next piece."""
        self.limit.reschedule(asyncio.get_running_loop().time() + STALL_SECONDS)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._head:
            yield self._head
        sent = 0
        while sent < self._body.size:
            self.limit.reschedule(None)  # the time that the file's own store takes is not the storage's
            piece = await asyncio.to_thread(self._read, min(PIECE, self._body.size - sent))
            self.wait()
            sent += len(piece)
            self.all_sent = sent == self._body.size  # before the storage can answer to the last piece
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
