# SPDX-License-Identifier: Apache-2.0
"""Read and write an account's leases, within a transaction that holds the account's lock."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

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

__all__ = ["keep", "lease", "submitted"]

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
    # "not >": a NaN that somebody wrote is deleted, too.
    connection.execute(sa.delete(LEASES).where(mine, sa.not_(_COLUMNS.expires > now - _KEPT)))
    found = {each.name: each for each in _read(connection, mine)}
    requests = [LeaseRequest(each.name, _bounded(each.priority)) for each in wanted]
    granted = to_grant(found.values(), requests, limit=limit, now=now)
    for request in requests:
        values = {
            "granted": request.name in granted,
            "priority": request.priority,
            "expires": now + (SUBMIT_SECONDS if request.name in granted else CLAIM_SECONDS),
        }
        known = found.get(request.name)
        if known is None:
            key = {"account": account, "lease": request.name, "kind": kind}
            connection.execute(sa.insert(LEASES).values(**key, since=now, **values))
            continue
        if known.expires <= now:
            values["since"] = now  # it let its turn go by
        connection.execute(sa.update(LEASES).where(mine, _COLUMNS.lease == request.name).values(**values))
    return granted


def submitted(connection: sa.Connection, account: str, kind: str, task: str, job: str, *, now: float) -> None:
    """Put a job's lease in the place of its task's; see :meth:`.ledger.Ledger.submitted`."""
    # The job's as well: if it is there already, the insert would fail on its key.
    _delete(connection, account, [task, job])
    key = {"account": account, "lease": job, "kind": kind}
    connection.execute(
        sa.insert(LEASES).values(**key, granted=True, priority=0, since=now, expires=now + LEASE_SECONDS)
    )


def keep(
    connection: sa.Connection, account: str, *, running: Collection[str], ended: Collection[str], now: float
) -> None:
    """Renew leases, and end others; see :meth:`.ledger.Ledger.keep_leases`."""
    for names in _portions(running):
        chosen = sa.and_(_COLUMNS.account == account, _COLUMNS.lease.in_(names), _COLUMNS.granted)
        connection.execute(sa.update(LEASES).where(chosen).values(expires=now + LEASE_SECONDS))
    _delete(connection, account, ended)


def _read(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> Iterator[Lease]:
    chosen = (_COLUMNS.lease, _COLUMNS.granted, _COLUMNS.priority, _COLUMNS.since, _COLUMNS.expires)
    for name, granted, priority, since, expires in connection.execute(sa.select(*chosen).where(condition)):
        yield Lease(str(name), bool(granted), int(priority), float(since), float(expires))


def _delete(connection: sa.Connection, account: str, names: Collection[str]) -> None:
    for portion in _portions(names):
        connection.execute(sa.delete(LEASES).where(_COLUMNS.account == account, _COLUMNS.lease.in_(portion)))


def _portions(names: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(set(names))
    for start in range(0, len(ordered), _AT_A_TIME):
        yield ordered[start : start + _AT_A_TIME]


def _bounded(priority: int) -> int:
    return max(-_HIGHEST_PRIORITY, min(priority, _HIGHEST_PRIORITY))
