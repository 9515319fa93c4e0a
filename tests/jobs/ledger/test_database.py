# SPDX-License-Identifier: Apache-2.0
"""Each kind of database: its time, its limits, its conflicts; and one that stops amid a transaction."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

import psutil
import pytest
import sqlalchemy as sa

from airflow_provider_videoai.jobs.ledger import database as under_test
from airflow_provider_videoai.jobs.ledger import migrations
from airflow_provider_videoai.jobs.ledger.database import Database, insert_unless_there, now
from airflow_provider_videoai.jobs.ledger.reserved import LedgerError
from airflow_provider_videoai.jobs.ledger.tables import ACCOUNTS, METADATA

SERVERS = ["postgres", "pgbouncer", "mariadb"]
on = pytest.mark.parametrize


def add(name: str) -> Callable[[sa.Connection], None]:
    return lambda connection: insert_unless_there(connection, ACCOUNTS, {"account": name, "backoff_until": 0.0})


def names(connection: sa.Connection) -> list[str]:
    return sorted(connection.scalars(sa.select(ACCOUNTS.c.account)))


def lock(name: str) -> sa.Update:
    return sa.update(ACCOUNTS).where(ACCOUNTS.c.account == name).values(backoff_until=ACCOUNTS.c.backoff_until + 1)


def test_the_time_is_utc_whatever_the_servers_time_zone(url: str) -> None:
    assert Database(url).transaction(now) == pytest.approx(time.time(), abs=30)


def test_the_time_goes_on_within_a_transaction_in_fractions_of_a_second(url: str) -> None:
    def work(connection: sa.Connection) -> list[float]:
        return [now(connection) for _ in range(50)]

    times = Database(url).transaction(work)
    assert times == sorted(times)
    assert len({each % 1 for each in times}) > 1


def test_a_row_that_is_there_stays(url: str) -> None:
    database = Database(url)
    database.transaction(add("a"))
    database.transaction(lambda connection: connection.execute(lock("a")))
    database.transaction(add("a"))
    assert database.transaction(lambda connection: connection.scalar(sa.select(ACCOUNTS.c.backoff_until))) == 1


# -- limits ----------------------------------------------------------------------------------------------------

LIMITS: dict[str, dict[str, Any]] = {
    "postgres": {
        "SHOW lock_timeout": "4s",
        "SHOW statement_timeout": "4s",
        "SHOW idle_in_transaction_session_timeout": "5s",
        "SHOW transaction_isolation": "read committed",
    },
    "mariadb": {
        "SELECT @@innodb_lock_wait_timeout": 4,
        "SELECT @@lock_wait_timeout": 4,
        "SELECT @@wait_timeout": 5,
        "SELECT @@tx_isolation": "READ-COMMITTED",
    },
}
LIMITS["pgbouncer"] = LIMITS["postgres"]


@on("url", SERVERS, indirect=True)
def test_a_transaction_has_limits_of_its_own(url: str, request: pytest.FixtureRequest) -> None:
    limits = LIMITS[request.node.callspec.params["url"]]

    def work(connection: sa.Connection) -> dict[str, Any]:
        return {each: connection.scalar(sa.text(each)) for each in limits}

    assert Database(url).transaction(work) == limits


@on("url", ["pgbouncer"], indirect=True)
def test_who_shares_a_pool_of_connections_keeps_its_own_limits(url: str) -> None:
    Database(url).transaction(names)
    with sa.create_engine(url, poolclass=sa.NullPool).connect() as other:
        assert other.scalar(sa.text("SHOW statement_timeout")) == "0"


# Not installed with the others: Airflow would use it for its own database.
@on("url", ["pgbouncer"], indirect=True)
@pytest.mark.skipif(find_spec("psycopg") is None, reason="psycopg is not installed")
def test_no_prepared_statement_stays_behind_in_a_pool_of_connections(url: str) -> None:
    database = Database(url.replace("psycopg2", "psycopg"))

    def work(connection: sa.Connection) -> int | None:
        for number in range(10):  # from the fifth on psycopg would prepare it
            connection.execute(sa.select(ACCOUNTS).where(ACCOUNTS.c.account == str(number)))
        return connection.scalar(sa.text("SELECT count(*) FROM pg_prepared_statements"))

    assert [database.transaction(work) for _ in range(8)] == [0] * 8


@on("url", ["postgres", "pgbouncer"], indirect=True)
def test_a_process_that_stops_amid_a_transaction_holds_its_locks_for_seconds_only(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped, database = threading.Event(), Database(url)
    database.transaction(add("a"))
    monkeypatch.setattr(under_test, "_SECONDS", 0.3)
    monkeypatch.setattr(under_test, "_IDLE_SECONDS", 0.3)

    def stop(connection: sa.Connection) -> None:
        connection.execute(lock("a"))
        stopped.wait(30)

    # Nothing hangs up, as if the process were frozen.
    monkeypatch.setattr(under_test, "_hang_up", lambda _: None)
    try:
        with pytest.raises(LedgerError, match="TimeoutError"):
            database.transaction(stop)
        monkeypatch.setattr(under_test, "_SECONDS", 60.0)
        Database(url).transaction(lambda connection: connection.execute(lock("a")))
    finally:
        stopped.set()


# -- other transactions ----------------------------------------------------------------------------------------


@on("url", SERVERS, indirect=True)
def test_a_transaction_that_was_given_up_for_another_one_is_tried_again(url: str) -> None:
    """Each of two has what the other one wants: the database gives one of them up."""
    tries, both = list[str](), threading.Barrier(2)
    for name in "ab":
        Database(url).transaction(add(name))

    def take(first: str, second: str) -> None:
        def work(connection: sa.Connection) -> None:
            again = first in tries
            tries.append(first)
            connection.execute(lock(first))
            if not again:
                both.wait(30)
            connection.execute(lock(second))

        Database(url).transaction(work)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(take, "ab", "ba"))
    assert len(tries) == 3
    found = Database(url).transaction(lambda connection: connection.scalars(sa.select(ACCOUNTS.c.backoff_until)).all())
    assert found == [2, 2]


def test_another_failure_is_not_tried_again(url: str) -> None:
    tries = list[int]()

    def work(connection: sa.Connection) -> None:
        tries.append(1)
        connection.execute(sa.text("SELECT nonsense FROM nowhere"))

    with pytest.raises(LedgerError):
        Database(url).transaction(work)
    assert tries == [1]


# -- migrations ------------------------------------------------------------------------------------------------


def test_a_migration_that_was_interrupted_goes_on_where_it_was(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = migrations._STEPS

    def fail(connection: sa.Connection) -> None:
        steps[1](connection)
        raise ValueError("interrupted")

    with monkeypatch.context() as patch:
        patch.setattr(migrations, "_STEPS", (steps[0], fail))
        with pytest.raises(LedgerError):
            Database(url).transaction(names)
    database = Database(url)
    database.transaction(add("a"))
    assert database.transaction(names) == ["a"]
    versions = database.transaction(lambda connection: connection.scalars(sa.select(migrations._VERSION)).all())
    assert versions == [migrations.VERSION]


def test_a_table_that_a_person_dropped_is_made_again(url: str) -> None:
    database = Database(url)
    database.transaction(add("a"))
    database.transaction(METADATA.drop_all)
    with pytest.raises(LedgerError):
        database.transaction(add("b"))
    for after in (database, Database(url)):
        after.transaction(add("b"))
        assert after.transaction(names) == ["b"]


def test_processes_that_migrate_at_once_note_one_version(url: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: Database(url).transaction(add(str(number))), range(6)))
    database = Database(url)
    assert len(database.transaction(names)) == 6
    versions = database.transaction(lambda connection: connection.scalars(sa.select(migrations._VERSION)).all())
    assert versions == [migrations.VERSION]


# -- a server that stops ---------------------------------------------------------------------------------------


def ledger_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "videoai-ledger"]


@on("url", ["postgres", "pgbouncer"], indirect=True)
@on("driver", [each for each in ("psycopg2", "psycopg") if find_spec(each)])
def test_a_server_that_stops_amid_a_transaction_is_left_and_its_connection_ended(
    url: str, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libpq itself would wait until the server goes on."""
    database = Database(url.replace("psycopg2", driver))
    database.transaction(add("a"))
    stopped = list[psutil.Process]()

    def stop(connection: sa.Connection) -> None:
        stopped.append(psutil.Process(connection.scalar(sa.text("SELECT pg_backend_pid()"))))
        stopped[0].send_signal(signal.SIGSTOP)
        connection.execute(lock("a"))

    monkeypatch.setattr(under_test, "_SECONDS", 0.3)
    monkeypatch.setattr(under_test, "_SLOW", 0.2)
    try:
        with pytest.raises(LedgerError, match="does not answer: TimeoutError"):
            database.transaction(stop)
        with pytest.raises(LedgerError, match="some seconds ago"):
            database.transaction(names)
        for thread in ledger_threads():
            thread.join(30)
        assert ledger_threads() == []
    finally:
        stopped[0].send_signal(signal.SIGCONT)


@on("url", ["mariadb"], indirect=True)
def test_a_mysql_that_does_not_answer_is_left_in_time(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(url)
    database.transaction(names)
    monkeypatch.setattr(under_test, "_SECONDS", 0.3)
    with pytest.raises(LedgerError, match="does not answer: TimeoutError"):
        database.transaction(lambda connection: connection.execute(sa.text("SELECT sleep(2)")))
