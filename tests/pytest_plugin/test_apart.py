# SPDX-License-Identifier: Apache-2.0
"""A test reaches nothing of an Airflow at work that its shell is set up for: no account, secret, database or ledger."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
pytestmark = pytest.mark.airflow


@pytest.mark.parametrize("before", [False, True], ids=["Airflow is imported by a fixture", "by a conftest.py"])
def test_nothing_at_work_is_reached(before: bool, run_pytest: Callable[..., Any], tmp_path: Path) -> None:
    shutil.copytree(HERE / "company", tmp_path, dirs_exist_ok=True)
    shutil.copytree(HERE / "project" / "dags", tmp_path / "dags")
    (tmp_path / "set_up.py").rename(tmp_path / "conftest.py")
    (tmp_path / "pytest.ini").write_text("[pytest]\npython_files = runs.py\n")
    if before:
        (tmp_path / "uses_airflow_before").touch()
    ran = run_pytest(tmp_path)
    assert set(ran.ends.values()) == {"PASSED"}, ran.text
    assert len(ran.ends) == (HERE / "company" / "runs.py").read_text().count("def test_")
    left = {path.name for path in tmp_path.iterdir()}
    assert left.isdisjoint({"drawn", "looked_up", "ledger_at_work.db"})
    # A backend that was imported before stays: the page "Test a DAG" says so.
    assert before or left.isdisjoint({"stored", "home", "work.cfg"})
