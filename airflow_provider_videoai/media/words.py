# SPDX-License-Identifier: Apache-2.0
"""Parse the word timestamps of Tencent IVH's speech: words with punctuation, spaces and boundaries.

Follows the vendor's page "Audio Production Progress Query API": ``TextTimestampResult`` has sentences as they are
displayed and, for each, the spoken words, mostly without punctuation, with times in units of 100 ns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import accumulate, pairwise
from typing import Any

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.protocol.json_values import rows, whole

__all__ = ["UNITS_PER_MILLISECOND", "WORD_TIMES", "Boundary", "Word", "parse_words"]

WORD_TIMES = "TextTimestampResult"
"""Their key in the ``details`` of a result."""
UNITS_PER_MILLISECOND = 10_000
PHRASE_PAUSE, SENTENCE_PAUSE = 300, 1000
"""Silences, in milliseconds, that count as the end of a phrase and of a sentence."""

# ruff: noqa: RUF001 - Chinese punctuation is intended
_SENTENCE_MARKS = frozenset(".!?;…。！？；｡")
_PHRASE_MARKS = frozenset(",:，、：､–—")
_OPENING = "([{“‘«‹「『（［｛《〈【〔"
_CLOSING = ")]}”’»›」』）］｝》〉】〕\"'"
# Scripts without spaces: Thai, Lao, Burmese, Khmer, Chinese and Japanese. Korean has spaces.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u30ff\u3100-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)


class Boundary(IntEnum):
    """What ends after a word; a cue or a line breaks rather at the larger one."""

    NOTHING = 0
    PHRASE = 1
    SENTENCE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word with its punctuation, which must stay on one line.

    :param start: in milliseconds.
    :param end: in milliseconds.
    :param spaced: whether a space precedes it.
    """

    text: str
    start: int
    end: int
    spaced: bool
    boundary: Boundary = Boundary.NOTHING


def parse_words(sentences: Any) -> list[Word]:
    """Parse ``TextTimestampResult``, as Tencent IVH returns it for speech.

    :param sentences: the JSON value; rows that are no objects are skipped.
    :returns: the whole text in its order, with times that never decrease; empty without words.
    :raises InvalidRequest: if a part of the text has no times.
    """
    words: list[Word] = []
    for sentence in rows(sentences):
        for position, word in enumerate(_sentence(sentence)):
            spaced = word.spaced if position else bool(words) and _spaced(words[-1].text, word.text)
            words.append(replace(word, spaced=spaced))
    return _in_order(words)


def _sentence(sentence: Mapping[str, Any]) -> Iterator[Word]:
    said = [each for row in rows(sentence.get("Words")) if (each := _word_from_row(row)).text]
    # The vendor lists some punctuation marks as words; their place follows from the displayed sentence.
    spoken = [each for each in said if any(map(str.isalnum, each.text))] or said
    shown = _plain(sentence.get("Sentence"))
    if not spoken:
        if shown:
            raise InvalidRequest("result: a sentence of its TextTimestampResult has no words with times")
        return
    positions = _positions(shown, spoken)
    if positions is None:
        # The displayed sentence lacks a spoken word, or spells it otherwise: then what was said is shown.
        shown = _joined(said)
        positions = _positions(shown, spoken) or []
    *before, last = _whole_words(_cut(shown, positions, spoken))
    yield from before
    yield replace(last, boundary=Boundary.SENTENCE)


def _word_from_row(row: Mapping[str, Any]) -> Word:
    text = _plain(row.get("Word"))
    start, end = (whole(row.get(name)) for name in ("StartTimestamp", "EndTimestamp"))
    if start is None or end is None:
        raise InvalidRequest(f"result: the word {text!r} of its TextTimestampResult has no times")
    return Word(
        text=text, start=max(0, start) // UNITS_PER_MILLISECOND, end=max(0, end) // UNITS_PER_MILLISECOND, spaced=True
    )


def _plain(text: Any) -> str:
    return " ".join(text.split()) if isinstance(text, str) else ""


def _positions(shown: str, words: Sequence[Word]) -> list[int] | None:
    """Return where each word begins in the displayed sentence; ``None`` if one is missing."""
    positions, at = [], 0
    for word in words:
        if (at := shown.find(word.text, at)) < 0:
            return None
        positions.append(at)
        at += len(word.text)
    return positions


def _joined(words: Sequence[Word]) -> str:
    """Join words to a sentence: for a displayed sentence that lacks some of them."""
    shown = [words[0].text]
    for before, word in pairwise(words):
        is_mark = not any(map(str.isalnum, word.text)) and word.text[0] not in _OPENING
        shown += [" ", word.text] if _spaced(before.text, word.text) and not is_mark else [word.text]
    return "".join(shown)


def _spaced(before: str, after: str) -> bool:
    """Return whether a space belongs between two words, by their scripts."""
    return before[-1] not in _OPENING and not _UNSPACED.match(before[-1]) and not _UNSPACED.match(after[0])


def _cut(shown: str, positions: Sequence[int], words: Sequence[Word]) -> Iterator[Word]:
    """Attach the punctuation of the sentence to its words, so that no character is lost."""
    begin, spaced = 0, True
    for word, position, following in zip(words, positions, [*positions[1:], None], strict=True):
        after = position + len(word.text)
        end = len(shown) if following is None else after + _belongs_before(shown[after:following])
        yield replace(word, text=shown[begin:end], spaced=spaced)
        spaced = shown[end : end + 1] == " "
        begin = end + spaced


def _belongs_before(between: str) -> int:
    """Return how many characters between two words belong to the first: up to the last space or opening mark."""
    blank = between.rfind(" ")
    return blank if blank >= 0 else len(between.rstrip(_OPENING))


def _whole_words(words: Iterator[Word]) -> Iterator[Word]:
    """Merge words without a space between them, "don" and "'t" for example, in scripts with spaces."""
    parts = [next(words)]
    for part in words:
        if part.spaced or _UNSPACED.match(parts[-1].text[-1]) or _UNSPACED.match(part.text[0]):
            yield _whole(parts)
            parts = []
        parts.append(part)
    yield _whole(parts)


def _whole(parts: Sequence[Word]) -> Word:
    return replace(parts[0], text="".join(part.text for part in parts), end=parts[-1].end)


def _in_order(words: Sequence[Word]) -> list[Word]:
    """Sort out times that decrease, and set the boundaries."""
    # A start that goes back is raised to the latest one so far: cues must not overlap, and no word is dropped.
    starts = list(accumulate((word.start for word in words), max))
    found = []
    for word, start, following in zip(words, starts, [*starts[1:], None], strict=False):
        end = max(start, word.end if following is None else min(word.end, following))
        pause = 0 if following is None else following - end
        found.append(replace(word, start=start, end=end, boundary=max(word.boundary, _boundary(word.text, pause))))
    return found


def _boundary(text: str, pause: int) -> Boundary:
    mark = text.rstrip(_CLOSING)[-1:]
    if mark in _SENTENCE_MARKS or pause >= SENTENCE_PAUSE:
        return Boundary.SENTENCE
    if mark in _PHRASE_MARKS or pause >= PHRASE_PAUSE:
        return Boundary.PHRASE
    return Boundary.NOTHING
