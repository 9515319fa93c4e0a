# SPDX-License-Identifier: Apache-2.0
"""Lock an account for a transaction, read its backoff, and notice that the database's clock was set back."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from airflow_provider_videoai.jobs.ledger import leases, rate_windows
from airflow_provider_videoai.jobs.ledger.database import insert_unless_there, now
from airflow_provider_videoai.jobs.ledger.tables import ACCOUNTS

__all__ = ["Locked", "lock"]

log = logging.getLogger(__name__)

_LONGEST_BACKOFF = 3600.0
"""Seconds; one that lasts longer was written by a hand."""
_CLOCKS_APART = 5.0
"""Seconds; by less a clock is adjusted all the time, or differs between the servers of a cluster."""
_LONGEST_STEP = 10 * 366 * 86_400.0
"""Seconds; a time further ahead than that no clock ever showed."""


@dataclass(frozen=True, slots=True)
class Locked:
    """An account that is locked until the transaction ends.

    :param now: the database's time, epoch seconds.
    :param backoff: for how many seconds nothing is to be sent.
    """

    now: float
    backoff: float


def lock(connection: sa.Connection, account: str, backoff: float = 0.0) -> Locked:
    """Lock an account until the transaction ends.

    If the database's clock was set back, all times of the account are set back as well: otherwise its rate limit would
    stay full, and its backoff last, until the clock is again where it was.

    :param connection: amid a transaction.
    :param account: see :func:`~airflow_provider_videoai.jobs.ledger.account_key.account_key`.
    :param backoff: for how many seconds nothing is to be sent from now on; a longer one of another process stays.
    """
    mine = ACCOUNTS.c.account == account
    # As the database has them: SQLite keeps text in a column of numbers, on which SQLAlchemy's types would fail.
    columns = (sa.type_coerce(column, sa.types.NullType()) for column in (ACCOUNTS.c.backoff_until, ACCOUNTS.c.seen_at))
    query = sa.select(*columns).where(mine).with_for_update()
    row: Any = connection.execute(query).first()
    if row is None:
        insert_unless_there(connection, ACCOUNTS, {"account": account, "backoff_until": 0.0})
        row = connection.execute(query).first()
    until, seen_at = (_time(value) for value in row or (0.0, 0.0))
    at = now(connection)
    if _CLOCKS_APART < (step := seen_at - at) < _LONGEST_STEP:
        log.warning("The clock of the ledger's database was set back by %.0f seconds", step)
        until -= step
        leases.set_back(connection, account, step)
        rate_windows.set_back(connection, account, step)
    if until >= at + _LONGEST_BACKOFF:
        until = 0.0
    if backoff > 0:
        until = max(until, at + backoff)
    connection.execute(sa.update(ACCOUNTS).where(mine).values(backoff_until=until, seen_at=at))
    return Locked(at, max(0.0, until - at))


def _time(value: Any) -> float:
    """Read a time that anybody may have written; 0 for what is none."""
    try:
        seconds = float(value or 0.0)
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return seconds if math.isfinite(seconds) else 0.0
