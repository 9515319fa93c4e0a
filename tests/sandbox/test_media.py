# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import httpx
import pytest


@pytest.fixture
def whole(http: httpx.Client) -> httpx.Response:
    return http.get("/sample/clip.mp4")


def test_sample_clip_is_as_the_index_says(sandbox: Any, probe: Any) -> None:
    about = sandbox.index()["samples"]["clip"]
    clip = probe(about["url"])
    assert clip.size == (about["width"], about["height"]) == (640, 360)
    assert (clip.seconds, clip.frame_rate, clip.audio) == (about["seconds"], about["frame_rate"], "aac")
    x1, y1, x2, y2 = about["caption_region"]
    frames = clip.frames()
    for frame in frames[::20]:
        assert frame[y1:y2, x1:x2].max() > 220, "no caption"
        rest = frame.copy()
        rest[y1:y2, x1:x2] = 0
        assert rest[230:].max() < 200, "a caption outside of its region"
    assert abs(frames[0][:288].astype(int) - frames[100][:288]).mean() > 1, "nothing moves"
    assert abs(clip.sound()).max() > 0.1


def test_short_sample_is_a_second_of_the_like(sandbox: Any, probe: Any) -> None:
    short = probe(sandbox.sample())
    assert short.size == (640, 360)
    assert (round(short.seconds, 1), short.frame_rate, short.audio) == (1.0, 25, "aac")
    assert sandbox.sample("clip") == sandbox.index()["samples"]["clip"]["url"]


def test_a_sample_that_is_not_there_is_named(sandbox: Any) -> None:
    with pytest.raises(ValueError, match="no sample 'clop'; there are clip, short, large, speech"):
        sandbox.sample("clop")


def test_sample_speech_is_sound(sandbox: Any, probe: Any) -> None:
    speech = probe(f"{sandbox.url}/sample/speech.mp3")
    assert (speech.container, speech.video) == ("mp3", None)
    assert 3 < speech.seconds < 10


def test_unknown_sample_names_those_that_exist(http: httpx.Client) -> None:
    answer = http.get("/sample/none.mp4")
    assert answer.status_code == 404
    assert "clip.mp4" in answer.json()["error"]


def test_whole_answer_says_what_it_is(whole: httpx.Response) -> None:
    assert whole.headers["content-type"] == "video/mp4"
    assert int(whole.headers["content-length"]) == len(whole.content)
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["etag"]


def test_head_has_the_headers_and_no_body(http: httpx.Client, whole: httpx.Response) -> None:
    head = http.head("/sample/clip.mp4")
    assert head.content == b""
    assert (head.status_code, head.headers["content-length"]) == (200, whole.headers["content-length"])
    assert head.headers["etag"] == whole.headers["etag"]


@pytest.mark.parametrize(
    ("requested", "part"),
    [("bytes=0-99", slice(0, 100)), ("bytes=1000-", slice(1000, None)), ("bytes=-50", slice(-50, None))],
)
def test_range_is_that_part(http: httpx.Client, whole: httpx.Response, requested: str, part: slice) -> None:
    answer = http.get("/sample/clip.mp4", headers={"Range": requested})
    assert answer.status_code == 206
    assert answer.content == whole.content[part]
    assert answer.headers["content-range"].endswith(f"/{len(whole.content)}")


def test_range_beyond_the_end_cannot_be_satisfied(http: httpx.Client, whole: httpx.Response) -> None:
    answer = http.get("/sample/clip.mp4", headers={"Range": "bytes=99999999-"})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(whole.content)}"


def test_range_of_a_changed_file_is_the_whole(http: httpx.Client, whole: httpx.Response) -> None:
    answer = http.get("/sample/clip.mp4", headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert (answer.status_code, len(answer.content)) == (200, len(whole.content))


@pytest.mark.parametrize("path", ["/media/viitor/nosuch/result.mp4", "/media/other/x/y.mp4", "/topview-cloudfront/x/y"])
def test_unknown_media_is_not_found(http: httpx.Client, path: str) -> None:
    answer = http.get(path)
    assert (answer.status_code, "NoSuchKey" in answer.text) == (404, True)


def test_media_of_one_vendor_is_not_served_as_anothers(viitor: Any, http: httpx.Client, until: Any) -> None:
    task_id = viitor.new()
    answer = until(lambda: viitor.status(task_id), lambda found: found["data"][0]["targetVideoUrl"])
    url = answer["data"][0]["targetVideoUrl"]
    assert http.get(url.replace("/viitor/", "/aidge/")).status_code == 404
