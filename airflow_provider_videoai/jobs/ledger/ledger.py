# SPDX-License-Identifier: Apache-2.0
"""One ledger for all processes of a deployment: PostgreSQL, MySQL, or a SQLite file for those of one machine.

A call either succeeds within seconds, or raises :class:`LedgerError`: its caller then goes by what its own process
knows. Its times are the database's, so that clocks of machines need not agree. Its calls block: they
have no place in the thread of an event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from airflow_provider_videoai.jobs.ledger import leases, rate_windows
from airflow_provider_videoai.jobs.ledger.account_lock import lock
from airflow_provider_videoai.jobs.ledger.database import Database
from airflow_provider_videoai.jobs.ledger.lease import LeaseRequest
from airflow_provider_videoai.jobs.ledger.reserved import LedgerError, Reserved
from airflow_provider_videoai.jobs.ledger.window import Place, grant

__all__ = ["Ledger"]

_T = TypeVar("_T")


class Ledger:
    """The shared state of accounts. Good for any number of threads, and for processes that fork.

    :param url: the database, as SQLAlchemy writes it; ``None`` if it is not known yet: then each call fails.
    """

    def __init__(self, url: str | sa.URL | None = None) -> None:
        self._database = None if url is None else Database(url)
        self.unknown = "the ledger's database is not known"
        """Why each call fails while there is no database."""

    def is_at(self, url: str | sa.URL) -> bool:
        """Return whether this is the ledger at a database, reached with the same credentials.

        :param url: the database.
        """
        return self._database is not None and self._database.url == make_url(url)

    def move_to(self, url: str | sa.URL) -> None:
        """Use another database, or other credentials, from the next call on.

        Rate limits, pollers and tasks that wait hold on to this object for as long as they live.

        :param url: the database.
        """
        if not self.is_at(url):
            self._database = Database(url)

    def _transaction(self, work: Callable[[sa.Connection], _T]) -> _T:
        database = self._database
        if database is None:
            raise LedgerError(self.unknown)
        return database.transaction(work)

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
            locked = lock(connection, account, backoff)
            at = locked.now
            given: list[Place] = []
            if per_minute is not None:
                taken = rate_windows.read(connection, account, api)
                given, counting = grant(taken or (), holder=holder, wanted=wanted, per_minute=per_minute, now=at)
                rate_windows.keep(connection, account, api, counting, new=taken is None)
            return Reserved(tuple((place.start - at, place.end - at) for place in given), locked.backoff)

        return self._transaction(work)

    def lease(self, account: str, kind: str, wanted: Sequence[LeaseRequest], *, limit: int) -> set[str]:
        """Lease capacity to jobs about to be submitted; who gets none keeps its place in the queue for a while.

        :param account: see :meth:`reserve`.
        :param kind: what the limit holds for.
        :param wanted: of the tasks that are about to submit.
        :param limit: how many jobs may be in flight.
        :returns: the names of those that may submit. A further request of the same task has the same answer.
        :raises LedgerError: see :meth:`reserve`.
        """

        def work(connection: sa.Connection) -> set[str]:
            at = lock(connection, account).now
            return leases.lease(connection, account, kind, wanted, limit=limit, now=at)

        return self._transaction(work)

    def submitted(self, account: str, kind: str, task: str, job: str) -> None:
        """Make the lease of a task that of the job which it submitted.

        :param account: see :meth:`reserve`.
        :param kind: what the limit holds for.
        :param task: the name of the task's lease.
        :param job: the name of the job's.
        :raises LedgerError: see :meth:`reserve`.
        """

        def work(connection: sa.Connection) -> None:
            leases.submitted(connection, account, kind, task, job, now=lock(connection, account).now)

        self._transaction(work)

    def keep_leases(self, account: str, *, running: Collection[str] = (), ended: Collection[str] = ()) -> None:
        """Renew the leases of jobs that are waited for, and end others.

        :param account: see :meth:`reserve`.
        :param running: names of leases; those that are not there are passed over.
        :param ended: names of leases.
        :raises LedgerError: see :meth:`reserve`.
        """

        def work(connection: sa.Connection) -> None:
            leases.keep(connection, account, running=running, ended=ended, now=lock(connection, account).now)

        self._transaction(work)
