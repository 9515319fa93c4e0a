# SPDX-License-Identifier: Apache-2.0
"""From an Airflow connection to an account: forms of the host, extras, and what is told of wrong ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.sdk import Connection

from airflow_provider_videoai.hooks.account import account_of
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.vendors.topview import Topview
from airflow_provider_videoai.vendors.viitor import ViiTor


def account(extra: dict[str, Any] | None = None, **fields: Any) -> Any:
    connection = Connection(conn_id="mine", conn_type="topview", login="uid", password="key", **fields)
    return account_of(connection, extra or {}, Topview)


@pytest.mark.parametrize(
    ("fields", "base_url"),
    [
        ({}, "https://api.topview.ai"),
        ({"host": ""}, "https://api.topview.ai"),
        ({"host": "  "}, "https://api.topview.ai"),
        ({"host": "api.example.com"}, "https://api.example.com"),
        ({"host": "api.example.com", "port": 8443}, "https://api.example.com:8443"),
        ({"host": "api.example.com:8443"}, "https://api.example.com:8443"),
        ({"host": "api.example.com:8443", "port": 9000}, "https://api.example.com:8443"),
        ({"host": "http://127.0.0.1:8080"}, "http://127.0.0.1:8080"),
        ({"host": "http://127.0.0.1", "port": 8080}, "http://127.0.0.1:8080"),
        ({"host": "https://api.example.com/"}, "https://api.example.com"),
        ({"host": "https://api.example.com/proxied"}, "https://api.example.com/proxied"),
        ({"host": "https://api.example.com/proxied", "port": 8443}, "https://api.example.com:8443/proxied"),
        ({"host": " api.example.com "}, "https://api.example.com"),
        ({"host": "127.0.0.1", "schema": "http", "port": 8080}, "http://127.0.0.1:8080"),
        ({"host": "api.example.com", "schema": "videos"}, "https://api.example.com"),
        ({"host": "http://[::1]", "port": 8080}, "http://[::1]:8080"),
        ({"host": "http://[::1]:9000", "port": 8080}, "http://[::1]:9000"),
        ({"host": "[::1]", "schema": "http", "port": 8080}, "http://[::1]:8080"),
        ({"host": "HTTPS://API.example.com"}, "https://API.example.com"),
    ],
)
def test_a_host_may_be_written_in_many_ways(fields: dict[str, Any], base_url: str) -> None:
    assert account(**fields).host == base_url


@pytest.mark.parametrize(
    "host",
    [
        "ftp://api.example.com",
        "postgres://db",
        "file:///etc/hosts",
        "https://",
        "https:///path",
        "api.example.com:port",
        "https://somebody:secret@api.example.com",
        "http://[::1",
    ],
)
def test_a_host_that_is_no_web_address_is_told(host: str) -> None:
    with pytest.raises(InvalidRequest, match="connection 'mine': host must be") as told:
        account(host=host)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("name", ["max_requests_per_minute", "timeout", "outage_tolerance"])
@pytest.mark.parametrize("value", ["many", 0, -1, "-3", float("inf"), float("nan"), [], True])
def test_an_extra_that_is_no_positive_number_is_told(name: str, value: Any) -> None:
    with pytest.raises(InvalidRequest, match=f"connection 'mine': extra '{name}' must be a number"):
        account({name: value})


@pytest.mark.parametrize("value", [90, "90", 90.0, " 90 "])
def test_a_number_may_be_a_text_as_forms_write_it(value: Any) -> None:
    made = account({"max_requests_per_minute": value, "timeout": value, "outage_tolerance": value})
    assert (made.max_requests_per_minute, made.timeout, made.outage_tolerance) == (90, 90, 90)


@pytest.mark.parametrize("extra", [{}, {"max_requests_per_minute": None, "timeout": None}, {"timeout": ""}])
def test_without_extras_the_documented_limits_hold(extra: dict[str, Any]) -> None:
    made = account(extra)
    assert (made.max_requests_per_minute, made.timeout, made.outage_tolerance) == (None, 30, 900)


def test_credentials_that_were_pasted_with_blanks_are_trimmed() -> None:
    connection = Connection(conn_id="mine", conn_type="viitor", login=" 100001 ", password=" token\n")
    made = account_of(connection, {}, ViiTor)
    assert (made.login, made.password) == ("100001", "token")


def test_an_account_does_not_show_its_credentials() -> None:
    shown = repr(account())
    assert "uid" not in shown
    assert "key" not in shown


WRONG_OPTIONS = [
    ("cdnetworks_trim", {"auth_scheme": "basic"}, "auth_scheme must be cnc or ws3"),
    ("aidge", {"param_style": "xml"}, "param_style must be flat or json"),
    ("aidge", {"trial": "perhaps"}, "trial must be false or true"),
]


@pytest.mark.parametrize(("name", "extra", "told"), WRONG_OPTIONS)
def test_a_vendors_own_option_is_checked_before_anything_is_sent(
    name: str, extra: dict[str, Any], told: str, cases: Any, connect: Any, sandbox: Any
) -> None:
    case = cases[name]
    hook = case.hook(connect(case.vendor, extra=extra))
    with pytest.raises(InvalidRequest, match=told):
        hook.submit(case.request(sandbox), case.operation)
    books = sandbox.ledger()
    assert books["submissions"] == books["refused"] == []


WORKING_OPTIONS = [
    ("cdnetworks_trim", {"auth_scheme": "ws3", "max_requests_per_minute": 600}),
    ("cdnetworks_pull", {"auth_scheme": "WS3", "max_requests_per_minute": 600}),
    ("aidge", {"param_style": "json"}),
    ("viitor", {"channel": 200, "app_source": "tests"}),
    ("viitor", {"channel": "300"}),
    ("topview", {"need_cloud_front_url": True}),
]


@pytest.mark.parametrize(("name", "extra"), WORKING_OPTIONS)
@pytest.mark.usefixtures("prompt")
def test_a_vendors_own_option_works_from_submit_to_result(
    name: str, extra: dict[str, Any], cases: Any, connect: Any, task: Any
) -> None:
    case = cases[name]
    result = task(case, **{case.conn_argument: connect(case.vendor, extra=extra)}).run()
    assert (result["state"], bool(result["media_url"])) == ("succeeded", True)


def test_a_trial_job_is_not_charged(cases: Any, connect: Any, sandbox: Any) -> None:
    cases["aidge"].hook(connect("aidge", extra={"trial": True})).submit(cases["aidge"].request(sandbox))
    books = sandbox.ledger("aidge")
    assert [entry["outcome"] for entry in books["submissions"]] == ["accepted"]
    assert books["charges"] == []


@pytest.mark.parametrize("form", ["url", "bare", "host_and_port"])
def test_every_form_of_host_reaches_the_vendor(
    form: str, case: Any, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = json.loads(sandbox.connections()[f"AIRFLOW_CONN_{case.vendor.upper()}_DEFAULT"])
    address = sandbox.url.removeprefix("http://")
    host, _, port = address.partition(":")
    fields |= {
        "url": {"host": f"{sandbox.url}/"},
        "bare": {"host": address, "schema": "http"},
        "host_and_port": {"host": f"http://{host}", "port": int(port)},
    }[form]
    monkeypatch.setenv("AIRFLOW_CONN_FORMED", json.dumps(fields))
    ok, said = case.hook("formed").test_connection()
    assert ok, said


@pytest.mark.parametrize(
    ("value", "expected"), [(None, False), ("", False), (False, False), ("false", False), (True, True), ("True", True)]
)
def test_private_addresses_are_allowed_only_if_the_connection_says_so(value: Any, expected: bool) -> None:
    assert account({"allow_private_addresses": value}).allow_private_addresses is expected


@pytest.mark.parametrize("value", ["yes", 1, 0, "private"])
def test_a_permission_that_is_unclear_is_refused(value: Any) -> None:
    with pytest.raises(InvalidRequest, match="'allow_private_addresses' must be true or false"):
        account({"allow_private_addresses": value})
