# SPDX-License-Identifier: Apache-2.0
"""What an error says of a value that was given: enough to find it, on one line, and nothing that opens anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.values.given_value import as_given
from airflow_provider_videoai.jobs.values.printable import is_printable
from tests.support.fuzzing import json_values


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("long", "'long'"),
        (None, "None"),
        (True, "True"),
        (5, "5"),
        (float("nan"), "nan"),
        ([[0, 600], "x"], "[[0, 600], 'x']"),
        (Path("clip.mp4"), "a PosixPath"),
        ([10**5000], "[an integer of 16610 bits]"),
        ("https://user:word@host/clip.mp4?sign=word#word", "'https://host/clip.mp4?...'"),
        ({"media_url": "https://host/clip.mp4?sign=word"}, "{'media_url': 'https://host/clip.mp4?...'}"),
        ("{'media_url': 'https://host/clip.mp4?sign=word', 'a': 1}", None),
    ],
)
def test_a_value_is_short_without_what_opens_anything(value: Any, text: str | None) -> None:
    assert text in (None, as_given(value))
    assert "word" not in as_given(value)


@given(json_values("https://host/clip.mp4?sign=x") | st.text(max_size=300))
def test_whatever_is_given_is_short_on_one_short_line(value: Any) -> None:
    assert is_printable(as_given(value))
    as_given(value).encode()


@given(st.text(min_size=200) | st.binary(min_size=200) | st.lists(st.integers(), min_size=50))
def test_what_is_long_is_cut(value: Any) -> None:
    assert len(as_given(value)) < 1000
