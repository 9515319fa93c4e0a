# SPDX-License-Identifier: Apache-2.0
"""Make text from outside safe to print: one line, in the order in which it is read."""

from __future__ import annotations

import re

__all__ = ["is_printable", "printable", "shortened", "shown"]

# Of all of these str.isprintable() says no, a tenth as slowly; it says no of more, such as of unusual spaces.
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

    :param text: text from outside.
    """
    return text if text.isprintable() else _UNSAFE.sub(_escaped, text)


def is_printable(text: str) -> bool:
    """Return whether :func:`printable` would leave a text as it is.

    :param text: text from outside.
    """
    return text.isprintable() or _UNSAFE.search(text) is None


def shortened(text: str, most: int = 200) -> str:
    """Return :func:`printable` text of a limited length: of a longer one the start and the end.

    :param text: text from outside.
    :param most: characters.
    """
    line = printable(text)
    if len(line) <= most:
        return line
    # The mark counts as well: callers rely on the length, as for an XCom.
    mark, end = f" [...{len(line) - most} more...] ", most // 4
    return f"{line[: most - end - len(mark)]}{mark}{line[-end:]}"


def shown(value: object, most: int = 200) -> str:
    """Return the :func:`shortened` ``repr`` of a value from outside.

    :param value: any object, also one whose ``repr`` fails.
    :param most: characters.
    """
    try:
        return shortened(repr(value), most)
    except Exception as failure:  # noqa: BLE001 - a foreign object's own code, and an error must not fail
        return f"a {type(value).__name__} ({type(failure).__name__} when it is shown)"


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
