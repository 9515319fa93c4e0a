# SPDX-License-Identifier: Apache-2.0
"""The button "Test connection": one call that buys nothing, and a sentence for a person."""

from __future__ import annotations

import json
import re
import time
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_videoai.hooks import job
from tests.support.cases import ONE_EACH

WRONG = "wrong-secret-that-must-not-be-seen"
UNTIMED = ("viitor", "topview")
"""Vendors that sign no time: to them a wrong clock matters only beside something else."""


@pytest.mark.parametrize("case", ONE_EACH, indirect=True)
class TestEachVendor:
    def test_sound_credentials_are_proved_without_buying(self, case: Any, sandbox: Any) -> None:
        ok, said = case.hook().test_connection()
        assert ok
        assert f"{case.hook.vendor_class.title} accepted the credentials" in said
        assert said.endswith("Nothing was bought.")
        assert sandbox.ledger()["submissions"] == []

    @pytest.mark.parametrize("field", ["login", "password"])
    def test_a_wrong_credential_is_told_in_the_vendors_words(
        self, field: str, case: Any, connect: Any, everything_said: Any
    ) -> None:
        # ViiTor's user id is not a secret: any number is one.
        conn_id = connect(case.vendor, **{field: WRONG})
        ok, said = case.hook(conn_id).test_connection()
        assert not ok
        vendor = case.hook.vendor_class
        assert getattr(vendor, f"{field}_name") in said
        assert "this connection" in said
        assert conn_id not in said
        assert "clock" not in said
        assert WRONG not in said + everything_said()

    @pytest.mark.parametrize(("minutes", "side"), [(-200, "behind"), (200, "ahead of")])
    def test_a_clock_that_is_off_is_told_where_the_vendor_minds(
        self, minutes: int, side: str, case: Any, connect: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shifted = SimpleNamespace(time=lambda: time.time() + 60 * minutes)
        monkeypatch.setattr(job, "time", shifted)
        password = WRONG if case.name in UNTIMED else case.password
        ok, said = case.hook(connect(case.vendor, password=password)).test_connection()
        assert not ok
        assert re.search(rf"This machine's clock is 3 h (19|20|21) min {side} the vendor's", said)

    def test_a_clock_within_five_minutes_is_not_blamed(
        self, case: Any, connect: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(job, "time", SimpleNamespace(time=lambda: time.time() - 200))
        assert case.hook().test_connection()[0]
        ok, said = case.hook(connect(case.vendor, password=WRONG)).test_connection()
        assert not ok
        assert "clock" not in said

    @pytest.mark.parametrize("field", ["login", "password"])
    def test_a_missing_credential_is_told_before_anything_is_sent(
        self, field: str, case: Any, connect: Any, sandbox: Any
    ) -> None:
        ok, said = case.hook(connect(case.vendor, **{field: ""})).test_connection()
        assert not ok
        assert f"has no {field}" in said
        assert "nothing was sent" in said
        books = sandbox.ledger()
        assert books["polls"] == books["lookups"] == books["refused"] == []

    def test_a_secret_with_an_odd_character_is_told_and_not_shown(self, case: Any, connect: Any) -> None:
        ok, said = case.hook(connect(case.vendor, password="schlüssel")).test_connection()
        assert not ok
        assert "holds a character that no such key has" in said
        assert "schlüssel" not in said

    def test_a_refused_port_is_told(self, case: Any, connect: Any, free_port: int) -> None:
        ok, said = case.hook(connect(case.vendor, host=f"http://127.0.0.1:{free_port}")).test_connection()
        assert not ok
        assert "no connection to '127.0.0.1' (connection refused: is the port right?)" in said

    def test_a_host_that_does_not_exist_is_told(self, case: Any, connect: Any) -> None:
        ok, said = case.hook(connect(case.vendor, host="http://nowhere.invalid")).test_connection()
        assert not ok
        assert "no connection to 'nowhere.invalid' (the host name cannot be resolved: is the host right" in said

    def test_a_host_that_is_somebody_elses_is_told(self, case: Any, connect: Any, sandbox: Any) -> None:
        ok, said = case.hook(connect(case.vendor, host=f"{sandbox.url}/elsewhere")).test_connection()
        assert not ok
        assert "is the connection's host right?" in said

    def test_a_host_that_is_no_address_is_told(self, case: Any, connect: Any) -> None:
        ok, said = case.hook(connect(case.vendor, host="ftp://127.0.0.1")).test_connection()
        assert not ok
        assert "host must be a host name or an http(s):// URL" in said


def test_topview_also_tells_the_credit(cases: Any, sandbox: Any) -> None:  # noqa: ARG001
    assert "credits left: 1000" in cases["topview"].hook().test_connection()[1]


def test_a_gateway_error_is_told(cases: Any, sandbox: Any) -> None:
    sandbox.fault(vendor="viitor", call="query", kind="html_502")
    ok, said = cases["viitor"].hook().test_connection()
    assert not ok
    assert "HTTP 502" in said


def test_an_extra_that_breaks_a_rule_is_told(cases: Any, sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = json.loads(sandbox.connections()["AIRFLOW_CONN_TOPVIEW_DEFAULT"]) | {"extra": {"timeout": "long"}}
    monkeypatch.setenv("AIRFLOW_CONN_TOPVIEW_DEFAULT", json.dumps(fields))
    ok, said = cases["topview"].hook().test_connection()
    assert not ok
    assert "extra 'timeout' must be a number greater than 0" in said
