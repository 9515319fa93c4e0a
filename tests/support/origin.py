# SPDX-License-Identifier: Apache-2.0
"""A file on a loopback server that breaks, changes and lies as a test decides, request by request."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from tests.jobs.http.wire import Wire

DATE = "Sat, 09 May 2026 08:00:00 GMT"


class Validator(Enum):
    """How the server identifies a version of the file."""

    ETAG = auto()
    WEAK = auto()
    ALWAYS_NEW = auto()
    DATE = auto()
    NONE = auto()


class Framing(Enum):
    """How the end of a body is marked."""

    LENGTH = auto()
    CHUNKED = auto()
    CLOSE = auto()


class Lie(Enum):
    """What is answered in place of what should be."""

    WRONG_RANGE = auto()
    NO_RANGE = auto()
    MULTIPART = auto()
    NOT_SATISFIABLE = auto()
    LONGER = auto()
    OVERLOADED = auto()


@dataclass(frozen=True)
class Step:
    """One request: after so many bytes of the body the connection breaks; or a lie; then perhaps a new version."""

    cut: int | None = None
    lie: Lie | None = None
    changes: bool = False


@dataclass
class Origin:
    """Serves ``versions[0]``, and the next one after each step that ``changes``; all of it once the steps are over."""

    versions: Sequence[bytes]
    steps: Sequence[Step] = ()
    ranges: bool = True
    minds_if_range: bool = True
    validator: Validator = Validator.ETAG
    framing: Framing = Framing.LENGTH
    encoding: str | None = None
    content_type: str = "video/mp4"
    requests: list[str] = field(default_factory=list)
    sent: int = 0
    _version: int = 0

    def __call__(self, wire: Wire) -> None:
        """Answer one request and close."""
        wire.read()
        self.requests.append(wire.head)
        number = len(self.requests) - 1
        step = self.steps[number] if number < len(self.steps) else Step()
        version, content = self._version, self.versions[self._version]
        if step.changes:
            self._version = min(self._version + 1, len(self.versions) - 1)
        first = self._first(wire.head, number, version, len(content))
        if step.lie is not None:
            wire.send(self._lie(step.lie, first or 0, content))
            return
        status = 200 if first is None else 206
        body = content[first or 0 :]
        head = [f"HTTP/1.1 {status} Fine", "Connection: close", f"Content-Type: {self.content_type}"]
        head += self._validators(number, version)
        if first is not None:
            head.append(f"Content-Range: bytes {first}-{len(content) - 1}/{len(content)}")
        if self.encoding:
            head.append(f"Content-Encoding: {self.encoding}")
        self._send(wire, head, body, step.cut)

    def _first(self, head: str, number: int, version: int, size: int) -> int | None:
        """Return the first byte of the range to be sent; ``None``: all of it."""
        wanted = re.search(r"\r\nRange: bytes=(\d+)-", head)
        if wanted is None or not self.ranges or int(wanted[1]) >= size:
            return None
        same = re.search(r"\r\nIf-Range: ([^\r]*)", head)
        known = {line.partition(": ")[2] for line in self._validators(number, version)}
        return None if self.minds_if_range and same and same[1] not in known else int(wanted[1])

    def _validators(self, number: int, version: int) -> list[str]:
        match self.validator:
            case Validator.ETAG:
                return [f'ETag: "v{version}"']
            case Validator.WEAK:
                return ['ETag: W/"v"']
            case Validator.ALWAYS_NEW:
                return [f'ETag: "n{number}"']
            case Validator.DATE:
                return [f"Date: {DATE}", f"Last-Modified: Sat, 09 May 2026 07:00:0{version} GMT"]
            case Validator.NONE:
                return []

    def _send(self, wire: Wire, head: list[str], body: bytes, cut: int | None) -> None:
        sent = body if cut is None else body[:cut]
        whole = len(sent) == len(body)
        self.sent += len(sent)
        match self.framing:
            case Framing.LENGTH:
                head.append(f"Content-Length: {len(body)}")
                payload = sent
            case Framing.CHUNKED:
                head.append("Transfer-Encoding: chunked")
                payload = (b"%x\r\n%s\r\n" % (len(sent), sent) if sent else b"") + (b"0\r\n\r\n" if whole else b"")
            case Framing.CLOSE:
                payload = sent
        wire.send("\r\n".join([*head, "", ""]).encode("latin-1") + payload)

    def _lie(self, lie: Lie, first: int, content: bytes) -> bytes:
        rest = content[first:]
        match lie:
            case Lie.WRONG_RANGE:
                said = ["206 Part", f"Content-Range: bytes {first + 1}-{len(content)}/{len(content)}", 'ETag: "v0"']
            case Lie.NO_RANGE:
                said = ["206 Part", 'ETag: "v0"']
            case Lie.MULTIPART:
                said = ["206 Part", "Content-Type: multipart/byteranges; boundary=x", 'ETag: "v0"']
            case Lie.NOT_SATISFIABLE:
                said = ["416 No", f"Content-Range: bytes */{len(content) + 1}"]
            case Lie.LONGER:
                # Never ends: what is announced and does not come is a break.
                said = ["200 Fine", f"Content-Length: {len(content) + 7}"]
                return "\r\n".join([f"HTTP/1.1 {said[0]}", *said[1:], "", ""]).encode() + content
            case Lie.OVERLOADED:
                said = ["503 Later"]
        head = [f"HTTP/1.1 {said[0]}", *said[1:], f"Content-Length: {len(rest)}", "", ""]
        return "\r\n".join(head).encode() + rest
