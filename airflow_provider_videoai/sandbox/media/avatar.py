# SPDX-License-Identifier: Apache-2.0
"""Talking videos: a drawn presenter, an uploaded clip or a photo, with a voice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from PIL import Image, UnidentifiedImageError

from airflow_provider_videoai.sandbox.media.container import Encoding, Sound, reading, write_video
from airflow_provider_videoai.sandbox.media.presenter import CLEAR, GREEN, RATE, SIZE, Look, frames
from airflow_provider_videoai.sandbox.media.rendered import RenderingFailed, Stop
from airflow_provider_videoai.sandbox.media.script import Script

# All frames of the loop are held decoded: 150 of 640x360 in yuv420p are about 50 MB.
MAX_LOOPED_FRAMES = 150


@dataclass(frozen=True)
class Format:
    """How a presenter is delivered.

    :param suffix: of the file.
    :param background: RGBA; ``None``: a studio.
    """

    suffix: str
    encoding: Encoding
    background: tuple[int, int, int, int] | None


# Drawn pictures compress well with any preset: the fastest keeps a test short.
_MP4 = Encoding(options={"preset": "ultrafast", "crf": "21"})
# By Tencent's VideoParam.Format, of all editions of the page "Video Production API".
FORMATS = {
    "Mp4": Format("mp4", _MP4, None),
    "GreenScreenMp4": Format("mp4", _MP4, GREEN),
    "TransparentWebm": Format(
        "webm",
        Encoding(
            container="webm",
            video="libvpx",
            pixels="yuva420p",
            audio="libopus",
            video_bit_rate=900_000,
            # VP8 has its alpha in a second stream, which frame reordering would desynchronise.
            options={"deadline": "realtime", "cpu-used": "16", "auto-alt-ref": "0"},
            metadata={"alpha_mode": "1"},
        ),
        CLEAR,
    ),
    "TransparentMov": Format(
        "mov", Encoding(container="mov", video="qtrle", pixels="argb", audio="aac", options={}), CLEAR
    ),
}


def write_presenter(path: Path, sound: Sound, look: Look, form: Format, captions: Script | None, stop: Stop) -> float:
    """Write a presenter that speaks.

    :param sound: what is spoken; the mouth follows it.
    :param form: container, codecs and background.
    :param captions: drawn below; ``None``: none.
    :param stop: ends the rendering early.
    :returns: the length in seconds.
    """
    pictures = frames(sound, look, form.background, form.encoding.pixels, captions)
    return write_video(path, pictures, RATE, SIZE, sound, form.encoding, stop)


def write_looped(path: Path, source: Path, sound: Sound, stop: Stop) -> float:
    """Write an uploaded clip, looped or cut to the length of ``sound``, with that sound instead of its own.

    :param source: the clip.
    :param stop: ends the rendering early.
    :returns: the length in seconds.
    :raises RenderingFailed: ``unreadable`` if the clip has no picture.
    """
    with reading(source) as container:
        if not container.streams.video:
            raise RenderingFailed("unreadable", "the uploaded video has no video stream")
        video = container.streams.video[0]
        size = _fitted(video.codec_context.width, video.codec_context.height)
        clip = [frame.reformat(*size, "yuv420p") for frame in islice(container.decode(video), MAX_LOOPED_FRAMES)]
    if not clip:
        raise RenderingFailed("unreadable", "the uploaded video has no frame")
    # Forwards and backwards, so that the loop has no jump.
    back_and_forth = [*clip, *clip[-2:0:-1]]
    pictures = islice(cycle(back_and_forth), max(1, round(sound.seconds * float(RATE))))
    return write_video(path, pictures, RATE, size, sound, _MP4, stop)


def write_photo(path: Path, photo: Path, sound: Sound, stop: Stop) -> float:
    """Write a photo that slowly zooms while ``sound`` plays.

    :param photo: in any format that Pillow reads.
    :param stop: ends the rendering early.
    :returns: the length in seconds.
    :raises RenderingFailed: ``unreadable`` if it is no picture.
    """
    try:
        with Image.open(photo) as opened:
            picture = opened.convert("RGB")
    except (UnidentifiedImageError, OSError) as error:
        raise RenderingFailed("unreadable", "the uploaded picture cannot be decoded") from error
    size = _fitted(*picture.size)
    return write_video(path, _zooming(picture, size, sound), RATE, size, sound, _MP4, stop)


def _zooming(picture: Image.Image, size: tuple[int, int], sound: Sound) -> Iterator[VideoFrame]:
    steps = 12
    # Twelve pictures, shown forwards and backwards: resizing one per frame would be wasted on a photo.
    closer = []
    for step in range(steps):
        margin_x, margin_y = (part * step / 400 for part in picture.size)
        box = (margin_x, margin_y, picture.width - margin_x, picture.height - margin_y)
        cropped = picture.resize(size, Image.Resampling.BILINEAR, box=box)
        closer.append(VideoFrame.from_ndarray(np.asarray(cropped), "rgb24").reformat(*size, "yuv420p"))
    for number in range(max(1, round(sound.seconds * float(RATE)))):
        place = number // 4 % (2 * steps - 2)
        yield closer[min(place, 2 * steps - 2 - place)]


def _fitted(width: int, height: int) -> tuple[int, int]:
    """Scale down to at most 640 pixels a side, to even numbers."""
    factor = min(1.0, 640 / max(width, height))
    # Even, as yuv420p has one chroma sample per two pixels in each direction.
    return max(2, round(width * factor) // 2 * 2), max(2, round(height * factor) // 2 * 2)
