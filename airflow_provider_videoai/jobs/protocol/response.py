# SPDX-License-Identifier: Apache-2.0
"""What an HTTP answer says besides its envelope: its status, its headers, and words that are fit to be shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from airflow_provider_videoai.jobs.values.scrub import clean

__all__ = [
    "LONGEST_RETRY_AFTER",
    "Standing",
    "SuccessBy",
    "by_status",
    "envelope_counts",
    "envelope_words",
    "host_hint",
    "retry_after",
    "seconds_ahead",
    "standing",
]


class Standing(StrEnum):
    """What an HTTP status alone says about a request."""

    # For a submit it decides about money: REFUSED and the like prove that nothing was bought, UNCLEAR does not.

    GOOD = "good"
    """Answered: the envelope decides."""
    REFUSED = "refused"
    """Not carried out: whatever was sent bought nothing."""
    UNAUTHORISED = "unauthorised"
    MISSING = "missing"
    """There is no such thing: of a status request, the job."""
    BUSY = "busy"
    NOT_YET = "not yet"
    """Not carried out this time: a repetition may be."""
    UNCLEAR = "unclear"
    """Whether the request was carried out, is not known."""


class SuccessBy(StrEnum):
    """What in a vendor's answer says that all went well."""

    STATUS = "status"
    """The HTTP status, as with REST; the body may say more about a failure."""
    ENVELOPE = "envelope"
    """A code in the body, under whatever status."""
    BOTH = "both"
    """Status and envelope; if they contradict each other, nobody knows whether the request was carried out."""


_STANDINGS = {
    HTTPStatus.UNAUTHORIZED: Standing.UNAUTHORISED,
    HTTPStatus.FORBIDDEN: Standing.UNAUTHORISED,
    # RFC 9110, section 15.4.4: the usual answer to a POST that was carried out, whose outcome is elsewhere.
    HTTPStatus.SEE_OTHER: Standing.UNCLEAR,
    HTTPStatus.NOT_FOUND: Standing.MISSING,
    HTTPStatus.GONE: Standing.MISSING,
    # Sent by gateways, too, when the vendor behind them was too slow: the request may have been carried out. 499 is
    # nginx's own code for a client that closed the connection.
    HTTPStatus.REQUEST_TIMEOUT: Standing.UNCLEAR,
    499: Standing.UNCLEAR,
    HTTPStatus.TOO_EARLY: Standing.NOT_YET,
    HTTPStatus.TOO_MANY_REQUESTS: Standing.BUSY,
}
_CLASSES = {2: Standing.GOOD, 3: Standing.REFUSED, 4: Standing.REFUSED}


def standing(status: int) -> Standing:
    """Return what an HTTP status says.

    :param status: any number that a server sent; one that is not defined says nothing.
    """
    return _STANDINGS.get(status) or _CLASSES.get(status // 100, Standing.UNCLEAR)


def envelope_counts(stands: Standing, code: str | None, *, documented: bool) -> bool:
    """Return whether an envelope that reports an error says more than the HTTP status. Pure.

    Gateways put codes of their own into the bodies of 401, 403, 404 and 5xx: there only a documented one counts. The
    status "too many requests" needs no code.

    :param stands: what the HTTP status says.
    :param code: the envelope's error code; ``None`` if it has none.
    :param documented: whether the vendor documents the code.
    """
    match stands:
        case Standing.GOOD:
            return True
        case Standing.BUSY:
            return False
        case Standing.REFUSED:
            return documented or code is not None
        case _:
            return documented


def by_status(code: str | None) -> bool:
    """Return whether an error's code is an HTTP status, and not the vendor's own.

    :param code: an error's ``code``.
    """
    return code is not None and code.startswith("HTTP ")


# -- headers ------------------------------------------------------------------------------------------------

LONGEST_RETRY_AFTER = 3600.0
"""Seconds: one wrong header must not stop the polls of an account for days."""
_SECONDS = re.compile(r"[0-9]+(\.[0-9]*)?")
_LONGEST_HEADER = 100


def retry_after(value: str, now: float) -> float | None:
    """Read a ``Retry-After`` (RFC 9110).

    :param value: the header: seconds or an HTTP date.
    :param now: epoch seconds.
    :returns: seconds from ``now``, at most an hour; ``None`` if it is neither.
    """
    value = value.strip()
    if _SECONDS.fullmatch(value):
        return min(float(value), LONGEST_RETRY_AFTER)
    seconds = seconds_ahead(value, now)
    return None if seconds is None else min(max(0.0, seconds), LONGEST_RETRY_AFTER)


def seconds_ahead(date: str, now: float) -> float | None:
    """Return by how many seconds an HTTP date is ahead.

    :param date: a header.
    :param now: epoch seconds.
    :returns: ``None`` if it is no date.
    """
    if len(date) > _LONGEST_HEADER:
        return None
    try:
        time = parsedate_to_datetime(date)
        # Without a zone, or with "-0000", it is UTC: never this machine's own.
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


# The usual names, in lower case without underscores: a gateway before the vendor answers in an envelope of its own, and
# its words help a user more than a status alone.
_MESSAGE_NAMES = (
    "message",
    "msg",
    "errormessage",
    "errormsg",
    "resmessage",
    "errordescription",
    "detail",
    "title",
    "error",
)
_CODE_NAMES = ("code", "errorcode", "rescode", "errcode", "error", "type")
# An envelope has a few objects; anything with more is no envelope, and a search of all of it takes time.
_MAX_HOLDERS = 10


def envelope_words(body: Mapping[str, Any] | None) -> str:
    """Return the error message and code of an envelope of any kind, as far as it has them.

    :param body: the JSON object of an answer, without the account's secrets; ``None`` if there is none.
    :returns: words in one line, without what may be secret; empty if there are none.
    """
    for holder in _holders(body or {}):
        fields = {str(name).lower().replace("_", ""): value for name, value in holder.items()}
        message = _first(fields, _MESSAGE_NAMES)
        code = _first(fields, _CODE_NAMES)
        if message and code and message != code:
            return f"{message} (its code {code})"
        if message or code:
            return f"its code {code}" if code else message
    return ""


def _holders(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the envelope and the objects in it, those under "error" or the like first, since they say more."""
    inner = [value for value in list(body.values())[:_MAX_HOLDERS] if isinstance(value, dict)]
    own_words = {name.lower() for name, value in body.items() if isinstance(value, str | int)}
    if own_words & {"message", "msg", "detail"}:
        yield body
    yield from inner
    yield body


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> str:
    found = (fields.get(name) for name in names)
    return next((clean(value) for value in found if value and isinstance(value, str | int | float)), "")


def host_hint(body: bytes) -> str:
    """Return the question whether the host is right, if the answer is no JSON at all, such as a web page.

    :param body: the bytes of the answer.
    """
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return "is the connection's host right?"
    return ""
