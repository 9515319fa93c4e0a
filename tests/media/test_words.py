# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001 - Chinese marks are meant
from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.media.words import Boundary, parse_words
from tests.support.spoken import letters, said, sentence, speech


def read(shown: str | None, *words: str) -> list[str]:
    """Return what is read of one sentence; a space before a word is shown as one."""
    timed = [(word, place * 300, place * 300 + 300) for place, word in enumerate(words)]
    return [" " * word.spaced + word.text for word in parse_words([{**sentence("", *timed), "Sentence": shown}])]


@pytest.mark.parametrize(
    ("shown", "words", "expected"),
    [
        ("Hello, big world!", ["Hello", "big", "world"], ["Hello,", " big", " world!"]),
        ("He said “no” (twice).", ["He", "said", "no", "twice"], ["He", " said", " “no”", " (twice)."]),
        ("A – B", ["A", "B"], ["A –", " B"]),
        ("Don't well-known 3.5", ["Don", "t", "well", "known", "3", "5"], ["Don't", " well-known", " 3.5"]),
        ("Hello ,  world", ["Hello", ",", "world"], ["Hello ,", " world"]),
        ("你好，世界。", ["你", "好", "世", "界"], ["你", "好，", "世", "界。"]),
        ("你好，“世界”", ["你", "好", "世", "界"], ["你", "好，", "“世", "界”"]),
        ("用AI做3个", ["用", "AI", "做", "3", "个"], ["用", "AI", "做", "3", "个"]),
        ("오늘은 자막을", ["오", "늘", "은", "자막을"], ["오늘은", " 자막을"]),
        ("สวัสดีครับ", ["สวัสดี", "ครับ"], ["สวัสดี", "ครับ"]),
        ("", ["Hello", ",", "world", "!"], ["Hello,", " world!"]),
        (None, ["你", "好", "，", "(", "Bob", ")"], ["你", "好，", "(Bob)"]),
        ("Chapter 3", ["Chapter", "three"], ["Chapter", " three"]),
        ("♪", ["♪"], ["♪"]),
        ("Words of two words", ["Words of", "two words"], ["Words of", " two words"]),
    ],
)
def test_a_word_has_its_punctuation_and_the_space_before(
    shown: str | None, words: list[str], expected: list[str]
) -> None:
    assert read(shown, *words) == expected


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ("One.", "Two.", "One. Two."),
        ("一。", "二。", "一。二。"),
        ("一。", "Two.", "一。Two."),
        ("One.", "二。", "One.二。"),
    ],
)
def test_sentences_are_separated_by_a_space_in_scripts_with_spaces(first: str, second: str, text: str) -> None:
    words = parse_words([sentence(each, (each[:-1], 0, 300)) for each in (first, second)])
    assert "".join(" " * word.spaced + word.text for word in words) == text


def test_times_are_milliseconds_from_units_of_100_ns() -> None:
    words = [{"Word": "Hi", "StartTimestamp": 1_234_567, "EndTimestamp": "5000000"}]
    (word,) = parse_words([{"Sentence": "Hi.", "Words": words}])
    assert (word.text, word.start, word.end) == ("Hi.", 123, 500)


def test_a_boundary_follows_from_punctuation_or_silence() -> None:
    timed = [
        ("Yes", 0, 300),
        ("so", 300, 600),
        ("a", 600, 900),
        ("b", 1200, 1500),
        ("c", 2500, 2800),
        ("d", 2800, 3000),
    ]
    words = parse_words([sentence("“Yes!” so, a b c d", *timed)])
    expected = [
        Boundary.SENTENCE,
        Boundary.PHRASE,
        Boundary.PHRASE,
        Boundary.SENTENCE,
        Boundary.NOTHING,
        Boundary.SENTENCE,
    ]
    assert [word.boundary for word in words] == expected


def test_decreasing_times_are_sorted_out() -> None:
    timed = [("a", 500, 9000), ("b", 100, 200), ("c", 1000, 900), ("d", 1200, 1300)]
    words = parse_words([sentence("a b c d", *timed)])
    assert [(word.start, word.end) for word in words] == [(500, 500), (500, 500), (1000, 1000), (1200, 1300)]


@pytest.mark.parametrize("nothing", [None, [], "text", [None], [{}], [{"Sentence": "", "Words": []}]])
def test_no_words_are_parsed_from_nothing(nothing: Any) -> None:
    assert parse_words(nothing) == []


@pytest.mark.parametrize(
    "untimed",
    [
        {"Sentence": "Hi.", "Words": []},
        {"Sentence": "Hi."},
        {"Sentence": "Hi.", "Words": [{"Word": "Hi", "StartTimestamp": 1}]},
        {"Sentence": "Hi.", "Words": [{"Word": "Hi", "StartTimestamp": None, "EndTimestamp": 3}]},
    ],
)
def test_text_without_times_fails_and_is_not_left_out(untimed: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="times"):
        parse_words([*said("One two."), untimed])


@given(speech())
def test_all_text_of_a_sentence_is_in_its_words_in_order(spoken: list[dict[str, Any]]) -> None:
    shown = [each["Sentence"] or " ".join(word["Word"] for word in each["Words"]) for each in spoken]
    words = parse_words(spoken)
    assert letters([word.text for word in words]) == letters(shown)
    assert all(a.start <= a.end <= b.start <= b.end for a, b in pairwise(words))
