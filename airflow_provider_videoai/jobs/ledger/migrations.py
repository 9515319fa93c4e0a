# SPDX-License-Identifier: Apache-2.0
"""Bring the ledger's tables to this version: each step is done once, in order, by whichever process comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from airflow_provider_videoai.jobs.ledger.tables import ACCOUNTS, LEASES, METADATA, RATE_WINDOWS

__all__ = ["VERSION", "NewerSchemaError", "migrate"]

# With a primary key: some clusters of MySQL refuse a table without one.
_VERSION = sa.Table(
    "videoai_ledger_version",
    sa.MetaData(),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
)
_LOCK_SECONDS = 4
"""How long to wait for another process that migrates."""


class NewerSchemaError(Exception):
    """A newer version of this package made the tables, and this one does not know what they mean."""


def _rate_windows(connection: sa.Connection) -> None:
    METADATA.create_all(connection, tables=[ACCOUNTS, RATE_WINDOWS])


def _leases(connection: sa.Connection) -> None:
    METADATA.create_all(connection, tables=[LEASES])


_STEPS: tuple[Callable[[sa.Connection], None], ...] = (_rate_windows, _leases)
"""A step is never changed once it was released. One that alters a table uses Alembic's ``Operations``, and
can be done again: MySQL keeps the first half of one that was interrupted."""

VERSION = len(_STEPS)
"""The version of the tables: how many steps made them."""


def migrate(connection: sa.Connection) -> None:
    """Do the steps that are missing, in a transaction.

    :param connection: without a transaction.
    :raises NewerSchemaError: if the tables are a newer version's.
    :raises TimeoutError: if another process migrates a MySQL for too long.
    """
    try:
        _migrate(connection)
    except DBAPIError:
        # Two processes made the first table at once, and one of them failed; the other's is there now.
        _migrate(connection)


def _migrate(connection: sa.Connection) -> None:
    with connection.begin(), _alone(connection):
        _VERSION.create(connection, checkfirst=True)
        done = connection.scalar(sa.select(_VERSION.c.version).with_for_update()) or 0
        if done > VERSION:
            raise NewerSchemaError(f"its tables are of version {done}, and this package knows {VERSION}")
        for version, step in enumerate(_STEPS[done:], start=done + 1):
            step(connection)
            # After each step, for MySQL commits each.
            write = sa.insert(_VERSION) if version == 1 else sa.update(_VERSION)
            connection.execute(write.values(version=version))


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
