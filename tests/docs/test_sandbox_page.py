# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import httpx
import pytest

from airflow_provider_videoai.sandbox import running_sandbox
from airflow_provider_videoai.sandbox.__main__ import main
from airflow_provider_videoai.sandbox.running import Sandbox

ASSUMING = {
    "ViiTor": "viitor",
    "Alibaba Aidge": "aidge",
    "CDNetworks": "cdnetworks",
    "Topview": "topview",
    "Tencent IVH": "tencent_ivh",
}
_LEFT = 38  # the column at which the second column of the modules' tables begins


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(queue_seconds=0, run_seconds=0) as running:
        yield running


def assumptions(module: str) -> list[list[str]]:
    """Read the table of choices in the docstring of a vendor's server."""
    doc = inspect.cleandoc(import_module(f"airflow_provider_videoai.sandbox.{module}").__doc__ or "")
    _, table, _ = re.split(r"^=+  =+$", doc, maxsplit=2, flags=re.MULTILINE)
    rows: list[list[str]] = []
    for line in table.strip("\n").splitlines():
        cells = [line[:_LEFT].strip(), line[_LEFT:].strip()]
        if all(cells):
            rows.append(cells)
        else:
            rows[-1] = [f"{above} {more}".strip() for above, more in zip(rows[-1], cells, strict=True)]
    return rows


def markdown(row: list[str]) -> str:
    return "| " + " | ".join(cell.replace("``", "`").replace("|", r"\|") for cell in row) + " |"


@pytest.mark.parametrize("title", ASSUMING)
def test_the_page_says_what_the_sandbox_assumes(page: Callable[[str], Any], title: str) -> None:
    lines = page("reference/sandbox.md").section(f"### {title}").rstrip().splitlines()
    assert lines[3:] == [markdown(row) for row in assumptions(ASSUMING[title])]


def test_the_page_names_every_fault_call_and_shape(page: Callable[[str], Any], sandbox: Sandbox) -> None:
    text = page("reference/sandbox.md").text
    control = sandbox.index()["control"]
    faults = control["POST /sandbox/faults"]
    words = [*faults["kind"], *faults["call"], *faults, *control["POST /sandbox/clock"]]
    words += [shape for shapes in control["POST /sandbox/shapes"].values() for shape in shapes]
    assert [word for word in words if f"`{word}`" not in text] == []
    assert [route for route in control if f"`{route}`" not in text] == []


def test_the_page_names_every_built_in_id(page: Callable[[str], Any], sandbox: Sandbox) -> None:
    given = [each for ids in sandbox.index()["ids"].values() for some in ids.values() for each in some]
    assert [each for each in given if f"`{each}`" not in page("reference/sandbox.md").text] == []


def test_the_pages_control_requests_are_accepted(page: Callable[[str], Any], sandbox: Sandbox) -> None:
    calls = re.findall(r"^curl \S+:8765(/sandbox/\w+) -d '(.*)'$", page("reference/sandbox.md").text, re.MULTILINE)
    assert len(calls) > 3
    for path, body in calls:
        httpx.post(sandbox.url + path, json=json.loads(body), trust_env=False).raise_for_status()
    sandbox.reset()


def test_the_page_has_every_option_of_the_command_line_with_its_default(
    page: Callable[[str], Any], cells: Callable[[str], list[list[str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    described = re.split(r"^  (?=-)", capsys.readouterr().out.split("options:")[1], flags=re.MULTILINE)[2:]
    options = [(each.split()[0], "".join(re.findall(r"\(default:\s+(\S+)\)", each))) for each in described]
    assert len(options) > 3
    rows = cells(page("reference/sandbox.md").section("## Command line"))
    assert options == [
        (option.strip("` "), default.strip("` "))
        for named, _, defaults in rows
        for option, default in zip(named.split(","), defaults.split(","), strict=True)
    ]


def test_the_program_runs(page: Callable[[str], Any], capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = page("reference/sandbox.md").blocks("python")
    exec(program, {})  # noqa: S102 - the page's own
    assert re.fullmatch(r"http://127.0.0.1:\d+/sample/clip.mp4 \[\]\n", capsys.readouterr().out)
