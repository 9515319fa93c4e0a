# SPDX-License-Identifier: Apache-2.0
"""The pages "Add a vendor" and "Test a vendor", executed: what they say is done to a copy of the project, and run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
COPIED = (
    *("airflow_provider_videoai", "benchmarks", "dags", "docs", "scripts", "tests"),
    *("CHANGELOG.md", "LICENSE", "README.md", "constraints.txt", "pyproject.toml"),
)
PAGES = ("how-to/add-a-vendor.md", "how-to/test-a-vendor.md")
STEP = re.compile(
    r"^`(?P<path>[\w/.-]+)`(?:, (?P<place>after|before) `(?P<anchor>[^`]+)`|, (?P<end>at its end))?:\n\n"
    r"(?P<fence>`{3,4})(?P<language>python|markdown)\n(?P<text>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)


class Step(NamedTuple):
    """One block of a page: a new file, or lines for a file that is there."""

    path: str
    place: str
    anchor: str
    text: str

    def carry_out(self, root: Path) -> None:
        file = root / self.path
        if self.place == "new":
            assert not file.exists(), f"{self.path} is there already"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(self.text, encoding="utf-8")
            return
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        at = len(lines)
        if self.anchor:
            found = [number for number, line in enumerate(lines) if self.anchor in line]
            assert found, f"{self.path} has no line with {self.anchor}"
            at = found[0] + (self.place == "after")
        file.write_text("".join([*lines[:at], self.text, *lines[at:]]), encoding="utf-8")


def steps(page: Any) -> Iterator[Step]:
    for found in STEP.finditer(page.text):
        place = found["place"] or ("end" if found["end"] else "new")
        yield Step(found["path"], place, found["anchor"] or "", found["text"])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the project, and do to the copy what the pages say."""
    root = tmp_path_factory.mktemp("project")
    ignored = shutil.ignore_patterns("__pycache__", "node_modules", "_build")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=ignored)
        else:
            shutil.copy(source, root / name)
    for name in PAGES:
        text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        for step in steps(_Text(text)):
            step.carry_out(root)
    return root


class _Text(NamedTuple):
    text: str


def run(project: Path, *command: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"}
    environment = {name: value for name, value in environment.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    return done.stdout


def pytest_in(project: Path, *arguments: str) -> str:
    said = run(project, "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not airflow", *arguments)
    assert re.search(r"\b[1-9]\d* passed", said), said
    return said


def test_every_block_of_code_is_a_step(page: Callable[[str], Any]) -> None:
    for name in PAGES:
        text = page(name).text
        outside = STEP.sub("", text)
        assert "```" not in outside, f"{name} has a block that no step carries out"


def test_a_vendor_touches_its_own_files_and_one_line_of_code(page: Callable[[str], Any]) -> None:
    changed = {step.path: step for name in PAGES for step in steps(page(name)) if step.place != "new"}
    code = [path for path in changed if path.startswith("airflow_provider_videoai/")]
    assert code == ["airflow_provider_videoai/registry.py"]
    assert changed[code[0]].text.count("\n") == 1


def test_its_files_are_in_the_projects_form(project: Path) -> None:
    run(project, "ruff", "check", "--no-cache", ".")
    run(project, "ruff", "format", "--no-cache", "--check", ".")


@pytest.mark.timeout(600)
def test_its_types_are_right(project: Path) -> None:
    files = [str(path) for path in project.rglob("*reelworks*.py")]
    assert files
    run(project, "mypy", "--no-incremental", *files)


def test_its_own_tests_pass(project: Path) -> None:
    pytest_in(project, "tests/vendors/test_reelworks.py", "tests/sandbox/test_reelworks.py")


@pytest.mark.timeout(600)
def test_nothing_of_it_is_missing(project: Path) -> None:
    pytest_in(
        project,
        "tests/test_registry.py",
        "tests/test_public_surface.py",
        "tests/test_provider_info.py",
        "tests/docs/test_reference_pages.py",
    )


@pytest.mark.timeout(600)
def test_its_operator_goes_through_the_suites_of_all_operators(project: Path) -> None:
    suites = ("test_submit", "test_paid_once", "test_uncertain_submit", "test_results", "test_links")
    files = [f"tests/operators/{suite}.py" for suite in suites]
    pytest_in(project, *files, "tests/triggers/test_ends.py", "tests/hooks/test_calls.py", "-k", "reelworks")


# -- what no other vendor has -----------------------------------------------------------------------------------

LIVE = """
import json, time
from types import SimpleNamespace
import pytest
from airflow_provider_videoai.jobs.errors import SubmitUncertain
from airflow_provider_videoai.operators.reelworks import ReelworksUpscaleOperator

pytestmark = pytest.mark.usefixtures("prompt")


def test_lost_answer_is_repeated_under_its_key_and_bought_once(cases, task, sandbox):
    sandbox.fault(vendor="reelworks", call="submit", kind="accept_then_drop")
    result = task(cases["reelworks"]).run()
    assert result["state"] == "succeeded"
    assert [output["kind"] for output in result["outputs"]] == ["video", "image"]
    assert result["media_url"] == result["outputs"][0]["url"]
    assert result["usage"] == {"credits": 2.5, "seconds": None, "jobs": None, "source": "vendor"}
    books = sandbox.ledger("reelworks")
    assert (len(books["submissions"]), len(books["charges"])) == (2, 1)


def test_killed_task_cancels_its_job(cases, task, sandbox, everything_said):
    sandbox.clock(queue_seconds=1000, run_seconds=1000)
    waiting = task(cases["reelworks"], cancel_on_kill=True)
    operator = waiting.make()
    waiting.make = lambda: operator
    waiting.defer()
    operator.on_kill()
    assert "was cancelled at Reelworks" in everything_said()
    (job,) = sandbox.ledger("reelworks")["submissions"]
    hook = cases["reelworks"].hook()
    assert hook.status(job["job_id"]).state == "aborted"
"""


def test_its_lost_submit_is_repeated_and_its_killed_job_cancelled(project: Path) -> None:
    (project / "tests" / "operators" / "test_live.py").write_text(LIVE, encoding="utf-8")
    pytest_in(project, "tests/operators/test_live.py")
