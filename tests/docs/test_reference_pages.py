# SPDX-License-Identifier: Apache-2.0
"""Connections, operators and results: their tables name what the code has."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from dataclasses import fields
from importlib import import_module
from typing import Any

import pytest

from airflow_provider_videoai import get_provider_info
from airflow_provider_videoai.hooks.lookup import hook_for
from airflow_provider_videoai.jobs.model import JobResult
from airflow_provider_videoai.jobs.protocol.options import ConnectionOptions, OptionKind
from airflow_provider_videoai.operators import aidge, cdnetworks, tencent_ivh, topview, viitor
from airflow_provider_videoai.operators.job import VideoJobOperator
from airflow_provider_videoai.registry import VENDORS, connection_type, module_of
from airflow_provider_videoai.sensors.job import VideoJobSensor
from airflow_provider_videoai.transfers.destination import FIELDS
from airflow_provider_videoai.transfers.media import VideoResultToObjectStorageOperator

CONNECTIONS = {vendor: connection_type(vendor) for vendor in VENDORS}
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
    rows = cells(page("reference/operators.md").section(f"## {operator.__name__}"))
    documented = [name for row in rows for name in names(row)]
    required = {name for name, field in operator.request_class.model_fields.items() if field.is_required()}
    assert sorted(documented) == sorted(operator.template_fields)
    assert {name for row in rows if row[1] == "yes" for name in names(row)} == required


def test_the_common_arguments_are_those_of_the_base(page: Pages, cells: Cells) -> None:
    rows = cells(page("reference/operators.md").section("## Common arguments"))
    arguments = inspect.signature(VideoJobOperator.__init__).parameters
    assert {row[0] for row in rows} == {*arguments, "<vendor>_conn_id"} - {"self", "conn_id", "kwargs"}


def test_the_transfers_arguments_are_those_of_the_operator(page: Pages, cells: Cells) -> None:
    given = inspect.signature(VideoResultToObjectStorageOperator.__init__).parameters
    assert {row[0] for row in cells(page("reference/storage.md").text)} == set(given) - {"self", "kwargs"}


def test_the_fields_of_a_path_are_those_of_the_code(page: Pages) -> None:
    documented = re.findall(r"`{(\w+)}`", page("reference/storage.md").section("## Paths"))
    assert set(documented) == set(FIELDS)


def test_the_connections_are_those_of_the_registry(page: Pages, cells: Cells) -> None:
    rows = cells(page("reference/connections.md").text)
    assert [row[:4] for row in rows] == [
        [each.title, vendor, f"{vendor}_default", each.default_host] for vendor, each in CONNECTIONS.items()
    ]


def written(default: Any) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)


def test_the_extras_are_those_of_the_models_with_their_defaults(page: Pages, cells: Cells) -> None:
    rows = cells(page("reference/connections.md").section("## Extras"))
    common = ConnectionOptions.model_fields
    expected = {("all", name): field.default for name, field in common.items()}
    for each in CONNECTIONS.values():
        own = {name: field for name, field in each.options.model_fields.items() if name not in common}
        expected |= {(each.title, name): field.default for name, field in own.items()}
    assert [(row[0], row[1]) for row in rows] == list(expected)
    defaults = {(row[0], row[1]): row[3] for row in rows if expected[row[0], row[1]] is not None}
    assert defaults == {option: written(default) for option, default in expected.items() if default is not None}


def test_the_extras_page_states_the_limits_of_numbers(page: Pages, cells: Cells) -> None:
    rows = {row[1]: row[2] for row in cells(page("reference/connections.md").section("## Extras"))}
    for name, field in ConnectionOptions.model_fields.items():
        kind = OptionKind.of(field)
        if kind.type is float:
            assert f"from {kind.least:g} to {kind.most:,.15g}" in rows[name]


def test_the_configuration_page_has_every_option_with_its_default(page: Pages, cells: Cells) -> None:
    options = get_provider_info()["config"]["videoai"]["options"]
    assert [row[:3] for row in cells(page("reference/configuration.md").text)] == [
        [name, f"AIRFLOW__VIDEOAI__{name.upper()}", each["default"] or "empty"] for name, each in options.items()
    ]


def test_the_readmes_table_has_every_operator_and_sensor_of_each_vendor(page: Pages, cells: Cells) -> None:
    rows = cells(page("../README.md").section("## What there is"))
    assert [row[0] for row in rows if row[0]] == [each.title for each in CONNECTIONS.values()]
    for column, layer, base in ((2, "operators", VideoJobOperator), (3, "sensors", VideoJobSensor)):
        there = {
            f"{layer}.{vendor}.{name}"
            for vendor in VENDORS
            for name, found in vars(import_module(module_of(layer, vendor))).items()
            if inspect.isclass(found) and issubclass(found, base) and found.__module__ == module_of(layer, vendor)
        }
        assert {row[column] for row in rows} == there


def test_the_environment_variables_make_accounts(page: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = re.findall(r"^export (AIRFLOW_CONN_\w+)='(.*)'$", page("reference/connections.md").text, re.MULTILINE)
    for name, value in lines:
        monkeypatch.setenv(name, value)
    accounts = {key: hook_for(key, f"{key}_default").transport.vendor for key in CONNECTIONS}
    assert [vendor.auth is not None for vendor in accounts.values()] == [True] * len(lines)
    assert accounts["topview"].account.options.timeout == 60
    assert accounts["tencent_ivh"].account.host == "https://gw-sg.tvs.qq.com"


def test_the_results_table_has_every_field_in_order(page: Pages, cells: Cells) -> None:
    documented = [row[0] for row in cells(page("reference/results.md").text)]
    assert documented == [field.name for field in fields(JobResult)]


def test_the_examples_are_results_of_each_vendor(page: Pages) -> None:
    blocks = page("reference/results.md").blocks("json")
    examples = [each for block in blocks if "vendor" in (each := json.loads(block))]
    assert [list(each) for each in examples] == [[field.name for field in fields(JobResult)]] * len(CONNECTIONS)
    assert {each["vendor"] for each in examples} == set(CONNECTIONS)
