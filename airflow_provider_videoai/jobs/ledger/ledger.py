# SPDX-License-Identifier: Apache-2.0
"""One ledger for all processes of a deployment: PostgreSQL, MySQL, or a SQLite file for those of one machine.

A call either succeeds within seconds, or raises :class:`LedgerError`: its caller then goes by what its own process
knows. Its times are the database's, so that clocks of machines need not agree. Its calls block: they
have no place in the thread of an event loop.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from airflow_provider_videoai.jobs.ledger import leases, migrations
from airflow_provider_videoai.jobs.ledger.lease import LeaseRequest
from airflow_provider_videoai.jobs.ledger.reserved import LedgerError, Reserved
from airflow_provider_videoai.jobs.ledger.tables import ACCOUNTS, RATE_WINDOWS
from airflow_provider_videoai.jobs.ledger.window import Place, grant

__all__ = ["Ledger"]

_SECONDS = 5
"""How long a connection, a lock or a statement may take: a submit waits for it."""
_SLOW = 1.0
"""Seconds; a failure that took longer is remembered, for a submit calls the ledger up to three times."""
_LEFT_ALONE = 15.0
"""Seconds for which a ledger that failed slowly is not called again by this process."""
_LONGEST_BACKOFF = 3600.0
"""Seconds; one that lasts longer was left behind by a clock that was set back, or by a hand."""


class Ledger:
    """The shared state of accounts. Good for any number of threads, and for processes that fork.

    :param url: the database, as SQLAlchemy writes it.
    """

    def __init__(self, url: str | sa.URL) -> None:
        self._url = make_url(url)
        self._dialect = self._url.get_backend_name()
        self._engine: sa.Engine | None = None
        self._migrated = False
        self._left_alone_until = float("-inf")

    def is_at(self, url: str | sa.URL) -> bool:
        """Return whether this is the ledger at a database, reached with the same credentials.

        :param url: the database.
        """
        return self._url == make_url(url)

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
        with self._transaction() as connection:
            backoff_until = self._lock(connection, account)
            now = self._now(connection)
            if not backoff_until < now + _LONGEST_BACKOFF:  # "not": a NaN is in no order
                backoff_until = 0.0
            if now + backoff > backoff_until and backoff > 0:
                backoff_until = now + backoff
                accounts = ACCOUNTS.c
                connection.execute(
                    sa.update(ACCOUNTS).where(accounts.account == account).values(backoff_until=backoff_until)
                )
            given: list[Place] = []
            if per_minute is not None:
                taken = self._places(connection, account, api)
                given, counting = grant(taken or (), holder=holder, wanted=wanted, per_minute=per_minute, now=now)
                self._keep(connection, account, api, counting, new=taken is None)
            return Reserved(
                tuple((place.start - now, place.end - now) for place in given), max(0.0, backoff_until - now)
            )

    def lease(self, account: str, kind: str, wanted: Sequence[LeaseRequest], *, limit: int) -> set[str]:
        """Lease room for jobs that are about to be submitted; who gets none keeps its place in the queue for a while.

        :param account: see :meth:`reserve`.
        :param kind: what the limit holds for.
        :param wanted: of the tasks that are about to submit.
        :param limit: how many jobs may be in flight.
        :returns: the names of those that may submit. A further request of the same task has the same answer.
        :raises LedgerError: see :meth:`reserve`.
        """
        with self._transaction() as connection:
            self._lock(connection, account)
            return leases.lease(connection, account, kind, wanted, limit=limit, now=self._now(connection))

    def submitted(self, account: str, kind: str, task: str, job: str) -> None:
        """Make the lease of a task that of the job which it submitted.

        :param account: see :meth:`reserve`.
        :param kind: what the limit holds for.
        :param task: the name of the task's lease.
        :param job: the name of the job's.
        :raises LedgerError: see :meth:`reserve`.
        """
        with self._transaction() as connection:
            self._lock(connection, account)
            leases.submitted(connection, account, kind, task, job, now=self._now(connection))

    def keep_leases(self, account: str, *, running: Collection[str] = (), ended: Collection[str] = ()) -> None:
        """Renew the leases of jobs that are waited for, and end others.

        :param account: see :meth:`reserve`.
        :param running: names of leases; those that are not there are passed over.
        :param ended: names of leases.
        :raises LedgerError: see :meth:`reserve`.
        """
        with self._transaction() as connection:
            self._lock(connection, account)
            leases.keep(connection, account, running=running, ended=ended, now=self._now(connection))

    # -- the database ------------------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        began = time.monotonic()
        if began < self._left_alone_until:
            raise LedgerError("the ledger's database did not answer some seconds ago")
        try:
            engine = self._opened()
            # Once per process, not per call: it takes locks of its own.
            if not self._migrated:
                migrations.migrate(engine)
                self._migrated = True
            with engine.begin() as connection:
                yield connection
        except migrations.NewerSchemaError as newer:
            raise LedgerError(str(newer)) from None
        except DBAPIError as failure:
            self._migrated = False  # somebody may have made another database of it
            if time.monotonic() - began > _SLOW:
                self._left_alone_until = time.monotonic() + _LEFT_ALONE
            # `from None` and the type alone: the driver's text may hold host, user or password.
            raise LedgerError(f"the ledger's database does not answer: {type(failure.orig).__name__}") from None
        except (SQLAlchemyError, OSError, ImportError, ValueError, TypeError) as failure:
            # The last two: of what somebody wrote into the tables, or of a driver.
            raise LedgerError(f"the ledger's database cannot be used: {type(failure).__name__}") from None

    def _opened(self) -> sa.Engine:
        if self._engine is None:
            # No pool: a call in half a minute needs no standing connection, and a forked one would be shared.
            engine = sa.create_engine(self._url, poolclass=NullPool, connect_args=self._limits())
            if self._dialect == "sqlite":
                event.listen(engine, "connect", _prepare_sqlite)
                event.listen(engine, "begin", _begin_immediate)
            self._engine = engine
        return self._engine

    def _limits(self) -> dict[str, Any]:
        milliseconds = _SECONDS * 1000
        match self._dialect:
            case "postgresql":
                options = f"-c lock_timeout={milliseconds} -c statement_timeout={milliseconds}"
                return {"connect_timeout": _SECONDS, "options": options}
            case "mysql":
                return {
                    "connect_timeout": _SECONDS,
                    "read_timeout": _SECONDS,
                    "write_timeout": _SECONDS,
                    "init_command": f"SET innodb_lock_wait_timeout={_SECONDS}",
                }
        return {"timeout": _SECONDS, "isolation_level": None}

    def _now(self, connection: sa.Connection) -> float:
        match self._dialect:
            case "postgresql":
                return float(connection.scalar(sa.text("SELECT extract(epoch FROM clock_timestamp())")) or 0)
            case "mysql":
                return float(connection.scalar(sa.text("SELECT unix_timestamp(now(6))")) or 0)
        return time.time()  # the file's machine is this one

    def _lock(self, connection: sa.Connection, account: str) -> float:
        """Lock the account until the transaction ends, and return until when it backs off."""
        query = sa.select(ACCOUNTS.c.backoff_until).where(ACCOUNTS.c.account == account).with_for_update()
        until = connection.scalar(query)
        if until is None:
            try:
                # A savepoint: on PostgreSQL a failed insert would spoil the whole transaction.
                with connection.begin_nested():
                    connection.execute(sa.insert(ACCOUNTS).values(account=account, backoff_until=0.0))
            except IntegrityError:
                pass  # another process was first; its row is locked below
            until = connection.scalar(query)
        try:
            return float(until or 0.0)
        except (ValueError, TypeError):  # others may have written anything
            return 0.0

    def _places(self, connection: sa.Connection, account: str, api: str) -> list[Place] | None:
        """Read the places that are taken, ``None`` if there never were any. Others may have written anything."""
        window = RATE_WINDOWS.c
        stored = connection.scalar(sa.select(window.places).where(window.account == account, window.api == api))
        if stored is None:
            return None
        try:
            return [Place(float(start), float(end), str(holder)) for start, end, holder in json.loads(stored)]
        except (ValueError, TypeError, RecursionError):
            return []

    def _keep(self, connection: sa.Connection, account: str, api: str, places: list[Place], *, new: bool) -> None:
        text = json.dumps([[round(place.start, 3), round(place.end, 3), place.holder] for place in places])
        if new:
            connection.execute(sa.insert(RATE_WINDOWS).values(account=account, api=api, places=text))
            return
        window = RATE_WINDOWS.c
        connection.execute(
            sa.update(RATE_WINDOWS).where(window.account == account, window.api == api).values(places=text)
        )


def _prepare_sqlite(connection: Any, _: Any) -> None:
    # Text that is not UTF-8 is read as text that no name is, instead of failing the call.
    connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    # Readers and a writer at a time, and no fsync for each reservation: after a power cut nobody holds a place.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def _begin_immediate(connection: sa.Connection) -> None:
    # The driver's own BEGIN takes the lock with the first write, and fails if another has written since the first read.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
