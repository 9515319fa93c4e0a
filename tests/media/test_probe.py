# SPDX-License-Identifier: Apache-2.0
"""Media files are recognized by their content; error pages and garbage are refused."""

from __future__ import annotations

import io
import sys
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.media.probe import AudioFacts, MediaFacts, NotMedia, VideoFacts, probe


def a_video(path: Path, codec: str = "mpeg4") -> Path:
    """Write half a second of 64x48 at 10 frames a second, with sound."""
    with av.open(str(path), "w") as container:
        picture = cast(av.VideoStream, container.add_stream(codec, rate=10))
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("mp2", rate=44100, layout="stereo")
        for number in range(5):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number * 40, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(picture.encode(frame))
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 2 * 22050), np.int16), format="s16", layout="stereo")
        samples.sample_rate = 44100
        container.mux(sound.encode(samples))
        container.mux([*picture.encode(), *sound.encode()])
    return path


@pytest.mark.parametrize(
    ("name", "container"),
    [("a.mp4", "mov,mp4,m4a,3gp,3g2,mj2"), ("a.mkv", "matroska,webm"), ("a.avi", "avi")],
)
def test_a_video_is_described_by_its_header(tmp_path: Path, name: str, container: str) -> None:
    path = a_video(tmp_path / name)
    facts = probe(path)
    assert facts.duration_ms is not None
    assert 450 <= facts.duration_ms <= 600
    assert facts == MediaFacts(
        container=container,
        duration_ms=facts.duration_ms,
        size=path.stat().st_size,
        video=VideoFacts(codec="mpeg4", width=64, height=48, frame_rate=10.0),
        audio=AudioFacts(codec=facts.audio.codec if facts.audio else "", sample_rate=44100, channels=2),
    )


def test_an_open_file_is_described_like_its_path(tmp_path: Path) -> None:
    path = a_video(tmp_path / "a.mp4")
    with path.open("rb") as file:
        assert probe(file) == probe(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
        b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
        b'{"code": 403, "message": "expired"}',
        bytes(range(256)) * 40,
    ],
    ids=["empty", "html", "xml", "json", "garbage"],
)
def test_a_file_that_is_not_media_is_refused(content: bytes) -> None:
    with pytest.raises(NotMedia):
        probe(io.BytesIO(content))


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(InvalidRequest, match=r"pip install 'airflow-provider-videoai\[media\]'"):
        probe(tmp_path / "a.mp4")
