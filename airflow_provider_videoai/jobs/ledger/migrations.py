# SPDX-License-Identifier: Apache-2.0
"""Bring the ledger's tables to this version: each step is done once, in order, by whichever process comes first."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from airflow_provider_videoai.jobs.ledger.tables import ACCOUNTS, LEASES, METADATA, RATE_WINDOWS

__all__ = ["VERSION", "NewerSchemaError", "migrate"]

_VERSION = sa.Table("videoai_ledger_version", sa.MetaData(), sa.Column("version", sa.Integer, nullable=False))


class NewerSchemaError(Exception):
    """A newer version of this package made the tables, and this one does not know what they mean."""


def _rate_windows(connection: sa.Connection) -> None:
    METADATA.create_all(connection, tables=[ACCOUNTS, RATE_WINDOWS])


def _leases(connection: sa.Connection) -> None:
    METADATA.create_all(connection, tables=[LEASES])


_STEPS: tuple[Callable[[sa.Connection], None], ...] = (_rate_windows, _leases)
"""A step is never changed once it was released. One that alters a table uses Alembic's ``Operations``."""

VERSION = len(_STEPS)
"""The version of the tables: how many steps made them."""


def migrate(engine: sa.Engine) -> None:
    """Do the steps that are missing.

    :raises NewerSchemaError: if the tables are a newer version's.
    """
    try:
        _migrate(engine)
    except DBAPIError:
        # Two processes made the first table at once, and one of them failed; the other's is there now.
        _migrate(engine)


def _migrate(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        _VERSION.create(connection, checkfirst=True)
        done = connection.scalar(sa.select(_VERSION.c.version).with_for_update()) or 0
        if done > VERSION:
            raise NewerSchemaError(f"its tables are of version {done}, and this package knows {VERSION}")
        for step in _STEPS[done:]:
            step(connection)
        if not done:
            connection.execute(sa.insert(_VERSION).values(version=VERSION))
        elif done < VERSION:
            connection.execute(sa.update(_VERSION).values(version=VERSION))
