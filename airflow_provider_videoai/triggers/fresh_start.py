# SPDX-License-Identifier: Apache-2.0
"""Do for a task that starts in the triggerer what a worker does at a start: remove what its last attempt left.

Otherwise the page, and a task that reads XComs whatever happened, would take the last attempt's video for this one's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from airflow.triggers.base import TriggerEvent

from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.job_reference import JOB_REFERENCE_KEY
from airflow_provider_videoai.jobs.model import JobResult
from airflow_provider_videoai.jobs.values.printable import shortened
from airflow_provider_videoai.links import JOB_LINK, RESULT_LINK
from airflow_provider_videoai.triggers.event import refused
from airflow_provider_videoai.triggers.stored_arguments import TriggerArguments

__all__ = ["PUSHED", "forget_last_attempt", "forget_on_a_worker", "left_over"]

PUSHED = (
    "return_value",
    *(part.name for part in fields(JobResult)),
    "status",
    "progress",
    JOB_LINK.xcom_key,
    RESULT_LINK.xcom_key,
    JOB_REFERENCE_KEY,
)
"""Every key that this package pushes: the triggerer has no way to list those that a task has. The reference comes last:
with it the page knows the task."""

_LEFT_OVER = "left_over"
_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds before each retry, should Airflow's database or API not answer."""


async def forget_last_attempt(arguments: TriggerArguments, task: Any) -> TriggerEvent | None:
    """Remove the XComs of the task's last attempt; return an event if Airflow does not remove them.

    Such an event has a worker do it before the wait begins: see :func:`left_over`. A first attempt has none. A
    triggerer that takes a wait over does it again: what this attempt pushed so far is pushed again.

    :param task: Airflow's task instance; ``None`` outside of a DAG run.
    """
    # Airflow clears XComs when a worker starts an attempt; one that starts in the triggerer has no worker to do it.
    if task is None or not arguments.starts_in_triggerer or getattr(task, "try_number", 1) <= 1:
        return None
    for key in PUSHED:
        if (failure := await _forget(task, key)) is not None:
            why = VideoAIError(f"XCom {key!r} of the last attempt could not be removed: {shortened(str(failure))}")
            return TriggerEvent({**refused(why), _LEFT_OVER: True})  # type: ignore[no-untyped-call]
    return None


def left_over(event: object) -> bool:
    """Return whether a trigger ended because the last attempt's XComs could not be removed.

    :param event: what Airflow handed to the worker.
    """
    return isinstance(event, Mapping) and event.get(_LEFT_OVER) is True


def forget_on_a_worker(task: Any) -> None:
    """Remove the XComs of the task's last attempt, on a worker.

    :param task: the running task instance.
    """
    for key in PUSHED:
        _delete(task, key)


async def _forget(task: Any, key: str) -> Exception | None:
    """Remove an XCom, with retries; return the last failure."""
    from asgiref.sync import sync_to_async

    from airflow_provider_videoai.triggers.task_log import log

    for pause in (*_PAUSES, None):
        try:
            await sync_to_async(_delete)(task, key)
        except Exception as failure:  # noqa: BLE001 - whatever Airflow or its XCom backend raise
            if pause is None:
                return failure
            said = shortened(str(failure))
            log.warning("Could not remove XCom %r of the last attempt; again in %.0f s: %s", key, pause, said)
            await asyncio.sleep(pause)
        else:
            break
    return None


def _delete(task: Any, key: str) -> None:
    # Of the process that runs the task or the trigger; parsing a DAG file needs none of it.
    from airflow.sdk.execution_time.xcom import XCom

    XCom.delete(key=key, dag_id=task.dag_id, task_id=task.task_id, run_id=task.run_id, map_index=task.map_index)
