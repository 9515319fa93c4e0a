# SPDX-License-Identifier: Apache-2.0
"""Fetch a small file into memory in one go, for a page that waits for it."""

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
    """A sink that holds what it gets."""

    def __init__(self) -> None:
        self.content = bytearray()

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return len(self.content)

    def begin(self, body: Body) -> None:  # noqa: ARG002 - every body is welcome
        """Be empty."""
        self.content.clear()

    def write(self, piece: bytes) -> None:
        """Take the next bytes."""
        self.content += piece


async def fetch_small(url: str, *, allow_private: bool, max_bytes: int, seconds: float) -> bytes:
    """Return what is at a URL, decoded; nothing is tried twice, and no redirect followed.

    Raises :class:`~airflow_provider_videoai.media.addresses.AddressRefused`, and :class:`Unreachable` for all else:
    more than ``max_bytes``, as sent or decoded, more than ``seconds`` in all, an answer other than HTTP 200.
    """
    memory = MemorySink()
    try:
        async with asyncio.timeout(seconds), MediaClient(allow_private=allow_private) as client:
            answer = await client.request("GET", check_url(url))
            await _read(answer, Decoding(memory, lambda size: _check(size, max_bytes)), max_bytes, seconds)
    except Undecodable as failure:
        raise Unreachable(str(failure)) from failure
    except TimeoutError as failure:
        raise Unreachable("no answer in time", slow=True) from failure
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
