# SPDX-License-Identifier: Apache-2.0
"""What rendering yields, and how it fails."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Media:
    """One file that the sandbox serves.

    :param token: the unguessable part of its URL.
    :param name: the last part of its URL.
    :param path: where its bytes are.
    """

    vendor: str
    token: str
    name: str
    path: Path
    content_type: str

    @property
    def url_path(self) -> str:
        """Its URL without scheme and host."""
        return f"/media/{self.vendor}/{self.token}/{self.name}"


@dataclass(frozen=True)
class Rendered:
    """The result of a job.

    :param subtitles: of a job that a text drives.
    :param details: what else the vendor's response has.
    """

    media: Media
    duration_ms: int
    subtitles: Media | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


class RenderingFailed(Exception):
    """Rendering cannot be done.

    :param reason: one of a few words, which each vendor translates to its own code: ``fetch`` (the input cannot be
        fetched), ``unreadable`` (it is not media), ``duration``, ``size``, ``resolution``, ``region`` (outside of the
        picture), ``range`` (nothing to cut there), ``store`` (cannot deliver to the given storage), ``stopped`` (the
        sandbox was reset or ended), ``crashed``.
    :param text: for a person.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


class Stop:
    """Cancels rendering when the sandbox is reset or ends."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Request the end; rendering notices at its next :meth:`check`."""
        self._event.set()

    def check(self) -> None:
        """Return if rendering may go on.

        :raises RenderingFailed: ``stopped``, once the end was requested.
        """
        if self._event.is_set():
            raise RenderingFailed("stopped", "the sandbox was reset or ended while this was rendered")
