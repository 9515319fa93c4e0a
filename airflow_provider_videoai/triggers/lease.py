# SPDX-License-Identifier: Apache-2.0
"""Wait in the triggerer until an account may have another job in flight."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_videoai.triggers.job import LEAST_DEFERRAL

__all__ = ["LeaseTrigger"]

log = logging.getLogger(__name__)


class LeaseTrigger(BaseTrigger):
    """Wait for a lease in the ledger; its event says only that the task is to try again.

    Nothing may fail in the constructor: an error would stop the whole triggerer of Airflow before 3.4.

    :param vendor: the vendor's key.
    :param conn_id: the Airflow connection of the account.
    :param operation: what the task is about to submit.
    :param lease: the name of the task's lease.
    :param priority: the task's priority weight.
    :param until: epoch seconds after which the task tries again in any case.
    """

    def __init__(
        self,
        vendor: str = "",
        conn_id: str = "",
        operation: str = "",
        lease: str = "",
        priority: int = 1,
        until: float = 0.0,
        **_: Any,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.arguments: dict[str, Any] = {
            "vendor": vendor,
            "conn_id": conn_id,
            "operation": operation,
            "lease": lease,
            "priority": priority,
            "until": until,
        }

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments: JSON scalars, nothing secret."""
        return f"{__name__}.LeaseTrigger", self.arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then yield one event. An error is for the worker to meet again, where the task can report it."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(max(0.0, float(self.arguments["until"]) - time.time())):
                await self._turn()
        except TimeoutError:
            pass
        except Exception as failure:  # noqa: BLE001 - the worker that goes on tries the same, and raises what is wrong
            await asyncio.to_thread(log.warning, "The wait for a lease broke off (%s)", type(failure).__name__)
        # See VideoJobTrigger: an event must not overtake the news that the task deferred.
        await asyncio.sleep(began + LEAST_DEFERRAL - time.monotonic())
        yield TriggerEvent("go on")  # type: ignore[no-untyped-call]

    async def _turn(self) -> None:
        from airflow_provider_videoai.hooks.lookup import session_for
        from airflow_provider_videoai.jobs.in_flight.leases import leases_for
        from airflow_provider_videoai.jobs.ledger.lease import LeaseRequest

        given = self.arguments
        session = await session_for(given["vendor"], given["conn_id"])
        leases = leases_for(session.transport, given["operation"])
        if leases is not None:
            await session.lease_queue.wait(leases, LeaseRequest(given["lease"], int(given["priority"])))
