# SPDX-License-Identifier: Apache-2.0
"""A file that is fetched: what an injected fault does to it, and that it is served as HTTP says."""

from __future__ import annotations

import io
from typing import Any

import av
import httpx
import pytest


@pytest.fixture
def url(sandbox: Any) -> str:
    return f"{sandbox.url}/sample/clip.mp4"


@pytest.fixture
def whole(url: str) -> httpx.Response:
    return get(url)


def get(url: str, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.get(url, headers=named, timeout=60, trust_env=False)


def received(url: str, **headers: str) -> bytes:
    """Return what comes before the connection is closed too early."""
    pieces: list[bytes] = []
    stream = httpx.stream("GET", url, headers=headers, timeout=60, trust_env=False)
    with stream as answer, pytest.raises(httpx.RemoteProtocolError):
        pieces.extend(answer.iter_raw())
    return b"".join(pieces)


def test_a_range_is_served_and_named(url: str, whole: httpx.Response) -> None:
    part = get(url, Range="bytes=1000-", If_Range=whole.headers["etag"])
    size = len(whole.content)
    assert (part.status_code, part.content) == (206, whole.content[1000:])
    assert part.headers["content-range"] == f"bytes 1000-{size - 1}/{size}"
    assert part.headers["etag"] == whole.headers["etag"]


def test_a_range_of_another_version_is_answered_with_all_of_it(url: str, whole: httpx.Response) -> None:
    answer = get(url, Range="bytes=1000-", If_Range='"another"')
    assert (answer.status_code, answer.content) == (200, whole.content)


def test_a_range_beyond_the_end_is_refused_with_the_length(url: str, whole: httpx.Response) -> None:
    answer = get(url, Range=f"bytes={len(whole.content)}-")
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(whole.content)}")


def test_cut_media_sends_so_many_bytes_and_closes(sandbox: Any, url: str, whole: httpx.Response) -> None:
    sandbox.fault(call="media", kind="cut_media", bytes=5000, times=2)
    assert received(url) == whole.content[:5000]
    assert received(url, Range="bytes=5000-") == whole.content[5000:10000]
    assert get(url).content == whole.content


def test_truncated_media_is_half_of_what_was_requested(sandbox: Any, url: str, whole: httpx.Response) -> None:
    size = len(whole.content)
    sandbox.fault(call="media", kind="truncated", times=2)
    assert received(url) == whole.content[: size // 2]
    assert received(url, Range=f"bytes={size - 1000}-") == whole.content[size - 1000 : size - 500]


def test_wrong_length_announces_more_than_there_is(sandbox: Any, url: str, whole: httpx.Response) -> None:
    sandbox.fault(call="media", kind="wrong_length", bytes=9)
    assert received(url) == whole.content


def test_replaced_media_has_another_etag_from_then_on(sandbox: Any, url: str, whole: httpx.Response) -> None:
    sandbox.fault(call="media", kind="replace_media")
    etags = [get(url).headers["etag"] for _ in range(2)]
    assert etags[0] == etags[1] != whole.headers["etag"]
    assert get(url, Range="bytes=1-", If_Range=whole.headers["etag"]).status_code == 200


def test_html_page_is_no_media(sandbox: Any, url: str) -> None:
    sandbox.fault(call="media", kind="html_page")
    answer = get(url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize("status", [403, 404, 410])
def test_expired_media_responds_with_the_injected_status(sandbox: Any, url: str, status: int) -> None:
    sandbox.fault(call="media", kind="expire_media", code=status)
    assert [get(url).status_code for _ in range(2)] == [status, status]


def test_a_large_sample_has_its_size_plays_and_is_the_same_each_time(sandbox: Any) -> None:
    url = f"{sandbox.url}/sample/large-2.mp4"
    content = get(url).content
    with av.open(io.BytesIO(content), "r") as container:
        assert container.duration == pytest.approx(8_000_000, abs=100_000)
    sandbox.reset()
    assert len(content) == 2_000_000
    assert get(url).content == content
    assert get(f"{sandbox.url}/sample/large-0.mp4").status_code == 404
