# SPDX-License-Identifier: Apache-2.0
"""What the page of symptoms quotes is what the package says: a reader searches for it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/operations/troubleshooting.md").read_text(encoding="utf-8")
AIRFLOWS = {"killed externally", "Response read out of order"}
"""What Airflow says, and not this package."""


def said() -> Iterator[str]:
    """Return the texts of the package, a space in place of each field."""
    for path in (ROOT / "airflow_provider_videoai").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else " " for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.sub(r"%[\w.]*[sdf]", " ", node.value)


SAID = "\n".join(said())
LOGGED = [each for line in re.findall(r"the log says (.+?) \|", PAGE) for each in re.findall(r"`([^`]+)`", line)]
QUOTED = [
    each for each in re.findall(r'"([^"\n]{12,})"', re.sub(r"```.*?```|`[^`]*`", "", PAGE)) if each not in AIRFLOWS
]


@pytest.mark.parametrize("text", [*LOGGED, *QUOTED])
def test_what_is_quoted_is_said_by_the_package(text: str) -> None:
    pieces = [stripped for piece in text.split("...") if (stripped := piece.strip(" :"))]
    assert pieces
    assert [piece for piece in pieces if piece not in SAID] == []


def test_there_are_quotes_of_both_kinds() -> None:
    assert len(LOGGED) > 3
    assert len(QUOTED) > 2
