# SPDX-License-Identifier: Apache-2.0
"""Which type a file is stored as, so that a browser plays it: by its name, else as its server said."""

from __future__ import annotations

import mimetypes
from collections.abc import Collection
from importlib import import_module
from pathlib import PurePosixPath
from typing import Any

__all__ = ["arguments_for", "content_type_of"]

# What the files of vendors are; of these, the tables of operating systems lack some and call others by old names.
_BY_SUFFIX = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".avi": "video/x-msvideo",
    ".ts": "video/mp2t",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".srt": "application/x-subrip",
    ".vtt": "text/vtt",
}
_SAYS_NOTHING = frozenset({None, "application/octet-stream", "binary/octet-stream"})


def content_type_of(path: str, said: str | None) -> str | None:
    """Return the type of a file at a path; ``said`` is what its server calls it. ``None`` for an unknown one."""
    suffix = PurePosixPath(path).suffix.lower()
    known = _BY_SUFFIX.get(suffix) or (None if said in _SAYS_NOTHING else said)
    return known or mimetypes.guess_type(f"file{suffix}")[0] or said


def arguments_for(protocols: Collection[str], content_type: str | None) -> dict[str, Any]:
    """Return the arguments with which ``open`` of a store of fsspec takes a content type; none for a file system."""
    if content_type is None:
        return {}
    if "s3" in protocols:  # s3fs: the name of the API's own field
        return {"ContentType": content_type}
    if "gs" in protocols:  # gcsfs
        return {"content_type": content_type}
    if "abfs" in protocols:  # adlfs
        settings = import_module("azure.storage.blob").ContentSettings
        return {"content_settings": settings(content_type=content_type)}
    return {}
