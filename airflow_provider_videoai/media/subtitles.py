# SPDX-License-Identifier: Apache-2.0
"""Write subtitles as SubRip (SRT) or WebVTT, and turn the first into the second. Needs the extra ``media``."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from airflow_provider_videoai.jobs.errors import ResultUnavailable
from airflow_provider_videoai.media.cues import Cue
from airflow_provider_videoai.media.extra import library

_MARKUP = re.compile(r"</?[a-zA-Z][^>\n]*>|\{\\[^}\n]*\}")
_WORD_JOINER = "\u2060"


class Form(StrEnum):
    """A form of subtitle files, by the suffix of their names."""

    SRT = ".srt"
    VTT = ".vtt"

    @classmethod
    def of(cls, path: str) -> Form | None:
        """Return the form of the file at a path; ``None`` for any other suffix."""
        return next((form for form in cls if path.lower().endswith(form)), None)


def require_library() -> Any:
    """Return what writes subtitles; raise ``InvalidRequest`` where it is missing, so before anything is fetched."""
    return library("pysubs2", "to write subtitles")


def write(cues: Iterable[Cue], form: Form) -> str:
    """Return the text of a subtitle file."""
    pysubs2 = require_library()
    file = pysubs2.SSAFile()
    for cue in cues:
        event = pysubs2.SSAEvent(start=cue.start, end=cue.end)
        event.plaintext = "\n".join(_escaped(line, form) for line in cue.lines)
        file.append(event)
    # Braces are text here, and no tags of SubStation's.
    written: str = file.to_string(form.removeprefix("."), keep_ssa_tags=True)
    return written


def srt_to_vtt(srt: str) -> str:
    """Return the same cues as WebVTT, without markup; raise ``ResultUnavailable`` for a text without a cue."""
    # The library takes a last line of digits for the number of a cue to come: now there is one.
    file = require_library().SSAFile.from_string(f"{srt}\n\n0\n", format_="srt", keep_html_tags=True)
    cues = [Cue(start=each.start, end=each.end, lines=tuple(_lines(each.text))) for each in file]
    if not cues:
        raise ResultUnavailable("what came are no subtitles: nothing was published")
    return write(cues, Form.VTT)


def _lines(text: str) -> list[str]:
    return [line for each in text.split(r"\N") if (line := _MARKUP.sub("", each).strip())]


def _escaped(line: str, form: Form) -> str:
    # The library reads a backslash and what follows as a command; a word joiner is not seen.
    line = line.replace("\\", f"\\{_WORD_JOINER}")
    return html.escape(line, quote=False) if form is Form.VTT else line
