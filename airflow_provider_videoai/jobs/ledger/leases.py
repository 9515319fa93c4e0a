# SPDX-License-Identifier: Apache-2.0
"""Read and write an account's leases, within a transaction that holds the account's lock."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from airflow_provider_videoai.jobs.ledger.lease import (
    CLAIM_SECONDS,
    LEASE_SECONDS,
    SUBMIT_SECONDS,
    Lease,
    LeaseRequest,
    to_grant,
)
from airflow_provider_videoai.jobs.ledger.tables import LEASES
from airflow_provider_videoai.jobs.values.printable import printable

__all__ = ["keep", "lease", "set_back", "submitted"]

log = logging.getLogger(__name__)

_KEPT = 86_400.0
"""Seconds for which an expired lease stays, in case that its job is waited for again: it then counts again."""
_AT_A_TIME = 500
"""Names in one statement: SQLite takes 999 parameters in some builds."""
_HIGHEST_PRIORITY = 2**31 - 1

_COLUMNS = LEASES.c


def lease(
    connection: sa.Connection, account: str, kind: str, wanted: Sequence[LeaseRequest], *, limit: int, now: float
) -> set[str]:
    """Grant what may be granted, and note who waits; see :meth:`.ledger.Ledger.lease`."""
    mine = sa.and_(_COLUMNS.account == account, _COLUMNS.kind == kind)
    connection.execute(sa.delete(LEASES).where(mine, _COLUMNS.expires <= now - _KEPT))
    # A task that submits another kind of job than before: one task has one lease.
    for names in _portions([each.name for each in wanted]):
        other = sa.and_(_COLUMNS.account == account, _COLUMNS.kind != kind, _COLUMNS.lease.in_(names))
        connection.execute(sa.delete(LEASES).where(other))
    found = _read(connection, account, kind)
    requests = [LeaseRequest(each.name, _bounded(each.priority)) for each in wanted]
    granted = to_grant(found.values(), requests, limit=limit, now=now)
    for request in requests:
        values: dict[str, Any] = {
            "granted": request.name in granted,
            "priority": request.priority,
            "expires": now + (SUBMIT_SECONDS if request.name in granted else CLAIM_SECONDS),
        }
        known = found.get(request.name)
        if known is None:
            _insert(connection, account, kind, Lease(name=request.name, since=now, **values))
            continue
        if known.expires <= now:
            values["since"] = now  # it let its place go by
        connection.execute(sa.update(LEASES).where(mine, _COLUMNS.lease == request.name).values(**values))
    return granted


def submitted(connection: sa.Connection, account: str, kind: str, task: str, job: str, *, now: float) -> None:
    """Put a job's lease in the place of its task's; see :meth:`.ledger.Ledger.submitted`."""
    # The job's as well: if it is there already, the insert would fail on its key.
    _delete(connection, account, [task, job])
    _insert(connection, account, kind, Lease(job, granted=True, priority=0, since=now, expires=now + LEASE_SECONDS))


def keep(
    connection: sa.Connection, account: str, *, running: Collection[str], ended: Collection[str], now: float
) -> None:
    """Renew leases, and end others; see :meth:`.ledger.Ledger.keep_leases`."""
    for names in _portions(running):
        chosen = sa.and_(_COLUMNS.account == account, _COLUMNS.lease.in_(names), _COLUMNS.granted)
        connection.execute(sa.update(LEASES).where(chosen).values(expires=now + LEASE_SECONDS))
    _delete(connection, account, ended)


def set_back(connection: sa.Connection, account: str, seconds: float) -> None:
    """Make all times of the account earlier, as the database's clock was set back.

    :param connection: amid a transaction that holds the account's lock.
    :param account: the account.
    :param seconds: by how much.
    """
    times = {name: _COLUMNS[name] - seconds for name in ("since", "expires")}
    connection.execute(sa.update(LEASES).where(_COLUMNS.account == account).values(**times))


def _read(connection: sa.Connection, account: str, kind: str) -> dict[str, Lease]:
    """Read leases by name, and delete those that somebody made unreadable: they would fail everybody's call."""
    # As the database has them: SQLite keeps text in a column of numbers, on which SQLAlchemy's types would fail.
    columns = (_COLUMNS.lease, _COLUMNS.granted, _COLUMNS.priority, _COLUMNS.since, _COLUMNS.expires)
    mine = sa.and_(_COLUMNS.account == account, _COLUMNS.kind == kind)
    chosen = sa.select(*(sa.type_coerce(column, sa.types.NullType()) for column in columns)).where(mine)
    found, odd = dict[str, Lease](), list[object]()
    row: Any
    for row in connection.execute(chosen):
        name, granted, priority, since, expires = row
        try:
            found[_name(name)] = Lease(name, _flag(granted), _bounded(int(priority)), _time(since), _time(expires))
        except (ValueError, TypeError, OverflowError):
            odd.append(name)
    if odd:
        # All of them, and the readable ones are written again: a name that is no text is matched by no parameter.
        connection.execute(sa.delete(LEASES).where(mine))
        for each in found.values():
            _insert(connection, account, kind, each)
        first = printable(str(odd[0]))
        log.warning("The ledger had %d leases that cannot be read, and are deleted: %s", len(odd), first)
    return found


def _name(value: object) -> str:
    if isinstance(value, str) and value.isascii():
        return value
    raise ValueError("not a lease's name")


def _flag(value: object) -> bool:
    if value in (0, 1):  # SQLite and MySQL have no other booleans
        return bool(value)
    raise ValueError("not a boolean")


def _time(value: Any) -> float:
    seconds = float(value)
    if not math.isfinite(seconds):
        raise ValueError("not a time")
    return seconds


def _insert(connection: sa.Connection, account: str, kind: str, new: Lease) -> None:
    values = asdict(new)
    connection.execute(sa.insert(LEASES).values(account=account, kind=kind, lease=values.pop("name"), **values))


def _delete(connection: sa.Connection, account: str, names: Collection[str]) -> None:
    for portion in _portions(names):
        connection.execute(sa.delete(LEASES).where(_COLUMNS.account == account, _COLUMNS.lease.in_(portion)))


def _portions(names: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(set(names))
    for start in range(0, len(ordered), _AT_A_TIME):
        yield ordered[start : start + _AT_A_TIME]


def _bounded(priority: int) -> int:
    return max(-_HIGHEST_PRIORITY, min(priority, _HIGHEST_PRIORITY))
