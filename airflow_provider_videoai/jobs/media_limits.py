# SPDX-License-Identifier: Apache-2.0
"""The limits that a vendor documents for input media, so that a job that must fail is not submitted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["MediaLimits"]

# Formats whose container FFmpeg calls by another name.
_CONTAINERS = {"mkv": "matroska"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLimits:
    """The documented limits of one input.

    :param formats: the vendor's names of the formats that it takes, such as ``mp4``.
    :param max_bytes: the largest size.
    :param max_duration_ms: the longest duration, in milliseconds.
    :param shorter_side: in pixels: 1080 for "1080p", in landscape and portrait format alike.
    """

    formats: tuple[str, ...]
    max_bytes: int
    max_duration_ms: int
    shorter_side: int

    def broken(
        self, *, container: str, size: int | None, duration_ms: int | None, shorter_side: int | None
    ) -> Iterator[str]:
        """Yield what is wrong with a file; an unknown value breaks no limit.

        :param container: FFmpeg's name of the container.
        :param size: in bytes.
        :param duration_ms: in milliseconds.
        :param shorter_side: in pixels.
        :returns: for each broken limit the end of a sentence that begins with the field's name.
        """
        # FFmpeg names one reader for a family of containers: "mov,mp4,m4a,3gp,3g2,mj2".
        names = container.split(",")
        if not any(_CONTAINERS.get(known, known) in names for known in self.formats):
            yield f"must be {', '.join(self.formats)}, not {container}"
        if size is not None and size > self.max_bytes:
            yield f"must not be larger than {self.max_bytes / 1024**2:.0f} MB, and is {size / 1024**2:.1f} MB"
        if duration_ms is not None and duration_ms > self.max_duration_ms:
            yield f"must not be longer than {self.max_duration_ms / 1000:.0f} s, and is {duration_ms / 1000:.1f} s"
        if shorter_side is not None and shorter_side > self.shorter_side:
            yield f"must not be larger than {self.shorter_side}p, and is {shorter_side}p"
