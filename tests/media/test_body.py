# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.media.body import Action, Body, body_from_headers, decide, range_headers, retry_after

DATE = "Sat, 09 May 2026 08:00:00 GMT"
OLDER = "Sat, 09 May 2026 07:00:00 GMT"
KNOWN = Body(length=100, etag='"one"')
DATED = Body(length=100, modified=OLDER)
UNVALIDATED = Body(length=100)
LENGTHLESS = Body()

Headers = Mapping[str, str]
HEADERS = (
    "Content-Length",
    "Content-Range",
    "Content-Type",
    "Content-Encoding",
    "ETag",
    "Last-Modified",
    "Date",
    "Retry-After",
    "Transfer-Encoding",
)


def part(start: int = 40, total: str = "100", **more: str) -> dict[str, str]:
    return {"Content-Range": f"bytes {start}-99/{total}", **more}


CASES: dict[str, tuple[int, Headers, int, Body | None, Action]] = {
    "all of it": (200, {}, 0, None, Action.START),
    "the whole body, although a part was requested": (200, {}, 40, KNOWN, Action.START),
    "an error page in its place": (200, {"Content-Type": "text/html; charset=utf-8"}, 0, None, Action.URL_REFUSED),
    "an error of storage in its place": (200, {"Content-Type": "application/xml"}, 0, None, Action.URL_REFUSED),
    "the rest": (206, part(ETag='"one"'), 40, KNOWN, Action.CONTINUE),
    "the rest, of the date that If-Range named": (206, part() | {"Last-Modified": OLDER}, 40, DATED, Action.CONTINUE),
    "the rest, in so many bytes": (206, part(ETag='"one"') | {"Content-Length": "60"}, 40, KNOWN, Action.CONTINUE),
    "some of the rest": (206, {"Content-Range": "bytes 40-59/100", "ETag": '"one"'}, 40, KNOWN, Action.CONTINUE),
    "the rest, if neither says what it is": (206, part(), 40, UNVALIDATED, Action.RESTART),
    "the rest, without the tag": (206, part(), 40, KNOWN, Action.RESTART),
    "the rest, with a weak tag": (206, part(ETag='W/"one"'), 40, KNOWN, Action.RESTART),
    "the rest, without the date": (206, part(), 40, DATED, Action.RESTART),
    "the rest, of another date": (206, part() | {"Last-Modified": DATE}, 40, DATED, Action.RESTART),
    "the rest of a body of unknown length": (206, part(total="*", ETag='"one"'), 40, KNOWN, Action.RESTART),
    "another number of bytes": (206, part(ETag='"one"') | {"Content-Length": "61"}, 40, KNOWN, Action.RESTART),
    "beyond its own end": (206, {"Content-Range": "bytes 40-100/100", "ETag": '"one"'}, 40, KNOWN, Action.RESTART),
    "backwards": (206, {"Content-Range": "bytes 40-39/100", "ETag": '"one"'}, 40, KNOWN, Action.RESTART),
    "an absurd number": (206, {"Content-Range": f"bytes {'9' * 5000}-1/2"}, 40, KNOWN, Action.RESTART),
    "several parts": (
        206,
        part(ETag='"one"') | {"Content-Type": "multipart/byteranges; boundary=x"},
        40,
        KNOWN,
        Action.RESTART,
    ),
    "another encoding": (206, part(ETag='"one"') | {"Content-Encoding": "gzip"}, 40, KNOWN, Action.RESTART),
    "the rest of another body": (206, part(ETag='"two"'), 40, KNOWN, Action.RESTART),
    "the rest of a longer body": (206, part(total="101", ETag='"one"'), 40, KNOWN, Action.RESTART),
    "the rest of who knows what": (206, part(total="*"), 40, LENGTHLESS, Action.RESTART),
    "a part from another place": (206, part(start=39, ETag='"one"'), 40, KNOWN, Action.RESTART),
    "a part without its place": (206, {"ETag": '"one"'}, 40, KNOWN, Action.RESTART),
    "a part that was not requested": (206, part(), 0, None, Action.RESTART),
    "nothing is missing": (416, {"Content-Range": "bytes */100"}, 100, KNOWN, Action.COMPLETE),
    "shorter than announced": (416, {"Content-Range": "bytes */40"}, 40, KNOWN, Action.RESTART),
    "beyond an end that nobody names": (416, {}, 100, KNOWN, Action.RESTART),
    **{
        f"refused with {status}": (status, {}, 40, KNOWN, Action.URL_REFUSED)
        for status in (400, 401, 403, 404, 410, 304)
    },
    **{
        f"passing with {status}": (status, {}, 40, KNOWN, Action.RETRY_LATER)
        for status in (408, 425, 429, 500, 502, 503)
    },
}


@pytest.mark.parametrize(("status", "headers", "at", "known", "expected"), CASES.values(), ids=CASES)
def test_a_response_is_decided_by_rfc_9110(
    status: int, headers: Headers, at: int, known: Body | None, expected: Action
) -> None:
    assert decide(status, headers, at, known) is expected


def test_the_first_byte_is_requested_without_a_range() -> None:
    assert range_headers(0, None) == range_headers(0, KNOWN) == {}


def test_the_rest_is_requested_only_with_a_strong_validator() -> None:
    assert range_headers(40, KNOWN) == {"Range": "bytes=40-", "If-Range": '"one"'}
    assert range_headers(40, Body(modified=OLDER)) == {"Range": "bytes=40-", "If-Range": OLDER}
    assert range_headers(40, UNVALIDATED) == {}


def test_only_strong_validators_identify_a_body() -> None:
    strong = {"ETag": '"one"', "Last-Modified": OLDER, "Date": DATE, "Content-Length": "7", "Content-Type": "video/MP4"}
    assert body_from_headers(strong) == Body(length=7, content_type="video/mp4", etag='"one"', modified=OLDER)
    weak = {"ETag": 'W/"one"', "Last-Modified": DATE, "Date": DATE, "Content-Length": "x"}
    assert body_from_headers(weak) == Body(framed=False)


@pytest.mark.parametrize(
    ("headers", "framed"), [({"Content-Length": "7"}, True), ({"Transfer-Encoding": "Chunked"}, True), ({}, False)]
)
def test_a_body_that_only_the_connection_ends_is_not_framed(headers: Headers, framed: bool) -> None:
    assert body_from_headers(headers).framed is framed


@pytest.mark.parametrize(
    ("value", "encoding"),
    [
        ("GZip", "gzip"),
        ("identity", None),
        ("", None),
        ("aws-chunked", None),
        ("aws-chunked,gzip", "gzip"),
        ("br", "br"),
    ],
)
def test_only_encodings_that_need_decoding_count(value: str, encoding: str | None) -> None:
    assert body_from_headers({"Content-Encoding": value}).encoding == encoding


@given(st.dictionaries(st.sampled_from(HEADERS), st.text(max_size=40) | st.text("0123456789", max_size=6000)))
def test_any_header_is_handled(headers: dict[str, str]) -> None:
    body = body_from_headers(headers)
    assert decide(206, headers, 40, body) in Action
    assert retry_after(headers) in (None, 0) or retry_after(headers)
    assert all(value.isascii() and value.isprintable() for value in range_headers(40, body).values())


@pytest.mark.parametrize(("value", "seconds"), [("7", 7), ("soon", None), ("", None), ("-1", None), ("9" * 5000, None)])
def test_retry_after_is_read_if_it_is_a_number(value: str, seconds: int | None) -> None:
    assert retry_after({"Retry-After": value}) == seconds
