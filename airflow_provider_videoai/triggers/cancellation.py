# SPDX-License-Identifier: Apache-2.0
"""Cancel the job of a deferred task that a person ended, and only then."""

from __future__ import annotations

import asyncio
from typing import Any

from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from asgiref.sync import sync_to_async

from airflow_provider_videoai.hooks.lookup import session_for
from airflow_provider_videoai.jobs.submission.cancellation import acancel
from airflow_provider_videoai.jobs.unexpected_errors import named

__all__ = ["cancel_if_killed"]

_LONGEST = 5.0
"""Seconds for the cancel request; looking the task up comes on top."""


async def cancel_if_killed(task_instance: Any, vendor: str, conn_id: str, operation: str, job_id: str) -> str | None:
    """Cancel the job unless its task is still deferred.

    :param task_instance: the trigger's, as Airflow sets it.
    :returns: a sentence that says what became of the job; ``None`` if the task is still deferred.
    """
    # A task of its own: the second cancellation would land inside the request and leave the job running and billed.
    work = asyncio.ensure_future(_cancel(task_instance, vendor, conn_id, operation, job_id))
    while not work.done():
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            # Airflow 3.3 cancels on_kill() a second after it began, again and again; the request is bounded by itself.
            if work.cancelled():
                raise
    return work.result()


async def _cancel(task_instance: Any, vendor: str, conn_id: str, operation: str, job_id: str) -> str | None:
    try:
        # Airflow before 3.4 also calls on_kill() if another triggerer took the wait over, and then the job is still
        # wanted. A task that was cleared and deferred again looks alike: its new attempt attaches to the job.
        if task_instance is None or await _still_deferred(task_instance):
            return None
        session = await session_for(vendor, conn_id)
        return await acancel(session.transport.vendor, operation, job_id, _LONGEST)
    except Exception as failure:  # noqa: BLE001 - nobody is left whom it could be raised to
        return f"Job {job_id} could not be cancelled ({named(failure)}): it goes on and is billed."


async def _still_deferred(task_instance: Any) -> bool:
    # Looked up in Airflow, since on_kill() is called alike for a task that a user ended and for a takeover.
    states = await sync_to_async(RuntimeTaskInstance.get_task_states)(
        dag_id=task_instance.dag_id,
        task_ids=[task_instance.task_id],
        run_ids=[task_instance.run_id],
        map_index=task_instance.map_index,
    )
    # Airflow answers with the task id alone, or with the map index behind an underscore if the task is mapped.
    mapped = "" if task_instance.map_index < 0 else f"_{task_instance.map_index}"
    state = states.get(task_instance.run_id, {}).get(f"{task_instance.task_id}{mapped}")
    return str(state) in ("deferred", "TaskInstanceState.DEFERRED")
