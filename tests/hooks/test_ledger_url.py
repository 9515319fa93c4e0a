# SPDX-License-Identifier: Apache-2.0
"""The ledger's database URL: what a connection says reaches the driver, above all how its TLS is meant."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import Connection
from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql
from sqlalchemy.engine import make_url

from airflow_provider_videoai.hooks import ledger_url as under_test
from airflow_provider_videoai.jobs.errors import InvalidRequest

PASSWORD = "s3cret-of-the-ledger"


def connection(kind: str = "mysql", *, extra: Any = None, **fields: Any) -> Connection:
    given: dict[str, Any] = {"host": "db.test", "schema": "limits", "login": "me", "password": PASSWORD} | fields
    return Connection(conn_id="shared", conn_type=kind, extra=json.dumps(extra or {}), **given)


@pytest.fixture(params=["MySQLdb", "pymysql"])
def driver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The only driver of MySQL that is installed."""
    monkeypatch.setattr(under_test, "find_spec", lambda module: module == request.param)
    return str(request.param)


@pytest.mark.parametrize("password", ["p@ss:w/o?r#d%", "ein schlüssel", "%2F", "'\\"])
@pytest.mark.parametrize("kind", ["postgres", "mysql"])
def test_a_password_reaches_the_driver_as_it_is(kind: str, password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "find_spec", lambda module: module in ("psycopg2", "pymysql"))
    found = under_test.url_of(connection(kind, password=password))
    assert found.password == password
    assert make_url(found.render_as_string(hide_password=False)).password == password
    assert password not in str(found)


@pytest.mark.parametrize(
    ("mode", "mysqldb", "pymysql"),
    [
        ("DISABLED", {"ssl_mode": "DISABLED"}, {"ssl_disabled": "true"}),
        ("preferred", {"ssl_mode": "PREFERRED"}, {}),
        ("REQUIRED", {"ssl_mode": "REQUIRED"}, {"ssl_check_hostname": "false"}),
        ("VERIFY_CA", {"ssl_mode": "VERIFY_CA"}, {"ssl_check_hostname": "false"}),
        ("VERIFY_IDENTITY", {"ssl_mode": "VERIFY_IDENTITY"}, {"ssl_check_hostname": "true"}),
    ],
)
def test_how_much_tls_a_mysql_connection_wants_reaches_each_driver_in_its_own_words(
    driver: str, mode: str, mysqldb: dict[str, str], pymysql: dict[str, str]
) -> None:
    files = {"ssl_ca": "/ca.pem"} if mode.startswith("VERIFY") else {}
    found = under_test.url_of(connection(extra={"ssl_mode": mode, **files}))
    assert dict(found.query) == files | (mysqldb if driver == "MySQLdb" else pymysql)


@pytest.mark.parametrize("extra", [{"ssl_mode": "REQUIRED"}, {"ssl_mode": "VERIFY_CA", "ssl_ca": "/ca.pem"}])
def test_pymysql_that_is_to_use_tls_connects_in_no_other_way(
    extra: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It falls back to clear text unless some TLS option is given."""
    monkeypatch.setattr(under_test, "find_spec", lambda module: module == "pymysql")
    url = under_test.url_of(connection(extra=extra))
    (_, keywords) = MySQLDialect_pymysql(dbapi=MySQLDialect_pymysql.import_dbapi()).create_connect_args(url)
    assert keywords["ssl"]["check_hostname"] is False
    assert keywords["ssl"].get("ca") == extra.get("ssl_ca")


@pytest.mark.parametrize(
    ("kind", "extra", "rule"),
    [
        ("mysql", {"ssl_mode": "yes"}, "extra 'ssl_mode' must be DISABLED, PREFERRED"),
        ("mysql", {"ssl_verify": True}, "extra has no option 'ssl_verify'"),
        ("mysql", {"ssl": {"chain": "/chain.pem"}}, "extra has no option 'ssl_chain'"),
        ("mysql", {"tls_version": "TLSv1.3"}, "extra has no option 'tls_version'"),
        ("postgres", {"ssl_mode": "require"}, "extra has no option 'ssl_mode'"),
        ("postgres", {"sslMode": "verify-full"}, "extra has no option 'sslMode'"),
    ],
)
def test_a_tls_option_that_no_driver_takes_is_refused_rather_than_left_out(
    kind: str, extra: dict[str, Any], rule: str
) -> None:
    with pytest.raises(InvalidRequest, match=rule) as refused:
        under_test.url_of(connection(kind, extra=extra))
    assert PASSWORD not in str(refused.value)


def test_a_certificate_that_pymysql_would_not_verify_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "find_spec", lambda module: module == "pymysql")
    with pytest.raises(InvalidRequest, match="VERIFY_IDENTITY needs 'ssl_ca'"):
        under_test.url_of(connection(extra={"ssl_mode": "VERIFY_IDENTITY"}))


def test_libpqs_options_reach_it_and_those_of_airflows_own_hook_do_not() -> None:
    extra = {
        "sslmode": "verify-full", "sslrootcert": "/ca.pem", "sslcrl": "/crl.pem", "sslpassword": "k3y",
        "target_session_attrs": "read-write", "options": "-csearch_path=videoai", "keepalives_idle": 30,
        "sslcert": None, "sslkey": "", "cursor": "dictcursor", "iam": True, "enable_log_db_messages": True,
    }  # fmt: skip
    assert dict(under_test.url_of(connection("postgres", extra=extra)).query) == {
        "sslmode": "verify-full", "sslrootcert": "/ca.pem", "sslcrl": "/crl.pem", "sslpassword": "k3y",
        "target_session_attrs": "read-write", "options": "-csearch_path=videoai", "keepalives_idle": "30",
    }  # fmt: skip


@pytest.mark.parametrize("path", [None, "", ":memory:", "ledger.db", "./ledger.db", "file::memory:"])
def test_a_sqlite_ledger_that_is_no_file_or_another_in_each_folder_is_refused(path: str | None) -> None:
    with pytest.raises(InvalidRequest, match="host must be the absolute path"):
        under_test.url_of(connection("sqlite", host=path, schema=None))


@pytest.mark.parametrize(
    ("extra", "query"),
    [
        ({"ssl": {"ca": "/ca.pem", "key": "/key.pem"}}, "ssl_ca=/ca.pem&ssl_key=/key.pem"),
        ({"ssl": '{"cert": "/cert.pem"}'}, "ssl_cert=/cert.pem"),
        ({"ssl_ca": "/ca.pem", "cursor": "dictcursor", "charset": "utf8mb4"}, "ssl_ca=/ca.pem&charset=utf8mb4"),
        ({}, ""),
    ],
)
def test_the_certificates_of_a_mysql_connection_are_named_as_airflows_own_hook_reads_them(
    monkeypatch: pytest.MonkeyPatch, extra: dict[str, Any], query: str
) -> None:
    monkeypatch.setattr(under_test, "find_spec", lambda module: module == "pymysql")
    found = under_test.url_of(connection(extra=extra)).render_as_string(hide_password=False)
    assert make_url(found) == make_url(f"mysql+pymysql://me:{PASSWORD}@db.test/limits?{query}")


@pytest.mark.parametrize("ssl", ["[1]", "yes", ["/ca.pem"]])
def test_certificates_that_are_no_object_are_refused_rather_than_left_out(ssl: Any) -> None:
    with pytest.raises(InvalidRequest, match="name no database"):
        under_test.url_of(connection(extra={"ssl": ssl}))


def test_a_database_without_an_installed_driver_is_said_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "find_spec", lambda _: None)
    with pytest.raises(InvalidRequest, match="the ledger needs the driver MySQLdb or pymysql installed"):
        under_test.url_of(Connection(conn_id="shared", conn_type="mysql", host="db.test"))


@pytest.mark.parametrize(
    ("field", "value"), [("extra_dejson", [1]), ("extra_dejson", None), ("login", 5), ("host", {}), ("port", "x")]
)
def test_a_connection_with_odd_fields_is_refused(field: str, value: Any) -> None:
    fields = {"host": "db.test", "schema": "limits", "port": 5432, "login": "me", "password": "x", "extra_dejson": {}}
    odd = SimpleNamespace(conn_id="shared", conn_type="postgres", **fields | {field: value})
    with pytest.raises(InvalidRequest, match="name no database"):
        under_test.url_of(odd)
