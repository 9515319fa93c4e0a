# SPDX-License-Identifier: Apache-2.0
"""Lay out timed words as subtitle cues: segmentation, line breaks, display times.

Both segmentations minimize a total cost by dynamic programming, as the line breaking of TeX does. Greedy filling would
leave single words at the end.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.media.words import Boundary, Word

__all__ = ["Cue", "Layout", "Pieces", "layout_cues", "width"]

LATIN_LINE, WIDE_LINE = 42, 32
"""Default characters per line: 42 Latin ones, or 16 wide ones, each of which counts as two."""

# Costs in addition to the squared fullness of each cue or line (0 to 1). Only their differences matter.
_CUE, _LINE = 1.0, 10.0
_CUE_ENDS = {Boundary.SENTENCE: 0.0, Boundary.PHRASE: 1.0, Boundary.NOTHING: 3.0}
_LINE_ENDS = {Boundary.SENTENCE: 0.0, Boundary.PHRASE: 0.0, Boundary.NOTHING: 0.3}
_SENTENCE_INSIDE = 2.0
_TOO_SHORT = 8.0
_MAX_WORDS = 200
"""Words per cue at most: without it, words of zero width and duration would make the cost quadratic."""

Pieces = Callable[[int], Iterable[tuple[int, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The layout of subtitles. A wide character (Chinese, Japanese, Korean) counts as two.

    :param characters_per_line: maximum of a line; a longer word has a line of its own. Default: 42, or 32 if the text
        is mostly wide.
    :param lines_per_cue: maximum of lines on the screen at a time.
    :param characters_per_second: reading speed; a cue is displayed long enough to be read, unless the next one begins
        earlier.
    :param shortest_ms: minimum display time in milliseconds, unless the next cue begins earlier.
    :param longest_ms: maximum display time in milliseconds.
    :param gap_ms: minimum time between two cues, in milliseconds.
    :raises InvalidRequest: for a value that is not a number, or too small.
    """

    characters_per_line: int | None = None
    lines_per_cue: int = 2
    characters_per_second: float = 17
    shortest_ms: int = 1000
    longest_ms: int = 7000
    gap_ms: int = 80

    def __post_init__(self) -> None:
        for field in fields(self):
            value, least = getattr(self, field.name), 0 if field.name == "gap_ms" else 1
            if field.name == "characters_per_line" and value is None:
                continue
            kinds = (int, float) if field.name == "characters_per_second" else (int,)
            if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value < math.inf:
                kind = "a number" if float in kinds else "a whole number"
                raise InvalidRequest(f"layout: {field.name} must be {kind}, {least} or more, not {value!r}")
        if self.longest_ms < self.shortest_ms:
            raise InvalidRequest("layout: longest_ms must not be less than shortest_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """A subtitle cue: ``lines`` are displayed from ``start`` to ``end``, in milliseconds."""

    start: int
    end: int
    lines: tuple[str, ...]


def layout_cues(words: Sequence[Word], layout: Layout) -> list[Cue]:
    """Lay out all words as cues.

    :param words: in their order, with times that never decrease.
    :param layout: the limits of a cue.
    :returns: the cues in their order; they never overlap.
    """
    limit = layout.characters_per_line or _usual_limit(words)
    groups = [
        words[first:end] for first, end in _cheapest_partition(len(words), _Cues(words, layout, limit).starting_at)
    ]
    lines = [_lines(group, limit) for group in groups]
    return [
        Cue(start=start, end=end, lines=each) for (start, end), each in zip(_times(groups, layout), lines, strict=True)
    ]


def width(text: str) -> int:
    """Return the display width of a text: 2 per wide character, 0 per combining one (Unicode, UAX 11)."""
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _usual_limit(words: Sequence[Word]) -> int:
    characters = "".join(word.text for word in words)
    return WIDE_LINE if width(characters) > 1.5 * len(characters) else LATIN_LINE


def _text(words: Sequence[Word]) -> str:
    first, *rest = words
    return first.text + "".join(" " * word.spaced + word.text for word in rest)


def _cheapest_partition(count: int, pieces: Pieces) -> list[tuple[int, int]]:
    """Cut 0..count into the pieces with the least total cost; ``pieces`` yields end and cost of each from a start."""
    costs = [0.0] + [math.inf] * count
    starts = [0] * (count + 1)
    for first in range(count):
        for end, cost in pieces(first):
            if costs[first] + cost < costs[end]:
                costs[end], starts[end] = costs[first] + cost, first
    cuts = []
    end = count
    while end:
        cuts.append((starts[end], end))
        end = starts[end]
    return cuts[::-1]


class _Cues:
    """The costs of possible cues: lowest at the end of a sentence, then of a phrase; high for cues that flicker."""

    def __init__(self, words: Sequence[Word], layout: Layout, limit: int) -> None:
        self._words = words
        self._widths = [width(word.text) for word in words]
        self._layout = layout
        self._limit = limit

    def starting_at(self, first: int) -> Iterator[tuple[int, float]]:
        total = sentences = line = 0
        lines = 1
        for end in range(first + 1, min(first + _MAX_WORDS, len(self._words)) + 1):
            word, wide = self._words[end - 1], self._widths[end - 1]
            # One word is always a possible cue, however long: without it there might be no partition at all.
            alone = end == first + 1
            grown = line + wide + (0 if alone else word.spaced)
            line, lines = (grown, lines) if alone or grown <= self._limit else (wide, lines + 1)
            span = word.end - self._words[first].start
            if not alone and (lines > self._layout.lines_per_cue or span > self._layout.longest_ms):
                return
            total += wide + word.spaced
            yield end, self._cost(first, end, total, sentences)
            sentences += word.boundary is Boundary.SENTENCE

    def _cost(self, first: int, end: int, total: int, sentences: int) -> float:
        fullness = total / (self._limit * self._layout.lines_per_cue)
        cost = _CUE + fullness**2 + _SENTENCE_INSIDE * sentences
        if end == len(self._words):
            return cost
        room = self._words[end].start - self._layout.gap_ms - self._words[first].start
        lacking = max(0.0, 1 - room / self._layout.shortest_ms)
        return cost + _CUE_ENDS[self._words[end - 1].boundary] + _TOO_SHORT * lacking


def _lines(words: Sequence[Word], limit: int) -> tuple[str, ...]:
    """Break a cue into the fewest lines possible, balanced, and preferably at the end of a phrase."""
    widths = [width(word.text) for word in words]

    def starting_at(first: int) -> Iterator[tuple[int, float]]:
        line = 0
        for end in range(first + 1, len(words) + 1):
            line += widths[end - 1] + (end > first + 1 and words[end - 1].spaced)
            if line > limit and end > first + 1:
                return
            inside = end < len(words)
            yield end, _LINE + (line / limit) ** 2 + inside * _LINE_ENDS[words[end - 1].boundary]

    return tuple(_text(words[first:end]) for first, end in _cheapest_partition(len(words), starting_at))


def _times(groups: Sequence[Sequence[Word]], layout: Layout) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each cue."""
    free = 0
    for group, following in zip(groups, [*groups[1:], None], strict=False):
        start = max(group[0].start, free)
        reading = math.ceil(width(_text(group)) / layout.characters_per_second * 1000)
        end = max(group[-1].end, start + layout.shortest_ms, start + reading)
        if following is not None:
            end = min(end, following[0].start - layout.gap_ms)
        # At least 1 ms: the end of a WebVTT cue must be after its start.
        end = max(start + 1, min(end, start + layout.longest_ms))
        free = end + layout.gap_ms
        yield start, end
