# SPDX-License-Identifier: Apache-2.0
"""Bring the ledger's tables to this version: each step is done once, in order, by whichever process comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, ProgrammingError

from airflow_provider_videoai.jobs.ledger.tables import ACCOUNTS, LEASES, METADATA, RATE_WINDOWS

__all__ = ["VERSION", "SchemaError", "migrate"]

# With a primary key: some clusters of MySQL refuse a table without one.
_VERSION = sa.Table(
    "videoai_ledger_version",
    sa.MetaData(),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
)
_LOCK_SECONDS = 4
"""How long to wait for another process that migrates."""


_AIRFLOWS = ("dag_run", "task_instance", "alembic_version")
"""Tables that together only Airflow's own database has."""


class SchemaError(Exception):
    """The database's tables are not this version's to read or to make."""


def _rate_windows(connection: sa.Connection) -> None:
    METADATA.create_all(connection, tables=[ACCOUNTS, RATE_WINDOWS])


def _leases(connection: sa.Connection) -> None:
    METADATA.create_all(connection, tables=[LEASES])


def _seen_at(connection: sa.Connection) -> None:
    # It is there if the first step was this version's, too.
    if ACCOUNTS.c.seen_at.name not in {column["name"] for column in sa.inspect(connection).get_columns(ACCOUNTS.name)}:
        connection.execute(sa.text(f"ALTER TABLE {ACCOUNTS.name} ADD COLUMN seen_at DOUBLE PRECISION"))


_STEPS: tuple[Callable[[sa.Connection], None], ...] = (_rate_windows, _leases, _seen_at)
"""A step is never changed once it was released. One that alters a table can be done again: MySQL keeps the first half
of one that was interrupted, and a step that creates a table creates it as it is now."""

VERSION = len(_STEPS)
"""The version of the tables: how many steps made them."""


def migrate(connection: sa.Connection) -> None:
    """Do the steps that are missing, in a transaction.

    :param connection: without a transaction.
    :raises SchemaError: if the tables are a newer version's, or Airflow's own.
    :raises TimeoutError: if another process migrates a MySQL for too long.
    """
    try:
        _migrate(connection)
    except (IntegrityError, ProgrammingError):
        # Two processes made the first table at once, and one of them failed; the other's is there now.
        _migrate(connection)


def _migrate(connection: sa.Connection) -> None:
    with connection.begin(), _alone(connection):
        known = sa.inspect(connection)
        if not known.has_table(_VERSION.name):
            # Not those that are visible in another schema: a schema of its own in Airflow's database is a good place.
            if all(known.has_table(name, schema=known.default_schema_name) for name in _AIRFLOWS):
                raise SchemaError("the database is Airflow's own: give the ledger a database, or a schema, of its own")
            _VERSION.create(connection)
        stored = connection.scalars(sa.select(_VERSION.c.version).with_for_update()).all()
        done = max(stored, default=0)
        if done > VERSION:
            raise SchemaError(
                f"the ledger's tables are of version {done}, and this package knows {VERSION}: a newer one was here"
            )
        for version, step in enumerate(_STEPS[max(0, done) :], start=max(0, done) + 1):
            step(connection)
            # After each step, for MySQL commits each. All rows: a person may have left several.
            connection.execute(sa.delete(_VERSION))
            connection.execute(sa.insert(_VERSION).values(version=version))
        METADATA.create_all(connection)  # one that a person dropped: what it held is forgotten, as in a new ledger


@contextmanager
def _alone(connection: sa.Connection) -> Iterator[None]:
    """Keep other processes from migrating: MySQL commits with each change of a table, and so frees the row's lock."""
    if connection.dialect.name != "mysql":
        yield
        return
    name = "concat('videoai-', md5(database()))"  # the server's locks are those of all its databases
    if not connection.scalar(sa.text(f"SELECT get_lock({name}, {_LOCK_SECONDS})")):
        raise TimeoutError("another process migrates the ledger")
    try:
        yield
    finally:
        connection.execute(sa.text(f"SELECT release_lock({name})"))
