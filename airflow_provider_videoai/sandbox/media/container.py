# SPDX-License-Identifier: Apache-2.0
"""Read and write media files with PyAV."""

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
    """Mono audio.

    :param samples: between -1 and 1.
    :param rate: samples per second.
    """

    samples: Samples
    rate: int

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.samples) / self.rate


@dataclass(frozen=True)
class Encoding:
    """Container, codecs and their settings.

    :param audio_rate: samples per second; ``None``: those of the sound.
    :param video_bit_rate: bit/s; ``None``: up to the codec.
    :param audio_bit_rate: bit/s; ``None``: up to the codec.
    """

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
    """What a media file is.

    :param width: pixels.
    :param height: pixels.
    :param frame_rate: frames per second; 25 if the file does not say.
    :param audio_rate: samples per second; ``None``: no audio stream.
    :param container: FFmpeg's name of the format.
    """

    seconds: float
    width: int
    height: int
    frame_rate: Fraction
    audio_rate: int | None
    container: str


@contextmanager
def reading(path: Path) -> Iterator[InputContainer]:
    """Open a file to read.

    :param path: the file.
    :raises RenderingFailed: ``unreadable`` if it is no media file.
    """
    try:
        with av.open(str(path), "r") as container:
            yield container
    except FFmpegError as error:
        raise RenderingFailed("unreadable", f"the input cannot be decoded: {type(error).__name__}") from error


def probe(path: Path) -> MediaInfo:
    """Return what a video file is.

    :param path: the file.
    :raises RenderingFailed: ``unreadable`` if it has no video stream.
    """
    with reading(path) as container:
        if not container.streams.video:
            raise RenderingFailed("unreadable", "the input has no video stream")
        video = container.streams.video[0]
        seconds = (container.duration or 0) / av.time_base
        # Containers without an overall duration: the video stream may have one.
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
    """Decode a file's first audio stream to mono.

    :param rate: samples per second of the result.
    :param stop: ends the rendering early.
    :raises RenderingFailed: ``unreadable`` if there is none.
    """
    resampler = AudioResampler(format="flt", layout="mono", rate=rate)
    pieces: list[Samples] = []
    with reading(path) as container:
        if not container.streams.audio:
            raise RenderingFailed("unreadable", "the input has no audio stream")
        for frame in container.decode(container.streams.audio[0]):
            stop.check()
            pieces += [_samples_of(piece) for piece in resampler.resample(frame)]
        # None flushes the resampler: it holds the last samples back.
        pieces += [_samples_of(piece) for piece in resampler.resample(None)]
    return Sound(np.concatenate(pieces) if pieces else np.zeros(0, np.float32), rate)


def _samples_of(frame: AudioFrame) -> Samples:
    return cast("Samples", frame.to_ndarray().reshape(-1).astype(np.float32))


class SoundTrack:
    """The audio of a file that is being written.

    :param container: the file.
    :param sound: all of it; :meth:`feed` writes it in pieces.
    :param encoding: codec, rate and bit rate.
    """

    def __init__(self, container: OutputContainer, sound: Sound, encoding: Encoding) -> None:
        # Opus encodes 48 kHz and some fractions of it only, not 44.1 kHz: all sound is resampled to 48 kHz.
        rate = 48000 if encoding.audio == "libopus" else (encoding.audio_rate or sound.rate)
        self._container = container
        self._sound = sound
        self._fed = 0
        self._stream = cast("AudioStream", container.add_stream(encoding.audio, rate=rate, layout="mono"))
        if encoding.audio_bit_rate:
            self._stream.codec_context.bit_rate = encoding.audio_bit_rate
        # Clipped first: a sample beyond 1 would wrap around to the opposite sign.
        self._pcm = (np.clip(sound.samples, -1, 1) * 32767).astype(np.int16)

    def feed(self, until: float) -> None:
        """Write what sounds before a time.

        :param until: seconds from the start.
        """
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
        """Write the rest, and what the encoder holds."""
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
    """Write frames at a constant rate, with sound.

    :param rate: frames per second.
    :param size: width and height in pixels.
    :param sound: ``None``: no audio stream.
    :param stop: ends the rendering early.
    :returns: the picture's length in seconds.
    """
    count = 0
    with av.open(str(path), "w", format=encoding.container) as container:
        video = _video_stream(container, rate, size, encoding)
        track = SoundTrack(container, sound, encoding) if sound is not None else None
        for frame in frames:
            stop.check()
            # Frames are yielded more than once where pictures repeat: the time stamp is set at each use.
            frame.pts = count
            frame.time_base = 1 / rate
            container.mux(video.encode(frame))
            count += 1
            if track:
                # Sound in step with the picture: a file whose streams are not interleaved plays badly over HTTP.
                track.feed(count / float(rate))
        # None flushes the encoder, which holds frames back to reorder them.
        container.mux(video.encode(None))
        if track:
            track.finish()
    return count / float(rate)


def write_sound(path: Path, sound: Sound, container: str, codec: str, rate: int) -> None:
    """Write an audio file.

    :param container: FFmpeg's name of the format.
    :param codec: FFmpeg's name of the encoder.
    :param rate: samples per second.
    """
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
