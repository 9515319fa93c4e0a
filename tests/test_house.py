# SPDX-License-Identifier: Apache-2.0
"""How the tree is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("airflow_provider_videoai", "dags", "docs", "scripts", "tests", "benchmarks")
SOURCES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_names_its_licence_and_is_short_enough_to_read(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert lines[0] == "# SPDX-License-Identifier: Apache-2.0"
    assert len(lines) <= 400


def test_no_module_is_a_drawer() -> None:
    drawers = {"utils", "helpers", "common", "manager", "data", "misc"}
    assert not [path for path in SOURCES if path.stem in drawers or path.parent.name in drawers]
