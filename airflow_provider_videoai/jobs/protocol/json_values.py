# SPDX-License-Identifier: Apache-2.0
"""Read loosely typed JSON values: vendors send numbers as text, text as numbers, and null for both."""

from __future__ import annotations

from typing import Any

__all__ = ["fraction", "mapping", "percent", "rows", "text", "url", "whole"]

_WIDEST = 2**63
_ALL = 100
_PERCENT_DIGITS = 3
# 0.29 times 100 is 28.999999999999996, and would be rounded down to 28 %.
_BINARY_ERROR = 1e-9


def whole(value: object) -> int | None:
    """Read a whole number.

    :param value: a number, or text such as ``"189"``.
    :returns: a number of at most 64 bits; ``None`` for anything else.
    """
    # To Python a bool is an int; a vendor's "true" is no number.
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        # By float: text such as "189.0" counts as well.
        number = int(float(value)) if isinstance(value, str) else int(value)
    except (ValueError, OverflowError):
        return None
    return number if -_WIDEST <= number < _WIDEST else None


def percent(value: object) -> int | None:
    """Read a progress that its vendor sends in percent.

    :param value: a number, or text if it is a whole number.
    :returns: 0-100, rounded down; ``None`` for anything else.
    """
    # A number between 0 and 1 may be a fraction as well as less than one percent, so it says nothing.
    if isinstance(value, str):
        digits = value.strip()
        value = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _PERCENT_DIGITS else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value == 0 or 1 <= value <= _ALL else None


def fraction(value: object) -> int | None:
    """Read a progress that its vendor sends as a fraction.

    :param value: a number from 0 to 1.
    :returns: percent, rounded down; ``None`` for anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return int(value * _ALL + _BINARY_ERROR)


def text(value: object) -> str | None:
    """Read a text.

    :param value: text, or a number: vendors send ids as both.
    :returns: non-empty text without whitespace around it; ``None`` for anything else.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    # JSON has one kind of number: who writes 200 as 200.0 means the same code, and the same id.
    whole_number = isinstance(value, float) and value.is_integer()
    return (str(int(value)) if whole_number else str(value)).strip() or None


def url(value: object) -> str | None:
    """Read a web address.

    :param value: what a vendor sent.
    :returns: an http(s) URL without whitespace around it; ``None`` for anything else.
    """
    if isinstance(value, str) and value.strip().lower().startswith(("http://", "https://")):
        return value.strip()
    return None


def mapping(value: object) -> dict[str, Any]:
    """Read a JSON object.

    :param value: what a vendor sent.
    :returns: an empty one for anything else, null included: its fields then read as absent.
    """
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[dict[str, Any]]:
    """Read the JSON objects of an array.

    :param value: what a vendor sent.
    :returns: an empty list for anything but an array.
    """
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
