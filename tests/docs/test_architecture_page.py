# SPDX-License-Identifier: Apache-2.0
"""The page "Architecture": its layers are the enforced ones, and each step names what exists."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "airflow_provider_videoai"
PAGE = (ROOT / "docs/explanation/architecture.md").read_text(encoding="utf-8")
_STEP = re.compile(r"^\d+\. `([\w/]+\.py)`, ((?:`[\w.]+`(?:, )?)+): ", re.MULTILINE)
STEPS = [(path, re.findall(r"`([\w.]+)`", symbols)) for path, symbols in _STEP.findall(PAGE)]

Pages = Callable[[str], Any]
Cells = Callable[[str], list[list[str]]]


def symbols_of(path: Path) -> set[str]:
    return set(_defined(ast.parse(path.read_text(encoding="utf-8")), ""))


def _defined(node: ast.Module | ast.ClassDef, within: str) -> Iterator[str]:
    for each in node.body:
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield within + each.name
        if isinstance(each, ast.ClassDef):
            yield from _defined(each, f"{each.name}.")


def layers() -> list[str]:
    """Return the lines of both contracts, those of the engine after it, as the page writes them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    package, engine = [each["layers"] for each in contracts if each["type"] == "layers"]
    return [re.sub(r"[\w.]+\.", "", layer) for layer in (*package, *engine)]


def test_the_layers_are_those_of_the_contracts(page: Pages) -> None:
    block = page("explanation/architecture.md").blocks("")[0]
    drawn = [re.split(r"\s{2,}", line.strip())[0] for line in block.splitlines() if not line.startswith("--")]
    assert drawn == layers()


def test_nothing_below_the_line_may_import_airflow(page: Pages) -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (free,) = [set(each["source_modules"]) for each in contracts if "know nothing of Airflow" in each["name"]]
    below = page("explanation/architecture.md").blocks("")[0].split("\n---", 1)[1].split("\n", 1)[1].split("jobs")[0]
    assert {f"airflow_provider_videoai.{name}" for name in re.findall(r"^\w+|(?<=\| )\w+", below, re.MULTILINE)} | {
        "airflow_provider_videoai.jobs"
    } == free


def test_every_folder_is_described(page: Pages, cells: Cells) -> None:
    described = [row[0].strip("`/ ") for row in cells(page("explanation/architecture.md").section("## What is where"))]
    packages = {
        str(path.parent.relative_to(PACKAGE))
        for path in PACKAGE.rglob("__init__.py")
        if path.parent != PACKAGE and not {"vendors", "sandbox"} & {each.name for each in path.parent.parents}
    }
    assert sorted(described) == sorted(packages)


def test_every_numbered_step_names_a_file_and_what_to_look_at_there() -> None:
    assert len(STEPS) == len(re.findall(r"^\d+\. ", PAGE, re.MULTILINE)) > 0


@pytest.mark.parametrize(("path", "symbols"), STEPS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_step_names_what_exists(path: str, symbols: list[str]) -> None:
    assert set(symbols) <= symbols_of(PACKAGE / path)


def test_other_files_that_are_named_exist() -> None:
    named = re.findall(r"`([\w/]+(?:\.py|/))`", PAGE)
    assert [name for name in named if name != "airflow_provider_videoai/" and not (PACKAGE / name).exists()] == []
