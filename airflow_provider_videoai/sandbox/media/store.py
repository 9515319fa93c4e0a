# SPDX-License-Identifier: Apache-2.0
"""Files of one sandbox: where they lie and what they are."""

from __future__ import annotations

import secrets
from pathlib import Path

from airflow_provider_videoai.sandbox.media.rendered import Media

CONTENT_TYPES = {
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "flv": "video/x-flv",
    "mkv": "video/x-matroska",
    "avi": "video/x-msvideo",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "m4a": "audio/mp4",
    "srt": "application/x-subrip",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "bmp": "image/bmp",
    "webp": "image/webp",
}


class MediaStore:
    """Hands out file names below one private directory, and finds them again."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.clear()

    def clear(self) -> None:
        """Forget all files. Their bytes stay until the sandbox ends, as they may still be on their way out."""
        self._media: dict[str, Media] = {}
        self._expired: dict[str, int] = {}

    def add(self, vendor: str, name: str, path: Path | None = None) -> Media:
        """Enter a file that the caller will write to its ``path``, or has written; the extension sets its type."""
        token = secrets.token_hex(16)
        ending = name.rpartition(".")[2].lower()
        media = Media(
            vendor=vendor,
            token=token,
            name=name,
            path=path or self._root / f"{token}.{ending}",
            content_type=CONTENT_TYPES.get(ending, "application/octet-stream"),
        )
        self._media[token] = media
        return media

    def find(self, vendor: str, token: str, name: str) -> Media | None:
        """Return the file that is served there, once it is written."""
        media = self._media.get(token)
        if media is None or (media.vendor, media.name) != (vendor, name) or not media.path.exists():
            return None
        return media

    def expire(self, url: str, status: int) -> None:
        """Let one URL (path and query) answer with this HTTP status from now on."""
        self._expired[url] = status

    def expired_status(self, url: str) -> int | None:
        """Return what this very URL answers by now, if it has expired."""
        return self._expired.get(url)
