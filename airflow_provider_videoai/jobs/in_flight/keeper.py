# SPDX-License-Identifier: Apache-2.0
"""Renew the leases of jobs that are waited for, and end those of jobs that ended."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.ledger.account_key import account_key_of
from airflow_provider_videoai.jobs.ledger.lease import RENEW_SECONDS, lease_of_job
from airflow_provider_videoai.jobs.ledger.reserved import LedgerError

__all__ = ["LeaseKeeper"]

log = logging.getLogger(__name__)

_GATHER = 1.0
"""Seconds within which jobs that end share a call of the ledger."""


class LeaseKeeper:
    """The leases of the jobs that one poller, or one blocking wait, waits for. Idle unless something limits the jobs.

    :param transport: of the account.
    :param clock: gives monotonic seconds.
    """

    def __init__(self, transport: Transport, clock: Callable[[], float] = time.monotonic) -> None:
        vendor = transport.vendor
        self._ledger = transport.ledger if vendor.limits_jobs_in_flight else None
        self._account = account_key_of(vendor)
        self._clock = clock
        # By lease, who waits: two tasks may wait for one job, and the one that leaves must not end the other's renewal.
        self._kept: dict[str, set[object]] = {}
        self._ended: set[str] = set()
        self._due_at = float("-inf")
        self._failing = False
        self._writer: asyncio.Task[None] | None = None
        self._news: asyncio.Event | None = None

    def keep(self, job_ids: Iterable[str]) -> None:
        """Renew the leases of these jobs until they end.

        :param job_ids: what is waited for.
        """
        self._keep(job_ids, self)

    def _keep(self, job_ids: Iterable[str], waiter: object) -> None:
        if self._ledger is not None:
            for name in map(lease_of_job, job_ids):
                self._kept.setdefault(name, set()).add(waiter)

    def end(self, job_ids: Iterable[str]) -> None:
        """End the leases of these jobs.

        :param job_ids: those that ended.
        """
        if self._ledger is None:
            return
        ended = set(map(lease_of_job, job_ids))
        for name in ended:
            self._kept.pop(name, None)
        self._ended |= ended
        if self._ended and self._news is not None:
            self._news.set()

    @property
    def due(self) -> bool:
        """Whether leases are to be renewed now."""
        return self._ledger is not None and self._clock() >= self._due_at

    @property
    def due_in(self) -> float:
        """In how many seconds leases are to be renewed next; infinite if nothing limits the jobs."""
        return float("inf") if self._ledger is None else self._due_at - self._clock()

    def write(self) -> None:
        """Write what is due: ends at once, renewals every :data:`RENEW_SECONDS`. It blocks."""
        self._send(*self._due())

    def _due(self) -> tuple[set[str], set[str]]:
        """Return the names of the leases to renew, and of those to end."""
        ended, self._ended = self._ended, set()
        if not self.due:
            return set(), ended
        self._due_at = self._clock() + RENEW_SECONDS
        return set(self._kept), ended

    def _send(self, running: set[str], ended: set[str]) -> None:
        if self._ledger is None or not (running or ended):
            return
        try:
            self._ledger.keep_leases(self._account, running=running, ended=ended)
        except LedgerError as failure:
            # Nothing else to do: leases expire by themselves, and then more jobs may be submitted than are allowed.
            if not self._failing:
                log.warning("Leases of jobs in flight are not renewed at present: %s", failure)
            self._failing = True
        else:
            if self._failing:
                log.info("Leases of jobs in flight are renewed again")
            self._failing = False

    # -- in an event loop --------------------------------------------------------------------------------------

    def keep_until(self, left: asyncio.Future[None], job_ids: Sequence[str]) -> None:
        """Renew the leases of these jobs, beside the running event loop, until they end or nobody waits any more.

        :param left: is done then.
        :param job_ids: what is waited for.
        """
        if self._ledger is None:
            return
        self._keep(job_ids, left)
        left.add_done_callback(partial(self._release, job_ids))
        if self._writer is None:
            self._news = asyncio.Event()
            self._writer = asyncio.create_task(self._write_on(self._news))

    def _release(self, job_ids: Sequence[str], left: asyncio.Future[None]) -> None:
        for name in map(lease_of_job, job_ids):
            # Nobody waits for a job that ended, unless it is watched again: then the new ones stay.
            waiters = self._kept.get(name, set())
            waiters.discard(left)
            if not waiters:
                self._kept.pop(name, None)

    async def close(self) -> None:
        """Write which jobs ended, and stop."""
        if self._writer is None:
            return
        self._writer.cancel()
        await asyncio.gather(self._writer, return_exceptions=True)
        self._writer = self._news = None
        if self._ended:
            await asyncio.to_thread(self._send, *self._due())

    async def _write_on(self, news: asyncio.Event) -> None:
        while True:
            # What is due is read here, since the loop changes it, and only sent by the thread.
            await asyncio.to_thread(self._send, *self._due())
            try:
                # Not wait_for(): before Python 3.12 it may swallow the cancellation by close().
                async with asyncio.timeout(max(0.0, self._due_at - self._clock())):
                    await news.wait()
            except TimeoutError:
                continue
            news.clear()
            await asyncio.sleep(_GATHER)
