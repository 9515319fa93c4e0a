# SPDX-License-Identifier: Apache-2.0
"""The connection form and its Test button, as a real API server serves them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from standalone import Standalone

from airflow_provider_videoai import get_provider_info
from airflow_provider_videoai.sandbox.running import Sandbox
from tests.support.which_airflow import needs_airflow_3_2

pytestmark = pytest.mark.airflow

FORMS = {form["connection-type"]: form for form in get_provider_info()["connection-types"]}
EACH_FORM = pytest.mark.parametrize("key", FORMS)
WRONG = "wrong-password-that-must-not-be-seen"


@pytest.fixture(scope="module")
def served(airflow: Standalone) -> dict[str, Any]:
    answer = airflow._client.get("/ui/connections/hook_meta").raise_for_status()
    return {meta["connection_type"]: meta for meta in answer.json()}


@needs_airflow_3_2("forms that a provider describes")
@EACH_FORM
def test_the_form_is_served_as_it_is_described(key: str, served: dict[str, Any]) -> None:
    meta, form = served[key], FORMS[key]
    standard, behaviour = meta["standard_fields"], form["ui-field-behaviour"]
    assert meta["hook_name"] == form["hook-name"]
    assert standard["url_schema"]["hidden"]
    assert not standard["port"]["hidden"], "Airflow's Test button wants one of a stored connection"
    assert {name: standard[name]["title"] for name in behaviour["relabeling"]} == behaviour["relabeling"]
    assert standard["host"]["placeholder"] == behaviour["placeholders"]["host"]
    assert meta["extra_fields"].keys() == form["conn-fields"].keys()
    for name, field in form["conn-fields"].items():
        shown = meta["extra_fields"][name]
        assert shown["value"] == field["schema"].get("default")
        assert shown["description"] == field["description"]
        assert shown["schema"] == field["schema"] | {"title": field["label"]}


def pressed(airflow: Standalone, sandbox: Sandbox, key: str, **changes: Any) -> dict[str, Any]:
    fields = json.loads(sandbox.connections()[f"AIRFLOW_CONN_{key.upper()}_DEFAULT"])
    defaults = {name: field["schema"].get("default") for name, field in FORMS[key]["conn-fields"].items()}
    filled = {"connection_id": "from_the_form", **fields, "extra": json.dumps(defaults), **changes}
    answer: dict[str, Any] = airflow.api("POST", "/connections/test", json=filled)
    return answer


@EACH_FORM
def test_the_test_button_proves_sound_credentials(key: str, airflow: Standalone, sandbox: Sandbox) -> None:
    sandbox.clear_ledger()
    answer = pressed(airflow, sandbox, key)
    assert answer["status"] is True
    assert "accepted the credentials" in answer["message"]
    assert sandbox.ledger()["submissions"] == []


@EACH_FORM
def test_the_test_button_tells_what_is_wrong(key: str, airflow: Standalone, sandbox: Sandbox, free_port: int) -> None:
    refused = pressed(airflow, sandbox, key, password=WRONG)
    assert refused["status"] is False
    assert refused["message"].endswith("of this connection.")
    assert WRONG not in refused["message"]
    unreachable = pressed(airflow, sandbox, key, host=f"http://127.0.0.1:{free_port}")
    assert unreachable["status"] is False
    assert "connection refused" in unreachable["message"]
