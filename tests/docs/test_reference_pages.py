# SPDX-License-Identifier: Apache-2.0
"""Connections, operators and results: their tables name what the code has, and links lead somewhere."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.hooks.registry import hook_for
from airflow_provider_videoai.jobs.model import JobResult
from airflow_provider_videoai.operators import aidge, cdnetworks, tencent_ivh, topview, viitor
from airflow_provider_videoai.operators.job import VideoJobOperator
from airflow_provider_videoai.provider_info import PROVIDER_INFO
from airflow_provider_videoai.transfers.destination import FIELDS
from airflow_provider_videoai.transfers.media import VideoResultToObjectStorageOperator

DOCS = Path(__file__).resolve().parents[2] / "docs"
CONNECTIONS = {each["connection-type"]: each for each in PROVIDER_INFO["connection-types"]}
OPERATORS: list[type[VideoJobOperator]] = [
    viitor.ViiTorTextRemovalOperator,
    aidge.AidgeVideoRemovalOperator,
    cdnetworks.CDNetworksPullVideoOperator,
    cdnetworks.CDNetworksTrimOperator,
    topview.TopviewVideoAvatarOperator,
    tencent_ivh.TencentVideoMakeOperator,
    tencent_ivh.TencentTtsOperator,
]

Pages = Callable[[str], Any]
Cells = Callable[[str], list[list[str]]]


def names(row: list[str]) -> list[str]:
    return [name.strip("` ") for name in row[0].split(",")]


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: str(operator.__name__))
def test_an_operators_table_has_its_fields(page: Pages, cells: Cells, operator: type[VideoJobOperator]) -> None:
    rows = cells(page("operators.md").section(f"## {operator.__name__}"))
    told = [name for row in rows for name in names(row)]
    required = {name for name, field in operator.request_class.model_fields.items() if field.is_required()}
    assert sorted(told) == sorted(operator.template_fields)
    assert {name for row in rows if row[1] == "yes" for name in names(row)} == required


def test_the_common_arguments_are_those_of_the_base(page: Pages, cells: Cells) -> None:
    rows = cells(page("operators.md").section("## Common arguments"))
    arguments = inspect.signature(VideoJobOperator.__init__).parameters
    assert {row[0] for row in rows} == {*arguments, "<vendor>_conn_id"} - {"self", "conn_id", "kwargs"}


def test_the_transfers_arguments_are_those_of_the_operator(page: Pages, cells: Cells) -> None:
    given = inspect.signature(VideoResultToObjectStorageOperator.__init__).parameters
    assert {row[0] for row in cells(page("storage.md").text)} == set(given) - {"self", "kwargs"}


def test_the_fields_of_a_path_are_those_of_the_code(page: Pages) -> None:
    told = re.findall(r"`{(\w+)}`", page("storage.md").section("## Paths"))
    assert set(told) == set(FIELDS)


def test_the_connections_are_those_of_the_provider_info(page: Pages, cells: Cells) -> None:
    rows = cells(page("connections.md").text)
    assert {row[1]: row[3] for row in rows} == {
        key: each["ui-field-behaviour"]["placeholders"]["host"] for key, each in CONNECTIONS.items()
    }


def test_every_extra_of_the_form_is_described(page: Pages, cells: Cells) -> None:
    described = {row[1] for row in cells(page("connections.md").section("## Extras"))}
    assert described >= {name for each in CONNECTIONS.values() for name in each["conn-fields"]}


def test_the_environment_variables_make_accounts(page: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = re.findall(r"^export (AIRFLOW_CONN_\w+)='(.*)'$", page("connections.md").text, re.MULTILINE)
    for name, value in lines:
        monkeypatch.setenv(name, value)
    accounts = {key: hook_for(key, f"{key}_default").transport.vendor for key in CONNECTIONS}
    assert [vendor.auth is not None for vendor in accounts.values()] == [True] * len(lines)
    assert accounts["topview"].account.timeout == 60
    assert accounts["tencent_ivh"].account.host == "https://gw-sg.tvs.qq.com"


def test_the_results_table_has_every_field_in_order(page: Pages, cells: Cells) -> None:
    told = [row[0] for row in cells(page("results.md").text)]
    assert told == [field.name for field in fields(JobResult)]


def test_the_examples_are_results_of_each_vendor(page: Pages) -> None:
    examples = [each for block in page("results.md").blocks("json") if "vendor" in (each := json.loads(block))]
    assert [list(each) for each in examples] == [[field.name for field in fields(JobResult)]] * len(CONNECTIONS)
    assert {each["vendor"] for each in examples} == set(CONNECTIONS)


@pytest.mark.parametrize("name", sorted(path.name for path in DOCS.glob("*.md")))
def test_every_link_leads_somewhere(page: Pages, name: str) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]*)(?:#([^)]*))?\)", page(name).text)
    for target, anchor in links:
        file = DOCS / (target or name)
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = [re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings]
            assert anchor in slugs, f"{target}#{anchor}"
