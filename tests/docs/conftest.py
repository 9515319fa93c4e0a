# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.stores import s3_server  # noqa: F401 - a fixture

DOCS = Path(__file__).resolve().parents[2] / "docs"


class Page(NamedTuple):
    """A page of the documentation."""

    text: str

    def section(self, heading: str) -> str:
        """Return what stands under a heading, up to the next one of its level or above."""
        level = heading.partition(" ")[0]
        rest = self.text.split(f"\n{heading}\n", 1)[1]
        return re.split(rf"^#{{1,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]

    def blocks(self, language: str) -> list[str]:
        """Return the code blocks of one language."""
        return re.findall(rf"^```{language}\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL)

    def files(self) -> dict[str, str]:
        """Return the blocks of Python that stand under the path of a file: path -> source."""
        return dict(re.findall(r"^`([\w/]+\.py)`:\n\n```python\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL))


@pytest.fixture
def page() -> Callable[[str], Page]:
    return lambda name: Page((DOCS / name).read_text(encoding="utf-8"))


@pytest.fixture
def cells() -> Callable[[str], list[list[str]]]:
    """Read the rows of the first table in a text, without its head; code marks are taken off."""

    def read(text: str) -> list[list[str]]:
        _, table = re.split(r"^\|[-|]+\|\n", text, maxsplit=1, flags=re.MULTILINE)
        rows = re.match(r"(?:\|.*\|\n)*", table)
        assert rows
        return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in rows.group().splitlines()]

    return read
