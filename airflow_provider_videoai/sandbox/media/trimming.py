# SPDX-License-Identifier: Apache-2.0
"""Cut a piece out of a video, to the frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.video.frame import VideoFrame

from airflow_provider_videoai.sandbox.media.container import (
    Encoding,
    Sound,
    probe,
    read_sound,
    reading,
    write_video,
)
from airflow_provider_videoai.sandbox.media.rendered import RenderingFailed, Stop


@dataclass(frozen=True)
class Cut:
    """What to cut, and settings that differ from the source's.

    :param start: seconds.
    :param duration: seconds.
    :param suffix: FFmpeg's name of the container: flv or mp4.
    :param size: width and height in pixels.
    :param video_bit_rate: kbit/s.
    :param audio_bit_rate: kbit/s.
    :param sampling_rate: Hz.
    """

    start: float
    duration: float
    suffix: str = "flv"
    size: tuple[int, int] | None = None
    frame_rate: int | None = None
    video_bit_rate: int | None = None
    audio_bit_rate: int | None = None
    sampling_rate: int | None = None


def trim(source: Path, target: Path, cut: Cut, stop: Stop) -> float:
    """Write a piece of a video.

    :param source: the video.
    :param target: the piece.
    :param stop: ends the rendering early.
    :returns: its length in seconds, which the end of the source may shorten.
    :raises RenderingFailed: ``unreadable``, or ``range`` when the piece starts after the end.
    """
    media_info = probe(source)
    if cut.start >= media_info.seconds:
        raise RenderingFailed("range", f"the video lasts {media_info.seconds:.2f} s only")
    length = min(cut.duration, media_info.seconds - cut.start)
    rate = Fraction(cut.frame_rate) if cut.frame_rate else media_info.frame_rate
    size = cut.size or (media_info.width // 2 * 2, media_info.height // 2 * 2)
    # The page "Video Trimming" allows 11025, 22050 and 44100 Hz in flv: another rate of the source cannot stay.
    audio_rate = cut.sampling_rate or (44100 if cut.suffix == "flv" else media_info.audio_rate)
    sound = None
    if media_info.audio_rate and audio_rate:
        whole = read_sound(source, audio_rate, stop)
        first = round(cut.start * audio_rate)
        sound = Sound(whole.samples[first : first + round(length * audio_rate)], audio_rate)
    with reading(source) as container:
        frames = _frames(container, cut.start, length, rate, size)
        return write_video(target, frames, rate, size, sound, _encoding(cut), stop)


def _encoding(cut: Cut) -> Encoding:
    # flv has no edit lists: frames out of order would make the piece start, and end, two frames late.
    options = {"preset": "veryfast", "bf": "0"} | ({} if cut.video_bit_rate else {"crf": "20"})
    return Encoding(
        container=cut.suffix,
        video_bit_rate=cut.video_bit_rate and cut.video_bit_rate * 1000,
        audio_bit_rate=cut.audio_bit_rate and cut.audio_bit_rate * 1000,
        options=options,
    )


def _frames(
    container: InputContainer, start: float, length: float, rate: Fraction, size: tuple[int, int]
) -> Iterator[VideoFrame]:
    """Yield the picture that is on screen at each tick of the new frame rate."""
    video = container.streams.video[0]
    if start > 1 and video.time_base is not None:
        # Only to a key frame before the start: the loop below drops the frames up to it.
        container.seek(int(start / video.time_base), stream=video)
    ticks = max(1, round(length * rate))
    shown: VideoFrame | None = None
    tick = 0
    for frame in container.decode(video):
        # Half a tick of slack keeps rounding in time stamps from showing a frame late.
        while shown is not None and tick < ticks and start + (tick + 0.5) / rate < (frame.time or 0.0):
            yield shown.reformat(*size, "yuv420p")
            tick += 1
        if tick >= ticks:
            return
        shown = frame
    while shown is not None and tick < ticks:
        yield shown.reformat(*size, "yuv420p")
        tick += 1
