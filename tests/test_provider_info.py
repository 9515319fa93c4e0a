# SPDX-License-Identifier: Apache-2.0
"""What Airflow learns about this package, checked by Airflow's own means."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import import_module, metadata
from importlib.resources import files
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import jsonschema
import pytest
from airflow.configuration import conf
from airflow.providers_manager import ProvidersManager
from airflow.sdk import task

from airflow_provider_videoai import __version__, get_provider_info
from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.hooks.lookup import hook_for
from airflow_provider_videoai.registry import VENDORS, connection_type, hook_path
from tests.support.which_airflow import ProvidersManagerTaskRuntime, needs_airflow_3_2, needs_airflow_3_3

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "airflow_provider_videoai"

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


def test_each_part_keeps_to_the_stricter_schema_of_airflows_own_providers() -> None:
    """But the integrations, whose ``external-doc-url`` the project's own one has only once it has a site."""
    schema = json.loads(files("airflow").joinpath("provider.yaml.schema.json").read_text())
    for name, part in get_provider_info().items():
        if name in schema["properties"].keys() - {"integrations"}:
            jsonschema.validate(part, {"definitions": schema["definitions"], **schema["properties"][name]})


def test_changes_to_the_info_reach_no_other_caller() -> None:
    pristine = json.dumps(get_provider_info())

    def spoil(value: Any) -> None:
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            spoil(inner)
        if isinstance(value, dict | list):
            value.clear()

    spoil(get_provider_info())
    assert json.dumps(get_provider_info()) == pristine


def test_info_names_files_that_are_there() -> None:
    integrations = get_provider_info()["integrations"]
    guides = [guide for each in integrations for guide in each["how-to-guide"]]
    guides += [each["how-to-guide"] for each in get_provider_info()["transfers"]]
    logos = [each["logo"] for each in integrations if "logo" in each]
    assert len(logos) == 1
    for path in (*guides, *logos):
        assert path.startswith("/docs/")
        assert (ROOT / path.removeprefix("/")).is_file(), path


def test_info_names_integrations_that_it_has() -> None:
    info = get_provider_info()
    known = {each["integration-name"] for each in info["integrations"]}
    layers = ("operators", "sensors", "hooks", "triggers", "retry-policies")
    assert {each["integration-name"] for layer in layers for each in info[layer]} <= known
    assert {each["source-integration-name"] for each in info["transfers"]} <= known


def test_each_option_of_airflows_configuration_is_read_by_the_package() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / PACKAGE).rglob("*.py"))
    for section, described in get_provider_info()["config"].items():
        for option, each in described["options"].items():
            read = {"boolean": ("getboolean", r"(\w+)"), "string": ("get", r'"(\w*)"')}[each["type"]]
            found = re.findall(rf'conf\.{read[0]}\("{section}", "{option}", fallback={read[1]}\)', source)
            assert set(found) == {each["default"]}, option


PLUGINS = """
import json, logging, sys
from airflow import plugins_manager
plugins, errors = plugins_manager._get_plugins()
print(json.dumps([[plugin.name for plugin in plugins], errors]))
"""


@needs_airflow_3_2("this way to list the plugins")
@pytest.mark.parametrize("lazy", ["True", "False"])
def test_airflow_loads_the_plugin_once_however_it_discovers_providers(lazy: str) -> None:
    """A ``plugins`` entry in the provider info would be a second one, refused, with lazy discovery off."""
    environment = os.environ | {"AIRFLOW__CORE__LAZY_DISCOVER_PROVIDERS": lazy}
    done = subprocess.run(
        [sys.executable, "-c", PLUGINS], check=True, capture_output=True, text=True, env=environment, timeout=100
    )
    plugins, errors = json.loads(done.stdout.splitlines()[-1])
    assert plugins.count("videoai") == 1
    assert errors == {}


CHEAP = """
import sys, time
import airflow  # which reads every provider's info while it is imported
import airflow.providers_manager
for name in [name for name in sys.modules if name.startswith("airflow_provider_videoai")]:
    del sys.modules[name]
before = set(sys.modules)
from airflow_provider_videoai import get_provider_info
get_provider_info()
print(" ".join(sorted(set(sys.modules) - before)))
"""


def test_the_info_imports_nothing_of_weight() -> None:
    done = subprocess.run([sys.executable, "-c", CHEAP], check=True, capture_output=True, text=True, timeout=100)
    loaded = set(done.stdout.splitlines()[-1].split())
    layers = {name.split(".")[1] for name in loaded if name.count(".") > 0 and name.startswith(PACKAGE)}
    assert layers == {"connections", "jobs", "provider_info", "registry"}
    assert {name.partition(".")[0] for name in loaded} == {PACKAGE}


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
        assert hook.hook_class_name == hook_path(key)


@pytest.mark.parametrize("key", CONNECTION_TYPES)
def test_hook_and_connection_type_agree(key: str) -> None:
    hook = hook_for(key, "some_conn")
    assert isinstance(hook, VideoJobHook)
    assert (hook.conn_type, hook.default_conn_name, hook.vendor_class.key) == (key, f"{key}_default", key)
    assert hook.conn_name_attr == f"{key}_conn_id"
    assert getattr(hook, hook.conn_name_attr) == "some_conn"
    assert hook.vendor_class.default_host == CONNECTION_TYPES[key]
    assert hook.hook_name == connection_type(key).title
    assert hook.vendor_class.options is connection_type(key).options


@EACH_CONNECTION
def test_form_keeps_to_airflows_schema(connection: dict[str, Any]) -> None:
    schema = json.loads(files("airflow").joinpath("provider.yaml.schema.json").read_text())
    jsonschema.validate([connection], schema["properties"]["connection-types"])


@EACH_CONNECTION
def test_form_offers_no_secret_outside_login_and_password(connection: dict[str, Any]) -> None:
    shown = {"host", "port", "login", "password"} - set(connection["ui-field-behaviour"]["hidden-fields"])
    assert set(connection["ui-field-behaviour"]["relabeling"]) == shown >= {"host", "port", "password"}
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
        assert vendor.account.options == vendor.options(**{name: value for name, value in extra.items() if value})


@EACH_CONNECTION
def test_the_form_has_a_field_for_each_option_that_is_read_and_no_other(connection: dict[str, Any]) -> None:
    vendor = hook_for(connection["connection-type"]).vendor_class
    assert connection["conn-fields"].keys() == vendor.options.model_fields.keys()


@pytest.mark.parametrize("layer", ["operators", "sensors", "hooks", "triggers"])
def test_every_module_that_is_named_can_be_imported(layer: str) -> None:
    for entry in get_provider_info()[layer]:
        for module in entry["python-modules"]:
            import_module(module)


@needs_airflow_3_3("retry policies")
def test_the_retry_policy_is_named_and_can_be_imported() -> None:
    (entry,) = get_provider_info()["retry-policies"]
    assert [import_module(name).__all__ for name in entry["python-modules"]] == [["VideoAIRetryPolicy"]]


def test_the_transfer_is_named_for_each_vendor_and_can_be_imported() -> None:
    entries = get_provider_info()["transfers"]
    for entry in entries:
        import_module(entry["python-module"])
    media = [entry for entry in entries if entry["python-module"].endswith(".media")]
    assert len(media) == len(VENDORS)


def test_airflow_offers_the_decorator() -> None:
    (entry,) = get_provider_info()["task-decorators"]
    assert getattr(task, entry["name"]) is resolve_name(entry["class-name"])


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
