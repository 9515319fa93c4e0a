# SPDX-License-Identifier: Apache-2.0
"""Read what HTTP says of a body, and decide how to continue one that is half fetched (RFC 9110, 13 and 14)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from http import HTTPStatus

__all__ = ["Action", "Body", "body_from_headers", "decide", "range_headers", "retry_after"]

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", re.ASCII)
_ETAG = re.compile(r'"[\x21\x23-\x7e]*"')
_DATE = re.compile(r"[A-Za-z0-9:, -]+")
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")
_MAX_DIGITS = 18
_TRANSIENT = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)
_ERROR_PAGES = frozenset({"text/html", "application/xhtml+xml", "application/xml", "text/xml", "application/json"})
# Some S3 stores keep how an object was uploaded as its encoding, although they return it without.
_NO_ENCODING = frozenset({"", "identity", "aws-chunked"})


@dataclass(frozen=True, slots=True)
class Body:
    """What a server says of a body: ``None`` if it does not say. ``etag`` and ``modified`` are strong ones only.

    ``length`` is in bytes as they are sent, ``encoding`` their Content-Encoding in lower case. ``framed`` is false if
    only the end of the connection marks the end of the body, as a break does.
    """

    length: int | None = None
    content_type: str | None = None
    etag: str | None = None
    modified: str | None = None
    encoding: str | None = None
    framed: bool = True


class Action(Enum):
    """What an answer means for a body of which some bytes may be there."""

    START = auto()  # it carries all of the body
    CONTINUE = auto()  # it carries the bytes that are missing
    COMPLETE = auto()  # none is missing
    RESTART = auto()  # nothing proves that it is the same body: request all of it
    URL_REFUSED = auto()  # this URL does not give it
    RETRY_LATER = auto()  # the server cannot, for now


def range_headers(at: int, body: Body | None) -> dict[str, str]:
    """Return the headers that request the bytes from ``at`` on, if the body can be proven to be the same."""
    if not at or body is None or not (same := body.etag or body.modified):
        return {}
    return {"Range": f"bytes={at}-", "If-Range": same}


def decide(status: int, headers: Mapping[str, str], at: int, known: Body | None) -> Action:
    """Decide what to do with an answer; ``known`` is what was said of the body when its first byte came."""
    match status:
        case HTTPStatus.OK:
            return Action.URL_REFUSED if _is_error_page(headers) else Action.START
        case HTTPStatus.PARTIAL_CONTENT:
            return Action.CONTINUE if known and at and _continues(headers, at, known) else Action.RESTART
        case HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return Action.COMPLETE if known and known.length == at == _total(headers) else Action.RESTART
        case _ if status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Action.RETRY_LATER
        case _:
            return Action.URL_REFUSED


def body_from_headers(headers: Mapping[str, str]) -> Body:
    """Read the headers of an answer that carries all of the body."""
    length = _number(headers.get("Content-Length"))
    return Body(
        length=length,
        content_type=_content_type(headers),
        etag=_strong_etag(headers),
        modified=_strong_date(headers),
        encoding=_encoding(headers),
        framed=length is not None or "chunked" in headers.get("Transfer-Encoding", "").lower(),
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the server requests to wait, if it says so as a number."""
    return _number(headers.get("Retry-After"))


def _continues(headers: Mapping[str, str], at: int, known: Body) -> bool:
    """Return whether a part carries the rest, from ``at`` on, of what is proven to be the same body.

    The validator must be repeated, whatever If-Range promises: a server that ignores it sends the part of any
    body. A part that announces no or another length than its range has is not trusted.
    """
    found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
    if found is None or _content_type(headers) == "multipart/byteranges":
        return False
    first, last, total = map(_number, found.groups())
    length = _number(headers.get("Content-Length"))
    if first != at or last is None or last < at or (length is not None and length != last - at + 1):
        return False
    if total is None or last >= total or total != (known.length or total):
        return False
    return _same_validator(headers, known) and _encoding(headers) in (None, known.encoding)


def _same_validator(headers: Mapping[str, str], known: Body) -> bool:
    if known.etag is not None:
        return _strong_etag(headers) == known.etag
    return known.modified is not None and headers.get("Last-Modified", "").strip() == known.modified


def _total(headers: Mapping[str, str]) -> int | None:
    found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
    return _number(found[3]) if found else None


def _is_error_page(headers: Mapping[str, str]) -> bool:
    return _content_type(headers) in _ERROR_PAGES


def _content_type(headers: Mapping[str, str]) -> str | None:
    said = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return said if _MEDIA_TYPE.fullmatch(said) else None


def _encoding(headers: Mapping[str, str]) -> str | None:
    said = [each.strip().lower() for each in headers.get("Content-Encoding", "").split(",")]
    return ", ".join(each for each in said if each not in _NO_ENCODING) or None


def _strong_etag(headers: Mapping[str, str]) -> str | None:
    etag = headers.get("ETag", "").strip()
    return etag if _ETAG.fullmatch(etag) else None


def _strong_date(headers: Mapping[str, str]) -> str | None:
    """Return the date of the last change, if the body cannot have changed twice in that second."""
    modified = headers.get("Last-Modified", "").strip()
    if not _DATE.fullmatch(modified):
        return None
    try:
        age = parsedate_to_datetime(headers.get("Date", "")) - parsedate_to_datetime(modified)
    except (ValueError, TypeError, OverflowError):
        return None
    return modified if age.total_seconds() >= 1 else None


def _number(text: str | None) -> int | None:
    if not text or not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS:
        return None
    return int(text)
