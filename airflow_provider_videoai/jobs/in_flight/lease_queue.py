# SPDX-License-Identifier: Apache-2.0
"""Wait in an event loop for leases of jobs in flight: one call of the ledger for all tasks that wait there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection

from airflow_provider_videoai.jobs.in_flight.leases import RETRY_SECONDS, InFlightLeases
from airflow_provider_videoai.jobs.ledger.lease import LeaseRequest
from airflow_provider_videoai.jobs.ledger.reserved import LedgerError

__all__ = ["LeaseQueue"]

_TOLERANCE = 60.0
"""Seconds for which a ledger may fail before those who wait are let go, to submit without a lease: a database that is
only restarted must not let everybody go at once."""


class LeaseQueue:
    """The tasks of one event loop that wait for a lease of an account."""

    def __init__(self) -> None:
        self._waiting: dict[InFlightLeases, dict[asyncio.Future[None], LeaseRequest]] = {}
        self._requesting: set[asyncio.Task[None]] = set()

    async def wait(self, leases: InFlightLeases, request: LeaseRequest) -> None:
        """Return when the lease is granted, or when the ledger has failed for a minute.

        :param leases: the account's.
        :param request: the task's.
        """
        waiting = self._waiting.get(leases)
        if waiting is None:
            waiting = self._waiting[leases] = {}
            task = asyncio.create_task(self._request(leases, waiting))
            self._requesting.add(task)
            task.add_done_callback(self._requesting.discard)
        granted = asyncio.get_running_loop().create_future()
        waiting[granted] = request
        try:
            await granted
        finally:
            waiting.pop(granted, None)

    async def _request(self, leases: InFlightLeases, waiting: dict[asyncio.Future[None], LeaseRequest]) -> None:
        failing_since: float | None = None
        while waiting:
            # A task that was cleared may wait here twice for a while: both have the same lease.
            requests = set(waiting.values())
            granted = set[str]()
            try:
                granted = await asyncio.to_thread(leases.granted, list(requests))
                failing_since = None
            except LedgerError:
                failing_since = time.monotonic() if failing_since is None else failing_since
                if time.monotonic() - failing_since >= _TOLERANCE:
                    granted = {request.name for request in requests}
            except Exception as defect:  # noqa: BLE001 - raised by those who wait
                self._let_go(waiting, requests, defect)
            self._let_go(waiting, {request for request in requests if request.name in granted})
            await asyncio.sleep(RETRY_SECONDS if waiting else 0)
        del self._waiting[leases]

    @staticmethod
    def _let_go(
        waiting: dict[asyncio.Future[None], LeaseRequest],
        requests: Collection[LeaseRequest],
        defect: Exception | None = None,
    ) -> None:
        for waiter in [waiter for waiter, request in waiting.items() if request in requests]:
            del waiting[waiter]
            if waiter.done():
                continue
            if defect is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(defect)
