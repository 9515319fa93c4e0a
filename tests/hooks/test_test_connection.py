# SPDX-License-Identifier: Apache-2.0
"""The button "Test connection": one call that buys nothing, and a sentence for a person."""

from __future__ import annotations

import json
from typing import Any

import pytest

WRONG = "wrong-secret-that-must-not-be-seen"


@pytest.mark.parametrize("case", ["viitor", "aidge", "cdnetworks_trim", "topview", "tencent_video"], indirect=True)
class TestEachVendor:
    def test_sound_credentials_are_proved_without_buying(self, case: Any, sandbox: Any) -> None:
        ok, said = case.hook().test_connection()
        assert ok
        assert "accepted the credentials" in said
        assert sandbox.ledger()["submissions"] == []

    def test_a_wrong_secret_is_told_with_the_connections_id(
        self, case: Any, connect: Any, everything_said: Any
    ) -> None:
        conn_id = connect(case.vendor, password=WRONG)
        ok, said = case.hook(conn_id).test_connection()
        assert not ok
        assert conn_id in said
        assert WRONG not in said + everything_said()

    def test_a_wrong_login_is_told_with_the_connections_id(self, case: Any, connect: Any) -> None:
        # ViiTor's user id is not a secret: any number is one.
        conn_id = connect(case.vendor, login="nobody")
        ok, said = case.hook(conn_id).test_connection()
        assert not ok
        assert conn_id in said

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
        assert "no connection to '127.0.0.1'" in said

    def test_a_host_that_does_not_exist_is_told(self, case: Any, connect: Any) -> None:
        ok, said = case.hook(connect(case.vendor, host="http://nowhere.invalid")).test_connection()
        assert not ok
        assert "no connection to 'nowhere.invalid'" in said

    def test_a_host_that_is_somebody_elses_is_told(self, case: Any, connect: Any, sandbox: Any) -> None:
        ok, said = case.hook(connect(case.vendor, host=f"{sandbox.url}/elsewhere")).test_connection()
        assert not ok
        assert "host" in said

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
