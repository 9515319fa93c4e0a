# SPDX-License-Identifier: Apache-2.0
"""Make text from outside safe to print: one line, in the order in which it is read."""

from __future__ import annotations

import re

_UNSAFE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # control characters: line breaks, ESC of terminal sequences
    "\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"  # line separators, bidirectional controls
    "\ud800-\udfff"  # lone surrogates, which no encoder takes
    "\ufeff"
    "]"
)


def printable(text: str) -> str:
    r"""Return ``text`` with control, bidirectional and surrogate characters written as escapes such as ``\x1b``.

    A log line or an error text made of it can forge no other line, moves no cursor, and can be encoded.
    """
    return _UNSAFE.sub(_escaped, text)


def is_printable(text: str) -> bool:
    """Return whether :func:`printable` would leave ``text`` as it is."""
    return _UNSAFE.search(text) is None


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
