# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Mapping

import pytest

from airflow_provider_videoai.media.body import Body, Next, body_of, judge, range_headers, retry_after

DATE = "Sat, 09 May 2026 08:00:00 GMT"
OLDER = "Sat, 09 May 2026 07:00:00 GMT"
KNOWN = Body(length=100, etag='"one"')
UNVALIDATED = Body(length=100)
LENGTHLESS = Body()

Headers = Mapping[str, str]


def part(start: int = 40, total: str = "100", **more: str) -> dict[str, str]:
    return {"Content-Range": f"bytes {start}-99/{total}", **more}


CASES: dict[str, tuple[int, Headers, int, Body | None, Next]] = {
    "all of it": (200, {}, 0, None, Next.BEGIN),
    "all of it, though a part was asked for": (200, {}, 40, KNOWN, Next.BEGIN),
    "an error page in its place": (200, {"Content-Type": "text/html; charset=utf-8"}, 0, None, Next.REFUSED),
    "an error of storage in its place": (200, {"Content-Type": "application/xml"}, 0, None, Next.REFUSED),
    "the rest": (206, part(ETag='"one"'), 40, KNOWN, Next.GO_ON),
    "the rest, without a validator": (206, part(), 40, UNVALIDATED, Next.GO_ON),
    "the rest of another body": (206, part(ETag='"two"'), 40, KNOWN, Next.ASK_WHOLE),
    "the rest of a longer body": (206, part(total="101", ETag='"one"'), 40, KNOWN, Next.ASK_WHOLE),
    "the rest of who knows what": (206, part(total="*"), 40, LENGTHLESS, Next.ASK_WHOLE),
    "a part from another place": (206, part(start=39, ETag='"one"'), 40, KNOWN, Next.ASK_WHOLE),
    "a part without its place": (206, {"ETag": '"one"'}, 40, KNOWN, Next.ASK_WHOLE),
    "a part that nobody asked for": (206, part(), 0, None, Next.ASK_WHOLE),
    "nothing is missing": (416, {"Content-Range": "bytes */100"}, 100, KNOWN, Next.END),
    "shorter than announced": (416, {"Content-Range": "bytes */40"}, 40, KNOWN, Next.ASK_WHOLE),
    "beyond an end that nobody names": (416, {}, 100, KNOWN, Next.ASK_WHOLE),
    **{f"refused with {status}": (status, {}, 40, KNOWN, Next.REFUSED) for status in (400, 401, 403, 404, 410, 304)},
    **{f"passing with {status}": (status, {}, 40, KNOWN, Next.WAIT) for status in (408, 425, 429, 500, 502, 503)},
}


@pytest.mark.parametrize(("status", "headers", "at", "known", "expected"), CASES.values(), ids=CASES)
def test_an_answer_is_judged_by_what_http_says(
    status: int, headers: Headers, at: int, known: Body | None, expected: Next
) -> None:
    assert judge(status, headers, at, known) is expected


def test_the_first_byte_is_asked_for_without_a_range() -> None:
    assert range_headers(0, None) == range_headers(0, KNOWN) == {}


def test_the_rest_is_asked_for_only_if_the_body_is_the_same() -> None:
    assert range_headers(40, KNOWN) == {"Range": "bytes=40-", "If-Range": '"one"'}
    assert range_headers(40, Body(modified=OLDER)) == {"Range": "bytes=40-", "If-Range": OLDER}
    assert range_headers(40, UNVALIDATED) == {"Range": "bytes=40-"}


def test_a_body_is_told_by_strong_validators_only() -> None:
    strong = {"ETag": '"one"', "Last-Modified": OLDER, "Date": DATE, "Content-Length": "7", "Content-Type": "video/MP4"}
    assert body_of(strong) == Body(length=7, content_type="video/mp4", etag='"one"', modified=OLDER)
    weak = {"ETag": 'W/"one"', "Last-Modified": DATE, "Date": DATE, "Content-Length": "x"}
    assert body_of(weak) == Body()


@pytest.mark.parametrize(("value", "seconds"), [("7", 7), ("soon", None), ("", None), ("-1", None)])
def test_a_pause_is_read_where_it_is_a_number(value: str, seconds: int | None) -> None:
    assert retry_after({"Retry-After": value}) == seconds
