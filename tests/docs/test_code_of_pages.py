# SPDX-License-Identifier: Apache-2.0
"""Blocks of code outside of the guides: Python builds a DAG, data is read; the rest has a test, or says why not."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

import pytest
from airflow.sdk import DAG, ObjectStoragePath, task

from tests.docs.guide import DOCS, GUIDES, Step, bare, steps
from tests.docs.reader import check_options
from tests.support.which_airflow import needs_airflow_3_3
from tests.test_public_surface import PUBLIC

ROOT = DOCS.parent
HERE = Path(__file__).parent
TESTED = {
    "README.md": {"python": "test_readme.py"},
    "docs/how-to/add-a-vendor.md": {"python": "test_add_a_vendor.py"},
    "docs/how-to/test-a-dag.md": {"python": "../pytest_plugin/test_example_project.py"},
    "docs/how-to/test-a-vendor.md": {"python": "test_add_a_vendor.py", "markdown": "test_add_a_vendor.py"},
    "docs/operations/deployment.md": {"sh": "test_deployment_page.py", "sql": "test_deployment_page.py"},
    "docs/operations/upgrade.md": {"sql": "test_deployment_page.py"},
    "docs/reference/connections.md": {"sh": "test_reference_pages.py"},
    "docs/reference/sandbox.md": {"python": "test_sandbox_page.py"},
}
"""Languages of a page whose blocks a test of their own reads, with its file."""
DRAWN = {
    "docs/explanation/architecture.md",
    "docs/explanation/paid-once.md",
    "docs/reference/errors.md",
    "docs/reference/operators.md",
    "docs/reference/results.md",
}
"""Pages with a block that has no language: a drawing, a tree, a form."""
GLOBS = ("*.md", "benchmarks/*.md", "examples/*/*.md", "docs/**/*.md")
PAGES = {
    str(page.relative_to(ROOT)): page
    for page in sorted({page for pattern in GLOBS for page in ROOT.glob(pattern)} - {*GUIDES})
    if not {"api", "repository", "_build"} & {*page.relative_to(ROOT).parts}
}
STEPS = [(name, step) for name, page in PAGES.items() for step in steps(page)]
LEFT = [(name, step) for name, step in STEPS if step.executed and step.language not in TESTED.get(name, {})]


def of(language: str) -> pytest.MarkDecorator:
    blocks = [(name, step) for name, step in LEFT if step.language == language]
    return pytest.mark.parametrize("step", [pytest.param(step, id=f"{name}:{step.line}") for name, step in blocks])


def test_every_block_is_read_here_or_by_a_named_test_or_says_why_not() -> None:
    assert [f"{name}:{step.line}" for name, step in LEFT if step.language not in ("python", "json", "ini")] == []
    assert [f"{name}:{step.line}" for name, step in STEPS if step.mark and len(step.reason.split()) < 3] == []


def test_a_test_that_is_named_reads_blocks_that_there_are() -> None:
    there = {(name, step.language) for name, step in STEPS}
    for name, tests in TESTED.items():
        for language, test in tests.items():
            assert (name, language) in there
            assert Path(name).name in (HERE / test).read_text(encoding="utf-8")


def test_a_block_without_a_language_is_no_code() -> None:
    assert {str(page.relative_to(ROOT)) for page in [*PAGES.values(), *GUIDES] if bare(page)} == DRAWN


@pytest.mark.parametrize("name", PAGES)
def test_a_command_of_make_is_a_target(name: str) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    inline = re.findall(r"`make ([a-z][\w-]*)", PAGES[name].read_text(encoding="utf-8"))
    commands = "".join(step.text for step in steps(PAGES[name]) if step.language == "sh")
    assert {*inline, *re.findall(r"^make ([a-z][\w-]*)", commands, re.MULTILINE)} <= targets


@of("python")
@needs_airflow_3_3("the pages are written for it")
def test_python_builds_what_it_shows(step: Step) -> None:
    public = {
        name: getattr(import_module(f"airflow_provider_videoai.{module}"), name)
        for module, names in PUBLIC.items()
        for name in names
    }
    with DAG("page", schedule=None):
        # What the page has shown before.
        clean = public["ViiTorTextRemovalOperator"](
            task_id="before", url="https://media.example/in.mp4", task_name="clip", full_erase_roi=[[60, 288, 580, 336]]
        )
        names = {**public, "DAG": DAG, "ObjectStoragePath": ObjectStoragePath, "task": task, "clean": clean}
        exec(compile(step.text, f"line {step.line}", "exec"), names)  # noqa: S102 - the page's own code


@of("json")
def test_json_can_be_read(step: Step) -> None:
    json.loads(step.text)


@of("ini")
def test_options_exist(step: Step) -> None:
    check_options(step.text)
