# SPDX-License-Identifier: Apache-2.0
"""Write how long something took as a person says it."""

from __future__ import annotations

__all__ = ["format_duration"]

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def format_duration(seconds: float) -> str:
    """Return at most the two largest units, for example ``3 min 12 s``; less than a second is ``0 s``."""
    left = round(max(0.0, seconds))
    sizes = [size for _, size in _UNITS]
    first = next((place for place, size in enumerate(sizes) if left >= size), len(_UNITS) - 1)
    words: list[str] = []
    for unit, size in _UNITS[first : first + 2]:
        count, left = divmod(left, size)
        if count or not words:
            words.append(f"{count} {unit}")
    return " ".join(words)
