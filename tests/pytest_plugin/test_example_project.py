# SPDX-License-Identifier: Apache-2.0
"""The template project, and the page "Test a DAG" that shows it: their tests pass in a copy."""

from __future__ import annotations

import ast
import re
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.testing import RunResult, TaskResult
from tests.support.which_airflow import needs_airflow_3_3

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "my_video_project"
PAGE = (EXAMPLE.parents[1] / "docs" / "how-to" / "test-a-dag.md").read_text(encoding="utf-8")
FILES: dict[str, str] = dict(re.findall(r"^`([\w/]+\.py)`:\n\n```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
SNIPPETS = [
    each for each in re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL) if each not in FILES.values()
]
TESTS = sorted((EXAMPLE / "tests").glob("test_*.py"))


@needs_airflow_3_3("a retry finds the job of the last attempt in the task state store")
@pytest.mark.airflow
def test_its_tests_and_those_of_the_page_pass_in_a_copy(run_pytest: Callable[..., Any], tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    (tmp_path / "tests" / "test_page.py").write_text("\n\n".join(SNIPPETS))
    ran = run_pytest(tmp_path, "--durations=0")
    assert set(ran.ends.values()) == {"PASSED"}, ran.text
    assert "--- Logging error ---" not in ran.text, "when Python ended"
    assert len(ran.ends) == sum(path.read_text().count("def test_") for path in (tmp_path / "tests").glob("*.py"))


def test_the_page_shows_files_of_the_project() -> None:
    assert {name: (EXAMPLE / name).read_text() for name in ("dags/clean_clip.py", "tests/test_clean_clip.py")} == FILES
    assert len(SNIPPETS) > 1


@pytest.mark.parametrize("kind", [RunResult, TaskResult])
def test_the_page_names_everything_that_a_result_says(kind: type) -> None:
    internal = {"dag_id", "run_id", "tasks", "task_id", "map_index", "plain_state", "label", "one_job"}
    names = {*vars(kind), *(each.name for each in fields(kind))} - internal
    assert [
        name for name in sorted(names) if not name.startswith("_") and not re.search(rf"`(\w+, )*{name}\b", PAGE)
    ] == []


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
