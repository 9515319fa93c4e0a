# SPDX-License-Identifier: Apache-2.0
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.values.printable import is_printable, printable, shortened, shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("job-1", "job-1"),
        ("字幕 é 🎬", "字幕 é 🎬"),
        ("a\nb", "a\\nb"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("abc\u202egpj", "abc\\u202egpj"),
        ("\ud83d", "\\ud83d"),
        ("nul\x00", "nul\\x00"),
    ],
)
def test_what_could_forge_a_line_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert is_printable(text) == (text == shown)


@given(st.text(st.characters(codec=None)))
def test_printable_text_is_one_line_that_can_be_encoded(text: str) -> None:
    shown = printable(text)
    assert len(shown.splitlines()) <= 1
    shown.encode()
    assert not any(unicodedata.category(each) in ("Cc", "Cs") for each in shown)
    assert printable(shown) == shown
    assert is_printable(shown)


@given(st.text(st.characters()), st.integers(100, 300))
def test_a_shortened_text_is_one_short_line(text: str, most: int) -> None:
    line = shortened(text, most)
    assert is_printable(line)
    assert len(line) <= most
    assert shortened(line, most) == line


def test_a_long_text_is_shortened_in_its_middle() -> None:
    assert shortened("start " + "x" * 9999 + " end", 100).startswith("start xxx")
    assert shortened("start " + "x" * 9999 + " end", 100).endswith("xxx end")


class Unshowable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ("a\nb", r"'a\nb'"),
        ("\ud83d\u202e", r"'\ud83d\u202e'"),
        (None, "None"),
        (10**5000, "a int (ValueError when it is shown)"),
        (Unshowable(), "a Unshowable (RuntimeError when it is shown)"),
    ],
    ids=["line break", "surrogate", "none", "integer", "object"],
)
def test_any_value_can_be_shown(value: object, seen: str) -> None:
    assert shown(value) == seen
