# SPDX-License-Identifier: Apache-2.0
"""Reading and writing media files with PyAV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from airflow_provider_videoai.sandbox.media.rendered import RenderingFailed, Stop

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Sound:
    """Mono samples between -1 and 1."""

    samples: Samples
    rate: int

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / self.rate


@dataclass(frozen=True)
class Encoding:
    """Container, codecs and their settings. Bit rates are in bit/s; ``None`` leaves them to the codec."""

    container: str = "mp4"
    video: str = "libx264"
    pixels: str = "yuv420p"
    audio: str = "aac"
    audio_rate: int | None = None
    video_bit_rate: int | None = None
    audio_bit_rate: int | None = None
    options: dict[str, str] = field(default_factory=lambda: {"preset": "veryfast", "crf": "20"})
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MediaInfo:
    """What a media file is: seconds, pixels, container, and whether it has each kind of stream."""

    seconds: float
    width: int
    height: int
    frame_rate: Fraction
    audio_rate: int | None
    container: str


@contextmanager
def reading(path: Path) -> Iterator[InputContainer]:
    """Open a file to read. Raises :class:`RenderingFailed` (``unreadable``) if it is no media."""
    try:
        with av.open(str(path), "r") as container:
            yield container
    except FFmpegError as error:
        raise RenderingFailed("unreadable", f"the input cannot be decoded: {type(error).__name__}") from error


def probe(path: Path) -> MediaInfo:
    """Look at a video file. Raises :class:`RenderingFailed` (``unreadable``) if it has no video."""
    with reading(path) as container:
        if not container.streams.video:
            raise RenderingFailed("unreadable", "the input has no video stream")
        video = container.streams.video[0]
        seconds = (container.duration or 0) / av.time_base
        if not seconds and video.duration is not None and video.time_base is not None:
            seconds = float(video.duration * video.time_base)
        audio = container.streams.audio
        return MediaInfo(
            seconds=seconds,
            width=video.codec_context.width,
            height=video.codec_context.height,
            frame_rate=video.average_rate or Fraction(25),
            audio_rate=audio[0].codec_context.sample_rate if audio else None,
            container=container.format.name,
        )


def read_sound(path: Path, rate: int, stop: Stop) -> Sound:
    """Decode a file's first audio stream to mono. Raises :class:`RenderingFailed` if there is none."""
    resampler = AudioResampler(format="flt", layout="mono", rate=rate)
    pieces: list[Samples] = []
    with reading(path) as container:
        if not container.streams.audio:
            raise RenderingFailed("unreadable", "the input has no audio stream")
        for frame in container.decode(container.streams.audio[0]):
            stop.check()
            pieces += [_samples_of(piece) for piece in resampler.resample(frame)]
        pieces += [_samples_of(piece) for piece in resampler.resample(None)]
    return Sound(np.concatenate(pieces) if pieces else np.zeros(0, np.float32), rate)


def _samples_of(frame: AudioFrame) -> Samples:
    return cast("Samples", frame.to_ndarray().reshape(-1).astype(np.float32))


class SoundTrack:
    """The audio of a file that is being written; fed in step with the picture so that both interleave."""

    def __init__(self, container: OutputContainer, sound: Sound, encoding: Encoding) -> None:
        # Opus knows 48 kHz and its fractions only.
        rate = 48000 if encoding.audio == "libopus" else (encoding.audio_rate or sound.rate)
        self._container = container
        self._sound = sound
        self._fed = 0
        self._stream = cast("AudioStream", container.add_stream(encoding.audio, rate=rate, layout="mono"))
        if encoding.audio_bit_rate:
            self._stream.codec_context.bit_rate = encoding.audio_bit_rate
        self._pcm = (np.clip(sound.samples, -1, 1) * 32767).astype(np.int16)

    def feed(self, until: float) -> None:
        """Write what sounds before ``until`` seconds."""
        target = min(len(self._pcm), round(until * self._sound.rate))
        while self._fed < target:
            end = min(target, self._fed + self._sound.rate)
            frame = AudioFrame.from_ndarray(self._pcm[self._fed : end].reshape(1, -1), "s16", "mono")
            frame.sample_rate = self._sound.rate
            frame.pts = self._fed
            frame.time_base = Fraction(1, self._sound.rate)
            self._container.mux(self._stream.encode(frame))
            self._fed = end

    def finish(self) -> None:
        """Write the rest."""
        self.feed(self._sound.seconds + 1)
        self._container.mux(self._stream.encode(None))


def write_video(
    path: Path,
    frames: Iterable[VideoFrame],
    rate: Fraction,
    size: tuple[int, int],
    sound: Sound | None,
    encoding: Encoding,
    stop: Stop,
) -> float:
    """Write frames at a constant ``rate`` with ``sound``; returns the picture's length in seconds."""
    count = 0
    with av.open(str(path), "w", format=encoding.container) as container:
        video = _video_stream(container, rate, size, encoding)
        track = SoundTrack(container, sound, encoding) if sound is not None else None
        for frame in frames:
            stop.check()
            frame.pts = count
            frame.time_base = 1 / rate
            container.mux(video.encode(frame))
            count += 1
            if track:
                track.feed(count / float(rate))
        container.mux(video.encode(None))
        if track:
            track.finish()
    return count / float(rate)


def write_sound(path: Path, sound: Sound, container: str, codec: str, rate: int) -> None:
    """Write an audio file at ``rate`` samples a second."""
    with av.open(str(path), "w", format=container) as target:
        SoundTrack(target, sound, Encoding(audio=codec, audio_rate=rate)).finish()


def _video_stream(container: OutputContainer, rate: Fraction, size: tuple[int, int], encoding: Encoding) -> VideoStream:
    stream = cast("VideoStream", container.add_stream(encoding.video, rate=rate, options=encoding.options))
    stream.width, stream.height = size
    stream.pix_fmt = encoding.pixels
    if encoding.video_bit_rate:
        stream.codec_context.bit_rate = encoding.video_bit_rate
    metadata: dict[str, Any] = stream.metadata
    metadata.update(encoding.metadata)
    return stream
