# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import cadence, intervals

PAGE = (Path(__file__).parents[2] / "docs/explanation/waiting.md").read_text()


@pytest.mark.parametrize("table", [intervals.table, cadence.table], ids=["intervals", "schedules"])
def test_tables_are_what_the_code_says(table: Callable[[], str]) -> None:
    assert table() in PAGE
