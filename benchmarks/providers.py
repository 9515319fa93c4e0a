# SPDX-License-Identifier: Apache-2.0
"""The providers under test: for each, its connection and the trigger that waits for one job.

Each is the provider's own trigger class, given what its operator would give it. Two baselines run beside them: a
trigger that sends no requests, and one that polls over a bare ``aiohttp`` session that all share.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

import aiohttp
from airflow.triggers.base import BaseTrigger, TriggerEvent

from benchmarks.responses import VIITOR_PREFIX
from benchmarks.schedule import Schedule

CONN_ID = "bench"
_A_DAY = 86400.0
_WORD = "of-the-benchmark"


@dataclass(frozen=True, slots=True)
class Wait:
    """One job to wait for: its number, the poll interval in seconds, when it ends, and the server's address."""

    number: int
    interval: float
    schedule: Schedule
    url: str


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider's trigger. ``connection`` makes the fields of the Airflow connection from the server's address."""

    key: str
    title: str
    trigger: Callable[[Wait], BaseTrigger]
    connection: Callable[[str], Mapping[str, Any]]
    schemes: tuple[str, ...] = ("http", "https")


class IdleTrigger(BaseTrigger):
    """Sends no requests and knows when its job ends: the cost of a trigger as such."""

    def __init__(self, wait: Wait) -> None:
        super().__init__()
        self._wait = wait

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Is never stored."""
        raise NotImplementedError

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Sleep until the job's end."""
        await asyncio.sleep(self._wait.schedule.end_of(self._wait.number) - time.time())
        yield TriggerEvent({})


class BareTrigger(IdleTrigger):
    """Polls over one ``aiohttp`` session that all share, and does nothing else: the least that a request costs."""

    _session: ClassVar[aiohttp.ClientSession | None] = None
    _users: ClassVar[int] = 0

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll until the job has ended."""
        session = self._enter()
        while not await self._over(session):  # noqa: ASYNC110 - polling is what is measured
            await asyncio.sleep(self._wait.interval)
        await self._leave(session)
        yield TriggerEvent({})

    async def _over(self, session: aiohttp.ClientSession) -> bool:
        query = {"taskId": str(self._wait.number), "needCloudFrontUrl": "false"}
        headers = {"Topview-Uid": "uid", "Authorization": "Bearer secret"}
        url = f"{self._wait.url}/v1/video_avatar/task/query"
        async with session.get(url, params=query, headers=headers) as response:
            return (await response.json())["result"]["status"] == "success"

    @classmethod
    def _enter(cls) -> aiohttp.ClientSession:
        BareTrigger._users += 1
        BareTrigger._session = BareTrigger._session or aiohttp.ClientSession()
        return BareTrigger._session

    @classmethod
    async def _leave(cls, session: aiohttp.ClientSession) -> None:
        BareTrigger._users -= 1
        if not BareTrigger._users:
            await session.close()


def _ours(vendor: str, operation: str, prefix: str = "") -> Callable[[Wait], BaseTrigger]:
    def trigger(wait: Wait) -> BaseTrigger:
        import airflow_provider_videoai.triggers.waiting  # noqa: F401 - the first trigger would load it
        from airflow_provider_videoai.triggers.job import VideoJobTrigger

        return VideoJobTrigger(vendor, operation, CONN_ID, f"{prefix}{wait.number}", poll_interval=wait.interval)

    return trigger


def _dbt_cloud(wait: Wait) -> BaseTrigger:
    from airflow.providers.dbt.cloud.triggers.dbt import DbtCloudRunJobTrigger

    deadline = time.time() + _A_DAY
    return DbtCloudRunJobTrigger(CONN_ID, wait.number, end_time=deadline, poll_interval=wait.interval, account_id=1)


def _databricks(wait: Wait) -> BaseTrigger:
    from airflow.providers.databricks.triggers.databricks import DatabricksExecutionTrigger

    return DatabricksExecutionTrigger(wait.number, CONN_ID, polling_period_seconds=wait.interval)


def _http_event(wait: Wait) -> BaseTrigger:
    from airflow.providers.http.triggers.http import HttpEventTrigger

    return HttpEventTrigger(
        "benchmarks.event_check.done", CONN_ID, endpoint=f"event/{wait.number}", poll_interval=wait.interval
    )


def _llm_batch(wait: Wait) -> BaseTrigger:
    from airflow.providers.common.ai.triggers.llm_batch import LLMBatchTrigger

    return LLMBatchTrigger(
        llm_conn_id=CONN_ID,
        adapter="openai",
        batch_id=f"batch_{wait.number}",
        poll_interval=wait.interval,
        end_time=time.time() + _A_DAY,
        cancel_on_kill=False,
        cancel_on_timeout=False,
    )


def _account(conn_type: str) -> Callable[[str], Mapping[str, Any]]:
    return lambda url: {"conn_type": conn_type, "host": url, "login": "1", "password": _WORD}


def _parts(conn_type: str) -> Callable[[str], Mapping[str, Any]]:
    def connection(url: str) -> Mapping[str, Any]:
        parts = urlsplit(url)
        address = {"schema": parts.scheme, "host": parts.hostname, "port": parts.port}
        return {"conn_type": conn_type, "password": _WORD, **address}

    return connection


PROVIDERS = {
    provider.key: provider
    for provider in (
        Provider("idle", "idle trigger", IdleTrigger, _account("http")),
        Provider("bare", "bare aiohttp session", BareTrigger, _account("http")),
        Provider("viitor", "ours, ViiTor", _ours("viitor", "text_removal", VIITOR_PREFIX), _account("viitor")),
        Provider("topview", "ours, Topview", _ours("topview", "video_avatar"), _account("topview")),
        Provider("databricks", "Databricks", _databricks, _parts("databricks")),
        Provider(
            "dbt_cloud",
            "dbt Cloud",
            _dbt_cloud,
            lambda url: {"conn_type": "dbt_cloud", "host": urlsplit(url).netloc, "password": _WORD},
            schemes=("https",),
        ),
        Provider("http_event", "HttpEventTrigger", _http_event, _parts("http")),
        Provider(
            "llm_batch",
            "common.ai LLMBatchTrigger",
            _llm_batch,
            lambda url: {"conn_type": "pydanticai", "host": f"{url}/v1", "password": _WORD},
        ),
    )
}
