# SPDX-License-Identifier: Apache-2.0
"""Inpainting: a region is filled in from the picture around it, all else stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from airflow_provider_videoai.sandbox.media.container import reading
from airflow_provider_videoai.sandbox.media.rendered import RenderingFailed, Stop

Plane = NDArray[np.uint8]

BORDER = 3
# Luma of captions and of their outlines, and how many pixels an outline may be away.
BRIGHT, DARK, REACH = 180, 80, 4
# Fewer are a highlight in the picture, not a letter.
FEWEST_TEXT_PIXELS = 24
# Packets of these codecs may be copied into mp4 as they are, so that the sound stays bit for bit.
COPIED_AUDIO = ("aac", "mp3", "ac3", "opus", "alac", "flac")


@dataclass(frozen=True)
class Region:
    """A rectangle of the picture, during some time.

    :param x1: the left edge in pixels, included.
    :param y1: the upper edge in pixels, included.
    :param x2: the right edge in pixels, excluded.
    :param y2: the lower edge in pixels, excluded.
    :param only_text: erase just what looks like text in it: bright with a dark outline.
    :param margin: pixels by which found text is enlarged.
    :param start: seconds.
    :param end: seconds.
    """

    x1: int
    y1: int
    x2: int
    y2: int
    only_text: bool = False
    margin: int = 4
    start: float = 0.0
    end: float = float("inf")

    def within(self, width: int, height: int) -> Region | None:
        """Clip to the picture and align to whole chroma samples.

        :param width: of the picture in pixels.
        :param height: of the picture in pixels.
        :returns: ``None`` if nothing is left.
        """
        x1, y1 = max(0, self.x1) // 2 * 2, max(0, self.y1) // 2 * 2
        x2, y2 = min(width, self.x2 + self.x2 % 2), min(height, self.y2 + self.y2 % 2)
        if x2 <= x1 or y2 <= y1:
            return None
        return Region(x1, y1, x2, y2, self.only_text, self.margin, self.start, self.end)


RegionsFor = Callable[[int, int], Sequence[Region]]


def inpaint(source: Path, target: Path, regions_for: RegionsFor, *, keep_audio: bool, stop: Stop) -> float:
    """Write a video as mp4 with regions filled in.

    :param source: the video.
    :param target: the mp4.
    :param regions_for: called with the picture's width and height.
    :param keep_audio: false leaves the result without an audio stream.
    :param stop: ends the rendering early.
    :returns: the length in seconds.
    :raises RenderingFailed: ``unreadable``, or ``region`` when a region lies outside of the picture.
    """
    with reading(source) as given, av.open(str(target), "w", format="mp4") as result:
        if not given.streams.video:
            raise RenderingFailed("unreadable", "the input has no video stream")
        video = given.streams.video[0]
        # Cut to even numbers: yuv420p has no half chroma samples.
        size = video.codec_context.width // 2 * 2, video.codec_context.height // 2 * 2
        regions = [region.within(*size) for region in regions_for(*size)]
        if None in regions:
            raise RenderingFailed("region", f"a region lies outside of the picture, which is {size[0]}x{size[1]}")
        painter = _Painter(result, video, size, cast("list[Region]", regions))
        sound = _SoundCopy(given, result) if keep_audio and given.streams.audio else None
        streams = [video, *([sound.source] if sound else [])]
        # Both streams in one pass, so that the result is interleaved as the source is.
        for packet in given.demux(streams):
            stop.check()
            if sound and packet.stream is sound.source:
                sound.take(packet)
            else:
                painter.take(packet)
        painter.finish()
        if sound:
            sound.finish()
    return painter.seconds


class _Painter:
    """Decodes, paints and encodes the picture; times stay those of the source."""

    def __init__(
        self, result: OutputContainer, video: VideoStream, size: tuple[int, int], regions: list[Region]
    ) -> None:
        rate = video.average_rate or Fraction(25)
        self._result = result
        self._size = size
        self._regions = regions
        self._step = 1 / float(rate)
        self.seconds = 0.0
        # High quality: what is outside of the regions must look unchanged, and tests compare it.
        options = {"preset": "veryfast", "crf": "16"}
        self._stream = result.add_stream("libx264", rate=rate, options=options)
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        # The source's time base: frames keep their exact times, also in videos of variable frame rate.
        if video.time_base is not None:
            self._stream.codec_context.time_base = video.time_base

    def take(self, packet: Packet[Any]) -> None:
        for frame in packet.decode():
            self._result.mux(self._stream.encode(self._paint(frame)))

    def finish(self) -> None:
        self._result.mux(self._stream.encode(None))

    def _paint(self, frame: VideoFrame) -> VideoFrame:
        width, height = self._size
        picture = cast("Plane", frame.reformat(width, height, "yuv420p").to_ndarray())
        planes = planes_of(picture, width, height)
        seconds = frame.time or 0.0
        self.seconds = max(self.seconds, seconds + self._step)
        for region in self._regions:
            if region.start <= seconds <= region.end:
                erase(planes, region)
        painted = VideoFrame.from_ndarray(picture, "yuv420p")
        painted.pts, painted.time_base = frame.pts, frame.time_base
        return painted


class _SoundCopy:
    """Carries the sound over: as it is where mp4 can hold it, else as AAC."""

    def __init__(self, given: InputContainer, result: OutputContainer) -> None:
        self.source = given.streams.audio[0]
        self._result = result
        self._copies = self.source.codec_context.name in COPIED_AUDIO
        self._resampler = AudioResampler(format="fltp")
        if self._copies:
            self._stream = result.add_stream_from_template(self.source)
        else:
            rate = self.source.codec_context.sample_rate
            self._stream = result.add_stream("aac", rate=rate)

    def take(self, packet: Packet[Any]) -> None:
        if not self._copies:
            for frame in cast("list[AudioFrame]", packet.decode()):
                for piece in self._resampler.resample(frame):
                    self._result.mux(self._stream.encode(piece))
        # The demuxer ends a stream with an empty packet without a time stamp, which a muxer refuses.
        elif packet.dts is not None:
            packet.stream = self._stream
            self._result.mux(packet)

    def finish(self) -> None:
        if not self._copies:
            self._result.mux(self._stream.encode(None))


def planes_of(picture: Plane, width: int, height: int) -> list[Plane]:
    """Return views of the Y, U and V planes.

    :param picture: yuv420p, as PyAV returns it.
    :param width: pixels.
    :param height: pixels.
    """
    flat = picture.reshape(-1)
    luma, quarter = width * height, width * height // 4
    half = (height // 2, width // 2)
    return [
        flat[:luma].reshape(height, width),
        flat[luma : luma + quarter].reshape(half),
        flat[luma + quarter : luma + 2 * quarter].reshape(half),
    ]


def erase(planes: Sequence[Plane], region: Region) -> None:
    """Fill one region in, in place.

    :param planes: Y, U and V.
    :param region: clipped to the picture.
    """
    box: tuple[int, int, int, int] | None = (region.x1, region.y1, region.x2, region.y2)
    if region.only_text:
        box = find_text(planes[0], region)
    if box is None:
        return
    fill(planes[0], *box)
    # Chroma planes have half the size, and the edges are even.
    for chroma in planes[1:]:
        fill(chroma, *(edge // 2 for edge in box))


def find_text(luma: Plane, region: Region) -> tuple[int, int, int, int] | None:
    """Return the box around bright pixels close to dark ones, which is how captions are drawn, or ``None``.

    :param luma: the Y plane.
    :param region: where to search.
    :returns: left, upper, right and lower edge in pixels, even numbers.
    """
    part = luma[region.y1 : region.y2, region.x1 : region.x2]
    bright = part > BRIGHT
    # Shifted copies of the mask instead of a convolution: it needs nothing but numpy.
    dark = np.pad(part < DARK, REACH)
    near = np.zeros_like(bright)
    height, width = part.shape
    # Every other pixel: an outline is at least two pixels wide.
    for down in range(0, 2 * REACH + 1, 2):
        for right in range(0, 2 * REACH + 1, 2):
            near |= dark[down : down + height, right : right + width]
    rows, columns = np.nonzero(bright & near)
    if len(rows) < FEWEST_TEXT_PIXELS:
        return None
    reach = region.margin + REACH
    full_height, full_width = luma.shape
    return (
        max(0, region.x1 + int(columns.min()) - reach) // 2 * 2,
        max(0, region.y1 + int(rows.min()) - reach) // 2 * 2,
        min(full_width, (region.x1 + int(columns.max()) + reach + 2) // 2 * 2),
        min(full_height, (region.y1 + int(rows.max()) + reach + 2) // 2 * 2),
    )


def fill(plane: Plane, x1: int, y1: int, x2: int, y2: int) -> None:
    """Fill a box from its four borders, each weighted by its distance.

    :param plane: changed in place.
    :param x1: the left edge in pixels.
    :param y1: the upper edge in pixels.
    :param x2: the right edge in pixels, excluded.
    :param y2: the lower edge in pixels, excluded.
    """
    height, width = y2 - y1, x2 - x1
    down = np.arange(1, height + 1, dtype=np.float32)[:, None]
    right = np.arange(1, width + 1, dtype=np.float32)[None, :]
    total = np.zeros((height, width), np.float32)
    weights = np.zeros((height, width), np.float32)
    for strip, axis, distance in (
        (plane[max(0, y1 - BORDER) : y1, x1:x2], 0, down),
        (plane[y2 : y2 + BORDER, x1:x2], 0, height + 1 - down),
        (plane[y1:y2, max(0, x1 - BORDER) : x1], 1, right),
        (plane[y1:y2, x2 : x2 + BORDER], 1, width + 1 - right),
    ):
        # A border outside of the plane is empty, and weighs nothing.
        if strip.size:
            weight = 1 / distance**2
            total += strip.mean(axis, keepdims=True, dtype=np.float32) * weight
            weights += weight
    # The box is the whole plane: there is no border to fill it from.
    if not weights.any():
        plane[y1:y2, x1:x2] = round(float(plane.mean()))
        return
    plane[y1:y2, x1:x2] = np.rint(total / weights).astype(np.uint8)
