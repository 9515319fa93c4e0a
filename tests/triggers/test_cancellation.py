# SPDX-License-Identifier: Apache-2.0
"""A deferred job is cancelled if a person ended its task, and never because Airflow moves the wait elsewhere."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.polling.account_session import AccountSession
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.triggers import cancellation
from airflow_provider_videoai.triggers.job import VideoJobTrigger
from tests.jobs.polling.lab import NOW, CancelLab

TI = SimpleNamespace(dag_id="pipeline", run_id="manual__1", task_id="make", map_index=-1)
MAPPED = SimpleNamespace(dag_id="pipeline", run_id="manual__1", task_id="make", map_index=3)


class Server:
    """Answers the cancel request when it is let."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cancelled: list[str] = []
        self.let = asyncio.Event()
        self.asked = asyncio.Event()
        self.state: Any = "failed"
        self.key = "make"
        monkeypatch.setattr(cancellation, "session_for", self._session_for)
        monkeypatch.setattr(cancellation, "acancel", self._cancel)
        monkeypatch.setattr(RuntimeTaskInstance, "get_task_states", self._states)

    async def _session_for(self, vendor: str, conn_id: str) -> AccountSession:
        assert (vendor, conn_id) == ("topview", "topview_default")
        account = Account(conn_id=conn_id, host="http://h", login="a", password="b")
        return AccountSession(Transport(CancelLab(account, lambda: NOW)))

    async def _cancel(self, _vendor: Any, _operation: str, job_id: str, _seconds: float) -> str:
        self.asked.set()
        await self.let.wait()
        self.cancelled.append(job_id)
        return f"Job {job_id} was cancelled."

    def _states(self, **asked: Any) -> dict[str, Any]:
        return {asked["run_ids"][0]: {self.key: self.state}}


def trigger(task_instance: Any, **arguments: Any) -> VideoJobTrigger:
    given: dict[str, Any] = {"vendor": "topview", "operation": "video_avatar", "conn_id": "topview_default"}
    made = VideoJobTrigger(**given, job_ids="a1", **arguments)
    made.task_instance = task_instance
    return made


async def test_job_of_a_task_that_was_ended_is_cancelled_though_airflow_cancels_on_kill_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Server(monkeypatch)
    killing = asyncio.ensure_future(trigger(TI, cancel_on_kill=True).on_kill())
    await server.asked.wait()
    for _ in range(3):
        killing.cancel()
        await asyncio.sleep(0)
    assert not killing.done()
    server.let.set()
    await killing
    assert server.cancelled == ["a1"]


@pytest.mark.parametrize(
    ("task_instance", "key", "state"),
    [(TI, "make", "deferred"), (MAPPED, "make_3", "deferred"), (None, "make", "failed")],
    ids=["another triggerer waits", "of a mapped task", "no task"],
)
async def test_job_that_is_still_wanted_is_not_cancelled(
    monkeypatch: pytest.MonkeyPatch, task_instance: Any, key: str, state: str, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(monkeypatch)
    server.key, server.state = key, state
    server.let.set()
    with caplog.at_level("INFO"):
        await trigger(task_instance, cancel_on_kill=True).on_kill()
    assert server.cancelled == []
    assert "goes on at the vendor and is billed" in caplog.text


@pytest.mark.parametrize("state", ["failed", "success", "queued", None])
async def test_any_other_state_ends_the_job(monkeypatch: pytest.MonkeyPatch, state: Any) -> None:
    server = Server(monkeypatch)
    server.key, server.state = "make_3", state
    server.let.set()
    await trigger(MAPPED, cancel_on_kill=True).on_kill()
    assert server.cancelled == ["a1"]


@pytest.mark.parametrize("flag", [False, None, "true", 1], ids=repr)
async def test_nothing_is_cancelled_unless_it_was_asked_for(monkeypatch: pytest.MonkeyPatch, flag: Any) -> None:
    server = Server(monkeypatch)
    server.let.set()
    await trigger(TI, cancel_on_kill=flag).on_kill()
    assert server.cancelled == []


async def test_state_that_cannot_be_looked_up_cancels_nothing_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(monkeypatch)

    def lost(**_: Any) -> Any:
        raise ConnectionError("no supervisor")

    monkeypatch.setattr(RuntimeTaskInstance, "get_task_states", lost)
    with caplog.at_level("INFO"):
        await trigger(TI, cancel_on_kill=True).on_kill()
    assert server.cancelled == []
    assert "could not be cancelled (ConnectionError: no supervisor): it goes on and is billed" in caplog.text
