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
from airflow.configuration import conf

from airflow_provider_videoai import get_provider_info
from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.hooks.lookup import hook_for
from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.model import JobResult, JobStatus
from airflow_provider_videoai.jobs.polling.watch import Outcome
from airflow_provider_videoai.operators import aidge, cdnetworks, tencent_ivh, topview, viitor
from airflow_provider_videoai.operators.job import VideoJobOperator
from airflow_provider_videoai.registry import VENDORS, connection_type, module_of
from airflow_provider_videoai.sensors.job import VideoJobSensor
from airflow_provider_videoai.transfers.destination import FIELDS
from airflow_provider_videoai.transfers.media import VideoResultToObjectStorageOperator
from airflow_provider_videoai.triggers.batch import BatchWait
from airflow_provider_videoai.triggers.event import refused
from airflow_provider_videoai.triggers.stored_arguments import TriggerArguments
from tests.docs.connection_fields import sections
from tests.support.which_airflow import needs_airflow_3_3

SECTIONS = sections()
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
    connections = {operator.hook_class.conn_name_attr, "input_conn_id"}
    assert sorted(documented) == sorted(set(operator.template_fields) - connections)
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


@pytest.mark.parametrize("title", SECTIONS)
def test_the_fields_of_connections_are_those_of_the_code(page: Pages, title: str) -> None:
    section = page("reference/connections.md").section(f"### {title}")
    assert section.strip() == SECTIONS[title].strip(), "python -m tests.docs.connection_fields"


def test_the_configuration_page_has_every_option_with_its_default(page: Pages, cells: Cells) -> None:
    options = get_provider_info()["config"]["videoai"]["options"]
    assert [row[:3] for row in cells(page("reference/configuration.md").text)] == [
        [name, f"AIRFLOW__VIDEOAI__{name.upper()}", each["default"] or "empty"] for name, each in options.items()
    ]


@needs_airflow_3_3("the task state store came with it")
def test_the_options_of_airflow_exist(page: Pages, cells: Cells) -> None:
    rows = cells(page("reference/configuration.md").section("## Options of Airflow"))
    named = [re.fullmatch(r"\[(\w+)\] (\w+)", row[0]) for row in rows]
    known = conf.configuration_description
    assert [each for each in named if each is None or each[2] not in known[each[1]]["options"]] == []


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


# -- hooks and triggers ----------------------------------------------------------------------------------------------


def test_the_hooks_are_those_of_the_registry_with_their_operations(page: Pages, cells: Cells) -> None:
    hooks = [hook_for(vendor) for vendor in VENDORS]
    assert cells(page("reference/hooks.md").text) == [
        [
            type(hook).__name__,
            module_of("hooks", vendor).partition(".")[2],
            hook.conn_name_attr,
            "`, `".join(hook.vendor_class.requests),
        ]
        for vendor, hook in zip(VENDORS, hooks, strict=True)
    ]


def test_every_method_of_a_hook_is_described(page: Pages, cells: Cells) -> None:
    rows = cells(page("reference/hooks.md").section("## Methods"))
    described = {name for row in rows for name in re.findall(r"\b[a-z_]+\b(?=\(|$)", " ".join(row[:2]))}
    classes = [type(hook_for(vendor)) for vendor in VENDORS]
    there = {
        name
        for kind in (VideoJobHook, *classes)
        for name, found in vars(kind).items()
        if inspect.isfunction(found) and found.__doc__ and name[0] != "_"
    }
    assert described == there - {"atransport"}  # of the package's own use


def test_the_fields_of_a_status_are_those_of_the_class(page: Pages, cells: Cells) -> None:
    rows = cells(page("reference/hooks.md").section("## A status"))
    assert {name for row in rows for name in names(row)} == {field.name for field in fields(JobStatus)}


@pytest.mark.parametrize(
    ("trigger", "arguments"), [("VideoJobTrigger", TriggerArguments), ("VideoBatchTrigger", BatchWait)]
)
def test_the_arguments_of_a_trigger_are_those_that_it_is_stored_with(
    page: Pages, cells: Cells, trigger: str, arguments: Any
) -> None:
    rows = cells(page("reference/triggers.md").section(f"## {trigger}"))
    assert {name for row in rows for name in names(row)} == {field.name for field in fields(arguments)}


def test_the_event_of_a_wait_is_described_key_by_key(page: Pages, cells: Cells) -> None:
    section = page("reference/triggers.md").section("## VideoJobTrigger")
    rows = cells(section[section.index("| key |") :])
    assert {name for row in rows for name in names(row)} == set(refused(VideoAIError("it broke off")))
    assert [outcome for outcome in Outcome if f"`{outcome}`" not in section] == []
