# SPDX-License-Identifier: Apache-2.0
"""The content type that a file is stored with, so that a browser plays it: by its suffix, else as its server states."""

from __future__ import annotations

import mimetypes
from collections.abc import Collection
from importlib import import_module
from pathlib import PurePosixPath
from typing import Any

__all__ = ["arguments_for", "content_type_of"]

# The formats of the vendors. mimetypes reads the tables of the operating system, which lack some or have old names.
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
    """Return the content type of a file; ``None`` if it is unknown.

    :param path: of the file; only its suffix counts.
    :param said: the Content-Type that its server sent.
    """
    suffix = PurePosixPath(path).suffix.lower()
    # The suffix first: stores and CDNs send application/octet-stream for any file, and a browser would save it.
    known = _BY_SUFFIX.get(suffix) or (None if said in _SAYS_NOTHING else said)
    return known or mimetypes.guess_type(f"file{suffix}")[0] or said


def arguments_for(protocols: Collection[str], content_type: str | None) -> dict[str, Any]:
    """Return the keyword arguments that set a content type in ``open`` of an fsspec file system.

    :param protocols: of the file system; each implementation has an argument of its own.
    :returns: an empty dict for a store that keeps no content type.
    """
    if content_type is None:
        return {}
    if "s3" in protocols:  # s3fs: the name of the API's own field
        return {"ContentType": content_type}
    if "gs" in protocols:  # gcsfs
        return {"content_type": content_type}
    if "abfs" in protocols:  # adlfs
        # Imported by name and late: the library is there if its file system is in use, and need not be otherwise.
        settings = import_module("azure.storage.blob").ContentSettings
        return {"content_settings": settings(content_type=content_type)}
    return {}
