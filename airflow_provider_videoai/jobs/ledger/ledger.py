# SPDX-License-Identifier: Apache-2.0
"""One ledger for all processes of a deployment: PostgreSQL, MySQL, or a SQLite file for those of one machine.

A call either succeeds within seconds, or raises :class:`LedgerError`: its caller then goes by what its own process
knows. Its times are the database's, so that clocks of machines need not agree. Its calls block: they
have no place in the thread of an event loop.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from airflow_provider_videoai.jobs.ledger import leases
from airflow_provider_videoai.jobs.ledger.database import Database, insert_unless_there, now
from airflow_provider_videoai.jobs.ledger.lease import LeaseRequest
from airflow_provider_videoai.jobs.ledger.reserved import Reserved
from airflow_provider_videoai.jobs.ledger.tables import ACCOUNTS, RATE_WINDOWS
from airflow_provider_videoai.jobs.ledger.window import Place, grant

__all__ = ["Ledger"]

_LONGEST_BACKOFF = 3600.0
"""Seconds; one that lasts longer was left behind by a clock that was set back, or by a hand."""


class Ledger:
    """The shared state of accounts. Good for any number of threads, and for processes that fork.

    :param url: the database, as SQLAlchemy writes it.
    """

    def __init__(self, url: str | sa.URL) -> None:
        self._database = Database(url)

    def is_at(self, url: str | sa.URL) -> bool:
        """Return whether this is the ledger at a database, reached with the same credentials.

        :param url: the database.
        """
        return self._database.url == make_url(url)

    def reserve(
        self, account: str, api: str, *, holder: str, wanted: int, per_minute: float | None, backoff: float = 0.0
    ) -> Reserved:
        """Reserve places in the rate limit of an account's API.

        :param account: see :func:`~airflow_provider_videoai.jobs.ledger.account_key.account_key`.
        :param api: the vendor's name of the API, ``*`` if one limit holds for all.
        :param holder: this process.
        :param wanted: how many requests it is about to send within half a minute.
        :param per_minute: the limit; ``None`` reserves nothing, and only reads whether the account is to back off.
        :param backoff: for how many seconds nothing is to be sent, because the vendor throttled this process; a longer
            backoff of another one stays.
        :raises LedgerError: if the ledger cannot be reached, or is a newer version's.
        """

        def work(connection: sa.Connection) -> Reserved:
            backoff_until = _lock(connection, account)
            at = now(connection)
            if not backoff_until < at + _LONGEST_BACKOFF:  # "not": a NaN is in no order
                backoff_until = 0.0
            if at + backoff > backoff_until and backoff > 0:
                backoff_until = at + backoff
                mine = ACCOUNTS.c.account == account
                connection.execute(sa.update(ACCOUNTS).where(mine).values(backoff_until=backoff_until))
            given: list[Place] = []
            if per_minute is not None:
                taken = _places(connection, account, api)
                given, counting = grant(taken or (), holder=holder, wanted=wanted, per_minute=per_minute, now=at)
                _keep(connection, account, api, counting, new=taken is None)
            return Reserved(tuple((place.start - at, place.end - at) for place in given), max(0.0, backoff_until - at))

        return self._database.transaction(work)

    def lease(self, account: str, kind: str, wanted: Sequence[LeaseRequest], *, limit: int) -> set[str]:
        """Lease room for jobs that are about to be submitted; who gets none keeps its place in the queue for a while.

        :param account: see :meth:`reserve`.
        :param kind: what the limit holds for.
        :param wanted: of the tasks that are about to submit.
        :param limit: how many jobs may be in flight.
        :returns: the names of those that may submit. A further request of the same task has the same answer.
        :raises LedgerError: see :meth:`reserve`.
        """

        def work(connection: sa.Connection) -> set[str]:
            _lock(connection, account)
            return leases.lease(connection, account, kind, wanted, limit=limit, now=now(connection))

        return self._database.transaction(work)

    def submitted(self, account: str, kind: str, task: str, job: str) -> None:
        """Make the lease of a task that of the job which it submitted.

        :param account: see :meth:`reserve`.
        :param kind: what the limit holds for.
        :param task: the name of the task's lease.
        :param job: the name of the job's.
        :raises LedgerError: see :meth:`reserve`.
        """

        def work(connection: sa.Connection) -> None:
            _lock(connection, account)
            leases.submitted(connection, account, kind, task, job, now=now(connection))

        self._database.transaction(work)

    def keep_leases(self, account: str, *, running: Collection[str] = (), ended: Collection[str] = ()) -> None:
        """Renew the leases of jobs that are waited for, and end others.

        :param account: see :meth:`reserve`.
        :param running: names of leases; those that are not there are passed over.
        :param ended: names of leases.
        :raises LedgerError: see :meth:`reserve`.
        """

        def work(connection: sa.Connection) -> None:
            _lock(connection, account)
            leases.keep(connection, account, running=running, ended=ended, now=now(connection))

        self._database.transaction(work)


def _lock(connection: sa.Connection, account: str) -> float:
    """Lock the account until the transaction ends, and return until when it backs off."""
    query = sa.select(ACCOUNTS.c.backoff_until).where(ACCOUNTS.c.account == account).with_for_update()
    until = connection.scalar(query)
    if until is None:
        insert_unless_there(connection, ACCOUNTS, {"account": account, "backoff_until": 0.0})
        until = connection.scalar(query)
    try:
        return float(until or 0.0)
    except (ValueError, TypeError):  # others may have written anything
        return 0.0


def _places(connection: sa.Connection, account: str, api: str) -> list[Place] | None:
    """Read the places that are taken, ``None`` if there never were any. Others may have written anything."""
    window = RATE_WINDOWS.c
    stored = connection.scalar(sa.select(window.places).where(window.account == account, window.api == api))
    if stored is None:
        return None
    try:
        return [Place(float(start), float(end), str(holder)) for start, end, holder in json.loads(stored)]
    except (ValueError, TypeError, RecursionError):
        return []


def _keep(connection: sa.Connection, account: str, api: str, places: list[Place], *, new: bool) -> None:
    text = json.dumps([[round(place.start, 3), round(place.end, 3), place.holder] for place in places])
    if new:
        connection.execute(sa.insert(RATE_WINDOWS).values(account=account, api=api, places=text))
        return
    window = RATE_WINDOWS.c
    connection.execute(sa.update(RATE_WINDOWS).where(window.account == account, window.api == api).values(places=text))
