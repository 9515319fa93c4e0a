# SPDX-License-Identifier: Apache-2.0
"""Format durations for logs and errors."""

from __future__ import annotations

__all__ = ["format_duration"]

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def format_duration(seconds: float) -> str:
    """Format a duration in at most its two largest units, for example ``3 min 12 s``.

    :param seconds: the duration; a negative one counts as none.
    :returns: whole units; less than half a second is ``0 s``.
    """
    # Rounded before it is split: 59.7 s is "1 min", not "60 s".
    left = round(max(0.0, seconds))
    sizes = [size for _, size in _UNITS]
    first = next((place for place, size in enumerate(sizes) if left >= size), len(_UNITS) - 1)
    words: list[str] = []
    for unit, size in _UNITS[first : first + 2]:
        count, left = divmod(left, size)
        if count or not words:
            words.append(f"{count} {unit}")
    return " ".join(words)
