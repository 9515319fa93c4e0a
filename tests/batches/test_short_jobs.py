# SPDX-License-Identifier: Apache-2.0
"""Jobs that end within seconds are waited for on the worker: a deferral would take longer, and start another one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airflow_provider_videoai.batches.waiting import Waiting
from tests.support.which_airflow import TaskDeferred

pytestmark = [
    pytest.mark.usefixtures("prompt"),
    pytest.mark.parametrize("case", ["viitor", "topview"], indirect=True),
]


@pytest.fixture(autouse=True)
def _rendered(case: Any, submitted: Any, settled: Any, sandbox: Any) -> None:
    """The sandbox draws its sample for the first job, which takes seconds."""
    submitted(case)
    settled(case)
    sandbox.clear_ledger()


def test_a_worker_that_resumed_waits_for_jobs_that_end_soon_by_itself(
    case: Any, batch: Any, rows: Any, bought: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Waiting, "_short_seconds", 600.0)  # no wait of this test takes as long
    task = batch(case, rows(case, 7), max_in_flight=2)
    assert task.run()["succeeded"] == 7
    assert len(task.deferrals) == 1
    assert len(bought(case)) == 7


def test_it_defers_again_when_jobs_take_longer(
    case: Any, batch: Any, rows: Any, bought: Any, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The jobs before ended soon, whatever time this machine took, and those that follow do not.
    monkeypatch.setattr(Waiting, "_short_seconds", property(lambda waiting: 0.0 if waiting.short else 600.0))
    task = batch(case, rows(case, 6), max_in_flight=2)
    deferred = task.defer()
    event = asyncio.run(task.fire(deferred.trigger))
    sandbox.clock(run_seconds=600)
    with pytest.raises(TaskDeferred) as again:
        task.resume(deferred, event.payload)
    assert len(again.value.trigger.arguments.job_ids.split()) == 2
    assert 3 <= len(bought(case)) <= 4


def test_jobs_of_minutes_are_never_waited_for_on_a_worker(
    case: Any, batch: Any, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Waiting, "_short_seconds", 0.0)
    task = batch(case, rows(case, 6), max_in_flight=2)
    assert task.run()["succeeded"] == 6
    assert len(task.deferrals) >= 3
