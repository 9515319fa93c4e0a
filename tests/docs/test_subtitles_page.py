# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from airflow_provider_videoai.media.cues import LATIN_LINE, WIDE_LINE, Layout
from airflow_provider_videoai.transfers.subtitles import WordTimesToSubtitlesOperator

Pages = Callable[[str], Any]
Cells = Callable[[str], list[list[str]]]


def test_the_arguments_are_those_of_the_operator(page: Pages, cells: Cells) -> None:
    documented = [row[0] for row in cells(page("reference/subtitles.md").text)]
    assert documented == [*inspect.signature(WordTimesToSubtitlesOperator.__init__).parameters][1:-1]


def test_the_layout_has_every_field_with_its_default(page: Pages, cells: Cells) -> None:
    documented = {row[0]: row[2] for row in cells(page("reference/subtitles.md").section("## Layout"))}
    defaults = {field.name: str(field.default) for field in fields(Layout)}
    line = {"characters_per_line": f"{LATIN_LINE}; {WIDE_LINE} if most of the text is wide"}
    assert documented == defaults | line
