# SPDX-License-Identifier: Apache-2.0
"""Read what HTTP says of a body, and decide how to go on with one that is half fetched (RFC 9110, 13 and 14)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from http import HTTPStatus

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
_PASSING = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)
_ERROR_PAGES = frozenset({"text/html", "application/xhtml+xml", "application/xml", "text/xml", "application/json"})


@dataclass(frozen=True, slots=True)
class Body:
    """What a server says of a body: ``None`` where it does not say. ``etag`` and ``modified`` are strong ones only."""

    length: int | None = None
    content_type: str | None = None
    etag: str | None = None
    modified: str | None = None


class Next(Enum):
    """What an answer means for a body of which some bytes may be there."""

    BEGIN = auto()  # it carries all of the body
    GO_ON = auto()  # it carries the bytes that are missing
    END = auto()  # none is missing
    ASK_WHOLE = auto()  # the body is another one by now: ask for all of it
    REFUSED = auto()  # this URL does not give it
    WAIT = auto()  # the server cannot, for now


def range_headers(at: int, body: Body | None) -> dict[str, str]:
    """Return the headers that ask for the bytes from ``at`` on, if the body is still the same."""
    if not at or body is None:
        return {}
    same = body.etag or body.modified
    return {"Range": f"bytes={at}-"} | ({"If-Range": same} if same else {})


def judge(status: int, headers: Mapping[str, str], at: int, known: Body | None) -> Next:
    """Decide what to do with an answer; ``known`` is what was said of the body when its first byte came."""
    match status:
        case HTTPStatus.OK:
            return Next.REFUSED if _is_error_page(headers) else Next.BEGIN
        case HTTPStatus.PARTIAL_CONTENT:
            return Next.GO_ON if known and _continues(headers, at, known) else Next.ASK_WHOLE
        case HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return Next.END if known and known.length == at == _total(headers) else Next.ASK_WHOLE
        case _ if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Next.WAIT
        case _:
            return Next.REFUSED


def body_of(headers: Mapping[str, str]) -> Body:
    """Read the headers of an answer that carries all of the body."""
    return Body(
        length=_number(headers.get("Content-Length")),
        content_type=_content_type(headers),
        etag=_strong_etag(headers),
        modified=_strong_date(headers),
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the server asks to wait, where it says so as a number."""
    return _number(headers.get("Retry-After"))


def _continues(headers: Mapping[str, str], at: int, known: Body) -> bool:
    """Return whether a part begins where we are, of a body in which all that can be compared is the same."""
    found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
    if found is None or _number(found[1]) != at:
        return False
    pairs = ((_number(found[3]), known.length), (_strong_etag(headers), known.etag))
    # Without a validator the length must be known, and be the same; a date that differs is told by If-Range.
    comparable = [ours == theirs for theirs, ours in pairs if theirs is not None and ours is not None]
    return all(comparable) and bool(comparable or known.modified)


def _total(headers: Mapping[str, str]) -> int | None:
    found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
    return _number(found[3]) if found else None


def _is_error_page(headers: Mapping[str, str]) -> bool:
    return _content_type(headers) in _ERROR_PAGES


def _content_type(headers: Mapping[str, str]) -> str | None:
    return headers.get("Content-Type", "").partition(";")[0].strip().lower() or None


def _strong_etag(headers: Mapping[str, str]) -> str | None:
    etag = headers.get("ETag", "").strip()
    return etag if etag.startswith('"') else None


def _strong_date(headers: Mapping[str, str]) -> str | None:
    """Return the date of the last change, if the body cannot have changed twice in that second."""
    modified = headers.get("Last-Modified", "").strip()
    try:
        age = parsedate_to_datetime(headers.get("Date", "")) - parsedate_to_datetime(modified)
    except (ValueError, TypeError):
        return None
    return modified if age.total_seconds() >= 1 else None


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None
