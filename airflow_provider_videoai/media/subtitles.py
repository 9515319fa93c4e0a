# SPDX-License-Identifier: Apache-2.0
"""Parse and serialize SubRip (SRT) and WebVTT (W3C) in linear time, as the text may be hostile.

``pysubs2`` is not used: it takes quadratic time for a text of ``{``, and does not decode WebVTT's entities (``&lt;``).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from enum import StrEnum

from airflow_provider_videoai.media.cues import Cue

__all__ = ["NoCues", "SubtitleFormat", "parse", "serialize", "to_vtt"]

# Linear: no match can begin inside of another, so each character is scanned a constant number of times.
_MARKUP = re.compile(r"</?[a-zA-Z][^<>\n]*>|<[0-9]+:[0-9:.]*>|\{\\[^{}\n]*\}")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z0-9]{1,31});")
_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
_TIMES = re.compile(rf"[ \t]*{_TIME}[ \t]*-->[ \t]*{_TIME}")
_NUMBER = re.compile(r"[ \t]*[0-9]{1,9}[ \t]*")
_WORD_JOINER = "\u2060"


class NoCues(ValueError):
    """The text is not a subtitle file: nothing in it would be shown."""


class SubtitleFormat(StrEnum):
    """A subtitle format; its value is the suffix of file names."""

    SRT = ".srt"
    VTT = ".vtt"

    @classmethod
    def of(cls, path: str) -> SubtitleFormat | None:
        """Return the format of a file.

        :param path: or URL; its suffix decides, in any case.
        :returns: ``None`` for any other suffix.
        """
        return next((form for form in cls if path.lower().endswith(form)), None)


def parse(text: str) -> list[Cue]:
    """Parse a SubRip or WebVTT file.

    Lenient, as players are: text that belongs to no cue is skipped.

    :param text: the whole file; line ends of any system.
    :returns: the cues without markup; empty ones are left out.
    """
    text = text.removeprefix("\ufeff").replace("\0", "\ufffd")  # as WebVTT, section 6.1, requires
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    # In WebVTT an empty line ends a cue, and notes may follow. SubRip files exist with empty lines inside of a cue.
    is_webvtt = lines[0].startswith("WEBVTT")
    cues: list[tuple[int, int, list[str]]] = []
    shown: list[str] = []
    for before, line in zip(["", *lines], lines, strict=False):
        if times := _TIMES.match(line):
            if shown and _NUMBER.fullmatch(before):
                shown.pop()  # the number of this cue, not a line of the last
            shown = []
            cues.append((_milliseconds(*times.groups()[:4]), _milliseconds(*times.groups()[4:]), shown))
        elif line.strip():
            shown.append(line)
        elif is_webvtt:
            shown = []
    plain = ((start, end, _plain(lines, entities=is_webvtt)) for start, end, lines in cues)
    return [Cue(start=start, end=end, lines=lines) for start, end, lines in plain if lines]


def serialize(cues: Iterable[Cue], form: SubtitleFormat) -> str:
    """Return the content of a subtitle file.

    :param cues: in their order; they are numbered from 1.
    :param form: the format to write.
    """
    written = ["WEBVTT\n\n"] if form is SubtitleFormat.VTT else []
    for number, cue in enumerate(cues, 1):
        lines = "\n".join(_escaped(line, form) for line in cue.lines)
        written.append(f"{number}\n{_time(cue.start, form)} --> {_time(cue.end, form)}\n{lines}\n\n")
    return "".join(written)


def to_vtt(text: str) -> str:
    """Convert SubRip or WebVTT to plain WebVTT: the same cues, without markup.

    :param text: of the whole file.
    :raises NoCues: if there is no cue in it.
    """
    if cues := parse(text):
        return serialize(cues, SubtitleFormat.VTT)
    raise NoCues("there is no cue in it")


def _milliseconds(hours: str | None, minutes: str, seconds: str, fraction: str) -> int:
    return ((int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(fraction.ljust(3, "0"))


def _time(milliseconds: int, form: SubtitleFormat) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    mark = "," if form is SubtitleFormat.SRT else "."
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{mark}{rest:03}"


def _plain(lines: Iterable[str], *, entities: bool) -> tuple[str, ...]:
    shown = (_MARKUP.sub("", line) for line in lines)
    if entities:
        shown = (_ENTITY.sub(_character, line) for line in shown)
    return tuple(text for line in shown if (text := line.strip()))


def _character(entity: re.Match[str]) -> str:
    # An entity for a line break becomes a space: written as a line break, it could end the cue.
    return " ".join(html.unescape(entity[0]).splitlines()) or " "


def _escaped(line: str, form: SubtitleFormat) -> str:
    # Players read a backslash as a command (\N, \h) and an arrow as a time; an invisible word joiner prevents both.
    line = line.replace("\\", f"\\{_WORD_JOINER}")
    return html.escape(line, quote=False) if form is SubtitleFormat.VTT else line.replace("-->", f"--{_WORD_JOINER}>")
