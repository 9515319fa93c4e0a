# SPDX-License-Identifier: Apache-2.0
"""Checking a remote video takes bounded bytes and time, for any behaviour of its server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_provider_videoai.jobs.errors import InvalidRequest, VendorUnavailable
from airflow_provider_videoai.media import remote
from airflow_provider_videoai.media.addresses import AddressRefused
from airflow_provider_videoai.media.remote import RemoteFile
from tests.jobs.http.wire import RawServer, Wire

CONTENT = bytes(range(200))


def part(wire: Wire, *, total: int = len(CONTENT), headers: tuple[str, ...] = ()) -> None:
    """Answer one range request."""
    wire.read()
    first, last = map(int, wire.head.partition("\r\nRange: bytes=")[2].partition("\r\n")[0].split("-"))
    said = (f"Content-Range: bytes {first}-{last}/{total}", "Connection: close", *headers)
    wire.answer(CONTENT[first : last + 1], 206, said)


def test_any_position_can_be_read(raw_server: RawServer) -> None:
    raw_server.behave = part
    with RemoteFile(f"{raw_server.url}/clip", allow_private=True) as file:
        assert file.size == len(CONTENT)
        file.seek(150)
        assert file.read(10) == CONTENT[150:160]


async def test_it_can_be_read_while_an_event_loop_is_running(raw_server: RawServer) -> None:
    raw_server.behave = part
    with RemoteFile(f"{raw_server.url}/clip", allow_private=True) as file:
        assert file.read(10) == CONTENT[:10]


def test_a_file_that_is_replaced_meanwhile_is_not_mixed(raw_server: RawServer) -> None:
    raw_server.behave = part
    with RemoteFile(f"{raw_server.url}/clip", allow_private=True) as file:
        raw_server.behave = lambda wire: part(wire, total=len(CONTENT) + 1)
        with pytest.raises(VendorUnavailable, match="replaced meanwhile"):
            file.read(10)


def test_parts_of_an_encoded_file_are_refused_by_name(raw_server: RawServer) -> None:
    raw_server.behave = lambda wire: part(wire, headers=("Content-Encoding: gzip",))
    with pytest.raises(InvalidRequest, match="encoded as 'gzip'"):
        RemoteFile(f"{raw_server.url}/clip", allow_private=True)


def drips(wire: Wire) -> None:
    wire.read()
    wire.send(b"HTTP/1.1 206 Part\r\nContent-Range: bytes 0-0/200\r\nContent-Length: 1\r\nX-A: ")
    while not wire.server.stopping.wait(0.02):
        wire.send(b"x")


@pytest.mark.parametrize("behave", [drips, Wire.reset], ids=["a head byte by byte", "a reset"])
def test_a_server_that_sends_nothing_is_given_up(
    raw_server: RawServer, behave: Callable[[Wire], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "SECONDS", 0.3)
    raw_server.behave = behave
    with pytest.raises(VendorUnavailable, match="cannot be checked for now"):
        RemoteFile(f"{raw_server.url}/clip", allow_private=True)


def test_all_requests_together_have_a_deadline(raw_server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    raw_server.behave = part
    monkeypatch.setattr(remote, "TOTAL_TIMEOUT", -1.0)
    with pytest.raises(VendorUnavailable, match="cannot be checked for now"):
        RemoteFile(f"{raw_server.url}/clip", allow_private=True)


@pytest.mark.parametrize("url", ["http://[x?y", "http://a..b/", "file:///etc/passwd"])
def test_an_invalid_url_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        RemoteFile(url, allow_private=True)
