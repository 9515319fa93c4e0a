# SPDX-License-Identifier: Apache-2.0
"""Watches, and what the test vendor says of their jobs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.polling.cadence import Cadence
from airflow_provider_videoai.jobs.polling.poller import Poller
from airflow_provider_videoai.jobs.polling.watch import Watch
from airflow_provider_videoai.jobs.protocol.call import Call
from tests.jobs.polling.lab import NOW


def ids_of(call: Call) -> list[str]:
    return list(json.loads(call.body)["ids"])


def rows(job_ids: Sequence[str], state: str = "succeeded") -> dict[str, Any]:
    return {"code": 0, "jobs": [{"id": job_id, "state": state} for job_id in job_ids]}


def all_done(call: Call) -> dict[str, Any]:
    return rows(ids_of(call))


def new_watch(job_id: str, now: float = NOW, **values: Any) -> Watch:
    cadence = values.pop("cadence", Cadence(floor=1.0))
    given: dict[str, Any] = {"submitted_at": now, "started_at": now, "operation": "develop"} | values
    return Watch(job_id=job_id, cadence=cadence, **given)


def skipping_poller(transport: Transport, *, jitter: bool = False) -> Poller:
    """Make a poller whose clock is the running loop's, which skips time."""
    clock = asyncio.get_running_loop().time
    options: dict[str, Any] = {} if jitter else {"jitter": lambda *_: 0.0}
    return Poller(transport, clock=clock, wall=clock, **options)


async def poll(poller: Poller, watches: Sequence[Watch], observer: Any = lambda _: None) -> list[Any]:
    """Wait for all watches; return what each wait ended with: None, or what it raised."""
    waits = (poller.watch([watch], observer) for watch in watches)
    try:
        return await asyncio.gather(*waits, return_exceptions=True)
    finally:
        await poller.close()


def quick(job_id: str) -> Watch:
    return new_watch(job_id, time.monotonic(), cadence=Cadence(floor=0.01, interval=0.01))


async def until(happened: Callable[[], bool]) -> None:
    for _ in range(500):
        if happened():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen within five seconds")
