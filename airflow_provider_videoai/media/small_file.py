# SPDX-License-Identifier: Apache-2.0
"""Fetch a small file into memory without retries, for a web page that waits for it."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import aiohttp

from airflow_provider_videoai.media.addresses import check_url
from airflow_provider_videoai.media.body import Body, body_from_headers
from airflow_provider_videoai.media.decoding import ENCODINGS, Decoding, Undecodable
from airflow_provider_videoai.media.web import MediaClient, Unreachable, pieces

__all__ = ["MemorySink", "fetch_small"]


class MemorySink:
    """A sink that keeps the bytes in memory."""

    def __init__(self) -> None:
        self.content = bytearray()

    @property
    def size(self) -> int:
        """How many bytes it has received."""
        return len(self.content)

    def begin(self, body: Body) -> None:  # noqa: ARG002 - nothing of it is needed
        """Drop what was written."""
        self.content.clear()

    def write(self, piece: bytes) -> None:
        """Take the next bytes."""
        self.content += piece


async def fetch_small(url: str, *, allow_private: bool, max_bytes: int, seconds: float) -> bytes:
    """Return the content of a URL, decoded. No retries, no redirects.

    :param allow_private: whether it may lead into the user's own network.
    :param max_bytes: limit of the size, both as it is sent and decoded.
    :param seconds: timeout of the whole call.
    :raises AddressRefused: if the URL leads to an address that is not allowed.
    :raises Unreachable: if it is too large, too slow, or the response is not HTTP 200.
    """
    memory = MemorySink()
    try:
        async with asyncio.timeout(seconds), MediaClient(allow_private=allow_private) as client:
            answer = await client.request("GET", check_url(url))
            await _read(answer, Decoding(memory, lambda size: _check(size, max_bytes)), max_bytes, seconds)
    except Undecodable as failure:
        raise Unreachable(str(failure)) from failure
    except TimeoutError as failure:
        raise Unreachable("no response in time", slow=True) from failure
    return bytes(memory.content)


async def _read(answer: aiohttp.ClientResponse, sink: Decoding, max_bytes: int, seconds: float) -> None:
    body = body_from_headers(answer.headers)
    if answer.status != HTTPStatus.OK or body.encoding not in {None, *ENCODINGS}:
        raise Unreachable(f"HTTP {answer.status}" + (", in an unknown encoding" if body.encoding else ""))
    sink.begin(body)
    async for piece in pieces(answer, seconds=seconds):
        _check(sink.size + len(piece), max_bytes)
        sink.write(piece)
    sink.end()


def _check(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise Unreachable(f"too long: more than {max_bytes} bytes")
