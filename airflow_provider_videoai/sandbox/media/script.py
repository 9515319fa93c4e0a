# SPDX-License-Identifier: Apache-2.0
"""From text to timed words: how long speech takes, where its pauses are, and its subtitles."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# Seconds, at normal speed.
SYLLABLE, WORD_GAP = 0.18, 0.035
COMMA_PAUSE, SENTENCE_PAUSE = 0.18, 0.35
# Silence before the first word and after the last.
LEAD, TAIL = 0.12, 0.25
# ruff: noqa: RUF001 - Chinese marks are meant
SENTENCE_MARKS = ".!?;。！？；…"
COMMA_MARKS = ",:，、：–—"

# Kana, Han and Hangul: scripts in which a character is about a syllable, and words are not separated.
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
# A number with a decimal point is one word: its point ends no sentence.
_TOKEN = re.compile(
    rf"(?P<cjk>[{_CJK}])|(?P<word>[^\W{_CJK}]+(?:(?:['’-]|(?<=\d)[.,](?=\d))[^\W{_CJK}]+)*)|(?P<mark>[^\w\s])"
)
_BREAK = re.compile(r"<break\s+time\s*=\s*[\"'](?P<n>\d+(?:\.\d+)?)(?P<unit>ms|s)[\"']\s*/?>(?:\s*</break>)?")
_TAG = re.compile(r"<[^>]*>")
_VOWELS = re.compile(r"[aeiouyäöüáéíóúàèìòùâêîôûæøå]+", re.IGNORECASE)


@dataclass(frozen=True)
class Word:
    """A spoken word.

    :param start: seconds.
    :param end: seconds.
    """

    text: str
    start: float
    end: float
    syllables: int


@dataclass
class Sentence:
    """Words of one subtitle.

    :param text: as it is shown.
    """

    text: str = ""
    words: list[Word] = field(default_factory=list)

    def show(self, token: str, *, spaced: bool) -> None:
        """Append to the text that is shown.

        :param token: a word or a mark.
        :param spaced: whether a space comes before it.
        """
        self.text += f" {token}" if spaced and self.text else token


@dataclass(frozen=True)
class Script:
    """A text as it will be spoken.

    :param seconds: the length of all of it.
    """

    sentences: list[Sentence]
    seconds: float


@dataclass(frozen=True)
class Splitting:
    """How a text becomes sentences.

    :param marks: a sentence ends at each of these.
    :param most_words: or after so many words; 0: no limit.
    :param shown: the marks that are shown; ``None``: all.
    """

    marks: str = SENTENCE_MARKS
    most_words: int = 30
    shown: str | None = None


def plan(text: str, speed: float = 1.0, splitting: Splitting | None = None) -> Script:
    """Time a plain or SSML text.

    :param text: ``<break time="1.0s"/>`` pauses for as long at any speed.
    :param speed: 1 is normal.
    :param splitting: ``None``: the defaults.
    """
    return _Planner(speed, splitting or Splitting()).plan(text)


class _Planner:
    def __init__(self, speed: float, splitting: Splitting) -> None:
        self._speed = speed
        self._splitting = splitting
        self._now = LEAD
        self._sentences = [Sentence()]

    def plan(self, text: str) -> Script:
        for piece in _pieces(text):
            if not isinstance(piece, str):
                self._now += piece
                continue
            for token in _TOKEN.finditer(piece):
                self._take(token)
        return Script([sentence for sentence in self._sentences if sentence.words], self._now + TAIL)

    def _take(self, token: re.Match[str]) -> None:
        text = token.group()
        spaced = token.start() == 0 or token.string[token.start() - 1].isspace()
        if token.lastgroup == "mark":
            self._mark(text, spaced=spaced)
            return
        most = self._splitting.most_words
        if most and len(self._sentences[-1].words) >= most:
            self._sentences.append(Sentence())
        self._say(text, spaced=spaced)

    def _say(self, text: str, *, spaced: bool) -> None:
        # Counted by groups of vowels, and digits: near enough for a length that grows with the text.
        syllables = max(1, len(_VOWELS.findall(text)), sum(map(str.isdigit, text)))
        end = self._now + syllables * SYLLABLE / self._speed
        sentence = self._sentences[-1]
        sentence.words.append(Word(text, self._now, end, syllables))
        sentence.show(text, spaced=spaced)
        self._now = end + WORD_GAP / self._speed

    def _mark(self, mark: str, *, spaced: bool) -> None:
        sentence = self._sentences[-1]
        shown = self._splitting.shown
        if sentence.words and (shown is None or mark in shown):
            sentence.show(mark, spaced=spaced)
        if mark in SENTENCE_MARKS:
            self._now += SENTENCE_PAUSE / self._speed
        elif mark in COMMA_MARKS:
            self._now += COMMA_PAUSE / self._speed
        if mark in self._splitting.marks and sentence.words:
            self._sentences.append(Sentence())


def _pieces(text: str) -> Iterator[str | float]:
    """Yield plain text, and pauses in seconds."""
    position = 0
    for found in _BREAK.finditer(text):
        yield _plain(text[position : found.start()])
        yield float(found["n"]) / (1000 if found["unit"] == "ms" else 1)
        position = found.end()
    yield _plain(text[position:])


def _plain(text: str) -> str:
    # Tags first, as an escaped "<" of the text is none.
    return html.unescape(_TAG.sub(" ", text))


def to_srt(script: Script) -> str:
    """Return SubRip subtitles, one cue per sentence.

    :param script: with times from the start of the sound.
    """
    cues = [
        f"{number}\n{_srt_time(sentence.words[0].start)} --> {_srt_time(sentence.words[-1].end)}\n{sentence.text}\n"
        for number, sentence in enumerate(script.sentences, 1)
    ]
    return "\n".join(cues)


def _srt_time(seconds: float) -> str:
    ms = round(seconds * 1000)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"
