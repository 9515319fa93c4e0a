# SPDX-License-Identifier: Apache-2.0
"""Read the header of a media file: container, duration, streams. Needs the extra ``media``.

FFmpeg parses it in a sandboxed subprocess (:mod:`~airflow_provider_videoai.media.prober`): a malformed file can neither
exhaust the worker's memory nor crash it. The subprocess gets the file's bytes from this process and may open nothing
else, so a playlist, a session description or a reference to another file reaches no file and no network. Takes about
0.15 s.
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
"""Timeout for reading a file's header."""
MAX_BYTES = 256 * 1024**2
"""Bytes of a file that are read at most: enough for the header and index of hours of video."""
MAX_MEMORY = 512 * 1024**2
"""Memory limit of FFmpeg, in bytes: the index of a day of video needs half of it."""

_PROBER = "airflow_provider_videoai.media.prober"
_ENVIRONMENT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME")
"""Variables that a Python interpreter may need to start."""


class NotMedia(VideoAIError, ValueError):
    """The file is neither video nor audio, an error page for example. Not retried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFacts:
    """A video stream; unknown values are ``None``.

    :param codec: FFmpeg's name, ``unknown`` if it has none.
    :param width: in pixels.
    :param height: in pixels.
    :param frame_rate: in frames per second.
    """

    codec: str
    width: int | None
    height: int | None
    frame_rate: float | None

    @property
    def shorter_side(self) -> int | None:
        """In pixels: the number in "1080p", for landscape and portrait."""
        return None if self.width is None or self.height is None else min(self.width, self.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFacts:
    """An audio stream; unknown values are ``None``.

    :param codec: FFmpeg's name, ``unknown`` if it has none.
    :param sample_rate: in Hz.
    """

    codec: str
    sample_rate: int | None
    channels: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFacts:
    """What the header of a file states; unknown values are ``None``.

    :param container: FFmpeg's name of the format.
    :param size: in bytes.
    :param video: the first video stream; a cover picture does not count.
    :param audio: the first audio stream.
    """

    container: str
    duration_ms: int | None
    size: int | None
    video: VideoFacts | None
    audio: AudioFacts | None


def probe(file: Path | BinaryIO) -> MediaFacts:
    """Read the header of a media file.

    :param file: a path, or an open file, which is left open.
    :raises NotMedia: if it is neither video nor audio (an image, subtitles, text, a playlist), or needs more than
        :data:`MAX_BYTES` or :data:`MAX_MEMORY`.
    :raises VendorUnavailable: if it takes longer than :data:`SECONDS`, or the subprocess does not start.
    :raises InvalidRequest: if PyAV is not installed.
    """
    import_optional("av", "to check media")
    if isinstance(file, Path):
        with file.open("rb") as opened:
            return probe(opened)
    bounded = _Bounded(file)
    with _prober() as prober:
        try:
            answer = _served(bounded, prober)
        except _ReaderEndedError as ended:
            bounded.check()
            raise NotMedia(f"to parse it takes more than {MAX_MEMORY // 1024**2} MB of memory, or crashes") from ended
    bounded.check()
    if isinstance(answer, str):
        raise NotMedia(answer)
    video, audio = answer.pop("video"), answer.pop("audio")
    return MediaFacts(**answer, video=video and VideoFacts(**video), audio=audio and AudioFacts(**audio))


@contextmanager
def _prober() -> Iterator[Connection]:
    """Start the subprocess; it is killed at the end of the block."""
    ours, theirs = socket.socketpair()
    with Connection(ours.detach()) as connection:
        with theirs:
            process = _started(theirs.fileno())
        with process:
            try:
                _wait_until_ready(connection)
                yield connection
            finally:
                process.kill()  # not terminate(): a subprocess under the control of a file could ignore it


def _started(descriptor: int) -> subprocess.Popen[bytes]:
    """Start the subprocess without this process's environment, which may hold secrets."""
    environment = {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
    environment |= {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    # -P: the working directory, which may hold the user's own modules, is not searched first.
    command = [sys.executable, "-P", "-m", _PROBER, str(descriptor), str(MAX_MEMORY), str(SECONDS)]
    nothing = subprocess.DEVNULL
    try:
        return subprocess.Popen(  # noqa: S603 - no part of the command comes from outside
            command, env=environment, pass_fds=[descriptor], stdin=nothing, stdout=nothing, stderr=nothing
        )
    except OSError as failure:
        raise VendorUnavailable(f"the subprocess that reads media cannot be started: {failure}") from failure


def _wait_until_ready(connection: Connection) -> None:
    try:
        _receive(connection)
    except _ReaderEndedError as ended:
        raise VendorUnavailable(
            f"the subprocess that reads media did not start: {sys.executable} -m {_PROBER}"
        ) from ended


def _served(file: _Bounded, connection: Connection) -> Any:
    """Serve the subprocess's reads and seeks until it returns the facts, or the reason why there are none."""
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
    raise VendorUnavailable(f"its header could not be read within {SECONDS:.0f} seconds")


@contextmanager
def _its_end() -> Iterator[None]:
    """Keep the end of the subprocess apart from a ``ConnectionError`` of the file, which may be a remote one."""
    try:
        yield
    except (EOFError, ConnectionError) as ended:
        raise _ReaderEndedError from ended


class _ReaderEndedError(Exception):
    """The subprocess ended without a result."""


class _Bounded:
    """A file with limits of bytes and time.

    Beyond a limit it returns the end of the file instead of an error: FFmpeg may skip an error and read on.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = MAX_BYTES
        self._end = time.monotonic() + SECONDS
        self._exceeded: VideoAIError | None = None

    def read(self, count: int) -> bytes:
        if self._exceeded is None and time.monotonic() > self._end:
            self._exceeded = VendorUnavailable(f"its header could not be read within {SECONDS:.0f} seconds")
        piece = b"" if self._exceeded else self._file.read(count)
        self._left -= len(piece)
        if self._left < 0 and self._exceeded is None:
            self._exceeded = NotMedia(f"its header is not within {MAX_BYTES // 1024**2} MB of it")
        return b"" if self._exceeded else piece

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def check(self) -> None:
        """Raise if a limit was exceeded."""
        if self._exceeded:
            raise self._exceeded
