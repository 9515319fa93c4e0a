# SPDX-License-Identifier: Apache-2.0
"""One of the processes of :mod:`tests.chaos.limits`: sends as much as its hooks let it, until it is killed.

Takes a role and, as JSON, what to do at each vendor: the case's name, the request, the ids of jobs that never end.
``prepare`` submits some; ``submit`` submits again and again; ``block`` polls as a task that waits on its worker;
``poll`` polls as a triggerer.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.polling.account_session import session_of
from airflow_provider_videoai.jobs.polling.blocking import wait
from airflow_provider_videoai.jobs.polling.cadence import Cadence
from airflow_provider_videoai.jobs.polling.watch import Watch
from tests.support.cases import CASES

Work = Mapping[str, Any]
NEVER = 1e9


def watches(work: Work) -> list[Watch]:
    """Return the jobs, to be polled every second, with every failure tolerated."""
    operation = CASES[work["case"]].operator.request_class.parse(work["request"]).polled_as
    cadence = Cadence(floor=1.0, interval=1.0)
    return [
        Watch(
            job_id=job_id,
            submitted_at=None,
            cadence=cadence,
            started_at=time.monotonic(),
            operation=operation,
            tolerance=NEVER,
        )
        for job_id in work["job_ids"]
    ]


def submit(work: Work) -> None:
    """Submit for ever."""
    case = CASES[work["case"]]
    hook = case.hook(case.conn_id)
    while True:
        hook.submit(work["request"], case.operation)


def prepare(work: Work) -> None:
    """Submit some jobs, and print their ids."""
    case = CASES[work["case"]]
    hook = case.hook(case.conn_id)
    sys.stdout.write(json.dumps([hook.submit(work["request"], case.operation) for _ in range(work["count"])]))


def block(work: Work) -> None:
    """Poll for ever, as a task that is not deferred."""
    case = CASES[work["case"]]
    wait(case.hook(case.conn_id).transport, watches(work), lambda _: None)


async def poll(works: list[Work]) -> None:
    """Poll the jobs of all vendors for ever, in one event loop, as a triggerer does."""

    async def at_one(work: Work) -> None:
        case = CASES[work["case"]]
        session = await session_of(case.vendor, case.conn_id, case.hook(case.conn_id).atransport)
        async with session as poller:
            await poller.watch(watches(work), lambda _: None)

    await asyncio.gather(*map(at_one, works))


ROLES: dict[str, Callable[[Work], None]] = {"submit": submit, "block": block}


def main(role: str, works: list[Work]) -> None:
    """Play the role at all vendors at once; ends only by an error, or killed."""
    if role == "poll":
        asyncio.run(poll(works))
        return
    if role == "prepare":
        prepare(works[0])
        return
    threads = [threading.Thread(target=ROLES[role], args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    raise VideoAIError("the threads ended")


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
