# SPDX-License-Identifier: Apache-2.0
"""Play a call on a worker, in an event loop, and beside a poller; and read what an error gives away."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from typing import Any

from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.http.connections import open_pool
from airflow_provider_videoai.jobs.http.rate_limit import RateLimit
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.protocol.call import Answer, Call, Flow, json_body
from airflow_provider_videoai.jobs.protocol.vendor import Vendor

SECRETS = ("s1gnatur3", "signature", "hunter2", "/order", "/look")
BOUGHT = {"code": 0, "id": "job-1"}
LOOKED = {"code": 0, "jobs": [{"id": "job-1", "state": "running", "progress": 40}]}

Play = Callable[[Vendor, Flow[Any]], Any]


def on_a_worker(vendor: Vendor, flow: Flow[Any]) -> Any:
    return Transport(vendor, rate_limit=RateLimit(None)).run(flow)


def in_a_loop(vendor: Vendor, flow: Flow[Any]) -> Any:
    return asyncio.run(Transport(vendor, rate_limit=RateLimit(None)).arun(flow))


def beside_a_poller(vendor: Vendor, flow: Flow[Any]) -> Any:
    async def run() -> Any:
        pool = open_pool(vendor.account)
        try:
            return await Transport(vendor, rate_limit=RateLimit(None), pool=pool).arun(flow)
        finally:
            await pool.aclose()

    return asyncio.run(run())


PLAYS = (on_a_worker, in_a_loop, beside_a_poller)


def one(call: Call) -> Flow[Answer]:
    return (yield call)


def buy(vendor: Vendor, order: Any) -> Flow[str]:
    return vendor.submit(order(), None)


def look(vendor: Vendor) -> Flow[Any]:
    return vendor.statuses("develop", ["job-1"])


def shown(error: BaseException) -> str:
    """Return all that a log could show of an error."""
    return f"{error!r} {error} {''.join(traceback.format_exception(error, chain=True))}".replace(__file__, "")


def told(error: VideoAIError) -> str:
    """Return the text of an error after making sure that it gives nothing away."""
    lines = [line for line in shown(error).splitlines() if not line.startswith(("  File", "    "))]
    assert not [secret for secret in SECRETS for line in lines if secret in line]
    return error.message


def keep_alive(wire: Any) -> None:
    while True:
        wire.answer(json_body(BOUGHT if "/order" in wire.read() else LOOKED))
