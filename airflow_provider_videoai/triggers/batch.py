# SPDX-License-Identifier: Apache-2.0
"""Wait in the triggerer until enough jobs of a batch have ended for a worker to go on."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_videoai.triggers.job import LEAST_DEFERRAL

__all__ = ["LEAST_DEFERRAL", "BatchWait", "VideoBatchTrigger"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchWait:
    """What a batch waits for: the arguments of :class:`VideoBatchTrigger`, JSON scalars, none secret.

    Nothing is checked here: in the triggerer these are outside data, and a trigger must be made without an error.

    :param vendor: the vendor's key.
    :param conn_id: the Airflow connection of the account.
    :param job_ids: the jobs in flight, separated by spaces.
    :param operations: the operation to poll each by; a single one is that of all.
    :param submitted_at: epoch seconds of each submit, separated by spaces.
    :param job_timeout: seconds from its submit after which a job is waited for no longer.
    :param poll_interval: fixed seconds between two status requests of a job; ``None`` adapts.
    :param left: how many jobs may still be in flight when a worker goes on.
    :param until: epoch seconds at which a worker goes on in any case; ``None`` for none.
    :param items: how many items the batch has; this and the next are for its progress.
    :param succeeded: how many items had succeeded before.
    :param failed: how many had failed before.
    :param skipped: how many were skipped.
    """

    vendor: str = ""
    conn_id: str = ""
    job_ids: str = ""
    operations: str = ""
    submitted_at: str = ""
    job_timeout: float = 0.0
    poll_interval: float | None = None
    left: int = 0
    until: float | None = None
    items: int = 0
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """Read what was stored; arguments unknown to this version are left out."""
        return cls(**{each.name: stored[each.name] for each in fields(cls) if each.name in stored})


class VideoBatchTrigger(BaseTrigger):
    """Wait for jobs of a batch, in the poller that all tasks of the account share; holds no worker slot.

    The parameters are those of :class:`BatchWait`.
    """

    def __init__(self, **arguments: Any) -> None:
        # Nothing may fail here: an error would stop the whole triggerer of Airflow before 3.4.
        super().__init__()  # type: ignore[no-untyped-call]
        self.arguments = BatchWait.read(arguments)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments: JSON scalars, nothing secret."""
        return f"{__name__}.VideoBatchTrigger", asdict(self.arguments)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then yield one event and return at once: Airflow takes a trigger that goes on for a killed one."""
        began = time.monotonic()
        try:
            # Imported in a thread: it takes seconds the first time, which would block the triggerer's event loop.
            await asyncio.to_thread(_load)
            from airflow_provider_videoai.triggers.batch_waiting import wait

            event = await wait(self.arguments, self.task_instance)
        except Exception as failure:  # noqa: BLE001 - of a bare one Airflow says nothing about jobs and money
            event = await _broken_off(failure)
        # See VideoJobTrigger: an event must not overtake the news that the task deferred.
        if self.task_instance is not None:
            await asyncio.sleep(began + LEAST_DEFERRAL - time.monotonic())
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]

    async def on_kill(self) -> None:
        """Say what becomes of the jobs. Airflow 3.3 also calls this if another triggerer has taken the wait over."""
        jobs = len(str(self.arguments.job_ids).split())
        await asyncio.to_thread(
            logging.getLogger(__name__).info,
            "This triggerer waits no longer: the task was ended or cleared, or another triggerer goes on with it. That "
            "cancels no job: %d of the batch go on at the vendor and are billed; a later attempt attaches to them.",
            jobs,
        )


def _load() -> None:
    import airflow_provider_videoai.triggers.batch_waiting  # noqa: F401 - parsing a DAG file needs none of it


async def _broken_off(failure: Exception) -> dict[str, Any]:
    """Return the event of a wait that could not begin or broke off; what nobody foresaw is logged whole."""
    from airflow_provider_videoai.jobs.errors import VideoAIError
    from airflow_provider_videoai.jobs.unexpected_errors import unexpected
    from airflow_provider_videoai.triggers.event import refused

    if not isinstance(failure, VideoAIError):
        write = logging.getLogger(__name__).error
        await asyncio.to_thread(write, "The wait in the triggerer broke off", exc_info=failure)
        failure = unexpected(failure)
    return refused(failure)
