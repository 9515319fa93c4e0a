# SPDX-License-Identifier: Apache-2.0
"""What a job used: what is known, and nothing that is not."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.values.usage import Usage, amount, usage_of_all

ODD: list[Any] = [-1, -0.5, float("nan"), float("inf"), float("-inf"), 2**53 + 1, 10**400, 1e300, True, False, None]
ODD += ["12", "0.5", "1,200", "", "free", [], [12], {}, {"credits": 1}, b"1", Decimal("NaN"), Decimal(-1)]


@pytest.mark.parametrize("value", [0, 12, 12.5, 0.1, 2**53])
def test_a_number_is_an_amount_as_it_is(value: float) -> None:
    assert amount(value) == value
    assert type(amount(value)) is type(value)


def test_a_decimal_is_an_amount() -> None:
    assert amount(Decimal("12.5")) == 12.5


@pytest.mark.parametrize("value", ODD, ids=repr)
def test_what_is_no_amount_is_unknown_and_never_a_number(value: Any) -> None:
    assert amount(value) is None
    usage = Usage(credits=value, seconds=value, jobs=value)
    assert (usage.credits, usage.seconds, usage.jobs, usage.or_none()) == (None, None, None, None)
    assert usage.describe() == ""


def test_no_part_of_a_job_is_counted() -> None:
    assert Usage(jobs=1.5).jobs is None  # type: ignore[arg-type]  # this is the claim


@pytest.mark.parametrize(
    ("usage", "words"),
    [
        (Usage(credits=12), "12 credits"),
        (Usage(credits=12.0), "12 credits"),
        (Usage(credits=1), "1 credit"),
        (Usage(credits=0), "0 credits"),
        (Usage(credits=1234567.25), "1234567.25 credits"),
        (Usage(seconds=4.5), "4.5 s"),
        (Usage(credits=3, seconds=20, jobs=1), "3 credits, 20 s, 1 job"),
        (Usage(seconds=20, jobs=2), "20 s, 2 jobs"),
    ],
)
def test_usage_is_said_in_a_few_words(usage: Usage, words: str) -> None:
    assert usage.describe() == words


def test_usage_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Usage().credits = 1  # type: ignore[misc]  # this is the claim


AMOUNTS = st.none() | st.floats() | st.integers()


@given(AMOUNTS, AMOUNTS, AMOUNTS, st.sampled_from(["vendor", "measured"]))
def test_any_usage_survives_storage(credits_: Any, seconds: Any, jobs: Any, source: Any) -> None:
    usage = Usage(credits=credits_, seconds=seconds, jobs=jobs, source=source).or_none()
    written = json.dumps(usage and usage.to_json(), allow_nan=False)
    assert Usage.from_json(json.loads(written)) == usage


@pytest.mark.parametrize(
    "stored",
    [
        None,
        7,
        [],
        "12",
        {},
        {"credits": 12},
        {"credits": 12, "source": "guess"},
        {"credits": 12, "source": []},
        {"credits": None, "source": "vendor"},
        {"credits": "12", "seconds": -1, "jobs": True, "source": "vendor"},
    ],
)
def test_what_cannot_be_relied_on_is_no_usage(stored: Any) -> None:
    assert Usage.from_json(stored) is None


def test_what_a_later_version_says_of_usage_does_no_harm() -> None:
    assert Usage.from_json({"credits": 12, "source": "vendor", "currency": "EUR"}) == Usage(credits=12)


def test_what_several_jobs_used_is_added_up() -> None:
    known = [Usage(credits=1.5), Usage(credits=2, seconds=4.0), Usage(jobs=1, source="measured")]
    assert usage_of_all(known) == Usage(credits=3.5, seconds=4.0, jobs=1, source="measured")
    assert usage_of_all(known[:2]) == Usage(credits=3.5, seconds=4.0)
    assert usage_of_all([]) is None
