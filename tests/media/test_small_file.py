# SPDX-License-Identifier: Apache-2.0
"""A small file is fetched within limits of size and time, without retries."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest

from airflow_provider_videoai.media.small_file import fetch_small
from airflow_provider_videoai.media.web import Unreachable
from tests.jobs.http.wire import RawServer, Wire
from tests.support.origin import Origin, Step

TEXT = b"00:01.000 --> 00:02.000\nHello\n" * 20


async def fetched(server: RawServer, behave: Callable[[Wire], None], seconds: float = 5.0) -> bytes:
    server.behave = behave
    return await fetch_small(f"{server.url}/a.srt?sign=secret", allow_private=True, max_bytes=1000, seconds=seconds)


async def test_it_is_decoded(raw_server: RawServer) -> None:
    assert await fetched(raw_server, Origin([TEXT])) == TEXT
    assert await fetched(raw_server, Origin([gzip.compress(TEXT, mtime=0)], encoding="gzip")) == TEXT


def drips(wire: Wire) -> None:
    wire.read()
    wire.send(b"HTTP/1.1 200 Fine\r\nContent-Length: 900\r\n\r\n")
    while not wire.server.stopping.wait(0.02):
        wire.send(b"x")


REFUSED: dict[str, tuple[Callable[[Wire], None], str]] = {
    "too long": (Origin([bytes(1001)]), "too long"),
    "a bomb": (Origin([gzip.compress(bytes(100_000), mtime=0)], encoding="gzip"), "too long"),
    "damaged": (Origin([TEXT], encoding="gzip"), "Content-Encoding"),
    "an unknown encoding": (Origin([TEXT], encoding="br"), "unknown encoding"),
    "cut off": (Origin([TEXT], [Step(cut=10)]), "lost before the end of the body"),
    "a byte from time to time": (drips, "in time"),
    "a reset": (Wire.reset, "reset|ServerDisconnected"),
}


@pytest.mark.parametrize(("behave", "reason"), REFUSED.values(), ids=REFUSED)
async def test_any_other_response_is_refused_with_a_reason(
    raw_server: RawServer, behave: Callable[[Wire], None], reason: str
) -> None:
    with pytest.raises(Unreachable, match=reason) as refused:
        await fetched(raw_server, behave, seconds=0.5)
    assert "secret" not in str(refused.value)
