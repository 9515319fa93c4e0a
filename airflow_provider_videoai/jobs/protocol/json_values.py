# SPDX-License-Identifier: Apache-2.0
"""Read loosely typed JSON values: vendors send numbers as text, text as numbers, and null for both."""

from __future__ import annotations

from typing import Any

__all__ = ["fraction", "mapping", "percent", "rows", "text", "url", "whole"]

_WIDEST = 2**63
_ALL = 100
_PERCENT_DIGITS = 3
_BINARY_ERROR = 1e-9
"""Of 0.29, say, of which a hundredfold is 28.999999999999996."""


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
    """Read a progress that its vendor sends in percent, rounded down; ``None`` for what is not from 0 to 100.

    A number between 0 and 1 reads as a fraction as well as as less than one percent, so it says nothing. Text counts
    if it is a whole number.
    """
    if isinstance(value, str):
        digits = value.strip()
        value = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _PERCENT_DIGITS else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value == 0 or 1 <= value <= _ALL else None


def fraction(value: object) -> int | None:
    """Read a progress that its vendor sends as a fraction from 0 to 1, as percent, rounded down; else ``None``."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return int(value * _ALL + _BINARY_ERROR)


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
