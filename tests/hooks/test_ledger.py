# SPDX-License-Identifier: Apache-2.0
"""Where a deployment's ledger is: a connection's database, else a file; without either, each process by itself."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.hooks import ledger as under_test
from airflow_provider_videoai.hooks.cdnetworks import CDNetworksHook
from airflow_provider_videoai.jobs.http import rate_limit
from airflow_provider_videoai.jobs.ledger.ledger import Ledger
from airflow_provider_videoai.jobs.ledger.reserved import LedgerError, Reserved

PASSWORD = "s3cret-of-the-ledger"


class Clock:
    """Monotonic seconds by which a lookup grows old."""

    def __init__(self) -> None:
        self.now = time.monotonic()

    def monotonic(self) -> float:
        return self.now


def reserve(ledger: Ledger) -> Reserved:
    return ledger.reserve("a" * 64, "*", holder="me", wanted=1, per_minute=6)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(under_test, "time", made)
    return made


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing was looked up yet, and AIRFLOW_HOME is empty."""
    monkeypatch.setattr(under_test, "_found", None)
    monkeypatch.setattr(under_test, "AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setattr(rate_limit.RateLimit, "_known", {})
    rate_limit._warn_once.cache_clear()


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
    with pytest.raises(LedgerError, match=reason):
        reserve(find())
    monkeypatch.setenv("AIRFLOW_CONN_PRESENTER", "cdnetworks://key:secret@ledger.test")
    limits = [CDNetworksHook("presenter").transport.rate_limit for _ in range(2)]
    with caplog.at_level(logging.WARNING):
        for limit in limits:
            limit.refill("videoClip")
            assert limit.reserve("videoClip", time.monotonic()) is not None, "its own process's limit"
    (warning,) = [each.getMessage() for each in caplog.records if "not shared" in each.getMessage()]
    assert reason in warning


def test_a_home_in_which_nothing_can_be_written_leaves_each_process_to_itself(find: Any, tmp_path: Path) -> None:
    (tmp_path / "videoai").write_text("a file in the folder's place")
    with pytest.raises(LedgerError, match="cannot be made"):
        reserve(find())


def test_a_ledger_whose_login_was_rotated_stays_the_same_object_for_those_that_hold_it(
    find: Any, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    """A poller keeps its ledger for as long as any task of the account waits: for ever, in a busy triggerer."""
    named(monkeypatch, f"postgres://me:{PASSWORD}@db.test/limits")
    held = find()
    monkeypatch.setenv("AIRFLOW_CONN_SHARED", "postgres://me:rotated@db.test/limits")
    assert find() is held
    assert held.is_at(f"postgresql+psycopg2://me:{PASSWORD}@db.test/limits"), "looked up seconds ago"
    clock.now += under_test._FRESH
    assert find() is held
    assert held.is_at("postgresql+psycopg2://me:rotated@db.test/limits")


def test_a_connection_that_could_not_be_read_at_first_is_found_by_those_that_wait(
    find: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clock: Clock
) -> None:
    monkeypatch.setenv("AIRFLOW__VIDEOAI__LEDGER_CONN_ID", "shared")
    held = find()
    with pytest.raises(LedgerError, match="is not defined"):
        reserve(held)
    monkeypatch.setenv("AIRFLOW_CONN_SHARED", json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "other.db")}))
    clock.now += under_test._RETRY
    assert find() is held
    reserve(held)


def test_a_secrets_backend_that_is_away_later_takes_no_ledger_away(
    find: Any, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    named(monkeypatch, f"postgres://me:{PASSWORD}@db.test/limits")
    held = find()
    monkeypatch.delenv("AIRFLOW_CONN_SHARED")
    clock.now += under_test._FRESH
    assert find() is held
    assert held.is_at(f"postgresql+psycopg2://me:{PASSWORD}@db.test/limits")


def test_hooks_of_one_account_share_the_ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ONE", "OTHER"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", "cdnetworks://key:secret@ledger.test")
    one, other = (CDNetworksHook(conn_id).transport.rate_limit for conn_id in ("one", "other"))
    assert one is other
    assert one.reserve("videoClip", 0.0) is None, "the ledger comes first"
    one.refill("videoClip")
    assert (tmp_path / "videoai" / "ledger.db").exists()
