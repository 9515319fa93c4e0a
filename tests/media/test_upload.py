# SPDX-License-Identifier: Apache-2.0
"""Every upload ends, for any behaviour of the vendor's storage, and sends no unsigned headers."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import InvalidRequest, StorageFailed, VendorUnavailable
from airflow_provider_videoai.media import upload
from airflow_provider_videoai.media.addresses import AddressRefused
from airflow_provider_videoai.media.upload import Upload, put
from tests.jobs.http.wire import RawServer, Wire

CONTENT = bytes(2_000_000)


async def sent(url: str, file: Any = None, size: int = len(CONTENT)) -> None:
    body = Upload(file=file or io.BytesIO(CONTENT), size=size, name="clip.mp4", report=lambda *_: None)
    await put(url, body, allow_private=True)


def until_it_leaves(send: bytes, *, pause: float = 0.0) -> Callable[[Wire], None]:
    def behave(wire: Wire) -> None:
        wire.wait_for_bytes()
        while not wire.server.stopping.wait(pause):
            wire.send(send)

    return behave


def reads_nothing(wire: Wire) -> None:
    wire.server.stopping.wait(2)


def never_answers(wire: Wire) -> None:
    wire.read()
    wire.server.stopping.wait(2)


HOSTILE: dict[str, Callable[[Wire], None]] = {
    "nothing is read": reads_nothing,
    "all is read, nothing answered": never_answers,
    "a head byte by byte": until_it_leaves(b"H", pause=0.02),
    "endless interim answers": until_it_leaves(b"HTTP/1.1 100 Continue\r\n\r\n" * 500),
    "an endless head": until_it_leaves(b"HTTP/1.1 200 Fine\r\n" + b"X-A: b\r\n" * 5000),
    "a reset": Wire.reset,
}


@pytest.mark.parametrize("behave", HOSTILE.values(), ids=HOSTILE)
async def test_a_storage_that_takes_or_returns_nothing_is_given_up(
    raw_server: RawServer, behave: Callable[[Wire], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "STALL_SECONDS", 0.3)
    raw_server.behave = behave
    with pytest.raises(
        VendorUnavailable, match=r"clip.mp4 could not be uploaded: .*a retry uploads it again"
    ) as failure:
        await sent(f"{raw_server.url}/clip?sign=secret")
    assert "secret" not in str(failure.value)


async def test_the_time_to_read_the_file_does_not_count_for_the_storage(
    raw_server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "STALL_SECONDS", 0.2)

    class Slow(io.BytesIO):
        def read(self, *arguments: Any) -> bytes:
            if not self.tell():
                time.sleep(0.5)
            return super().read(*arguments)

    raw_server.behave = lambda wire: wire.answer(wire.read().encode())
    await sent(f"{raw_server.url}/clip", Slow(CONTENT))


async def test_a_success_before_the_whole_file_was_sent_is_a_failure(raw_server: RawServer) -> None:
    def accept(wire: Wire) -> None:
        wire.wait_for_bytes()
        wire.answer(b"")
        wire.server.stopping.wait(10)

    raw_server.behave = accept
    size = 50_000_000  # more than the buffers of a connection hold
    with pytest.raises(VendorUnavailable, match="HTTP 200 before all of it was sent; a retry"):
        await sent(f"{raw_server.url}/clip", io.BytesIO(bytes(size)), size)


@pytest.mark.parametrize("url", ["http://[x?y=secret", "http://a..b/", "ftp://a/", "http://u:secret@a/", ""])
async def test_an_invalid_url_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        await sent(url)
    assert "secret" not in str(refused.value)


async def test_a_file_that_became_shorter_is_an_invalid_request(raw_server: RawServer) -> None:
    raw_server.behave = lambda wire: wire.answer(wire.read().encode())
    with pytest.raises(InvalidRequest, match="became shorter"):
        await sent(f"{raw_server.url}/clip", size=len(CONTENT) + 1)


async def test_a_file_that_cannot_be_read_is_a_storage_failure(raw_server: RawServer) -> None:
    class Broken(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise OSError(5, "Input/output error at https://bucket/?sign=secret")

    raw_server.behave = lambda wire: wire.answer(wire.read().encode())
    with pytest.raises(StorageFailed, match="cannot be read from its store") as failure:
        await asyncio.wait_for(sent(f"{raw_server.url}/clip", Broken()), 30)
    assert "secret" not in str(failure.value)
