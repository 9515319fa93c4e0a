# SPDX-License-Identifier: Apache-2.0
"""The files of one sandbox: where they are and what they are."""

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
    """Assigns file names below one private directory, and finds them again.

    :param root: the directory.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.clear()

    def clear(self) -> None:
        """Forget all files. Their bytes stay until the sandbox ends, as a response may still be sending them."""
        self._media: dict[str, Media] = {}
        self._expired: dict[str, int] = {}

    def add(self, vendor: str, name: str, path: Path | None = None) -> Media:
        """Add a file that the caller will write, or has written.

        :param vendor: below whose name it is served.
        :param name: its extension sets the content type.
        :param path: of a file that is there; ``None``: a new one.
        """
        token = secrets.token_hex(16)
        extension = name.rpartition(".")[2].lower()
        media = Media(
            vendor=vendor,
            token=token,
            name=name,
            path=path or self._root / f"{token}.{extension}",
            content_type=CONTENT_TYPES.get(extension, "application/octet-stream"),
        )
        self._media[token] = media
        return media

    def find(self, vendor: str, token: str, name: str) -> Media | None:
        """Return the file that is served at a URL, once it is written.

        :param vendor: of the URL.
        :param token: of the URL.
        :param name: of the URL.
        """
        media = self._media.get(token)
        # The vendor of the URL must be the file's: faults are injected by it.
        # A token is assigned before its file is rendered: until then there is nothing at its URL.
        if media is None or (media.vendor, media.name) != (vendor, name) or not media.path.exists():
            return None
        return media

    def expire(self, url: str, status: int) -> None:
        """Let one URL respond with an error from now on.

        :param url: path and query.
        :param status: of HTTP.
        """
        self._expired[url] = status

    def expired_status(self, url: str) -> int | None:
        """Return the HTTP status of an expired URL, or ``None``.

        :param url: path and query: the same file at another signature has not expired.
        """
        return self._expired.get(url)
