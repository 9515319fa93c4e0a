# SPDX-License-Identifier: Apache-2.0
"""The template repository: its tests pass in a copy, and what it says of itself holds."""

from __future__ import annotations

import ast
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "my_video_project"
TESTS = sorted((EXAMPLE / "tests").glob("test_*.py"))


@pytest.mark.airflow
def test_its_tests_pass_in_a_copy(run_pytest: Callable[..., Any], tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    ran = run_pytest(tmp_path, "--durations=0")
    assert set(ran.ends.values()) == {"PASSED"}, ran.text
    assert len(ran.ends) == 3


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_a_dags_test_has_about_five_lines(path: Path) -> None:
    functions = [each for each in ast.parse(path.read_text()).body if isinstance(each, ast.FunctionDef)]
    assert functions
    assert [each.name for each in functions if len(each.body) > 5] == []


def test_each_dag_has_a_test() -> None:
    assert [path.name.removeprefix("test_") for path in TESTS] == sorted(
        each.name for each in (EXAMPLE / "dags").glob("*.py")
    )


def test_its_workflow_installs_what_its_project_names() -> None:
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())
    (package,) = [each for each in project["dependency-groups"]["dev"] if "videoai" in each]
    assert f'"{package}" pytest' in (EXAMPLE / ".github/workflows/tests.yml").read_text()
    assert f'"{package}" pytest' in (EXAMPLE / "README.md").read_text()
