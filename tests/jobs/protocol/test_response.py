# SPDX-License-Identifier: Apache-2.0
"""What an HTTP answer says besides its envelope: status, headers, and words that are fit to be shown."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.protocol.response import (
    Standing,
    envelope_counts,
    envelope_words,
    host_hint,
    retry_after,
    seconds_ahead,
    standing,
)
from airflow_provider_videoai.jobs.values.printable import is_printable
from airflow_provider_videoai.jobs.values.scrub import clean, short

NOW = 1_700_000_000.0

STANDINGS = {
    Standing.GOOD: (200, 201, 202, 203, 204, 206, 299),
    Standing.REFUSED: (300, 301, 302, 304, 307, 308, 400, 402, 405, 406, 407, 409, 412, 413, 415, 418, 422, 423, 451),
    Standing.UNAUTHORISED: (401, 403),
    Standing.MISSING: (404, 410),
    Standing.BUSY: (429,),
    Standing.NOT_YET: (425,),
    Standing.UNCLEAR: (0, 100, 101, 303, 408, 499, 500, 501, 502, 503, 504, 511, 520, 599, 600, 999),
}


@pytest.mark.parametrize(
    ("status", "stands"), [(status, stands) for stands, statuses in STANDINGS.items() for status in statuses]
)
def test_a_status_stands_for_what_became_of_the_request(status: int, stands: Standing) -> None:
    assert standing(status) is stands


@given(st.integers(0, 999))
def test_nothing_but_2xx_is_good_and_no_5xx_says_that_nothing_was_done(status: int) -> None:
    assert (standing(status) is Standing.GOOD) == (200 <= status < 300)
    if status >= 500:
        assert standing(status) is Standing.UNCLEAR


@pytest.mark.parametrize(
    ("stands", "no_code", "undocumented", "documented"),
    [
        (Standing.GOOD, True, True, True),
        (Standing.REFUSED, False, True, True),
        (Standing.MISSING, False, False, True),
        (Standing.UNAUTHORISED, False, False, True),
        (Standing.NOT_YET, False, False, True),
        (Standing.UNCLEAR, False, False, True),
        (Standing.BUSY, False, False, False),
    ],
)
def test_an_envelopes_code_counts_where_it_says_more_than_the_status(
    stands: Standing, *, no_code: bool, undocumented: bool, documented: bool
) -> None:
    assert envelope_counts(stands, None, documented=False) is no_code
    assert envelope_counts(stands, "1", documented=False) is undocumented
    assert envelope_counts(stands, "1", documented=True) is documented


# -- headers ------------------------------------------------------------------------------------------------


def http_date(seconds_from_now: float) -> str:
    return format_datetime(datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=seconds_from_now), usegmt=True)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30.0),
        (" 0 ", 0.0),
        ("1.5", 1.5),
        ("2.", 2.0),
        (http_date(90), 90.0),
        (http_date(-90), 0.0),
        ("Tue, 14 Nov 2023 22:14:20 +0000", 60.0),
        ("Tuesday, 14-Nov-23 22:14:20 GMT", 60.0),
        ("Tue Nov 14 22:14:20 2023", 60.0),
        ("Tue, 14 Nov 2023 23:14:20 +0100", 60.0),
        ("Tue, 14 Nov 2023 22:14:20 -0000", 60.0),
        ("Tue, 14 Nov 2023 22:14:20", 60.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600.0),
        ("Fri, 31 Dec 99999999999999999999 23:59:59 GMT", None),
        ("Tue, 99 Nov 2023 22:14:20 GMT", None),
        ("soon", None),
        ("-5", None),
        ("1e3", None),
        ("NaN", None),
        ("30, 60", None),
        ("²", None),
        ("9" * 5000, 3600.0),
        ("9" * 5000 + ".5", 3600.0),
        ("Tue, 14 Nov 2023 22:14:20 +" + "9" * 5000, None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_and_as_a_date(header: str, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("elsewhere")
def test_a_date_without_a_zone_is_utc_wherever_this_machine_is() -> None:
    assert seconds_ahead("Tue, 14 Nov 2023 22:14:20 -0000", NOW) == 60.0


DATES = st.text("0123456789 :,.+-GMTueNovSat\x00²\udc80", max_size=40) | st.text(max_size=200)


@given(DATES)
def test_any_header_at_all_is_read_as_a_time_or_as_nothing(header: str) -> None:
    wait = retry_after(header, NOW)
    assert wait is None or 0 <= wait <= 3600
    assert seconds_ahead(header, NOW) is None or isinstance(seconds_ahead(header, NOW), float)


# -- words --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "cleaned"),
    [
        (None, ""),
        ("", ""),
        (0, ""),
        (42, "42"),
        ({"why": ["so"]}, "{'why': ['so']}"),
        ("  two\n words ", "two words"),
        ("see https://h/x?sig=1 now", "see https://h/x now"),
        ("see https://h/x#sig=1 now", "see https://h/x now"),
        ("see https://me:pw@h/x", "see https://h/x"),
        ("see https://me:p@w@h/x", "see https://h/x"),
        ("see (https://h/x?sig=1)", "see (https://h/x"),
        ("GET /v1/x?sign=abc&b=c failed", "GET /v1/x failed"),
        ("why? because", "why? because"),
        ("why " * 100, ("why " * 100)[:300]),
        ("signature " + "aB3" * 20 + "= is wrong", "signature *** is wrong"),
        ("red \x1b[31m alert", "red \\x1b[31m alert"),
        ("lone \ud800", "lone \\ud800"),
    ],
)
def test_a_message_is_shortened_made_printable_and_loses_signatures(message: object, cleaned: str) -> None:
    assert clean(message) == cleaned


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
)


@given(JSON)
def test_any_value_makes_a_message_and_a_word_that_can_be_shown(value: object) -> None:
    assert is_printable(clean(value))
    assert len(clean(value)) <= 300
    assert is_printable(short(value))
    assert len(short(value)) <= 80


@pytest.mark.parametrize("piece", ["?", "&", "://", "a=?", "a@", "x" * 39 + " ", "\x1b", "字"])
def test_a_huge_message_takes_no_longer_than_one_that_is_as_long_as_is_read(piece: str) -> None:
    assert clean(piece * 3_000_000) == clean((piece * 30_000)[:30_000])


@pytest.mark.parametrize(("value", "word"), [(None, ""), (0, "0"), (False, "False"), (3001, "3001"), (" a\nb ", "a b")])
def test_a_code_of_any_kind_is_a_short_word(value: object, word: str) -> None:
    assert short(value) == word


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (None, ""),
        ({}, ""),
        ({"data": {}}, ""),
        ({"message": "no", "code": 7}, "no (its code 7)"),
        ({"error": "invalid_token", "error_description": "expired"}, "expired (its code invalid_token)"),
        ({"error": {"code": 7, "message": "no"}, "status": "bad"}, "no (its code 7)"),
        ({"Header": {"Code": 7, "Message": "no"}, "Payload": {}}, "no (its code 7)"),
        ({"title": "No", "type": "about:blank", "detail": "because"}, "because (its code about:blank)"),
        ({"errorCode": "E1"}, "its code E1"),
        ({"message": ["a"], "msg": {"b": 1}}, ""),
    ],
)
def test_an_envelope_of_any_kind_is_read_for_what_went_wrong(body: dict[str, Any] | None, words: str) -> None:
    assert envelope_words(body) == words


@given(st.dictionaries(st.text(max_size=6) | st.sampled_from(["code", "message", "error"]), JSON, max_size=5))
def test_any_envelope_makes_words_that_can_be_shown(body: dict[str, Any]) -> None:
    assert is_printable(envelope_words(body))


@pytest.mark.parametrize(
    ("body", "hinted"),
    [(b"<html>", True), (b"", True), (b"\xff\xfe", True), (b"[" * 100_000, True), (b"[]", False), (b'"x"', False)],
)
def test_the_host_is_only_doubted_where_no_json_came(body: bytes, hinted: bool) -> None:
    assert bool(host_hint(body)) is hinted


def test_what_is_json_in_another_encoding_raises_no_doubt() -> None:
    assert host_hint(json.dumps({"code": 1}).encode("utf-16")) == ""
