# SPDX-License-Identifier: Apache-2.0
"""Lay timed words out as subtitles: which words make a cue, how it breaks into lines, and how long it stays."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.media.words import Boundary, Word

__all__ = ["Cue", "Layout", "Pieces", "layout_cues", "width"]

LATIN_LINE, WIDE_LINE = 42, 32
"""Characters per line unless chosen otherwise: 42 Latin ones, or 16 wide ones, each of which counts twice."""

# What a layout costs, beside how full each part is (0 to 1). Only the differences count.
_CUE, _LINE = 1.0, 10.0
_CUE_ENDS = {Boundary.SENTENCE: 0.0, Boundary.PHRASE: 1.0, Boundary.NOTHING: 3.0}
_LINE_ENDS = {Boundary.SENTENCE: 0.0, Boundary.PHRASE: 0.0, Boundary.NOTHING: 0.3}
_SENTENCE_INSIDE = 2.0
_TOO_SHORT = 8.0
_MAX_WORDS = 200
"""Words in a cue at most, also where neither lines nor time limit it: words without width, all said at once."""

Pieces = Callable[[int], Iterable[tuple[int, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How subtitles are laid out. A wide character (Chinese, Japanese, Korean) counts as two.

    ``characters_per_line`` is 42, and 32 for a text of mostly wide ones, unless it is given; ``lines_per_cue`` and
    ``characters_per_second`` say what can be taken in. Times are milliseconds. A cue stays for ``shortest_ms`` and as
    long as it takes to read, where the next one leaves room: speech is not slowed down. A word that is longer than a
    line has one of its own, and a word that is longer than ``longest_ms`` is shown for as long as that.

    Raises ``InvalidRequest`` for a value that is no number, or too small.
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
    """What is on the screen from ``start`` to ``end``, in milliseconds."""

    start: int
    end: int
    lines: tuple[str, ...]


def layout_cues(words: Sequence[Word], layout: Layout) -> list[Cue]:
    """Lay out all words, in their order; cues never overlap."""
    limit = layout.characters_per_line or _usual_limit(words)
    groups = [
        words[first:end] for first, end in _cheapest_partition(len(words), _Cues(words, layout, limit).starting_at)
    ]
    lines = [_lines(group, limit) for group in groups]
    return [
        Cue(start=start, end=end, lines=each) for (start, end), each in zip(_times(groups, layout), lines, strict=True)
    ]


def width(text: str) -> int:
    """Count characters as they are wide: two for a wide one, none for an accent that goes with another."""
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
    """Cut 0..count into the pieces that cost least together; ``pieces`` gives ends and costs of those from a start."""
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
    """What the cues that words can make cost: whole sentences are cheap, then phrases; a flicker is dear."""

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
    """Break a cue into as few lines as hold it, balanced, and rather where a phrase ends."""
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
    """Yield when each cue comes and goes."""
    free = 0
    for group, following in zip(groups, [*groups[1:], None], strict=False):
        start = max(group[0].start, free)
        reading = math.ceil(width(_text(group)) / layout.characters_per_second * 1000)
        end = max(group[-1].end, start + layout.shortest_ms, start + reading)
        if following is not None:
            end = min(end, following[0].start - layout.gap_ms)
        end = max(start + 1, min(end, start + layout.longest_ms))
        free = end + layout.gap_ms
        yield start, end
