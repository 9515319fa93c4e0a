# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import cadence, gaps

PAGE = (Path(__file__).parents[2] / "docs" / "waiting.md").read_text()


@pytest.mark.parametrize("table", [gaps.table, cadence.table], ids=["gaps", "rhythms"])
def test_tables_are_what_the_code_says(table: Callable[[], str]) -> None:
    assert table() in PAGE
