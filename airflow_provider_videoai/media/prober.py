# SPDX-License-Identifier: Apache-2.0
"""The subprocess that reads one media file's header with FFmpeg, within limits of memory and time.

:mod:`~airflow_provider_videoai.media.probe` starts it and serves the file's bytes over a socket. The result is JSON,
never pickle: a malicious file may have taken over FFmpeg, and unpickling would let it take over the worker, too.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError

__all__ = ["main"]

# Containers of video or audio. Left out: playlists and scripts (hls, dash, concat, sdp), which open other files; images
# (image2, png_pipe, gif); subtitles and text; raw streams, which FFmpeg detects in almost any bytes.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpegts,mpeg,asf,mxf,ogg,mp3,wav,w64,aac,ac3,eac3,flac,aiff,caf,amr"
)
_OPTIONS = {
    "format_whitelist": _FORMATS,  # also applies to what a demuxer opens inside of a file (subtitles in AVI)
    "protocol_whitelist": "none",  # "none" is no protocol, so FFmpeg opens nothing by itself
    "enable_drefs": "0",  # MOV: data references to other files
    "use_absolute_path": "0",
    "max_streams": "100",
    "probesize": "5000000",
    "max_pixels": str(16384 * 16384),
    "threads": "1",
}
_STILL_BRANDS = frozenset(("avif", "heic", "heix", "heim", "heis", "mif1", "mif2", "miaf", "jpeg"))
"""Brands of images, which share the container of MP4 (ISO/IEC 23008-12)."""
_UNKNOWN = "unknown"


class _NotMediaError(Exception):
    pass


class _File:
    """The file in the parent process, as a file object for PyAV."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read(self, count: int) -> bytes:
        return self._request("read", count)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._request("seek", offset, whence))

    def tell(self) -> int:
        return self.seek(0, io.SEEK_CUR)

    def _request(self, *request: Any) -> bytes:
        self._connection.send_bytes(json.dumps(request).encode())
        return self._connection.recv_bytes()


def main(descriptor: int, max_memory: int, seconds: float) -> None:
    """Read the file that the parent process serves, and send the result.

    :param descriptor: of the socket to the parent process.
    :param max_memory: in bytes, beyond what the process has when it starts.
    :param seconds: limit of CPU time, and of FFmpeg's own waiting.
    """
    _limit(max_memory, seconds)
    with Connection(descriptor) as connection:
        # From here on a silent end is the file's doing; before, the subprocess itself did not start.
        connection.send_bytes(b'"ready"')
        connection.send_bytes(json.dumps(("answer", _answer(_File(connection), seconds))).encode())


def _limit(max_memory: int, seconds: float) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would write the user's media to the disk
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    if sys.platform == "linux":  # macOS does not support RLIMIT_AS
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        most = taken + max_memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _answer(file: _File, seconds: float) -> dict[str, Any] | str:
    """Return the facts, or the reason why the file is not media."""
    try:
        # The file has no name attribute: FFmpeg would guess the format from one, or expand it as a pattern.
        with av.open(
            file, "r", options=_OPTIONS, metadata_errors="replace", timeout=seconds, io_open=_refuse
        ) as container:
            return _facts(container)
    except _NotMediaError as failure:
        return str(failure)
    except (FFmpegError, ValueError, ArithmeticError):
        return "it cannot be read as video or audio"


def _refuse(*_: Any) -> Any:
    raise _NotMediaError("it refers to other files")


def _facts(container: Any) -> dict[str, Any]:
    pictures = [stream for stream in container.streams.video if not _is_cover(stream)]
    if container.metadata.get("major_brand", "").strip() in _STILL_BRANDS:
        raise _NotMediaError("it is an image")
    if not (pictures or container.streams.audio):
        raise _NotMediaError("it has no video and no audio stream")
    length = container.duration
    return {
        "container": container.format.name,
        "duration_ms": length // 1000 if length and length > 0 else None,
        "size": container.size if container.size > 0 else None,
        "video": next(map(_video, pictures), None),
        "audio": next(map(_audio, container.streams.audio), None),
    }


def _is_cover(stream: Any) -> bool:
    """Return whether a video stream is a cover picture of a song."""
    disposition = getattr(stream, "disposition", None)  # missing in the oldest supported PyAV
    return disposition is not None and bool(disposition & type(disposition).attached_pic)


def _video(stream: Any) -> dict[str, Any]:
    context, rate = stream.codec_context, stream.average_rate
    return {
        "codec": context.name if context else _UNKNOWN,
        "width": (context and context.width) or None,
        "height": (context and context.height) or None,
        "frame_rate": float(rate) if rate else None,
    }


def _audio(stream: Any) -> dict[str, Any]:
    context = stream.codec_context
    return {
        "codec": context.name if context else _UNKNOWN,
        "sample_rate": (context and context.sample_rate) or None,
        "channels": (context and context.channels) or None,
    }


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
