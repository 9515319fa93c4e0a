# SPDX-License-Identifier: Apache-2.0
"""An encoded body is decoded within limits, or refused with an error that names its encoding."""

from __future__ import annotations

import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.errors import ResultUnavailable, VendorUnavailable
from airflow_provider_videoai.media.body import Body
from airflow_provider_videoai.media.decoding import Decoding, Undecodable
from airflow_provider_videoai.media.small_file import MemorySink
from tests.media.conftest import Fetch
from tests.support.origin import Origin, Step

TEXT = b"1\n00:00:00,000 --> 00:00:01,000\nHello\n\n" * 50
LIMIT = 10_000_000
EMPTY_BLOCK = b"\x00\x00\x00\xff\xff"


def decoded(pieces: list[bytes], encoding: str = "gzip", limit: int = LIMIT) -> bytes:
    memory = MemorySink()

    def check(size: int) -> None:
        if size > limit:
            raise OverflowError

    sink = Decoding(memory, check)
    sink.begin(Body(encoding=encoding))
    for piece in pieces:
        sink.write(piece)
    sink.end()
    return bytes(memory.content)


@given(
    contents=st.lists(st.binary(max_size=300), min_size=1, max_size=3),
    cuts=st.lists(st.integers(0, 1000), max_size=6),
    padding=st.integers(0, 5),
)
def test_the_result_does_not_depend_on_how_the_bytes_are_split(
    contents: list[bytes], cuts: list[int], padding: int
) -> None:
    sent = b"".join(map(gzip.compress, contents)) + bytes(padding)
    places = [0, *sorted(min(cut, len(sent)) for cut in cuts), len(sent)]
    pieces = [sent[start:end] for start, end in pairwise(places)]
    assert decoded(pieces) == b"".join(contents)


def test_output_larger_than_the_buffer_is_decoded_completely() -> None:
    content = bytes(5_000_000)
    assert decoded([gzip.compress(content, mtime=0)]) == content
    assert decoded([zlib.compress(content)], "deflate") == content


def test_decoding_stops_at_the_limit() -> None:
    with pytest.raises(OverflowError):
        decoded([gzip.compress(bytes(LIMIT + 1), mtime=0)])


@pytest.mark.parametrize(
    "sent",
    [
        b"plain",
        gzip.compress(TEXT, mtime=0)[:-9],
        gzip.compress(TEXT, mtime=0) + b"more",
        gzip.compress(TEXT, mtime=0)[:40] + bytes(100),
    ],
    ids=["no gzip", "its end is missing", "something follows", "damaged"],
)
def test_bytes_that_do_not_match_their_encoding_are_refused(sent: bytes) -> None:
    with pytest.raises(Undecodable):
        decoded([sent])


@pytest.mark.parametrize("more", [EMPTY_BLOCK, gzip.compress(b"", mtime=0)], ids=["empty blocks", "empty members"])
def test_input_that_decodes_to_nothing_is_refused_after_a_megabyte(more: bytes) -> None:
    begin = gzip.compress(b"", mtime=0)[:10] if more == EMPTY_BLOCK else b""
    with pytest.raises(Undecodable, match="almost nothing"):
        decoded([begin, *[more * (100_000 // len(more))] * 20])


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate", "aws-chunked,gzip"])
def test_an_encoded_body_that_was_not_requested_is_decoded(fetch: Fetch, encoding: str) -> None:
    sent = zlib.compress(TEXT) if encoding == "deflate" else gzip.compress(TEXT, mtime=0)
    assert fetch(Origin([sent], encoding=encoding)) == TEXT


def test_an_encoded_body_is_resumed_after_interruptions(fetch: Fetch) -> None:
    origin = Origin([gzip.compress(TEXT, mtime=0)], [Step(cut=15)] * 4, encoding="gzip")
    assert fetch(origin) == TEXT
    assert origin.sent == len(origin.versions[0])


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip"])
def test_an_encoding_that_is_not_decoded_is_refused_by_name(fetch: Fetch, encoding: str) -> None:
    with pytest.raises(ResultUnavailable, match=f"encoded as '{encoding}'"):
        fetch(Origin([TEXT], encoding=encoding))


def test_a_decompression_bomb_is_refused_by_the_limit(fetch: Fetch) -> None:
    with pytest.raises(ResultUnavailable, match="larger than max_bytes"):
        fetch(Origin([gzip.compress(bytes(2_000_000), mtime=0)], encoding="gzip"), max_bytes=1_000_000)


def test_a_body_that_does_not_decode_is_downloaded_again_and_finally_given_up(fetch: Fetch) -> None:
    origin = Origin([TEXT], encoding="gzip")
    with pytest.raises(VendorUnavailable, match="do not match its Content-Encoding"):
        fetch(origin)
    damaged_once = Origin([TEXT, gzip.compress(TEXT, mtime=0)], [Step(changes=True)], encoding="gzip")
    assert fetch(damaged_once) == TEXT
