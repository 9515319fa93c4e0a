# SPDX-License-Identifier: Apache-2.0
"""Where a deployment's ledger is: a connection's database, else a file; without either, each process by itself."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import Connection
from sqlalchemy.engine import make_url

from airflow_provider_videoai.hooks import ledger as under_test
from airflow_provider_videoai.hooks.cdnetworks import CDNetworksHook
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.ledger.ledger import Ledger

PASSWORD = "s3cret-of-the-ledger"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing was looked up yet, and AIRFLOW_HOME is empty."""
    monkeypatch.setattr(under_test, "_found", None)
    monkeypatch.setattr(under_test, "AIRFLOW_HOME", str(tmp_path))


@pytest.fixture(params=["worker", "event loop"])
def find(request: pytest.FixtureRequest) -> Any:
    """Find the ledger as a worker does, and as the triggerer does."""
    return under_test.ledger if request.param == "worker" else lambda: asyncio.run(under_test.aledger())


def named(monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.setenv("AIRFLOW__VIDEOAI__LEDGER_CONN_ID", "shared")
    monkeypatch.setenv("AIRFLOW_CONN_SHARED", uri)


def test_without_a_connection_it_is_a_file_below_airflow_home(find: Any, tmp_path: Path) -> None:
    found = find()
    assert isinstance(found, Ledger)
    assert found.is_at(f"sqlite:///{tmp_path / 'videoai' / 'ledger.db'}")


def test_a_named_connection_is_its_database(find: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, f"postgres://me:{PASSWORD}@db.test:5433/limits?sslmode=require&other=1")
    assert find().is_at(f"postgresql+psycopg2://me:{PASSWORD}@db.test:5433/limits?sslmode=require")


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
    fields: dict[str, Any] = {"host": "db.test", "schema": "limits", "login": "me", "password": PASSWORD}
    connection = Connection(conn_id="shared", conn_type="mysql", extra=json.dumps(extra), **fields)
    found = under_test.url_of(connection).render_as_string(hide_password=False)
    assert make_url(found) == make_url(f"mysql+pymysql://me:{PASSWORD}@db.test/limits?{query}")


@pytest.mark.parametrize("ssl", ["[1]", "yes", ["/ca.pem"]])
def test_certificates_that_are_no_object_are_refused_rather_than_left_out(ssl: Any) -> None:
    connection = Connection(conn_id="shared", conn_type="mysql", host="db.test", extra=json.dumps({"ssl": ssl}))
    with pytest.raises(InvalidRequest, match="name no database"):
        under_test.url_of(connection)


def test_one_lookup_serves_a_process_for_minutes(find: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, f"postgres://me:{PASSWORD}@db.test/limits")
    found = find()
    monkeypatch.delenv("AIRFLOW_CONN_SHARED")
    assert find() is found


@pytest.mark.parametrize(
    ("uri", "reason"),
    [(None, "is not defined"), ("http://db.test", "one of type postgres, mysql, sqlite, not 'http'")],
)
def test_a_connection_that_is_of_no_use_leaves_each_process_to_itself_and_says_why(
    find: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, uri: str | None, reason: str
) -> None:
    monkeypatch.setenv("AIRFLOW__VIDEOAI__LEDGER_CONN_ID", "shared")
    if uri is not None:
        monkeypatch.setenv("AIRFLOW_CONN_SHARED", uri)
    with caplog.at_level(logging.WARNING):
        assert find() is None
        assert find() is None
    (warning,) = [each.getMessage() for each in caplog.records if "not shared" in each.getMessage()]
    assert reason in warning


def test_a_home_in_which_nothing_can_be_written_leaves_each_process_to_itself(
    find: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "videoai").write_text("a file in the folder's place")
    monkeypatch.setattr(under_test, "AIRFLOW_HOME", str(tmp_path))
    assert find() is None
    assert "cannot be made" in caplog.text


def test_a_database_without_an_installed_driver_is_said_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "find_spec", lambda _: None)
    with pytest.raises(InvalidRequest, match="the ledger needs the driver MySQLdb or pymysql installed"):
        under_test.url_of(Connection(conn_id="shared", conn_type="mysql", host="db.test"))


@pytest.mark.parametrize(
    ("field", "value"), [("extra_dejson", [1]), ("extra_dejson", None), ("login", 5), ("host", {}), ("port", "x")]
)
def test_a_connection_with_odd_fields_is_refused_and_fails_no_submit(
    find: Any, monkeypatch: pytest.MonkeyPatch, field: str, value: Any
) -> None:
    monkeypatch.setenv("AIRFLOW__VIDEOAI__LEDGER_CONN_ID", "shared")
    fields = {"host": "db.test", "schema": "limits", "port": 5432, "login": "me", "password": "x", "extra_dejson": {}}
    odd = SimpleNamespace(conn_id="shared", conn_type="postgres", **fields | {field: value})
    with pytest.raises(InvalidRequest, match="name no database"):
        under_test.url_of(odd)
    monkeypatch.setenv("AIRFLOW_CONN_SHARED", '{"conn_type": "postgres", "extra": "[1]"}')
    find()


def test_hooks_of_one_account_share_the_ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ONE", "OTHER"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", "cdnetworks://key:secret@ledger.test")
    one, other = (CDNetworksHook(conn_id).transport.rate_limit for conn_id in ("one", "other"))
    assert one is other
    assert one.reserve("videoClip", 0.0) is None, "the ledger is asked first"
    one.refill("videoClip")
    assert (tmp_path / "videoai" / "ledger.db").exists()
