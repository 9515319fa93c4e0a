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
    """One file that the sandbox serves. ``path`` is where its bytes are."""

    vendor: str
    token: str
    name: str
    path: Path
    content_type: str

    @property
    def url_path(self) -> str:
        """Where it is served, without scheme and host."""
        return f"/media/{self.vendor}/{self.token}/{self.name}"


@dataclass(frozen=True)
class Rendered:
    """The outcome of a job: media, if text-driven its subtitles, its length, and what else the vendor returns."""

    media: Media
    duration_ms: int
    subtitles: Media | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


class RenderingFailed(Exception):
    """Rendering cannot be done. ``reason`` is one of a few words that each vendor translates to its own code.

    Reasons: ``fetch`` (input cannot be had), ``unreadable`` (not media), ``duration``, ``size``, ``resolution``,
    ``region`` (outside of the picture), ``range`` (nothing to cut there), ``store`` (cannot deliver to the given
    storage), ``stopped`` (the sandbox ends), ``crashed``.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


class Stop:
    """Lets long rendering end early when the sandbox is reset or ends."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Incoming rendering to end."""
        self._event.set()

    def check(self) -> None:
        """Raise :class:`RenderingFailed` once the end was requested."""
        if self._event.is_set():
            raise RenderingFailed("stopped", "the sandbox was reset or ended while this was rendered")
