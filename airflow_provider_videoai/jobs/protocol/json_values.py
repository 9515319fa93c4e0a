# SPDX-License-Identifier: Apache-2.0
"""Read loosely typed JSON values: vendors send numbers as text, text as numbers, and null for both."""

from __future__ import annotations

from typing import Any

_WIDEST = 2**63


def whole(value: object) -> int | None:
    """Read a whole number of at most 64 bits, also from text such as ``"189"``; ``None`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = int(float(value)) if isinstance(value, str) else int(value)
    except (ValueError, OverflowError):
        return None
    return number if -_WIDEST <= number < _WIDEST else None


def percent(value: object) -> int | None:
    """Read a progress in percent, kept within 0-100."""
    number = whole(value)
    return None if number is None else min(100, max(0, number))


def text(value: object) -> str | None:
    """Read a non-empty text, also from a number; ``None`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    return str(value).strip() or None


def url(value: object) -> str | None:
    """Read a web address; ``None`` for anything that is not one."""
    if isinstance(value, str) and value.strip().lower().startswith(("http://", "https://")):
        return value.strip()
    return None


def mapping(value: object) -> dict[str, Any]:
    """Read a JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[dict[str, Any]]:
    """Read the JSON objects of an array; an empty list for anything else."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
