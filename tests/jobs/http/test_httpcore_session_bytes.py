# SPDX-License-Identifier: Apache-2.0
"""The bytes of one answer: whatever a server sends takes bounded memory, and is an answer or a typed error."""

from __future__ import annotations

import gc
import gzip
import socket
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.errors import SubmitUncertain, VendorUnavailable, VideoAIError
from airflow_provider_videoai.jobs.http.attempt import MAX_BODY
from airflow_provider_videoai.jobs.protocol.call import Call, json_body
from tests.jobs.http.wire import CHUNKED, HEAD, PIECE, Wire
from tests.jobs.protocol.playing import LOOKED, PLAYS, Play, beside_a_poller, buy, look, one, told

pytestmark = [
    pytest.mark.filterwarnings("error"),  # an unclosed session, socket or loop warns
    pytest.mark.usefixtures("no_pause_between_connects", "no_proxy"),
]


@pytest.fixture(autouse=True, scope="module")
def nothing_is_left_open() -> Iterator[None]:
    yield
    gc.collect()  # what was left open warns now


# -- memory ----------------------------------------------------------------------------------------------------

FLOODS = {
    "one header": (HEAD + b"X: ", b"a" * PIECE),
    "headers": (HEAD, b"X: a\r\n" * (PIECE // 6)),
    "status line": (b"HTTP/1.1 200 ", b"a" * PIECE),
    "no line": (b"", b"a" * PIECE),
    "empty lines": (b"", b"\r\n" * (PIECE // 2)),
    "informational responses": (b"", (b"HTTP/1.1 103 Early Hints\r\nX: " + b"a" * 4000 + b"\r\n\r\n") * 16),
    "chunk size": (CHUNKED, b"0" * PIECE),
    "chunk extension": (CHUNKED + b"2;x=", b"a" * PIECE),
    "chunk extensions": (CHUNKED, (b"1;x=" + b"a" * 4000 + b"\r\n \r\n") * 16),
    "trailers": (CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: a\r\n" * (PIECE // 6)),
    "chunks": (CHUNKED, b"10000\r\n" + b" " * PIECE + b"\r\n"),
    "body without length": (HEAD + b"\r\n", b" " * PIECE),
    "body of a lying length": (HEAD + b"Content-Length: 1" + b"0" * 15 + b"\r\n\r\n", b" " * PIECE),
}


@pytest.mark.parametrize("part", FLOODS)
def test_flood_takes_no_more_memory_than_an_answer_may(open_lab: Any, server: Any, play: Play, part: str) -> None:
    sent = 0

    def behave(wire: Wire) -> None:
        nonlocal sent
        wire.read()
        wire.send(FLOODS[part][0])
        while not wire.server.stopping.is_set():
            wire.send(FLOODS[part][1])
            sent += len(FLOODS[part][1])

    server.behave = behave
    # aiohttp keeps nothing of what lies between a body's bytes, and passes it by until the deadline.
    vendor = open_lab(host=server.url, timeout=0.5 if play is beside_a_poller else 30)
    tracemalloc.start()
    try:
        with pytest.raises(VendorUnavailable):
            play(vendor, look(vendor))
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_BODY
    finally:
        tracemalloc.stop()
    server.stop()
    assert sent < 4 * MAX_BODY or play is beside_a_poller


# -- encodings -------------------------------------------------------------------------------------------------


def answering(body: bytes, *headers: str) -> Callable[[Wire], Any]:
    def behave(wire: Wire) -> None:
        wire.read()
        wire.answer(body, headers=headers)

    return behave


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("identity", bytes),
        ("", bytes),
    ],
)
def test_answer_in_an_encoding_that_was_not_asked_for_is_read(
    open_lab: Any, server: Any, play: Play, encoding: str, encode: Callable[[bytes], bytes]
) -> None:
    server.behave = answering(encode(json_body(LOOKED)), f"Content-Encoding: {encoding}")
    vendor = open_lab(host=server.url)
    assert "job-1" in play(vendor, look(vendor))


BOMB = gzip.compress(b" " * (5 * MAX_BODY), mtime=0)


@pytest.mark.parametrize(
    ("encoding", "body", "reason"),
    [
        ("gzip", BOMB, "encoded as 'gzip', is cut off or longer than 8 MiB"),
        ("gzip, gzip", gzip.compress(BOMB, mtime=0), "encoded as 'gzip, gzip', and identity was requested"),
        ("br", b"\x0b\x02\x80{}\x03", "encoded as 'br', and identity was requested"),
        ("zstd", b"\x28\xb5\x2f\xfd", "encoded as 'zstd'"),
        ("a" * 99, b"{}", f"encoded as '{'a' * 40}'"),
        ("gzip", gzip.compress(json_body(LOOKED), mtime=0)[:-9], "is cut off"),
        ("gzip", json_body(LOOKED), "says that it is encoded as 'gzip', and is not"),
    ],
)
def test_answer_that_cannot_be_decoded_within_the_limit_names_its_encoding(
    open_lab: Any, server: Any, order: Any, play: Play, encoding: str, body: bytes, reason: str
) -> None:
    server.behave = answering(body, f"Content-Encoding: {encoding}")
    vendor = open_lab(host=server.url)
    tracemalloc.start()
    try:
        with pytest.raises(VendorUnavailable, match=reason):
            play(vendor, look(vendor))
        with pytest.raises(SubmitUncertain, match=reason):
            play(vendor, buy(vendor, order))
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_BODY
    finally:
        tracemalloc.stop()


def test_identity_is_asked_for(open_lab: Any, server: Any, play: Play) -> None:
    heads = []

    def behave(wire: Wire) -> None:
        wire.wait_for_bytes()
        heads.append(wire._connection.recv(PIECE, socket.MSG_PEEK).lower())
        wire.read()
        wire.answer(json_body(LOOKED))

    server.behave = behave
    vendor = open_lab(host=server.url)
    play(vendor, look(vendor))
    assert heads[0].count(b"accept-encoding: identity\r\n") == heads[0].count(b"accept-encoding") == 1


# -- whatever comes --------------------------------------------------------------------------------------------


PIECES = [
    *(
        b"HTTP/1.1 200 OK",
        b"HTTP/1.0 200 OK",
        b"HTTP/0.9 200",
        b"HTTP/1.1 103 Early",
        b"HTTP/1.1 101 Up",
        b"HTTP/1.1 204 -",
    ),
    *(b"HTTP/1.1 999 \xff", b"HTTP/1.1 -1 OK", b"HTTP/2 200", b"\r\n", b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\0"),
    *(b"Content-Length: 2", b"Content-Length: 20", b"Content-Length: -2", b"Content-Length: 1" + b"0" * 30),
    *(b"Content-Length: 9" + b"9" * 5000, b"Content-Length: 2, 2", b"Content-Length: 0x2", b"Content-Length: +2"),
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"Content-Encoding: gzip", b" folded"),
    *(
        b"Connection: close",
        b"Connection: upgrade",
        b"Upgrade: h2c",
        b"X: \x01\x7f",
        b"X: caf\xe9\xff",
        b"X\xff: a",
        b": a",
    ),
    *(
        b"Retry-After: 1e9",
        b"Date: \xff",
        b"{}",
        b"2\r\n{}\r\n",
        b"0\r\n\r\n",
        b"f" * 17 + b"\r\n",
        b"-1\r\n",
        b"1;x=y\r\n",
    ),
    *(b"X: a\r\n" * 10_000, b"X: " + b"a" * 20_000, b"\x16\x03\x01\x02\x00", gzip.compress(b"{}", mtime=0)),
]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=12), st.booleans())
@example([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 20\r\n\r\n{}"], True)
@example([b"HTTP/1.1 200 OK\r\nContent-Length: 1" + b"0" * 30 + b"\r\n\r\n{}"], True)
@example([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n{}"], True)
@example([b"{}"], True)
def test_whatever_comes_is_an_answer_or_a_typed_error(
    open_lab: Any, server: Any, pieces: list[bytes], buys: bool
) -> None:
    def behave(wire: Wire) -> None:
        wire.read()
        wire.send(b"".join(pieces))

    server.behave = behave
    vendor = open_lab(host=server.url, timeout=5)
    expected: type[VideoAIError] = SubmitUncertain if buys else VendorUnavailable
    for play in PLAYS:
        before = server.connections
        try:
            answer = play(vendor, one(Call(name="order", path="/order", body=b"{}", buys=buys)))
        except expected as failure:
            told(failure)
        else:
            assert 100 <= answer.status <= 999
        assert not buys or server.connections == before + 1
