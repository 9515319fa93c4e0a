# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001 - Chinese marks are meant
from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.media.cues import Cue, Layout, layout_cues, width
from airflow_provider_videoai.media.words import parse_words
from tests.support.spoken import letters, said, said_wide, sentence, speech

LAYOUTS = st.builds(
    Layout,
    characters_per_line=st.integers(1, 60),
    lines_per_cue=st.integers(1, 4),
    characters_per_second=st.floats(1, 60),
    shortest_ms=st.integers(1, 2000),
    longest_ms=st.integers(2000, 9000),
    gap_ms=st.integers(0, 500),
)


def laid_out(spoken: list[dict[str, Any]], **layout: Any) -> list[Cue]:
    return layout_cues(parse_words(spoken), Layout(**layout))


def lines(spoken: list[dict[str, Any]], **layout: Any) -> list[tuple[str, ...]]:
    return [cue.lines for cue in laid_out(spoken, **layout)]


FOX = "The quick brown fox jumps over the lazy dog while seven others watch from afar and say nothing"


@pytest.mark.parametrize(
    ("sentences", "expected"),
    [
        (
            ["The first sentence is here.", "The second is there."],
            [("The first sentence is here.",), ("The second is there.",)],
        ),
        (["Yes.", "I know that very well."], [("Yes. I know that very well.",)]),
        (
            ["However, he never came back."],
            [("However, he never came back.",)],
        ),
        (
            ["The hills drift slowly by the lake, and evening settles."],
            [("The hills drift slowly by the lake,", "and evening settles.")],
        ),
        (
            [f"{FOX}, but then they all begin to sing."],
            [
                ("The quick brown fox jumps over", "the lazy dog while seven others"),
                ("watch from afar and say nothing,", "but then they all begin to sing."),
            ],
        ),
    ],
    ids=["sentences apart", "no flicker", "one line if it fits", "a line ends with a phrase", "balanced"],
)
def test_latin_text_breaks_at_sentences_then_phrases_then_in_the_middle(
    sentences: list[str], expected: list[tuple[str, ...]]
) -> None:
    assert lines(said(*sentences)) == expected


@pytest.mark.parametrize(
    ("sentences", "expected"),
    [
        (["今天的天气非常好。", "我们一起去公园吧！"], [("今天的天气非常好。",), ("我们一起去公园吧！",)]),
        (
            ["人工智能正在改变我们制作视频的方式，每一步都可以自动完成。"],
            [("人工智能正在改变我们制作视频", "的方式，每一步都可以自动完成。")],
        ),
        (["欢迎使用AI数字人。"], [("欢迎使用AI数字人。",)]),
    ],
)
def test_chinese_text_has_lines_of_sixteen_characters_without_spaces(
    sentences: list[str], expected: list[tuple[str, ...]]
) -> None:
    assert lines(said_wide(*sentences)) == expected


@pytest.mark.parametrize(
    ("text", "columns"),
    [("abc", 3), ("你好", 4), ("，", 2), ("한글", 4), ("e\u0301", 1), ("ｱ", 1), ("Ａ", 2), ("\u200b", 0)],
)
def test_a_wide_character_counts_as_two_and_an_accent_as_none(text: str, columns: int) -> None:
    assert width(text) == columns


def test_a_long_silence_ends_a_cue() -> None:
    spoken = [
        sentence(
            "one two three four",
            *((w, t, t + 800) for w, t in (("one", 0), ("two", 800), ("three", 3600), ("four", 4400))),
        )
    ]
    assert [(cue.start, cue.lines) for cue in laid_out(spoken)] == [(0, ("one two",)), (3600, ("three four",))]


def test_a_short_cue_is_displayed_for_the_minimum_time_if_there_is_room() -> None:
    spoken = [sentence("One two.", ("One", 0, 200), ("two", 200, 400)), sentence("Three.", ("Three", 5000, 5300))]
    assert [(cue.start, cue.end) for cue in laid_out(spoken)] == [(0, 1000), (5000, 6000)]
    slow = laid_out(spoken, characters_per_second=2)
    assert [(cue.start, cue.end) for cue in slow] == [(0, 4000), (5000, 8000)]
    slower = laid_out(spoken, characters_per_second=1)
    assert [(cue.start, cue.end) for cue in slower] == [(0, 4920), (5000, 11000)], "as long as the next leaves room"


def test_a_word_longer_than_a_line_has_a_line_of_its_own() -> None:
    address = "https://example.com/a-very-long-path/that-nobody-reads/index.html"
    spoken = [
        sentence(
            f"See {address} for more", ("See", 0, 300), (address, 300, 3000), ("for", 3000, 3300), ("more", 3300, 3600)
        )
    ]
    assert [line for cue in lines(spoken) for line in cue] == ["See", address, "for more"]


def test_a_long_word_is_displayed_for_the_maximum_time() -> None:
    (cue,) = laid_out([sentence("Goal!", ("Goal", 0, 60_000))])
    assert (cue.start, cue.end) == (0, 7000)


def test_no_words_make_no_cues() -> None:
    assert layout_cues([], Layout()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"characters_per_line": 0},
        {"characters_per_line": "42"},
        {"lines_per_cue": 0},
        {"lines_per_cue": 1.5},
        {"characters_per_second": 0},
        {"characters_per_second": math.nan},
        {"shortest_ms": True},
        {"longest_ms": None},
        {"gap_ms": -1},
        {"longest_ms": 500},
    ],
)
def test_an_invalid_layout_is_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=f"layout: {next(iter(wrong))}"):
        Layout(**wrong)


@given(speech(), LAYOUTS)
@example([sentence("a b", ("a", 0, 0), ("b", 0, 0))], Layout(lines_per_cue=1, characters_per_line=1))
def test_every_word_is_shown_once_in_order_and_cues_never_overlap(spoken: list[dict[str, Any]], layout: Layout) -> None:
    words = parse_words(spoken)
    cues = layout_cues(words, layout)
    assert letters([line for cue in cues for line in cue.lines]) == letters([word.text for word in words])
    assert all(cue.start < cue.end for cue in cues)
    assert all(a.end + layout.gap_ms <= b.start for a, b in pairwise(cues))


@given(speech(), LAYOUTS)
def test_lines_cues_and_times_keep_to_their_limits(spoken: list[dict[str, Any]], layout: Layout) -> None:
    words = parse_words(spoken)
    whole = {word.text for word in words}
    assert layout.characters_per_line
    for cue in layout_cues(words, layout):
        assert 1 <= len(cue.lines) <= layout.lines_per_cue
        assert all(width(line) <= layout.characters_per_line or line in whole for line in cue.lines)
        assert cue.end - cue.start <= layout.longest_ms


@given(speech(orderly=True), LAYOUTS)
def test_a_cue_ends_early_only_for_the_next_one_or_at_the_maximum_time(
    spoken: list[dict[str, Any]], layout: Layout
) -> None:
    cues = layout_cues(parse_words(spoken), layout)
    for cue, following in zip(cues, [*cues[1:], None], strict=False):
        shown = cue.end - cue.start
        reading = sum(map(width, cue.lines)) / layout.characters_per_second * 1000
        room = math.inf if following is None else following.start - layout.gap_ms - cue.start
        assert shown >= min(layout.shortest_ms, room)
        assert shown >= min(reading, room, layout.longest_ms)


@given(
    st.lists(st.from_regex(re.compile(r"[a-zA-Zé]+('[a-z]+)?[,.!?]?", re.ASCII), fullmatch=True), min_size=1), LAYOUTS
)
def test_no_break_is_inside_a_latin_word(words: list[str], layout: Layout) -> None:
    cues = layout_cues(parse_words(said(" ".join(words))), layout)
    assert [word for cue in cues for line in cue.lines for word in line.split(" ")] == words
