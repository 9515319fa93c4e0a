# SPDX-License-Identifier: Apache-2.0
"""What a media file is, read from its header: container, length, streams. Needs the extra ``media``.

FFmpeg reads it in a process of its own (:mod:`~airflow_provider_videoai.media.prober`), where a file with false counts
takes no more memory than allowed, and one that crashes FFmpeg ends nothing but that process. It gets the file's
content from here and may open nothing else: a playlist, a session description or a reference to another file, put
where a video is expected, reaches no file and no network. Takes about 0.15 s.
"""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, BinaryIO

from airflow_provider_videoai.jobs.errors import VendorUnavailable, VideoAIError
from airflow_provider_videoai.media.extra import import_optional

__all__ = ["MAX_BYTES", "MAX_MEMORY", "SECONDS", "AudioFacts", "MediaFacts", "NotMedia", "VideoFacts", "probe"]

SECONDS = 60.0
"""How long a file may take to be read as media."""
MAX_BYTES = 256 * 1024**2
"""How much of a file is read at most: headers and indexes, also those of hours of video."""
MAX_MEMORY = 512 * 1024**2
"""How much memory, in bytes, FFmpeg may take: an index of a day of video needs half of it."""

_PROBER = "airflow_provider_videoai.media.prober"
_ENVIRONMENT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME")
"""What a Python may need to start."""


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
    needs more than :data:`MAX_BYTES` or :data:`MAX_MEMORY` to be read; ``VendorUnavailable`` if it takes longer than
    :data:`SECONDS`.
    """
    import_optional("av", "to look at media")
    if isinstance(file, Path):
        with file.open("rb") as opened:
            return probe(opened)
    bounded = _Bounded(file)
    with _prober() as prober:
        try:
            answer = _served(bounded, prober)
        except _ReaderEndedError as ended:
            bounded.check()
            raise NotMedia(f"to read it takes more than {MAX_MEMORY // 1024**2} MB of memory, or fails") from ended
    bounded.check()
    if isinstance(answer, str):
        raise NotMedia(answer)
    video, audio = answer.pop("video"), answer.pop("audio")
    return MediaFacts(**answer, video=video and VideoFacts(**video), audio=audio and AudioFacts(**audio))


@contextmanager
def _prober() -> Iterator[Connection]:
    """Start the process that reads media; it ends with the block."""
    ours, theirs = socket.socketpair()
    with Connection(ours.detach()) as connection:
        with theirs:
            process = _started(theirs.fileno())
        with process:
            try:
                _wait_until_ready(connection)
                yield connection
            finally:
                process.kill()


def _started(descriptor: int) -> subprocess.Popen[bytes]:
    """Start it without this process's environment, which may hold secrets."""
    environment = {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
    environment |= {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    command = [sys.executable, "-P", "-m", _PROBER, str(descriptor), str(MAX_MEMORY), str(SECONDS)]
    nothing = subprocess.DEVNULL
    try:
        return subprocess.Popen(  # noqa: S603 - nothing in the command is of others
            command, env=environment, pass_fds=[descriptor], stdin=nothing, stdout=nothing, stderr=nothing
        )
    except OSError as failure:
        raise VendorUnavailable(f"the process that reads media could not be started: {failure}") from failure


def _wait_until_ready(connection: Connection) -> None:
    try:
        _receive(connection)
    except _ReaderEndedError as ended:
        raise VendorUnavailable(f"the process that reads media did not start: {sys.executable} -m {_PROBER}") from ended


def _served(file: _Bounded, connection: Connection) -> Any:
    """Serve what the process wants of the file until it has an answer: the facts, or why there are none."""
    while True:
        wanted, *arguments = _receive(connection)
        match wanted:
            case "read":
                answer = file.read(*arguments)
            case "seek":
                answer = str(file.seek(*arguments)).encode()
            case _:
                return arguments[0]
        with _its_end():
            connection.send_bytes(answer)


def _receive(connection: Connection) -> Any:
    with _its_end():
        if connection.poll(SECONDS):
            return json.loads(connection.recv_bytes())
    raise VendorUnavailable(f"it could not be read as media within {SECONDS:.0f} seconds")


@contextmanager
def _its_end() -> Iterator[None]:
    """Keep the end of the process apart from what the file raises, which may have a network of its own."""
    try:
        yield
    except (EOFError, ConnectionError) as ended:
        raise _ReaderEndedError from ended


class _ReaderEndedError(Exception):
    """The process that reads media has ended without an answer."""


class _Bounded:
    """A file of which only so much is read, for so long; then it ends, as a demuxer may go on after an error."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = MAX_BYTES
        self._end = time.monotonic() + SECONDS
        self._exceeded: VideoAIError | None = None

    def read(self, count: int) -> bytes:
        if self._exceeded is None and time.monotonic() > self._end:
            self._exceeded = VendorUnavailable(f"it could not be read as media within {SECONDS:.0f} seconds")
        piece = b"" if self._exceeded else self._file.read(count)
        self._left -= len(piece)
        if self._left < 0 and self._exceeded is None:
            self._exceeded = NotMedia(f"its header is not within {MAX_BYTES // 1024**2} MB of it")
        return b"" if self._exceeded else piece

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def check(self) -> None:
        """Raise if a bound was exceeded."""
        if self._exceeded:
            raise self._exceeded
