# SPDX-License-Identifier: Apache-2.0
"""The tutorial and the how-to guides, read as a reader does: files written, commands typed, DAGs run at a sandbox."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from airflow.utils.db import initdb

from airflow_provider_videoai.triggers import batch, lease
from tests.docs.guide import GUIDES, name, steps
from tests.docs.reader import Reader
from tests.support.which_airflow import needs_airflow_3_3


@pytest.fixture(scope="session")
def airflow_database() -> None:
    initdb()


@pytest.fixture
def reader(
    request: pytest.FixtureRequest,
    sandbox: Any,
    prompt: None,  # noqa: ARG001
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Reader:
    for module in (batch, lease):
        monkeypatch.setattr(module, "LEAST_DEFERRAL", 0.0)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    servers = {"8765": lambda: sandbox.url, "5555": lambda: request.getfixturevalue("s3_server")}
    return Reader(
        tmp_path / "project",
        servers,
        monkeypatch.setenv,
        lambda: "".join(capfd.readouterr()),
        lambda: request.getfixturevalue("airflow_database"),
    )


@pytest.mark.parametrize("page", GUIDES, ids=name)
def test_every_block_can_be_executed_or_says_why_not(page: Path) -> None:
    for step in steps(page):
        assert step.path or step.language in ("sh", "ini", "json") or not step.executed, (
            f"line {step.line}: a block of {step.language} that is no file and is not marked"
        )


def test_a_reason_stands_where_a_block_is_not_executed() -> None:
    assert [step.line for page in GUIDES for step in steps(page) if step.mark and len(step.reason.split()) < 3] == []


@pytest.mark.parametrize("page", GUIDES, ids=name)
def test_the_python_of_a_page_is_in_the_projects_form(page: Path, tmp_path: Path) -> None:
    for step in (step for step in steps(page) if step.language == "python" and step.executed):
        file = tmp_path / step.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(step.text, encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    quiet = ["--no-cache", "--isolated", "--line-length", "120"]
    for command in (["format", "--diff", *quiet], ["check", *quiet, "--select", "E,F,I,B,UP,PL"]):
        done = subprocess.run([*ruff, *command, "."], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@needs_airflow_3_3("the guides are written for it")
@pytest.mark.airflow
@pytest.mark.parametrize("page", GUIDES, ids=name)
def test_a_reader_gets_what_the_page_says(page: Path, reader: Reader) -> None:
    for step in steps(page):
        if step.executed:
            reader.take(step)
