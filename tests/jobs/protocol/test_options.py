# SPDX-License-Identifier: Apache-2.0
"""What a connection's extra may say."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.protocol.options import COMMON, header_text, read_options, whole_number
from airflow_provider_videoai.jobs.values.printable import is_printable

KNOWN = {**COMMON, "channel": whole_number(0, 999), "app_source": header_text(20)}


def refusal(**given: Any) -> str:
    with pytest.raises(InvalidRequest) as refused:
        read_options(given, KNOWN, "connection 'mine'")
    return refused.value.message


@pytest.mark.parametrize(
    ("name", "meant"),
    [("max_request_per_minute", "max_requests_per_minute"), ("chanel", "channel"), ("Timeout", "timeout")],
)
def test_an_unknown_name_is_refused_with_the_one_that_was_meant(name: str, meant: str) -> None:
    message = refusal(**{name: "hidden-value"})
    assert message.startswith(f"connection 'mine': extra has no option {name!r}: did you mean {meant!r}?")
    assert "It takes max_requests_per_minute, timeout, outage_tolerance" in message
    assert "hidden-value" not in message


def test_a_name_like_no_other_is_refused_with_the_known_ones() -> None:
    assert "extra has no option 'zzz'. It takes max_requests_per_minute" in refusal(zzz=1)


NUMBERS = ["many", 0, -1, "-3", math.inf, math.nan, [], {}, True, "6 per minute", 10**400, "9" * 5000, b"6", "1e400"]


@pytest.mark.parametrize("value", NUMBERS)
@pytest.mark.parametrize("name", ["max_requests_per_minute", "timeout", "outage_tolerance"])
def test_what_is_no_positive_number_is_refused_by_name_and_rule(name: str, value: Any) -> None:
    assert f"extra {name!r} must be a number greater than 0, from 0.001 to" in refusal(**{name: value})


@pytest.mark.parametrize("value", [1.5, "x", True, None.__class__, 10**400, math.inf, math.nan, -1, "9" * 5000])
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    assert "must be a whole number from 0 to 999" in refusal(channel=value)


@pytest.mark.parametrize("value", ["x" * 21, "a\nb", "é", 5, " "])
def test_what_no_header_can_carry_is_refused(value: Any) -> None:
    assert "must be a text of 1 to 20 printable ASCII characters" in refusal(app_source=value)


@pytest.mark.parametrize("value", [None, ""])
def test_what_is_empty_is_not_given(value: Any) -> None:
    assert read_options(dict.fromkeys(KNOWN, value), KNOWN, "") == {}


ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2)


@given(st.dictionaries(st.sampled_from([*KNOWN, "chanel"]) | st.text(), ANYTHING))
def test_any_extra_at_all_is_read_or_refused_in_words_that_can_be_shown(given: dict[str, Any]) -> None:
    try:
        assert read_options(given, KNOWN, "here").keys() <= KNOWN.keys()
    except InvalidRequest as refused:
        assert is_printable(refused.message)  # noqa: PT017
        assert len(refused.message) < 500  # noqa: PT017
