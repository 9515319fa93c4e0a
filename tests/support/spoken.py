# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001 - Chinese marks are meant
"""Speech as Tencent IVH reports it: sentences with the times of their words, spoken evenly or invented at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

UNITS = 10_000
"""Units of time in a millisecond."""


def sentence(shown: str, *words: tuple[str, int, int]) -> dict[str, Any]:
    """Make one sentence; words are text, start and end in milliseconds."""
    return {
        "Sentence": shown,
        "Words": [{"Word": word, "StartTimestamp": a * UNITS, "EndTimestamp": b * UNITS} for word, a, b in words],
    }


def said(*sentences: str, each: int = 300, pause: int = 0) -> list[dict[str, Any]]:
    """Say sentences whose words stand between spaces, ``each`` milliseconds a word, a pause after each sentence."""
    timed, now = [], 0
    for shown in sentences:
        words = [word.strip(".,!?") for word in shown.split()]
        timed.append(sentence(shown, *((word, now + n * each, now + n * each + each) for n, word in enumerate(words))))
        now += len(words) * each + pause
    return timed


def said_wide(*sentences: str, each: int = 200) -> list[dict[str, Any]]:
    """Say Chinese, a character at a time; marks are silent."""
    timed, now = [], 0
    for shown in sentences:
        words = [character for character in shown if character.isalnum()]
        timed.append(sentence(shown, *((word, now + n * each, now + n * each + each) for n, word in enumerate(words))))
        now += len(words) * each
    return timed


def letters(texts: Sequence[str]) -> str:
    """Return all that is not a space."""
    return "".join("".join(text.split()) for text in texts)


_LATIN = st.text("abcdeéfgABC'19", min_size=1, max_size=14).filter(lambda word: any(map(str.isalnum, word)))
_WIDE = st.text("人工智能正在改变我们", min_size=1, max_size=3)
_MARKS = st.sampled_from(["", "", "", ",", ".", "!", "，", "。", "”", ")", ", “", " (", " – ", "\\N", "{\\p1}", "<b>"])
_TIME = st.integers(-UNITS, 90_000 * UNITS)


@st.composite
def speech(draw: st.DrawFn, *, orderly: bool = False) -> list[dict[str, Any]]:
    """Invent what a vendor may report: two writings, marks, sentences that show their words or do not, wild times."""
    timed, now = [], 0
    for _ in range(draw(st.integers(0, 4))):
        shown, words = draw(st.sampled_from(["", "", "“", "¿"])), []
        for word in draw(st.lists(st.one_of(_LATIN, _WIDE), min_size=1, max_size=25)):
            start, end = draw(_TIME), draw(_TIME)
            if orderly:
                start = now + draw(st.sampled_from([0, 0, 0, 100, 400, 1500]))
                now = end = start + draw(st.integers(60, 900))
                start, end = start * UNITS, end * UNITS
            words.append({"Word": word, "StartTimestamp": start, "EndTimestamp": end})
            shown += word + draw(_MARKS) + draw(st.sampled_from([" ", " ", ""]))
        timed.append({"Sentence": draw(st.sampled_from([shown, shown, shown, "", None])), "Words": words})
    return timed
