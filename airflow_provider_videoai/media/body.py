# SPDX-License-Identifier: Apache-2.0
"""Read the headers of a response, and decide how to resume a partial download (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from http import HTTPStatus

__all__ = ["Action", "Body", "body_from_headers", "decide", "range_headers", "retry_after"]

# ASCII only: \d also fits digits of other scripts.
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", re.ASCII)
_ETAG = re.compile(r'"[\x21\x23-\x7e]*"')
_DATE = re.compile(r"[A-Za-z0-9:, -]+")
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")
_MAX_DIGITS = 18
_TRANSIENT = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)
# Expired URLs may come back as HTTP 200 with a page, or with the store's XML.
_ERROR_PAGES = frozenset({"text/html", "application/xhtml+xml", "application/xml", "text/xml", "application/json"})
# Some S3 stores keep aws-chunked, an encoding of the upload, as the object's encoding, and return the plain bytes.
_NO_ENCODING = frozenset({"", "identity", "aws-chunked"})


@dataclass(frozen=True, slots=True)
class Body:
    """What the headers of a response state about its body; ``None`` if they state nothing.

    :param length: in bytes as they are sent, that is, encoded.
    :param etag: the ``ETag``, if it is a strong validator (RFC 9110, 8.8.1).
    :param modified: ``Last-Modified``, if it is a strong validator.
    :param encoding: the ``Content-Encoding`` in lower case.
    :param framed: false if only the end of the connection marks the end of the body: a lost connection looks the same.
    """

    length: int | None = None
    content_type: str | None = None
    etag: str | None = None
    modified: str | None = None
    encoding: str | None = None
    framed: bool = True


class Action(Enum):
    """How a download goes on after a response."""

    START = auto()  # the response has the whole body
    CONTINUE = auto()  # it has the missing bytes
    COMPLETE = auto()  # no bytes are missing
    RESTART = auto()  # it may be of another body: request the whole body
    URL_REFUSED = auto()  # this URL does not return the body
    RETRY_LATER = auto()  # a transient error


def range_headers(at: int, body: Body | None) -> dict[str, str]:
    """Return the headers that request the rest of a body.

    Empty without a strong validator: without ``If-Range`` a server would send the rest of whatever is there now.

    :param at: how many bytes are there already.
    :param body: what the response that began the body stated.
    """
    if not at or body is None or not (same := body.etag or body.modified):
        return {}
    # If-Range: a file that was replaced comes whole (200), and no part of it is joined to the old one.
    return {"Range": f"bytes={at}-", "If-Range": same}


def decide(status: int, headers: Mapping[str, str], at: int, known: Body | None) -> Action:
    """Decide what to do with a response to a download request.

    :param at: how many bytes are there already.
    :param known: what the response that began the body stated; ``None`` if none has begun.
    """
    match status:
        case HTTPStatus.OK:
            return Action.URL_REFUSED if _is_error_page(headers) else Action.START
        case HTTPStatus.PARTIAL_CONTENT:
            return Action.CONTINUE if known and at and _continues(headers, at, known) else Action.RESTART
        case HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            # 416 also answers a complete download that requests more; the stated total shows whether it is that file.
            return Action.COMPLETE if known and known.length == at == _total(headers) else Action.RESTART
        case _ if status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Action.RETRY_LATER
        case _:
            return Action.URL_REFUSED


def body_from_headers(headers: Mapping[str, str]) -> Body:
    """Read what the headers say of a body.

    :param headers: of a response that has the whole body (200), not a part of it.
    """
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
    """Return ``Retry-After`` in seconds.

    :param headers: of a response.
    :returns: ``None`` if it is absent or a date.
    """
    return _number(headers.get("Retry-After"))


def _continues(headers: Mapping[str, str], at: int, known: Body) -> bool:
    """Return whether a 206 response has the rest of the same body, from ``at`` on.

    The validator must be repeated: a server that ignores ``If-Range`` sends a part of whatever is there now. A part
    whose Content-Length differs from its Content-Range is not trusted.
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
    """Return ``Last-Modified`` if it is a strong validator.

    It is at least a second older than ``Date``, so that the body cannot have changed twice in that second (RFC 9110,
    8.8.2.2).
    """
    modified = headers.get("Last-Modified", "").strip()
    if not _DATE.fullmatch(modified):
        return None
    try:
        age = parsedate_to_datetime(headers.get("Date", "")) - parsedate_to_datetime(modified)
    except (ValueError, TypeError, OverflowError):
        return None
    return modified if age.total_seconds() >= 1 else None


def _number(text: str | None) -> int | None:
    # int() also reads "+1", "1_0" and other scripts' digits, and thousands of digits take it long.
    if not text or not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS:
        return None
    return int(text)
