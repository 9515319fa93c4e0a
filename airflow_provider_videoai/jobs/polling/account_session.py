# SPDX-License-Identifier: Apache-2.0
"""What tasks that wait for jobs of one account share in one event loop, and how long each part of it lives.

====================  ==========================================  ================================================
part                  shared by                                   lives
====================  ==========================================  ================================================
rate limit            all threads and event loops of the process  as long as the process; holds no secret
connection lookup     the tasks of an event loop that start       30 s, see :data:`FRESH`
                      within 30 s
account, transport    the tasks that found it                     until the last of them is gone
connection pool       the tasks that wait                         from the first of them to the last
poller                the tasks that wait                         from the first of them to the last
queue for leases      the tasks that wait for a lease             until the last of them is gone
====================  ==========================================  ================================================
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from airflow_provider_videoai.jobs.http.connections import Pool, open_pool
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.in_flight.lease_queue import LeaseQueue
from airflow_provider_videoai.jobs.polling.poller import Poller
from airflow_provider_videoai.jobs.protocol.account import Account

__all__ = ["FRESH", "AccountSession", "session_of"]

FRESH = 30.0
"""Seconds for which one lookup of a connection serves all tasks that start meanwhile."""

LookUp = Callable[[], Awaitable[Transport]]
"""Reads a connection and returns the transport of its account."""


class AccountSession:
    """One account, with one set of credentials: enter it to poll its jobs. See the table above.

    It can be entered any number of times, also again after it was closed.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        """Sends on connections of its own; :attr:`Poller.transport` uses the pool."""
        self.lease_queue = LeaseQueue()
        """Of the tasks that wait until the account may have another job in flight."""
        self._users = 0
        self._poller: Poller | None = None
        self._pool: Pool | None = None

    @property
    def account(self) -> Account:
        """The connection's values, as they were looked up."""
        return self.transport.vendor.account

    async def __aenter__(self) -> Poller:
        if self._poller is None:
            self._pool = open_pool(self.account)
            self._poller = Poller(self.transport.over(self._pool))
        self._users += 1
        return self._poller

    async def __aexit__(self, *_: object) -> None:
        self._users -= 1
        if self._users:
            return
        # Taken away before anything is awaited: a task that comes meanwhile opens a pool and a poller of its own.
        poller, pool = self._poller, self._pool
        self._poller = self._pool = None
        try:
            if poller is not None:
                await poller.close()
        finally:
            if pool is not None:
                await pool.aclose()


@dataclass(slots=True)
class _Lookup:
    """A connection's session as it was looked up last, and whether that is recent enough for a task that starts."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    fresh: AccountSession | None = None
    refusal_checked: bool = False
    number: int = 0
    latest: weakref.ref[AccountSession] | None = None
    """The tasks that wait keep it alive; beyond that nobody keeps credentials that may have been rotated."""

    def serving(self, refused: AccountSession | None) -> AccountSession | None:
        """Return :attr:`fresh` if a task may take it: not if its credentials were refused since the lookup."""
        return self.fresh if self.fresh is not refused or self.refusal_checked else None

    def found(self, transport: Transport, refused: AccountSession | None) -> AccountSession:
        """Take in what a lookup found; an account that has not changed keeps its session."""
        session = self.latest() if self.latest is not None else None
        if session is None or session.account != transport.vendor.account:
            session = AccountSession(transport)
        self.fresh = session
        self.latest = weakref.ref(session)
        self.refusal_checked = session is refused
        self.number += 1
        asyncio.get_running_loop().call_later(FRESH, self._expire, self.number)
        return session

    def _expire(self, number: int) -> None:
        if number == self.number:
            self.fresh = None


# By event loop, then by vendor and connection id: connections, locks and timers belong to their loop.
_lookups: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str], _Lookup]] = (
    weakref.WeakKeyDictionary()
)


async def session_of(
    vendor: str, conn_id: str, look_up: LookUp, *, refused: AccountSession | None = None
) -> AccountSession:
    """Return the running loop's session of a connection; tasks that start together look it up once.

    :param refused: a session whose credentials the vendor refused: the connection may hold others by now. The same
        session is returned if it does not.
    """
    lookups = _lookups.setdefault(asyncio.get_running_loop(), {})
    lookup = lookups.get((vendor, conn_id))
    if lookup is None:
        lookup = lookups[vendor, conn_id] = _Lookup()
    # Most of thousands of tasks that start find it: only those that come while it is looked up wait for the lock.
    if lookup.lock.locked() or (found := lookup.serving(refused)) is None:
        async with lookup.lock:
            if (found := lookup.serving(refused)) is None:
                found = lookup.found(await look_up(), refused)
    return found
