# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.values.bounded_json import (
    MAX_BYTES,
    MAX_LEVELS,
    bounded,
    details_limit,
    json_object,
    json_value,
    normalised,
)
from tests.support.airflow_encoder import carry_xcom
from tests.support.fuzzing import fuzz
from tests.support.json_text import JSON_TEXTS

DEEP = "[" * 400 + "]" * 400
CUT = "[cut: nested deeper than 32 levels]"


def read(literal: str, encoding: str = "utf-8") -> Any:
    body = json_object(f'{{"odd": {literal}}}'.encode(encoding))
    assert body is not None
    return body["odd"]


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        (r'"\ud83d"', "\ufffd"),
        (r'"\ude00\ud83d"', "\ufffd\ufffd"),
        (r'"\ud83d\ude00"', "\U0001f600"),
        (r'"a\u0000b"', "a\ufffdb"),
        (r'"\\u0000"', r"\u0000"),
        (r'"\u001b\n"', "\x1b\n"),
        (r'{"\ud800": 1}', {"\ufffd": 1}),
        ("NaN", None),
        ("[Infinity, -Infinity, 1e400, -1e400]", [None] * 4),
        ("1" * 400 + ".5", None),
        (str(2**64 - 1), 2**64 - 1),
        (str(2**64), str(2**64)),
        (str(-(2**63)), -(2**63)),
        (str(-(2**63) - 1), str(-(2**63) - 1)),
        ("9" * 5000, "9" * 5000),
        (r'{"__classname__": "airflow.models.Variable"}', {"vendor:__classname__": "airflow.models.Variable"}),
        (r'{"\u005f_type": "dict", "_\u005fvar": {}}', {"vendor:__type": "dict", "vendor:__var": {}}),
        ('{"_id": 1, "a__b": 2}', {"_id": 1, "a__b": 2}),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32-be"])
def test_what_airflow_cannot_carry_is_replaced(literal: str, value: Any, encoding: str) -> None:
    assert read(literal, encoding) == value


def test_bytes_that_are_no_text_are_replaced_so_that_the_rest_can_be_read() -> None:
    assert json_object(b'{"message": "\xff\xed\xa0\x80", "taskId": "a1"}') == {"message": "\ufffd" * 4, "taskId": "a1"}


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"{", b"\xff", b'{"a": "\x00"}', b"null", b"\xef\xbb\xbf"])
def test_what_is_no_object_is_none(body: bytes) -> None:
    assert json_object(body) is None


def test_what_is_nested_too_deep_is_cut_and_says_so() -> None:
    seen = read(DEEP)
    for _ in range(MAX_LEVELS - 1):
        (seen,) = seen
    assert seen == CUT


def test_what_is_nested_as_deep_as_allowed_stays() -> None:
    levels = MAX_LEVELS - 1
    assert json.dumps(read("[" * levels + "]" * levels)) == "[" * levels + "]" * levels


def test_brackets_within_texts_are_no_levels() -> None:
    assert read(json.dumps("[" * 400)) == "[" * 400
    assert read(json.dumps(["]", ["["] * 99])) == ["]", ["["] * 99]


def test_json_that_nobody_can_parse_is_none() -> None:
    assert json_object(b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}") is None


def test_texts_of_a_bought_job_stay_as_they_came() -> None:
    body = json_object(
        rb'{"taskId": "a\ud800\u0000", "n": NaN, "big": 99999999999999999999, "deep": ' + DEEP.encode() + b"}",
        exact_texts=True,
    )
    assert body is not None
    assert (body["taskId"], body["n"], body["big"]) == ("a\ud800\x00", None, "9" * 20)
    assert CUT in json.dumps(body["deep"])


@fuzz
@given(JSON_TEXTS)
def test_whatever_is_sent_can_be_carried_once_read(text: str) -> None:
    whole = json_object(f'{{"odd": {text}}}'.encode())
    assert whole is not None
    for value in (whole, json_value(text)):
        assert normalised(value) == value
        assert carry_xcom([value]) == [value]


_CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00_")
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(_CHARACTERS),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(_CHARACTERS, max_size=9), inner, max_size=5),
)


@fuzz
@given(value=st.dictionaries(st.text("abc"), PLAIN), ascii_only=st.booleans())
def test_what_airflow_can_carry_is_read_as_it_is(value: dict[str, Any], *, ascii_only: bool) -> None:
    assert json_object(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@pytest.mark.parametrize("foreign", [pytest.param(object(), id="object"), b"a", (1,), {7: 1}, {"a": {1}}], ids=repr)
def test_what_is_no_json_value_is_refused(foreign: Any) -> None:
    with pytest.raises(TypeError):
        normalised(foreign)


# -- size ------------------------------------------------------------------------------------------------------------


def test_an_hour_of_speech_with_a_time_for_every_word_is_kept_whole() -> None:
    word = {"Word": "\u4efb\u52a1\u4efb\u52a1", "StartTimestamp": 3_599_000, "EndTimestamp": 3_600_000, "Type": "word"}
    details = {"SubtitlesUrl": "https://host.test/a.srt", "WordList": [word] * 10_000}
    assert bounded(details) is details


@fuzz
@given(PLAIN, st.integers(200, 2000))
def test_what_is_cut_fits_and_says_so(value: Any, most: int) -> None:
    cut = bounded(value, most)
    size = len(json.dumps(value))
    assert len(json.dumps(cut)) <= most
    assert (cut == value) if size <= most else ("[cut" in json.dumps(cut))


@pytest.mark.parametrize(
    "value",
    [
        "x" * 9999,
        "\u4efb" * 9999,
        {"text": "x" * 9999, "Duration": 3},
        [{"Word": "a"}] * 999,
        dict.fromkeys(map(str, range(9999))),
    ],
    ids=lambda value: type(value).__name__,
)
def test_as_much_as_fits_is_kept(value: Any) -> None:
    assert 4000 < len(json.dumps(bounded(value, 5000))) <= 5000


def test_short_members_of_an_object_stay_beside_a_long_one() -> None:
    cut = bounded({"WordList": [{"Word": "a"}] * 999, "Duration": 3, "Progress": 100}, 2000)
    assert (cut["Duration"], cut["Progress"]) == (3, 100)


def test_the_more_jobs_a_task_has_the_less_is_kept_of_each() -> None:
    assert details_limit(1) == details_limit(16) == MAX_BYTES
    assert details_limit(10_000) * 10_000 <= 64 * 1024**2
