# SPDX-License-Identifier: Apache-2.0
"""Databases that refuse: each is said by its cause, in time, without a secret, and is used again once it is mended."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from airflow_provider_videoai.jobs.ledger import database as under_test
from airflow_provider_videoai.jobs.ledger import migrations
from airflow_provider_videoai.jobs.ledger.ledger import Ledger
from airflow_provider_videoai.jobs.ledger.reasons import reason_of
from airflow_provider_videoai.jobs.ledger.reserved import LedgerError

PASSWORD = "s3cret-p%40ss"
BOUND = under_test._SECONDS


def reserve(ledger: Ledger) -> int:
    return len(ledger.reserve("a" * 64, "*", holder="me", wanted=1, per_minute=6).places)


def said_by(ledger: Ledger) -> str:
    with pytest.raises(LedgerError) as failed:
        reserve(ledger)
    assert failed.value.__suppress_context__, "a traceback would print the driver's text"
    return str(failed.value)


# -- a file ----------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(file: Path) -> Ledger:
    made = Ledger(f"sqlite:///{file}")
    assert reserve(made) == 1
    return made


def test_a_file_that_another_process_holds_is_waited_for_once_also_by_the_call_that_migrates(
    file: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reserve(ledger) == 1, "the tables are there"
    tries, step = list[int](), migrations._migrate

    def counted(connection: sa.Connection) -> None:
        tries.append(1)
        step(connection)

    monkeypatch.setitem(under_test._OPTIONS["sqlite"]["connect_args"], "timeout", 0.2)
    monkeypatch.setattr(migrations, "_migrate", counted)
    monkeypatch.setattr(under_test, "_LEFT_ALONE", 0.0)
    fresh = Ledger(f"sqlite:///{file}")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "does not answer: OperationalError SQLITE_BUSY" in said_by(fresh)
    assert tries == [1]
    assert reserve(fresh) == 1


def test_a_file_gives_its_own_reason_before_a_call_is_left() -> None:
    assert under_test._OPTIONS["sqlite"]["connect_args"]["timeout"] < BOUND


def test_a_file_system_that_hangs_holds_nobody_up(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite bounds its wait for a lock, and nothing else: a hard NFS mount waits for ever."""
    released = threading.Event()
    monkeypatch.setattr(under_test, "_SECONDS", 0.2)
    with monkeypatch.context() as hanging:
        hanging.setattr(migrations, "migrate", lambda _: released.wait(60))
        ledger._database._migrated = False  # type: ignore[union-attr]
        try:
            assert said_by(ledger) == "the ledger's database does not answer: TimeoutError"
        finally:
            released.set()


def test_a_file_that_may_not_be_written_says_so(file: Path, ledger: Ledger) -> None:
    assert ledger is not None
    read_only = Ledger(f"sqlite:///file:{file}?mode=ro&uri=true")
    assert "cannot be used: its login may not write there (OperationalError SQLITE_READONLY)" in said_by(read_only)


def test_a_full_disk_says_so_and_is_used_again_when_there_is_room(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(connection: sqlite3.Connection, _: object) -> None:
        prepare(connection, _)
        connection.execute("PRAGMA max_page_count = 1")

    prepare = under_test._prepare_sqlite
    with monkeypatch.context() as full:
        full.setattr(under_test, "_prepare_sqlite", fill)
        url = ledger._database.url  # type: ignore[union-attr]
        small = Ledger(url)

        def grow() -> None:
            for number in range(5000):
                small.reserve(f"{number:064}", "api" * 30, holder="me" * 40, wanted=1, per_minute=6)

        with pytest.raises(LedgerError, match=r"its disk is full \(OperationalError SQLITE_FULL\)"):
            grow()
    assert reserve(ledger) == 1


# -- a server --------------------------------------------------------------------------------------------------


@pytest.fixture
def admin(postgres: str) -> sa.Engine:
    return sa.create_engine(postgres, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")


def as_user(url: str, user: str, database: str | None = None) -> sa.URL:
    given = sa.make_url(url).set(username=user, password="wrong")
    return given if database is None else given.set(database=database)


def test_a_database_that_is_not_there_says_so_and_not_where(postgres: str) -> None:
    said = said_by(Ledger(sa.make_url(postgres).set(database="nowhere", password=PASSWORD)))
    assert said == "the ledger's database cannot be used: there is no such database (OperationalError)"


def test_a_login_that_the_server_does_not_know_says_so(postgres: str) -> None:
    said = said_by(Ledger(as_user(postgres, "stranger")))
    assert said == "the ledger's database cannot be used: it refuses the login (OperationalError)"


def test_a_schema_that_is_not_there_says_so_and_is_used_when_it_is(postgres: str, admin: sa.Engine) -> None:
    ledger = Ledger(sa.make_url(postgres).update_query_dict({"options": "-csearch_path=limits"}))
    assert "there is no such schema (InvalidSchemaName 3F000)" in said_by(ledger)
    with admin.connect() as connection:
        connection.execute(sa.text("CREATE SCHEMA limits"))
    try:
        assert reserve(ledger) == 1
    finally:
        with admin.connect() as connection:
            connection.execute(sa.text("DROP SCHEMA limits CASCADE"))


def test_a_schema_of_its_own_in_airflows_database_is_a_good_place(postgres: str, admin: sa.Engine) -> None:
    with admin.connect() as connection:
        for table in ("dag_run", "task_instance", "alembic_version"):
            connection.execute(sa.text(f"CREATE TABLE {table} (id INTEGER)"))
        connection.execute(sa.text("CREATE SCHEMA limits"))
    try:
        beside = sa.make_url(postgres).update_query_dict({"options": "-csearch_path=limits,public"})
        assert reserve(Ledger(beside)) == 1
        assert "Airflow's own" in said_by(Ledger(postgres))
    finally:
        with admin.connect() as connection:
            connection.execute(sa.text("DROP SCHEMA limits CASCADE"))
            connection.execute(sa.text("DROP TABLE dag_run, task_instance, alembic_version"))


def test_a_login_that_may_only_read_says_so(postgres: str, admin: sa.Engine) -> None:
    reserve(Ledger(postgres))
    with admin.connect() as connection:
        connection.execute(sa.text("CREATE ROLE reader LOGIN"))
        connection.execute(sa.text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"))
    try:
        said = said_by(Ledger(as_user(postgres, "reader")))
        assert "its login may not write there (InsufficientPrivilege 42501)" in said
    finally:
        with admin.connect() as connection:
            connection.execute(sa.text("DROP OWNED BY reader"))
            connection.execute(sa.text("DROP ROLE reader"))
            for table in sa.inspect(connection).get_table_names():
                connection.execute(sa.text(f"DROP TABLE {table}"))


# -- what is said ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            f'connection to server at "db.corp" failed: FATAL:  password authentication failed for user "{PASSWORD}"',
            "it refuses the login",
        ),
        (f"(1045, \"Access denied for user 'tls'@'10.0.0.9' (using password: {PASSWORD})\")", "it refuses the login"),
        (f"(1049, \"Unknown database '{PASSWORD}'\")", "there is no such database"),
        (f'could not translate host name "{PASSWORD}" to address', "its host name cannot be resolved"),
        (f"SSL error: certificate verify failed for {PASSWORD}", "its TLS and the connection's do not agree"),
        (f'could not extend file "base/{PASSWORD}": No space left on device', "its disk is full"),
    ],
)
def test_a_cause_is_said_in_words_of_our_own(text: str, words: str) -> None:
    said = reason_of(OperationalError("SELECT 1", {"password": PASSWORD}, RuntimeError(text)))
    assert said == f"cannot be used: {words} (RuntimeError)"


@pytest.mark.parametrize(
    "text",
    [
        "Can't connect to server on 'ssl-db.corp'",
        'connection to server at "database.corp" failed: Connection refused',
        'database "limits" is not currently accepting connections',
    ],
)
def test_a_host_or_a_state_is_taken_for_no_other_cause(text: str) -> None:
    assert reason_of(OperationalError("SELECT 1", {}, RuntimeError(text))) == "does not answer: RuntimeError"


@pytest.mark.parametrize("text", ["", f"server at {PASSWORD} closed the connection", "\ud800\x1b[31m"])
def test_of_an_unknown_cause_the_type_alone_is_said(text: str) -> None:
    assert reason_of(OperationalError("SELECT 1", {}, ConnectionError(text))) == "does not answer: ConnectionError"
    assert reason_of(TimeoutError(text)) == "does not answer: TimeoutError"


def test_the_number_of_a_mysql_error_is_said() -> None:
    failure = OperationalError("SELECT 1", {}, RuntimeError(2006, f"gone away from {PASSWORD}"))
    assert reason_of(failure) == "does not answer: RuntimeError 2006"
