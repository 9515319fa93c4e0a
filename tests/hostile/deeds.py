# SPDX-License-Identifier: Apache-2.0
"""What a hostile vendor does to an answer: values that Airflow cannot carry, and answers that never end."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from functools import cache, partial
from typing import Any

PAUSE = 0.2
"""Seconds between two pieces of an answer that never ends: always less than a request may take."""
_BOMB_BYTES = 256 * 1024**2
_MARK = "@value@"
_TEXT_MARK = "@text@"

Send = Callable[[bytes], Awaitable[None]]
Deed = Callable[[Send, bytes], Awaitable[None]]
"""Answers a request; gets the body that a well-behaved vendor would have sent."""


# -- values --------------------------------------------------------------------------------------------------------

VALUES: dict[str, str] = {
    "surrogate": r'"\ud83d"',
    "reversed_pair": r'"\ude00\ud83d"',
    "nul": r'"a\u0000b"',
    "escape_sequence": r'"\u001b[2Jgone\r\nforged"',
    "not_a_number": "NaN",
    "infinity": "-Infinity",
    "float_overflow": "1e400",
    "beyond_64_bit": str(2**64),
    "five_thousand_digits": "9" * 5000,
    "deep": "[" * 400 + "]" * 400,
    "too_deep_to_parse": "[" * 200_000 + "]" * 200_000,
    "three_megabytes": json.dumps("word " * 600_000),
}
"""JSON as a vendor may send it, by name."""


def with_value(literal: str, body: bytes) -> bytes:
    """Put a JSON literal beside the fields of every object; its text, if it is one, into each URL and message too."""
    text = literal[1:-1] if literal.startswith('"') and len(literal) < 100 else None
    changed = json.dumps(_marked(json.loads(body), in_texts=text is not None))
    return changed.replace(json.dumps(_MARK), literal).replace(_TEXT_MARK, text or "").encode()


def with_odd_id(literal: str, body: bytes) -> bytes:
    """Put a JSON literal in the place of whatever is called an id."""
    return re.sub(rb'("[a-zA-Z]*(?:Id|No)": ?)("[^"]*"|\d+)', lambda found: found[1] + literal.encode(), body)


def _marked(value: Any, *, in_texts: bool) -> Any:
    if isinstance(value, dict):
        inner = {
            name: _named(name, _marked(each, in_texts=in_texts), in_texts=in_texts) for name, each in value.items()
        }
        return {**inner, "odd": _MARK}
    if isinstance(value, list):
        return [_marked(each, in_texts=in_texts) for each in value]
    return value


def _named(name: str, value: Any, *, in_texts: bool) -> Any:
    """Put the text into a value whose name says that it is free text, and into addresses."""
    if not in_texts or not isinstance(value, str):
        return value
    if value.startswith("http"):
        return value + _TEXT_MARK
    return value + _TEXT_MARK if re.search(r"(?i)mess|msg|word|text|name", name) else value


async def _send_whole(change: Callable[[bytes], bytes], send: Send, body: bytes) -> None:
    changed = change(body)
    await send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(changed))
    await send(changed)


# -- answers that never end ----------------------------------------------------------------------------------------


async def _repeat(start: bytes, piece: bytes, send: Send, body: bytes) -> None:  # noqa: ARG001 - a deed gets it
    await send(start)
    while True:
        await send(piece)
        await asyncio.sleep(PAUSE)


async def _bomb(send: Send, body: bytes) -> None:  # noqa: ARG001 - a deed gets it
    content = _bomb_of(_BOMB_BYTES)
    await send(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: %d\r\n\r\n" % len(content))
    await send(content)


@cache
def _bomb_of(size: int) -> bytes:
    return gzip.compress(gzip.compress(bytes(size), 9, mtime=0), 9)


_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
STREAMS: dict[str, Deed] = {
    "head_byte_by_byte": partial(_repeat, b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
    "endless_103": partial(_repeat, b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    "chunk_extension": partial(_repeat, _CHUNKED + b"\r\n5;", b"a"),
    "trailers": partial(_repeat, _CHUNKED + b"\r\n2\r\n{}\r\n0\r\n", b"X-More: a\r\n"),
    "empty_deflate_blocks": partial(
        _repeat, _CHUNKED + b"Content-Encoding: deflate\r\n\r\n2\r\n\x78\x9c\r\n", b"5\r\n\x00\x00\x00\xff\xff\r\n"
    ),
    "body_byte_by_byte": partial(_repeat, b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" "),
    "no_bytes": partial(_repeat, b"", b""),
    "bomb": _bomb,
}


def deeds() -> Iterator[tuple[str, Deed]]:
    """Yield every deed with its name."""
    for name, literal in VALUES.items():
        yield name, partial(_send_whole, partial(with_value, literal))
    yield from STREAMS.items()


def odd_ids() -> Iterator[tuple[str, Deed]]:
    """Yield the deeds that strike the id of a submitted job."""
    for name in ("surrogate", "nul", "escape_sequence", "beyond_64_bit", "deep", "three_megabytes"):
        yield f"id_{name}", partial(_send_whole, partial(with_odd_id, VALUES[name]))
