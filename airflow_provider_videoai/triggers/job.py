# SPDX-License-Identifier: Apache-2.0
"""Wait for jobs in the triggerer: what of it is stored, and what DAG files are parsed with."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator
from importlib import import_module
from threading import Event
from typing import Any

from airflow.configuration import conf
from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

from airflow_provider_videoai.triggers.stored_arguments import TriggerArguments

__all__ = ["LEAST_DEFERRAL", "VideoJobTrigger"]

LEAST_DEFERRAL = 12.0
"""Seconds that a deferral lasts at least before its task goes on at a worker.

A worker's supervisor may take ``[workers] min_heartbeat_interval`` (5 s) to report that its task deferred, and the
scheduler another loop to read it.
"""


class VideoJobTrigger(BaseTrigger):
    """Wait until jobs of one account reach a terminal state, or a deadline passes; holds no worker slot.

    Many of these share one poller per account. The event holds no result: result URLs are secrets until they expire,
    and Airflow logs events in full.

    The parameters are those of :class:`~airflow_provider_videoai.triggers.stored_arguments.TriggerArguments`.
    """

    def __init__(
        self, vendor: str = "", operation: str = "", conn_id: str = "", job_ids: str = "", **others: Any
    ) -> None:
        # Nothing may fail here: an error, say after a downgrade, would stop the whole triggerer of Airflow before 3.4.
        super().__init__()  # type: ignore[no-untyped-call]
        named = {"vendor": vendor, "operation": operation, "conn_id": conn_id, "job_ids": job_ids}
        self.arguments = TriggerArguments.read(named | others)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments: JSON scalars, nothing secret."""
        return f"{__name__}.VideoJobTrigger", self.arguments.to_json()

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then yield one event and return at once: Airflow takes a trigger that goes on for a killed one."""
        began = time.monotonic()
        # Not in a function of its own: a coroutine more for as long as the wait, of each of ten thousand waits.
        try:
            if not _loaded.is_set():
                await asyncio.to_thread(_load)
            from airflow_provider_videoai.triggers.task_log import log
            from airflow_provider_videoai.triggers.waiting import wait

            if self.arguments.cancel_on_kill is True:
                # Now, and not when there is one second left: it is slow to import.
                await asyncio.to_thread(import_module, "airflow_provider_videoai.triggers.cancellation")
            event = await wait(self.arguments, self.task_instance)
            # Before the event: Airflow closes the log of a trigger that has ended, and what came later would be lost.
            await log.written()
        except Exception as failure:  # noqa: BLE001 - of a bare one Airflow says nothing about the job and the money
            event = await self._broken_off(failure)
        if not isinstance(event, TaskSuccessEvent):
            await self._let_airflow_note_the_deferral(began)
        yield event

    async def _broken_off(self, failure: Exception) -> TriggerEvent:
        """Return the event of a wait that could not begin or broke off; what nobody foresaw is logged whole."""
        from airflow_provider_videoai.jobs.errors import VideoAIError
        from airflow_provider_videoai.jobs.unexpected_errors import unexpected
        from airflow_provider_videoai.triggers.event import refused

        if not isinstance(failure, VideoAIError):
            write = logging.getLogger(__name__).error
            await asyncio.to_thread(write, "The wait in the triggerer broke off", exc_info=failure)
            failure = unexpected(failure)
        return TriggerEvent(refused(failure))  # type: ignore[no-untyped-call]

    async def on_kill(self) -> None:
        """Say what is known of the jobs, and with ``cancel_on_kill`` cancel the one.

        Airflow 3.3 also calls this if another triggerer has taken the wait over.
        """
        from airflow_provider_videoai.jobs.values.printable import shortened

        write, given = logging.getLogger(__name__).info, self.arguments
        # Compared with True: what was stored may be anything, and another truthy value must not cancel a paid job.
        if given.cancel_on_kill is True:
            from airflow_provider_videoai.triggers.cancellation import cancel_if_killed

            said = await cancel_if_killed(
                self.task_instance, given.vendor, given.conn_id, given.operation, str(given.job_ids)
            )
            if said is not None:
                await asyncio.to_thread(write, "%s", said)
                return
        await asyncio.to_thread(  # a line may block whoever writes it
            write,
            "This triggerer waits no longer: the task was ended or cleared, or another triggerer goes on with it. That "
            "cancels no job: unless it has ended by now, %s job %s goes on at the vendor and is billed; a later "
            "attempt attaches to it.",
            given.operation,
            shortened(str(given.job_ids or "")),
        )

    async def _let_airflow_note_the_deferral(self, began: float) -> None:
        # A scheduler that reads "the worker is done" (it deferred) only after the task was queued again takes the
        # task for killed and fails it. So an event never comes sooner than a scheduler's loop takes. If no worker ran
        # before, or without a scheduler, there is no such race.
        if self.task_instance is not None and not self.arguments.starts_in_triggerer:
            await asyncio.sleep(began + LEAST_DEFERRAL - time.monotonic())


_loaded = Event()


def _load() -> None:
    """Import what waiting takes: seconds the first time, which would block the triggerer's event loop."""
    import airflow_provider_videoai.triggers.waiting  # noqa: F401 - neither does parsing a DAG file need it

    # The process is Airflow's and its triggers everybody's, so this is for its owner to choose.
    if conf.getboolean("videoai", "freeze_triggerer", fallback=False):
        gc.freeze()
    _loaded.set()
