# SPDX-License-Identifier: Apache-2.0
"""What a connection's extra may say."""

from __future__ import annotations

import math
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.protocol.options import TOLERANCE, ConnectionOptions
from airflow_provider_videoai.jobs.values.printable import is_printable


class AcmeOptions(ConnectionOptions):
    """Options of each kind."""

    channel: int = Field(7, ge=0, le=999)
    style: Literal["flat", "json"] = "flat"
    source: str | None = Field(None, max_length=20)
    trial: bool = False


def read(**given: Any) -> AcmeOptions:
    return AcmeOptions.read(given, "connection 'mine'")


def refusal(**given: Any) -> str:
    with pytest.raises(InvalidRequest) as refused:
        read(**given)
    return refused.value.message


@pytest.mark.parametrize(
    ("name", "meant"),
    [("max_request_per_minute", "max_requests_per_minute"), ("chanel", "channel"), ("Timeout", "timeout")],
)
def test_an_unknown_name_is_refused_with_the_one_that_was_meant(name: str, meant: str) -> None:
    message = refusal(**{name: "hidden-value"})
    assert message.startswith(f"connection 'mine': extra has no option {name!r}: did you mean {meant!r}?")
    assert "It takes max_requests_per_minute, max_jobs_in_flight, timeout, outage_tolerance" in message
    assert "hidden-value" not in message


def test_a_name_like_no_other_is_refused_with_the_known_ones() -> None:
    assert "extra has no option 'zzz'. It takes max_requests_per_minute" in refusal(zzz=1)


NUMBERS = ["many", 0, -1, "-3", math.inf, math.nan, [], {}, True, "6 per minute", 10**400, "9" * 5000, b"6", "1e400"]


@pytest.mark.parametrize("value", NUMBERS)
@pytest.mark.parametrize("name", ["max_requests_per_minute", "timeout", "outage_tolerance"])
def test_what_is_no_positive_number_is_refused_by_name_and_rule(name: str, value: Any) -> None:
    assert f"extra {name!r} must be a number greater than 0, from 0.001 to" in refusal(**{name: value})


def test_a_refusal_has_the_name_the_rule_with_its_unit_and_the_value() -> None:
    rule = "extra 'timeout' must be a number greater than 0, from 0.001 to 86400 seconds, not 86401"
    assert refusal(timeout=86401) == f"connection 'mine': {rule}; nothing was sent"


@pytest.mark.parametrize("value", [1.5, "x", True, None.__class__, 10**400, math.inf, math.nan, -1, 1000, "9" * 5000])
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    assert "must be a whole number from 0 to 999" in refusal(channel=value)


@pytest.mark.parametrize("value", ["x" * 21, "a\nb", "é", 5, " "])
def test_what_no_header_can_carry_is_refused(value: Any) -> None:
    assert "must be a string of 1 to 20 printable ASCII characters" in refusal(source=value)


@pytest.mark.parametrize("value", ["xml", 1, True, "", " ", ["flat"]])
def test_a_word_of_no_list_is_refused_with_the_list(value: Any) -> None:
    if value == "":
        assert read(style=value).style == "flat"
    else:
        assert "extra 'style' must be flat or json, not" in refusal(style=value)


@pytest.mark.parametrize("value", ["yes", "on", "t", "1", 1, 0, 1.0, [], "perhaps"])
def test_a_flag_that_is_unclear_is_refused(value: Any) -> None:
    assert "extra 'trial' must be true or false, not" in refusal(trial=value)


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("timeout", "60", 60.0),
        ("timeout", " 0.5 ", 0.5),
        ("timeout", 60, 60.0),
        ("channel", "300", 300),
        ("channel", 300.0, 300),
        ("style", " JSON ", "json"),
        ("source", " mine ", "mine"),
        ("trial", "True", True),
        ("trial", "false", False),
        ("trial", True, True),
    ],
)
def test_a_value_is_native_or_a_string_as_forms_and_uris_write_it(name: str, given: Any, expected: Any) -> None:
    found = getattr(read(**{name: given}), name)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("value", [None, ""])
def test_what_is_empty_has_its_default(value: Any) -> None:
    assert read(**dict.fromkeys(AcmeOptions.model_fields, value)) == AcmeOptions()


def test_the_defaults_are_those_of_the_contract() -> None:
    options = ConnectionOptions()
    assert (options.max_requests_per_minute, options.timeout, options.outage_tolerance) == (None, 30, TOLERANCE)
    assert options.allow_private_addresses is False


def test_options_of_an_account_made_without_any_are_the_vendors_defaults() -> None:
    assert AcmeOptions.of(ConnectionOptions(timeout=5)) == AcmeOptions(timeout=5)
    own = AcmeOptions(trial=True)
    assert AcmeOptions.of(own) is own


def test_options_do_not_change() -> None:
    with pytest.raises(ValidationError):
        read().timeout = 5  # type: ignore[misc]


ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2)


@given(st.dictionaries(st.sampled_from([*AcmeOptions.model_fields, "chanel"]) | st.text(), ANYTHING))
def test_any_extra_at_all_is_read_or_refused_in_words_that_can_be_shown(given: dict[str, Any]) -> None:
    try:
        read = AcmeOptions.read(given, "here")
    except InvalidRequest as refused:
        assert is_printable(refused.message)  # noqa: PT017
        assert len(refused.message) < 500  # noqa: PT017
    else:
        assert AcmeOptions(**read.model_dump()) == read
