# SPDX-License-Identifier: Apache-2.0
"""DAGs run by the plugin, in a pytest of its own: the claims are in ``project/runs.py``."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.airflow_compat import AIRFLOW_V_3_3_PLUS

PROJECT = Path(__file__).parent / "project"
TESTS = [
    each.name
    for each in ast.parse((PROJECT / "runs.py").read_text(encoding="utf-8")).body
    if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")
]
pytestmark = pytest.mark.airflow


# Written, as no type checker knows the folder that a DAG file imports from.
WITH_A_MODULE = """
from airflow.sdk import DAG, task
from words.early import EARLY

with DAG("with_a_module", schedule=None):

    @task
    def say():
        from words.late import LATE

        return [EARLY, LATE]

    say()
"""


def copied(folder: Path) -> Path:
    shutil.copytree(PROJECT, folder, dirs_exist_ok=True)
    (folder / "dags" / "with_a_module.py").write_text(WITH_A_MODULE)
    (folder / "dags" / "broken.py").write_text("from airflow.sdk import DAG\nfrom nowhere import CLIP\n")
    words = folder / "dags" / "words"
    words.mkdir()
    (words / "early.py").write_text('EARLY = "when parsed"\n')
    (words / "late.py").write_text('LATE = "when run"\n')
    (folder / "pytest.ini").write_text("[pytest]\npython_files = runs.py\n")
    return folder


@pytest.fixture(scope="module")
def ran(run_pytest: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    return run_pytest(copied(tmp_path_factory.mktemp("project")))


@pytest.mark.parametrize("name", [name for name in TESTS if not name.startswith("test_fails")])
def test_run(ran: Any, name: str) -> None:
    if name not in ran.ends and not AIRFLOW_V_3_3_PLUS:
        assert "needs Airflow 3.3" in ran.text
        pytest.skip("skipped there, too")
    assert ran.ends.get(name) == "PASSED", ran.text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("with_the_log_beside_a_state", ["'failed' == 'success'", "failed (clean failed)", "(code 5001)"]),
        ("with_the_log_beside_all_states", ["{'clean': 'failed'} == {'clean': 'success'}", "(code 5001)"]),
        ("with_the_log_beside_one_of_the_states", ["'failed' == 'success'", "clean: failed", "(code 5001)"]),
        (
            "as_a_job_was_bought_twice",
            ["clean: viitor text_removal was bought 2 times: ", "(attempt 2)"],
        ),
        ("as_a_task_bought_one_thing_twice", ["buy: viitor text_removal was bought 2 times: "]),
        ("as_nothing_was_bought", ["nothing was bought in this run", "clean: failed", "AuthenticationFailed"]),
    ],
)
def test_an_assertion_that_fails_says_why(ran: Any, name: str, said: list[str]) -> None:
    test = f"test_fails_{name}"
    assert ran.ends[test] == "FAILED", ran.text
    shown = "\n".join(line for line in ran.section(test).splitlines() if line.startswith("E "))
    assert [each for each in said if each not in shown] == []


def test_every_failing_test_is_looked_at() -> None:
    (table,) = [mark for mark in test_an_assertion_that_fails_says_why.pytestmark if mark.name == "parametrize"]
    assert [f"test_fails_{name}" for name, _ in table.args[1]] == [n for n in TESTS if n.startswith("test_fails")]


def test_processes_of_xdist_have_an_airflow_each(run_pytest: Callable[..., Any], tmp_path: Path) -> None:
    ran = run_pytest(copied(tmp_path), "-n2", "-k", "five_lines or sees_no_job or restored", plugins=("xdist",))
    assert ran.ends == dict.fromkeys(
        ("test_five_lines", "test_a_test_sees_no_job_of_another", "test_connections_are_restored_after_it"), "PASSED"
    ), ran.text
    assert "2 workers" in ran.text
