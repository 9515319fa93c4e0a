# SPDX-License-Identifier: Apache-2.0
"""What a media file is, told from its header: container, length, streams. Needs the extra ``media``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.media.extra import library


class NotMedia(VideoAIError, ValueError):
    """The bytes are no video and no sound: an error page, or something else. Not retried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFacts:
    """A picture: ``width`` and ``height`` in pixels, ``frame_rate`` in frames a second."""

    codec: str
    width: int
    height: int
    frame_rate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFacts:
    """A sound: ``sample_rate`` in Hz."""

    codec: str
    sample_rate: int
    channels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFacts:
    """What is known of a file; unknown values are ``None``. ``container`` is FFmpeg's word, ``size`` is in bytes.

    ``video`` and ``audio`` are the first stream of each kind.
    """

    container: str
    duration_ms: int | None
    size: int | None
    video: VideoFacts | None
    audio: AudioFacts | None


def probe(file: Path | BinaryIO) -> MediaFacts:
    """Read a file's header; raise :class:`NotMedia` for what has no picture and no sound."""
    av = library("av", "to look at media")
    try:
        with av.open(str(file) if isinstance(file, Path) else file) as container:
            if not (container.streams.video or container.streams.audio):
                raise NotMedia("there is no picture and no sound in it")
            length = container.duration
            return MediaFacts(
                container=container.format.name,
                duration_ms=length // 1000 if length else None,
                size=container.size if container.size > 0 else None,
                video=next(map(_video, container.streams.video), None),
                audio=next(map(_audio, container.streams.audio), None),
            )
    except av.FFmpegError as failure:
        raise NotMedia("it cannot be read as video or sound") from failure


def _video(stream: Any) -> VideoFacts:
    rate = stream.average_rate
    return VideoFacts(
        codec=stream.codec_context.name,
        width=stream.codec_context.width,
        height=stream.codec_context.height,
        frame_rate=float(rate) if rate else None,
    )


def _audio(stream: Any) -> AudioFacts:
    context = stream.codec_context
    return AudioFacts(codec=context.name, sample_rate=context.sample_rate, channels=context.channels)
