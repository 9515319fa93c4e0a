# SPDX-License-Identifier: Apache-2.0
"""A connection of each type, made in Airflow's form and tested with Airflow's button."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from airflow_provider_videoai import registry
from airflow_provider_videoai.sandbox import CREDENTIALS
from airflow_provider_videoai.sandbox.running import Sandbox

pytestmark = [pytest.mark.airflow, pytest.mark.ui]

NAMES = {vendor: registry.connection_type(vendor).title for vendor in registry.VENDORS}


def fill(page: Page, vendor: str, sandbox: Sandbox, password: str) -> None:
    page.goto("/connections")
    page.get_by_role("button", name="Add Connection").first.click()
    form = page.get_by_role("dialog")
    form.locator("input[name=connection_id]").fill(f"form_{vendor}")
    form.get_by_role("combobox").first.click()
    page.keyboard.type(NAMES[vendor])
    page.get_by_role("option", name=NAMES[vendor], exact=True).click()
    form.locator("input[name=host]").fill(sandbox.url)
    # Airflow 3.3's Test button refuses a stored connection that has no port.
    form.locator("input[name=port]").fill(str(httpx.URL(sandbox.url).port))
    form.locator("input[name=login]").fill(CREDENTIALS[vendor].login)
    form.locator("input[name=password]").fill(password)


def save_and_test(page: Page, vendor: str) -> dict[str, Any]:
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    row = page.locator("tr", has_text=f"form_{vendor}")
    with page.expect_response("**/connections/test") as answer:
        row.get_by_role("button", name="Test Connection").click()
    response: dict[str, Any] = json.loads(answer.value.text())
    return response


@pytest.mark.parametrize("vendor", NAMES)
def test_a_connection_made_in_the_form_passes_the_test_button(
    vendor: str, log_in: Any, sandbox: Sandbox, picture: Any
) -> None:
    sandbox.clear_ledger()
    page = log_in()
    fill(page, vendor, sandbox, CREDENTIALS[vendor].password)
    if vendor == "viitor":
        picture(page, "connection")
    response = save_and_test(page, vendor)
    assert response["status"] is True, response
    lamp = page.locator("tr", has_text=f"form_{vendor}").get_by_role("button", name="Test Connection").locator("svg")
    expect(lamp).to_have_attribute("color", "green")
    assert sandbox.ledger(vendor)["charges"] == []
