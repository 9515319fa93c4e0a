# SPDX-License-Identifier: Apache-2.0
"""Read what tasks stored: outside data, which any task and any user who may write an XCom could have put there.

Whatever it is, it is read as plain JSON values, and what cannot be read harms only its own task.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.execution_time.comms import XComResult
from starlette.concurrency import run_in_threadpool

from airflow_provider_videoai.batches.batch_reference import BATCH_REFERENCE_KEY, BatchReference
from airflow_provider_videoai.jobs.job_reference import JOB_REFERENCE_KEY, JobReference
from airflow_provider_videoai.plugin.records import Found
from airflow_provider_videoai.plugin.task import VideoTask
from airflow_provider_videoai.plugin.vendor_calls import OutsideCalls

__all__ = ["Read", "log", "plain_json", "read"]

log = logging.getLogger(__name__)

Read = Callable[[str, str], Any]
"""Turns the key and the stored text of an XCom into its value; ``None`` for one that cannot be read."""


async def read(found: Sequence[Found], outside: OutsideCalls) -> list[VideoTask]:
    """Return the tasks with what they stored, read as a worker would: through the configured XCom backend.

    A backend may keep values elsewhere, so its reads are calls that leave this machine.

    :param found: what the database has of the tasks.
    :param outside: the limits of reads through a backend.
    :raises Busy: if too many such reads are in flight, or they take too long.
    """
    backend = _backend()
    if backend is None:
        return await run_in_threadpool(lambda: [_task(each, _plain) for each in found])
    # Counted by type and logged once: one log line per XCom of a broken backend would fill the API server's log.
    failures: list[str] = []
    through = partial(_through, backend, failures)
    async with outside.call(backend.__name__), asyncio.TaskGroup() as reads:
        tasks = [reads.create_task(outside.in_thread(partial(_task, each, through))) for each in found]
    if failures:
        kinds = ", ".join(sorted(set(failures)))
        log.warning("Video jobs: %d XComs could not be read through %s: %s", len(failures), backend.__name__, kinds)
    return [task.result() for task in tasks]


def _backend() -> type[BaseXCom] | None:
    """Return the configured XCom backend; ``None`` for one that stores values as they are."""
    from airflow.sdk.execution_time.xcom import XCom  # a misconfigured backend fails here, and only here

    return None if XCom.deserialize_value is BaseXCom.deserialize_value else XCom


def _task(found: Found, read: Read) -> VideoTask:
    values = {key: None if text is None else read(key, text) for key, text in found.texts.items()}
    entry = found.entry
    return VideoTask(
        key=entry.key,
        map_label=entry.map_label,
        reference=JobReference.read(values.pop(JOB_REFERENCE_KEY, None)),
        is_batch=BATCH_REFERENCE_KEY in values,
        batch=BatchReference.read(values.pop(BATCH_REFERENCE_KEY, None)),
        seen_at=entry.seen_at,
        state=entry.state,
        started_at=entry.started_at,
        ended_at=entry.ended_at,
        xcoms=values,
    )


def _plain(_key: str, text: str) -> Any:
    """Return plain JSON. Airflow's own reader would also make objects of what a DAG's author put there."""
    return plain_json(text)


def plain_json(text: str | None) -> Any:
    """Return the value of a JSON text; ``None`` for one that cannot be read.

    :param text: as the database keeps it; ``None`` if it keeps none.
    """
    if text is None:
        return None
    try:
        value = json.loads(text)
        return _unwrapped(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):  # no JSON, a number of thousands of digits; nested too deeply
        return None


def _unwrapped(text: str) -> Any:
    """Return the value in a text: what Airflow's REST API stores is JSON within JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _through(backend: type[BaseXCom], failures: list[str], key: str, text: str) -> Any:
    try:
        value = backend.deserialize_value(XComResult(key=key, value=json.loads(text)))
        return plain_json(json.dumps(value))
    except Exception as failure:  # noqa: BLE001 - a backend is anyone's code; the other tasks are shown all the same
        failures.append(type(failure).__name__)
        return None
