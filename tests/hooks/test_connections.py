# SPDX-License-Identifier: Apache-2.0
"""From an Airflow connection to an account: forms of the host, extras, and what errors say of wrong ones."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from airflow.sdk import Connection
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.connections.topview import TopviewOptions
from airflow_provider_videoai.hooks.account import account_of
from airflow_provider_videoai.hooks.topview import TopviewHook
from airflow_provider_videoai.jobs.errors import InvalidRequest, VendorUnavailable, VideoAIError
from airflow_provider_videoai.jobs.values.printable import is_printable
from airflow_provider_videoai.vendors.topview import Topview
from airflow_provider_videoai.vendors.viitor import ViiTor


def account(extra: dict[str, Any] | None = None, **fields: Any) -> Any:
    known = {"conn_type": "topview", "login": "uid", "password": "key", "extra": json.dumps(extra or {})}
    return account_of(Connection(conn_id="mine", **known | fields), Topview, "topview")


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
        "https://api.example.com/?token=secret",
        "https://api.example.com/#secret",
        "http://[::1",
        "http://[x?y",
        "http://[1.2.3.4]x",
        "http://[]",
        "http://[::1]:1:2",
        "a..b",
        ".a",
        "a b",
        "a.example.com/x y",
        "ht\ntp://a",
        "a\x00b",
        "a\u202eb",
        "\ud800",
        "-a.example.com",
        "a_.b-",
        "x" * 64 + ".example.com",
        "x." * 200,
        "x" * 3000,
        "https://a\\b",
        "https://%61.example.com",
        "https://a.example.com:99999",
        "https://a.example.com:0x50",
        "https://a.example.com:-1",
        "https://a.example.com:" + "9" * 5000,
        "a.example.com:²",
        "https://:443",
    ],
)
def test_a_host_that_is_no_web_address_is_refused_by_its_rule(host: str) -> None:
    with pytest.raises(InvalidRequest, match="connection 'mine': host must be a host name or an http") as refused:
        account(host=host)
    assert "secret" not in str(refused.value)
    assert is_printable(str(refused.value))
    assert len(str(refused.value)) < 500


HUGE = pytest.param(10**5000, id="huge")
"""More digits than Python writes out."""


@pytest.mark.parametrize("port", [99999, -1, "abc", "²", True, 1.5, [], "9" * 5000, 65536, " 80", HUGE])
def test_a_port_that_is_none_is_refused_by_its_rule(port: Any) -> None:
    with pytest.raises(InvalidRequest, match="connection 'mine': port must be a number from 1 to 65535, not"):
        account(host="api.example.com", port=port)


@pytest.mark.parametrize("port", [None, 0, ""])
def test_no_port_is_none(port: Any) -> None:
    assert account(host="api.example.com", port=port).host == "https://api.example.com"


@pytest.mark.parametrize("field", ["host", "login", "password"])
@pytest.mark.parametrize("value", [["hidden"], {"hidden": 1}, True, 1.5, b"hidden", HUGE])
def test_a_field_that_is_no_text_is_refused_and_not_shown(field: str, value: Any) -> None:
    with pytest.raises(InvalidRequest, match=f"connection 'mine': {field} must be a string; nothing was sent"):
        account(**{field: value})


def test_a_number_is_taken_for_the_login_that_it_is() -> None:
    assert account(login=100001).login == "100001"


@pytest.mark.parametrize("extra", ["{", "[1]", '"x"', "5", "[" * 100_000, "\ud800"])
def test_an_extra_that_is_no_json_object_is_refused(extra: str) -> None:
    with pytest.raises(InvalidRequest, match="connection 'mine': extra must be a JSON object"):
        account_of(Connection(conn_id="mine", conn_type="topview", extra=extra), Topview, "topview")


@pytest.mark.parametrize("extra", [None, "", "null", "{}"])
def test_an_extra_may_be_missing(extra: str | None) -> None:
    assert account_of(Connection(conn_id="mine", extra=extra), Topview, "topview").options == TopviewOptions()


def test_an_extra_may_have_the_names_that_old_forms_gave_it() -> None:
    assert account({"extra__topview__timeout": 5}).options.timeout == 5


class Undecryptable(Connection):
    """As Airflow's own behaves whose key is lost: it raises, and quotes the login."""

    def __getattribute__(self, name: str) -> Any:
        if name == "password":
            raise RuntimeError("Can't decrypt encrypted password for login=my-login")
        return super().__getattribute__(name)


def test_a_connection_that_cannot_be_decrypted_is_refused_without_its_words() -> None:
    with pytest.raises(InvalidRequest, match=r"cannot read its fields \(RuntimeError\)") as refused:
        account_of(Undecryptable(conn_id="mine"), Topview, "topview")
    assert refused.value.__cause__ is None
    assert "my-login" not in str(refused.value)


ANY_TEXT = st.text(max_size=30) | st.text("ab.:/[]@?#%\\ \x00²-_1", max_size=30)
ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.lists(ANY_TEXT, max_size=2)


@given(host=ANYTHING, port=ANYTHING, schema=ANYTHING, login=ANYTHING, password=ANYTHING, extra=ANYTHING)
def test_any_connection_at_all_is_an_account_or_refused_in_words_that_can_be_shown(**fields: Any) -> None:
    try:
        made = account_of(Connection(conn_id="mine", **fields), Topview, "topview")
    except InvalidRequest as refused:
        assert is_printable(refused.message)  # noqa: PT017
        assert len(refused.message) < 500  # noqa: PT017
    else:
        httpx.Request("GET", made.host + "/path")
        assert "@" not in made.host


@pytest.mark.parametrize("broken", ["[]", "{", '{"port": "abc", "conn_type": "topview"}', "5"])
def test_a_connection_that_airflow_cannot_read_is_an_error_of_ours(
    broken: str,
    cases: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_BROKEN", broken)
    with pytest.raises(VideoAIError, match="connection 'broken'"):
        cases["topview"].hook("broken").status("x")
    with pytest.raises(VideoAIError, match="connection 'broken'"):
        asyncio.run(cases["topview"].hook("broken").astatus("x"))


@pytest.mark.parametrize("field", ["host", "port"])
@pytest.mark.parametrize(
    "pasted", ["https://me:hunter2@api.test", "api.test?key=hunter2", "password=hunter2-hunter2", '{"key": "hunter2"}']
)
def test_secret_that_was_pasted_into_another_field_is_not_shown(field: str, pasted: str) -> None:
    fields = {"conn_id": "c", "conn_type": "topview", "host": None, "port": None, "schema": None, "extra": None}
    connection = SimpleNamespace(**(fields | {"login": "me", "password": "x", field: pasted}))
    with pytest.raises(InvalidRequest, match=f"connection 'c': {field}") as raised:
        account_of(connection, Topview, "topview")
    assert "hunter2" not in raised.value.message


def test_a_connection_that_is_not_there_is_an_error_of_ours(case: Any) -> None:
    with pytest.raises(VendorUnavailable, match="connection 'nowhere' is not defined in Airflow, or the secrets"):
        case.hook("nowhere").status("x")
    with pytest.raises(VendorUnavailable, match="connection 'nowhere' is not defined in Airflow, or the secrets"):
        asyncio.run(case.hook("nowhere").astatus("x"))
    ok, said = case.hook("nowhere").test_connection()
    assert not ok
    assert "this connection is not defined in Airflow" in said


@pytest.mark.parametrize(
    ("failure", "kind"),
    [(RuntimeError("vault at my-login"), VendorUnavailable), (PermissionError("my-login"), InvalidRequest)],
)
def test_a_secrets_backend_that_fails_is_an_error_of_ours(
    failure: Exception, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise failure

    monkeypatch.setattr(TopviewHook, "get_connection", fail)
    with pytest.raises(kind, match="connection 'mine'") as refused:
        TopviewHook("mine").status("x")
    assert "my-login" not in str(refused.value)


@pytest.mark.parametrize("name", ["max_requests_per_minute", "timeout", "outage_tolerance"])
@pytest.mark.parametrize("value", ["many", 0, -1, "-3", float("inf"), float("nan"), [], True])
def test_an_extra_that_is_no_positive_number_is_told(name: str, value: Any) -> None:
    with pytest.raises(InvalidRequest, match=f"connection 'mine': extra '{name}' must be a number"):
        account({name: value})


@pytest.mark.parametrize("value", [90, "90", 90.0, " 90 "])
def test_a_number_may_be_a_text_as_forms_write_it(value: Any) -> None:
    made = account({"max_requests_per_minute": value, "timeout": value, "outage_tolerance": value}).options
    assert (made.max_requests_per_minute, made.timeout, made.outage_tolerance) == (90, 90, 90)


@pytest.mark.parametrize("extra", [{}, {"max_requests_per_minute": None, "timeout": None}, {"timeout": ""}])
def test_without_extras_the_documented_limits_hold(extra: dict[str, Any]) -> None:
    made = account(extra).options
    assert (made.max_requests_per_minute, made.timeout, made.outage_tolerance) == (None, 30, 900)


def test_credentials_that_were_pasted_with_blanks_are_trimmed() -> None:
    connection = Connection(conn_id="mine", conn_type="viitor", login=" 100001 ", password=" token\n")
    made = account_of(connection, ViiTor, "viitor")
    assert (made.login, made.password) == ("100001", "token")


def test_an_account_does_not_show_its_credentials() -> None:
    shown = repr(account())
    assert "uid" not in shown
    assert "key" not in shown


WRONG_OPTIONS = [
    ("cdnetworks_trim", {"auth_scheme": "basic"}, "extra 'auth_scheme' must be cnc or ws3"),
    ("aidge", {"param_style": "xml"}, "extra 'param_style' must be flat or json"),
    ("aidge", {"trial": "perhaps"}, "extra 'trial' must be true or false"),
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
    assert account({"allow_private_addresses": value}).options.allow_private_addresses is expected


@pytest.mark.parametrize("value", ["yes", 1, 0, "private"])
def test_a_permission_that_is_unclear_is_refused(value: Any) -> None:
    with pytest.raises(InvalidRequest, match="'allow_private_addresses' must be true or false"):
        account({"allow_private_addresses": value})
