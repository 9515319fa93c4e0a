# SPDX-License-Identifier: Apache-2.0
"""Decode a body with a Content-Encoding while it is received, with limits against decompression bombs."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Protocol

from airflow_provider_videoai.media.body import Body

__all__ = ["ENCODINGS", "Decoding", "Sink", "Undecodable"]

ENCODINGS = frozenset({"gzip", "x-gzip", "deflate"})
"""The encodings that are decoded. Some stores send them although the request has ``Accept-Encoding: identity``."""

# 32 more than the window lets zlib recognise either header.
_GZIP_OR_ZLIB = zlib.MAX_WBITS + 32
_PIECE = 1024 * 1024
_SLACK = 1024 * 1024
"""Encoded bytes that may be received beyond twice the decoded ones: input that decodes to nothing is endless."""


class Undecodable(Exception):
    """The bytes do not match their Content-Encoding."""


class Sink(Protocol):
    """Receives the bytes of a body in order."""

    def begin(self, body: Body) -> None:
        """Drop what was written and start this body; raise if it cannot be taken.

        :param body: what the headers say of it. Called again whenever a download has to start from its first byte.
        """

    def write(self, piece: bytes) -> None:
        """Take the next bytes.

        :param piece: of any length.
        """


class Decoding:
    """A sink that decodes a body and writes it to another sink.

    ``size`` and ``sha256`` are of the bytes as they are sent: a range request counts those.

    :param sink: receives the decoded bytes.
    :param check: called with the decoded size before each piece is written; raises if it is too large.
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
        """The hash of the encoded bytes so far, in lower-case hex; ``None`` for a framed body, which needs none."""
        return self._digest.hexdigest() if self._digest is not None else None

    def begin(self, body: Body) -> None:
        """Drop what was written and start a body.

        :param body: its encoding is ``None`` or one of ``ENCODINGS``.
        """
        self._decoder = zlib.decompressobj(_GZIP_OR_ZLIB) if body.encoding else None
        # Only an unframed body is downloaded twice and compared; the hash of others would be work for nothing.
        self._digest = None if body.framed else hashlib.sha256()
        self._decoded = self.size = 0
        # Content-Length is of the encoded bytes: the sink must not expect so many decoded ones.
        self._sink.begin(replace(body, length=None) if body.encoding else body)

    def write(self, piece: bytes) -> None:
        """Take the next encoded bytes.

        :param piece: may end in the middle of a compressed block.
        :raises Undecodable: if they do not match the encoding.
        """
        self.size += len(piece)
        if self._digest is not None:
            self._digest.update(piece)
        for decoded in (piece,) if self._decoder is None else self._pieces(piece):
            self._check(self._decoded + len(decoded))
            self._sink.write(decoded)
            self._decoded += len(decoded)
        # Empty gzip members decode to nothing, so the limit of decoded bytes alone would never end such a body.
        if self._decoder is not None and self.size > 2 * self._decoded + _SLACK:
            raise Undecodable("its bytes decode to almost nothing")

    def end(self) -> None:
        """Raise :class:`Undecodable` if the encoded data is incomplete."""
        if self._decoder is not None and self.size and not self._decoder.eof:
            raise Undecodable("its encoded data is incomplete")

    def _pieces(self, piece: bytes) -> Iterator[bytes]:
        try:
            while piece:
                if self._decoder.eof:  # another gzip member follows (RFC 1952, 2.2), or padding with zeros
                    if not (piece := piece.lstrip(b"\0")):
                        return
                    self._decoder = zlib.decompressobj(_GZIP_OR_ZLIB)
                yield from self._of_member(piece)
                piece = self._decoder.unused_data
        except zlib.error as wrong:
            raise Undecodable("its bytes do not match its Content-Encoding") from wrong

    def _of_member(self, piece: bytes) -> Iterator[bytes]:
        # One call returns at most _PIECE bytes; a full one may have more to give although all input is consumed.
        while True:
            decoded = self._decoder.decompress(piece, _PIECE)
            piece = self._decoder.unconsumed_tail
            if decoded:
                yield decoded
            if not piece and len(decoded) < _PIECE:
                return
