# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.protocol.json_values import fraction, mapping, percent, rows, text, url, whole

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (189, 189),
        ("189", 189),
        (" 189 ", 189),
        (-1, -1),
        ("-101000", -101000),
        (20.0, 20),
        ("20.0", 20),
        (0, 0),
        ("", None),
        ("soon", None),
        (None, None),
        (True, None),
        (False, None),
        ([], None),
        ({"n": 1}, None),
        (float("nan"), None),
        (float("inf"), None),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
    ],
)
def test_a_whole_number_is_read_from_numbers_and_text(value: object, read: int | None) -> None:
    assert whole(value) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        *((0, 0), (0.0, 0), (1, 1), (40, 40), (37.9, 37), (99.99, 99), (100, 100), (100.0, 100)),
        *(("40", 40), (" 40 ", 40), ("100", 100)),
        *((101, None), (100.5, None), (-1, None), (-0.5, None), (10**400, None), ("101", None), ("0040", None)),
        *((0.5, None), ("0.5", None), ("40.5", None), ("-1", None), ("1e1", None), ("٤٠", None), ("²", None)),
        *((True, None), (False, None), (None, None), ("half", None), ("", None), ("40 %", None), ([40], None)),
        *((float("nan"), None), (float("inf"), None), (float("-inf"), None)),
    ],
)
def test_a_percent_outside_of_its_range_or_ambiguous_is_unknown(value: object, read: int | None) -> None:
    assert percent(value) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        *((0, 0), (0.0, 0), (0.37, 37), (0.29, 29), (0.57, 57), (0.001, 0), (0.999, 99), (1, 100), (1.0, 100)),
        *((37, None), (1.01, None), (-0.1, None), (-1, None), (10**400, None)),
        *(("0.5", None), ("1", None), (True, None), (False, None), (None, None), ([0.5], None)),
        *((float("nan"), None), (float("inf"), None)),
    ],
)
def test_a_fraction_is_read_as_percent_or_is_unknown(value: object, read: int | None) -> None:
    assert fraction(value) == read


@pytest.mark.parametrize("hundredths", range(101))
def test_no_hundredth_is_lost_to_binary_numbers(hundredths: int) -> None:
    assert fraction(hundredths / 100) == hundredths


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("fail", "fail"),
        (" fail\n", "fail"),
        (200, "200"),
        (0, "0"),
        (1.5, "1.5"),
        (200.0, "200"),
        (-0.0, "0"),
        (float("inf"), "inf"),
        ("", None),
        ("  ", None),
        (None, None),
        (True, None),
        ([], None),
        ({}, None),
    ],
)
def test_a_text_is_read_from_text_and_numbers(value: object, read: str | None) -> None:
    assert text(value) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("https://h/x?sig=a%2Fb", "https://h/x?sig=a%2Fb"),
        (" HTTP://h/x ", "HTTP://h/x"),
        ("url", None),
        ("", None),
        ("s3://bucket/key", None),
        ("javascript:alert(1)", None),
        (None, None),
        (7, None),
        (["https://h/x"], None),
    ],
)
def test_an_address_is_read_only_where_it_is_one(value: object, read: str | None) -> None:
    assert url(value) == read


@pytest.mark.parametrize(("value", "read"), [({"a": 1}, {"a": 1}), ({}, {}), (None, {}), ([], {}), ("{}", {}), (3, {})])
def test_anything_but_an_object_is_an_empty_one(value: object, read: dict[str, Any]) -> None:
    assert mapping(value) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [([{"a": 1}, 2, None, {"b": 3}], [{"a": 1}, {"b": 3}]), ([], []), (None, []), ({"a": 1}, []), ("x", [])],
)
def test_only_the_objects_of_an_array_are_rows(value: object, read: list[dict[str, Any]]) -> None:
    assert rows(value) == read


READERS: list[tuple[Callable[[object], object], type]] = [
    (whole, int),
    (percent, int),
    (fraction, int),
    (text, str),
    (url, str),
    (mapping, dict),
    (rows, list),
]


@pytest.mark.parametrize(("read", "kind"), READERS)
@given(sent=JSON)
def test_any_json_value_is_read_as_the_kind_or_as_nothing(
    read: Callable[[object], object], kind: type, sent: Any
) -> None:
    value = read(json.loads(json.dumps(sent)))
    assert value is None or type(value) is kind


@given(number=st.integers(-(2**53), 2**53))
def test_a_number_and_its_text_are_read_alike(number: int) -> None:
    assert whole(number) == whole(str(number)) == number
    assert text(number) == text(str(number))


@given(value=JSON)
def test_a_percent_is_never_out_of_range(value: Any) -> None:
    assert {percent(value), fraction(value)} <= {None, *range(101)}
