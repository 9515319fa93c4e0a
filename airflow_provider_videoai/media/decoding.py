# SPDX-License-Identifier: Apache-2.0
"""Decode a body that a store sends encoded (Content-Encoding), within limits of what it may decode to."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Protocol

from airflow_provider_videoai.media.body import Body

__all__ = ["ENCODINGS", "Decoding", "Sink", "Undecodable"]

ENCODINGS = frozenset({"gzip", "x-gzip", "deflate"})
"""What is decoded; HTTP knows others, which a server uses only if the request names them."""

_GZIP_OR_ZLIB = zlib.MAX_WBITS + 32
_PIECE = 1024 * 1024
_SLACK = 1024 * 1024
"""Bytes that may come before as much has been decoded: what decodes to nothing has no end."""


class Undecodable(Exception):
    """The bytes are not what their Content-Encoding says."""


class Sink(Protocol):
    """Where the bytes go, from the first to the last."""

    def begin(self, body: Body) -> None:
        """Be empty, and ready for the first byte of this body; raise what forbids it."""

    def write(self, piece: bytes) -> None:
        """Take the next bytes."""


class Decoding:
    """Takes a body as it is sent and writes it to a sink decoded. ``size`` is in bytes as they are sent.

    ``check`` is called with the decoded size that would be reached, before a piece is written; it raises what forbids
    it. ``sha256`` is of the bytes as they are sent, for bodies that are not framed only.
    """

    def __init__(self, sink: Sink, check: Callable[[int], None]) -> None:
        self._sink = sink
        self._check = check
        self._decoder: Any = None
        self._digest: Any = None
        self._decoded = 0
        self.size = 0

    @property
    def sha256(self) -> str | None:
        """The hash of all bytes so far, in lower-case hex; ``None`` for a body that is framed."""
        return self._digest.hexdigest() if self._digest is not None else None

    def begin(self, body: Body) -> None:
        """Be empty, and ready for a body whose encoding is ``None`` or one of ``ENCODINGS``."""
        self._decoder = zlib.decompressobj(_GZIP_OR_ZLIB) if body.encoding else None
        self._digest = None if body.framed else hashlib.sha256()
        self._decoded = self.size = 0
        self._sink.begin(replace(body, length=None) if body.encoding else body)

    def write(self, piece: bytes) -> None:
        """Take the next bytes as they are sent; raise :class:`Undecodable`."""
        self.size += len(piece)
        if self._digest is not None:
            self._digest.update(piece)
        for decoded in (piece,) if self._decoder is None else self._pieces(piece):
            self._check(self._decoded + len(decoded))
            self._sink.write(decoded)
            self._decoded += len(decoded)
        if self._decoder is not None and self.size > 2 * self._decoded + _SLACK:
            raise Undecodable("it decodes to next to nothing")

    def end(self) -> None:
        """Raise :class:`Undecodable` if what is encoded has not come to its end."""
        if self._decoder is not None and self.size and not self._decoder.eof:
            raise Undecodable("what is encoded ends in its middle")

    def _pieces(self, piece: bytes) -> Iterator[bytes]:
        try:
            while piece:
                if self._decoder.eof:  # another gzip member follows, or zeros that fill a block up
                    if not (piece := piece.lstrip(b"\0")):
                        return
                    self._decoder = zlib.decompressobj(_GZIP_OR_ZLIB)
                yield from self._of_member(piece)
                piece = self._decoder.unused_data
        except zlib.error as wrong:
            raise Undecodable("its bytes are not what its Content-Encoding says") from wrong

    def _of_member(self, piece: bytes) -> Iterator[bytes]:
        while True:
            decoded = self._decoder.decompress(piece, _PIECE)
            piece = self._decoder.unconsumed_tail
            if decoded:
                yield decoded
            if not piece and len(decoded) < _PIECE:
                return
