# SPDX-License-Identifier: Apache-2.0
"""What Airflow learns about this package, checked by Airflow's own means."""

from __future__ import annotations

import json
from importlib import import_module, metadata
from importlib.resources import files
from pkgutil import resolve_name
from typing import Any

import jsonschema
import pytest
from airflow.configuration import conf
from airflow.providers_manager import ProvidersManager

from airflow_provider_videoai import __version__, get_provider_info
from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.hooks.registry import hook_for
from airflow_provider_videoai.jobs.protocol.account import DEFAULT_TIMEOUT, TOLERANCE
from airflow_provider_videoai.jobs.protocol.options import COMMON
from airflow_provider_videoai.provider_info import HOOKS
from tests.support.which_airflow import ProvidersManagerTaskRuntime

CONNECTION_TYPES = {
    "viitor": "https://video-translation.ilivedata.com",
    "aidge": "https://api.aidc-ai.com",
    "cdnetworks": "https://api.cdnetworks.com",
    "topview": "https://api.topview.ai",
    "tencent_ivh": "https://gw.tvs.qq.com",
}

EACH_CONNECTION = pytest.mark.parametrize(
    "connection", get_provider_info()["connection-types"], ids=lambda each: each["connection-type"]
)


def test_info_keeps_to_airflows_schema() -> None:
    schema = json.loads(files("airflow").joinpath("provider_info.schema.json").read_text())
    jsonschema.validate(get_provider_info(), schema)


def test_distribution_and_info_name_the_same_package() -> None:
    distribution = metadata.distribution("airflow-provider-videoai")
    assert get_provider_info()["package-name"] == distribution.metadata["Name"]
    assert distribution.version == __version__
    (entry,) = distribution.entry_points.select(group="apache_airflow_provider")
    assert entry.load() is get_provider_info


def test_airflow_discovers_the_provider_and_its_connection_types() -> None:
    assert "airflow-provider-videoai" in ProvidersManager().providers
    hooks = ProvidersManagerTaskRuntime().hooks
    known = {key: hook for key, hook in hooks.items() if key in CONNECTION_TYPES}
    assert set(known) == set(CONNECTION_TYPES)
    for key, hook in known.items():
        assert hook is not None
        assert hook.hook_class_name == HOOKS[key]


@pytest.mark.parametrize("key", CONNECTION_TYPES)
def test_hook_and_connection_type_agree(key: str) -> None:
    hook = hook_for(key, "some_conn")
    assert isinstance(hook, VideoJobHook)
    assert (hook.conn_type, hook.default_conn_name, hook.vendor_class.key) == (key, f"{key}_default", key)
    assert hook.conn_name_attr == f"{key}_conn_id"
    assert getattr(hook, hook.conn_name_attr) == "some_conn"
    assert hook.vendor_class.default_host == CONNECTION_TYPES[key]


@EACH_CONNECTION
def test_form_keeps_to_airflows_schema(connection: dict[str, Any]) -> None:
    schema = json.loads(files("airflow").joinpath("provider.yaml.schema.json").read_text())
    jsonschema.validate([connection], schema["properties"]["connection-types"])


@EACH_CONNECTION
def test_form_offers_no_secret_outside_login_and_password(connection: dict[str, Any]) -> None:
    assert set(connection["ui-field-behaviour"]["relabeling"]) == {"host", "port", "login", "password"}
    for name in connection["conn-fields"]:
        assert not {"secret", "token", "password", "key"} & set(name.split("_"))
    assert {"max_requests_per_minute", "timeout", "outage_tolerance"} <= set(connection["conn-fields"])


@EACH_CONNECTION
def test_each_field_of_the_form_is_explained_and_its_default_is_allowed(connection: dict[str, Any]) -> None:
    for field in connection["conn-fields"].values():
        schema = field["schema"]
        assert field["label"]
        assert field["description"].endswith(".")
        jsonschema.validate(schema.get("default"), schema)
        assert set(schema.get("values_display", {})) == set(map(str, schema.get("enum", [])))


@EACH_CONNECTION
def test_what_the_form_can_save_makes_an_account(connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    key, form = connection["connection-type"], connection["conn-fields"]
    defaults = {name: field["schema"].get("default") for name, field in form.items()}
    choices = [{name: choice} for name, field in form.items() for choice in (*field["schema"].get("enum", ()), None)]
    for extra in (defaults, *choices):
        fields = {"conn_type": key, "login": "1", "password": "p", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_FROM_THE_FORM", json.dumps(fields))
        vendor = hook_for(key, "from_the_form").transport.vendor
        assert vendor.auth
        assert vendor.account.timeout == DEFAULT_TIMEOUT
        assert vendor.account.outage_tolerance == TOLERANCE


@EACH_CONNECTION
def test_the_form_has_a_field_for_each_option_that_is_read_and_no_other(connection: dict[str, Any]) -> None:
    vendor = hook_for(connection["connection-type"]).vendor_class
    assert connection["conn-fields"].keys() == {**vendor.options, **COMMON}.keys()


@pytest.mark.parametrize("layer", ["operators", "sensors", "hooks", "triggers"])
def test_every_module_that_is_named_can_be_imported(layer: str) -> None:
    for entry in get_provider_info()[layer]:
        for module in entry["python-modules"]:
            import_module(module)


def test_the_transfer_is_named_for_each_vendor_and_can_be_imported() -> None:
    entries = get_provider_info()["transfers"]
    assert len(entries) == len(CONNECTION_TYPES)
    for entry in entries:
        import_module(entry["python-module"])


def test_airflow_knows_the_links_and_the_options() -> None:
    assert set(ProvidersManager().extra_links_class_names) >= set(get_provider_info()["extra-links"])
    links = [resolve_name(path)() for path in get_provider_info()["extra-links"]]
    assert [link.name for link in links] == ["Job", "Result"]
    ProvidersManager().initialize_providers_configuration()
    assert conf.getboolean("videoai", "ui") is True
    assert conf.getboolean("videoai", "freeze_triggerer") is False


def test_a_vendor_that_is_not_here_has_no_hook() -> None:
    with pytest.raises(KeyError):
        hook_for("unheard_of", "some_conn")
