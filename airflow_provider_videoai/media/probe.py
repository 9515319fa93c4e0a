# SPDX-License-Identifier: Apache-2.0
"""What a media file is, read from its header: container, length, streams. Needs the extra ``media``.

The file is read through Python, and FFmpeg may open nothing else: a playlist, a session description or a reference
to another file, put where a video is expected, reaches no file and no network.
"""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from airflow_provider_videoai.jobs.errors import VendorUnavailable, VideoAIError
from airflow_provider_videoai.media.extra import library

SECONDS = 60.0
"""How long a file may take to be read as media."""
MOST_BYTES = 256 * 1024**2
"""How much of a file is read at most: headers and indexes, also those of hours of video."""

# Formats that hold video or sound themselves. Not in it: playlists and scripts (hls, dash, concat, sdp), images
# (image2, png_pipe, gif), subtitles and texts, and raw streams, for which almost any bytes pass.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpegts,mpeg,asf,mxf,ogg,mp3,wav,w64,aac,ac3,eac3,flac,aiff,caf,amr"
)
_OPTIONS = {
    "format_whitelist": _FORMATS,  # also for what a demuxer opens inside of a file (subtitles in AVI)
    "protocol_whitelist": "none",
    "enable_drefs": "0",
    "use_absolute_path": "0",
    "max_streams": "100",
    "probesize": "5000000",
    "max_pixels": str(16384 * 16384),
    "threads": "1",
}
_STILL_BRANDS = frozenset(("avif", "heic", "heix", "heim", "heis", "mif1", "mif2", "miaf", "jpeg"))
"""Images have the container of MP4, too."""
_UNKNOWN = "unknown"


class NotMedia(VideoAIError, ValueError):
    """The bytes are no video and no sound: an error page, or something else. Not retried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFacts:
    """A picture: ``width`` and ``height`` in pixels, ``frame_rate`` in frames a second; unknown ones are ``None``.

    ``codec`` is FFmpeg's word, ``unknown`` if it has none.
    """

    codec: str
    width: int | None
    height: int | None
    frame_rate: float | None

    @property
    def shorter_side(self) -> int | None:
        """What "1080p" counts, whichever way the picture is held."""
        return None if self.width is None or self.height is None else min(self.width, self.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFacts:
    """A sound: ``sample_rate`` in Hz; unknown values are ``None``. ``codec`` is FFmpeg's word or ``unknown``."""

    codec: str
    sample_rate: int | None
    channels: int | None


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
    """Read a file's header.

    Raises :class:`NotMedia` for what has no picture and no sound (images, subtitles, texts and playlists included), or
    needs more than :data:`MOST_BYTES` to be read; ``VendorUnavailable`` if it takes longer than :data:`SECONDS`.
    """
    av = library("av", "to look at media")
    if isinstance(file, Path):
        with file.open("rb") as opened:
            return probe(opened)
    bounded = _Bounded(file)
    try:
        # Without a name: FFmpeg would take one for a format, or for a pattern of names.
        with av.open(
            bounded,
            "r",
            options=_OPTIONS,
            metadata_errors="replace",
            timeout=SECONDS,
            io_open=_refuse,
        ) as container:
            facts = _facts(container)
    except VideoAIError:
        bounded.check()
        raise
    except (av.FFmpegError, ValueError, ArithmeticError) as failure:
        bounded.check()
        raise NotMedia("it cannot be read as video or sound") from failure
    bounded.check()
    return facts


class _Bounded:
    """A file of which only so much is read, for so long; then it ends, as a demuxer may go on after an error."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = MOST_BYTES
        self._end = time.monotonic() + SECONDS
        self._exceeded: VideoAIError | None = None

    def read(self, count: int) -> bytes:
        if self._exceeded is None and time.monotonic() > self._end:
            self._exceeded = VendorUnavailable(f"it could not be read as media within {SECONDS:.0f} seconds")
        piece = b"" if self._exceeded else self._file.read(count)
        self._left -= len(piece)
        if self._left < 0 and self._exceeded is None:
            self._exceeded = NotMedia(f"its header is not within {MOST_BYTES // 1024**2} MB of it")
        return b"" if self._exceeded else piece

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def check(self) -> None:
        """Raise if a bound was exceeded."""
        if self._exceeded:
            raise self._exceeded


def _refuse(*_: Any) -> Any:
    raise NotMedia("it refers to other files")


def _facts(container: Any) -> MediaFacts:
    pictures = [stream for stream in container.streams.video if not _is_cover(stream)]
    if container.metadata.get("major_brand", "").strip() in _STILL_BRANDS:
        raise NotMedia("it is an image")
    if not (pictures or container.streams.audio):
        raise NotMedia("there is no picture and no sound in it")
    length = container.duration
    return MediaFacts(
        container=container.format.name,
        duration_ms=length // 1000 if length and length > 0 else None,
        size=container.size if container.size > 0 else None,
        video=next(map(_video, pictures), None),
        audio=next(map(_audio, container.streams.audio), None),
    )


def _is_cover(stream: Any) -> bool:
    """Return whether a picture is one that a player shows for a song."""
    disposition = getattr(stream, "disposition", None)  # not known to the oldest PyAV
    return disposition is not None and bool(disposition & type(disposition).attached_pic)


def _video(stream: Any) -> VideoFacts:
    context, rate = stream.codec_context, stream.average_rate
    return VideoFacts(
        codec=context.name if context else _UNKNOWN,
        width=(context and context.width) or None,
        height=(context and context.height) or None,
        frame_rate=float(rate) if rate else None,
    )


def _audio(stream: Any) -> AudioFacts:
    context = stream.codec_context
    return AudioFacts(
        codec=context.name if context else _UNKNOWN,
        sample_rate=(context and context.sample_rate) or None,
        channels=(context and context.channels) or None,
    )
