# SPDX-License-Identifier: Apache-2.0
"""Renew the leases of a batch's jobs while its worker is busy with others: nobody else waits for them then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection

from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.in_flight.keeper import LeaseKeeper

__all__ = ["LeaseRenewal"]


class LeaseRenewal:
    """Renews leases from any thread; most calls do nothing, since a lease lasts for minutes.

    :param transport: of the account.
    :param clock: gives monotonic seconds.
    """

    def __init__(self, transport: Transport, clock: Callable[[], float] = time.monotonic) -> None:
        self._keeper = LeaseKeeper(transport, clock)
        self._writing = threading.Lock()

    def renew(self, job_ids: Callable[[], Collection[str]]) -> None:
        """Renew the leases of jobs in flight if that is due. It blocks for some seconds at most.

        :param job_ids: returns their ids.
        """
        if self._keeper.due and self._writing.acquire(blocking=False):
            try:
                self._keeper.keep(job_ids())
                self._keeper.write()
            finally:
                self._writing.release()
