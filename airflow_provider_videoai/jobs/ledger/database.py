# SPDX-License-Identifier: Apache-2.0
"""The ledger's database: a transaction ends within seconds, or fails with :class:`LedgerError`.

What differs between PostgreSQL, MySQL and SQLite is here, but for the migrations. Nothing is sent when a connection
starts that a pool of connections in between refuses or keeps, such as PgBouncer's.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from airflow_provider_videoai.jobs.ledger import migrations
from airflow_provider_videoai.jobs.ledger.bounded_calls import BoundedCalls
from airflow_provider_videoai.jobs.ledger.reasons import reason_of
from airflow_provider_videoai.jobs.ledger.reserved import LedgerError

__all__ = ["Database", "insert_unless_there", "now"]

_T = TypeVar("_T")

_SECONDS = 5.0
"""How long a transaction may take in all, its connection included: a submit waits for it."""
_STEP_SECONDS = 4
"""How long the connection, a lock or a statement may take, so that the database's own reason comes first."""
_IDLE_SECONDS = 5
"""After how long the server ends a session that is frozen amid a transaction, and so its locks."""
_SLOW = 1.0
"""Seconds; a failure that took longer is remembered, for a submit calls the ledger up to three times."""
_LEFT_ALONE = 15.0
"""Seconds for which a ledger that failed slowly is not called again by this process."""
_MOST_LEFT = 8
"""Calls that may go on after nobody waits for them any more."""
_ATTEMPTS = 3
"""How often a transaction is tried that the database gave up for another one's sake."""
_CONFLICTS = frozenset({"40001", "40P01", 1213})
"""PostgreSQL's codes of a serialization failure and a deadlock, and MySQL's of either."""

_opened: ContextVar[list[socket.socket]] = ContextVar("opened")
"""The sockets of the connections that this transaction made."""


class Database:
    """A database that may be away. Good for any number of threads, and for processes that fork.

    :param url: as SQLAlchemy writes it.
    """

    def __init__(self, url: str | sa.URL) -> None:
        self.url = make_url(url)
        self._engine: sa.Engine | None = None
        self._migrated = False
        self._left_alone_until = float("-inf")
        self._calls = BoundedCalls("videoai-ledger", most=_MOST_LEFT)

    def transaction(self, work: Callable[[sa.Connection], _T]) -> _T:
        """Return what the work returns, once it is committed. It blocks for :data:`_SECONDS` at most.

        :param work: reads and writes; called once more if the database gave the transaction up for another one's sake.
        :raises LedgerError: if the database does not answer in time, or holds the tables of a newer version.
        """
        began = time.monotonic()
        if began < self._left_alone_until:
            raise LedgerError("the ledger's database did not answer some seconds ago")
        sockets = list[socket.socket]()
        try:
            # Before the clock starts: it imports the driver, which no database delays.
            engine = self._opened()
            began = time.monotonic()
            run = partial(self._run, engine, work, sockets)
            return self._calls.call(run, seconds=_SECONDS, give_up=partial(_hang_up, sockets))
        except migrations.SchemaError as other:
            raise LedgerError(str(other)) from None
        except (DBAPIError, TimeoutError) as failure:
            self._migrated = False  # somebody may have made another database of it
            if time.monotonic() - began > _SLOW:
                self._left_alone_until = time.monotonic() + _LEFT_ALONE
            # `from None`: the driver's text may hold host, user or password.
            raise LedgerError(f"the ledger's database {reason_of(failure)}") from None
        except Exception as failure:  # noqa: BLE001 - no submit and no wait ends for what is in the tables, or for a driver
            raise LedgerError(f"the ledger's database cannot be used: {type(failure).__name__}") from None

    def _run(self, engine: sa.Engine, work: Callable[[sa.Connection], _T], sockets: list[socket.socket]) -> _T:
        _opened.set(sockets)
        try:
            for _ in range(_ATTEMPTS - 1):
                try:
                    return self._attempt(engine, work)
                except DBAPIError as failure:
                    if not _is_conflict(failure):
                        raise
            return self._attempt(engine, work)
        finally:
            for each in sockets:
                each.close()

    def _attempt(self, engine: sa.Engine, work: Callable[[sa.Connection], _T]) -> _T:
        with engine.connect() as connection:
            # Once per process, not per call: it takes locks of its own.
            if not self._migrated:
                migrations.migrate(connection)
                self._migrated = True
            with connection.begin():
                return work(connection)

    def _opened(self) -> sa.Engine:
        if self._engine is None:
            dialect = self.url.get_backend_name()
            # No pool: a call in half a minute needs no standing connection, and a forked one would be shared.
            engine = sa.create_engine(self.url, poolclass=NullPool, **_OPTIONS[dialect])
            if dialect == "sqlite":
                event.listen(engine, "connect", _prepare_sqlite)
                event.listen(engine, "begin", _begin_immediate)
            elif dialect == "postgresql":
                event.listen(engine, "do_connect", _connect_postgresql)
                event.listen(engine, "begin", _limit_postgresql)
            self._engine = engine
        return self._engine


def now(connection: sa.Connection) -> float:
    """Return the database's time, epoch seconds.

    :param connection: amid a transaction.
    """
    match connection.dialect.name:
        case "postgresql":
            return float(connection.scalar(sa.text("SELECT extract(epoch FROM clock_timestamp())")) or 0)
        case "mysql":
            # Not unix_timestamp(now(6)): in a time zone with daylight saving it goes through an hour twice.
            passed = "SELECT timestampdiff(microsecond, '1970-01-01', utc_timestamp(6)) / 1000000"
            return float(connection.scalar(sa.text(passed)) or 0)
    return time.time()  # the file's machine is this one


def insert_unless_there(connection: sa.Connection, table: sa.Table, values: dict[str, Any]) -> None:
    """Insert a row, or wait for whoever inserts one with its key at the same time.

    :param connection: amid a transaction.
    :param table: with a primary key.
    :param values: of the row.
    """
    # Imported here: a process loads the dialect of its own ledger, and not those of all.
    statement: sa.Insert
    match connection.dialect.name:
        case "postgresql":
            from sqlalchemy.dialects import postgresql

            statement = postgresql.insert(table).values(values).on_conflict_do_nothing()
        case "mysql":
            from sqlalchemy.dialects import mysql

            # Not IGNORE: it shares the row's lock, and two that share it deadlock when each wants it alone.
            key = next(iter(table.primary_key)).name
            statement = mysql.insert(table).values(values).on_duplicate_key_update({key: values[key]})
        case _:
            from sqlalchemy.dialects import sqlite

            statement = sqlite.insert(table).values(values).on_conflict_do_nothing()
    connection.execute(statement)


_OPTIONS: dict[str, dict[str, Any]] = {
    "postgresql": {"isolation_level": "READ COMMITTED", "connect_args": {"connect_timeout": _STEP_SECONDS}},
    "mysql": {
        # MySQL's default locks gaps between rows, in which two that insert deadlock.
        "isolation_level": "READ COMMITTED",
        "connect_args": {
            "connect_timeout": _STEP_SECONDS,
            "read_timeout": _STEP_SECONDS + 1,
            "write_timeout": _STEP_SECONDS + 1,
            "init_command": f"SET innodb_lock_wait_timeout={_STEP_SECONDS}, lock_wait_timeout={_STEP_SECONDS}, "
            f"wait_timeout={_IDLE_SECONDS}",
        },
    },
    "sqlite": {"connect_args": {"timeout": _STEP_SECONDS, "isolation_level": None}},
}


def _connect_postgresql(dialect: sa.Dialect, _: Any, arguments: Any, keywords: dict[str, Any]) -> Any:
    if dialect.driver == "psycopg":
        # Statements that it prepares by itself stay behind on a server connection that a pool gives to others.
        keywords["prepare_threshold"] = None
    connection: Any = dialect.connect(*arguments, **keywords)
    # A duplicate, which is ours to close: the number of the driver's own may be another file's by then.
    _opened.get().append(socket.socket(fileno=os.dup(connection.fileno())))
    return connection


def _hang_up(sockets: list[socket.socket]) -> None:
    """End connections whose driver waits without a bound: libpq does, for a server that stopped amid a transaction."""
    for each in sockets:
        with suppress(OSError):  # it is closed already
            each.shutdown(socket.SHUT_RDWR)


def _limit_postgresql(connection: sa.Connection) -> None:
    # For the transaction, not in the connection's `options`: PgBouncer refuses these.
    limits = {
        "lock_timeout": _STEP_SECONDS,
        "statement_timeout": _STEP_SECONDS,
        "idle_in_transaction_session_timeout": _IDLE_SECONDS,
    }
    settings = ", ".join(f"set_config('{name}', '{seconds * 1000:.0f}', true)" for name, seconds in limits.items())
    connection.exec_driver_sql(f"SELECT {settings}")


def _prepare_sqlite(connection: Any, _: Any) -> None:
    # Text that is not UTF-8 is read as text that no name is, instead of failing the call.
    connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    # Readers and a writer at a time, and no fsync for each reservation: after a power cut nobody holds a place.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def _begin_immediate(connection: sa.Connection) -> None:
    # The driver's own BEGIN takes the lock with the first write, and fails if another has written since the first read.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _is_conflict(failure: DBAPIError) -> bool:
    error: Any = failure.orig
    code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or next(iter(error.args), None)
    return code in _CONFLICTS
