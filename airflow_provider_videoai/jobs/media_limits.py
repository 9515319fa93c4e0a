# SPDX-License-Identifier: Apache-2.0
"""What a vendor says of the media that it takes, so that a job that must fail is not submitted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["MediaLimits"]

_CONTAINERS = {"mkv": "matroska"}
"""Formats whose container FFmpeg calls by another name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLimits:
    """The documented limits of one input. ``shorter_side`` is in pixels, 1080 for "1080p" whichever way it is held."""

    formats: tuple[str, ...]
    most_bytes: int
    longest_ms: int
    shorter_side: int

    def broken(
        self, *, container: str, size: int | None, duration_ms: int | None, shorter_side: int | None
    ) -> Iterator[str]:
        """Yield what is wrong with a file; what is not known of it breaks no rule. ``container`` is FFmpeg's word."""
        names = container.split(",")
        if not any(_CONTAINERS.get(known, known) in names for known in self.formats):
            yield f"must be {', '.join(self.formats)}, not {container}"
        if size is not None and size > self.most_bytes:
            yield f"must not be larger than {self.most_bytes / 1024**2:.0f} MB, and is {size / 1024**2:.1f} MB"
        if duration_ms is not None and duration_ms > self.longest_ms:
            yield f"must not be longer than {self.longest_ms / 1000:.0f} s, and is {duration_ms / 1000:.1f} s"
        if shorter_side is not None and shorter_side > self.shorter_side:
            yield f"must not be larger than {self.shorter_side}p, and is {shorter_side}p"
