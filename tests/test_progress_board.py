# SPDX-License-Identifier: Apache-2.0
"""What the demo prints of a run: each task's progress only grows, whichever process has the task."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any, cast

import progress
import pytest
from airflow_api import AirflowApi

STEPS = [("queued", None), ("deferred", 40), ("deferred", 80), ("queued", 80), ("running", 80), ("success", 80)]


class Run:
    """A DAG run of one task that goes through the states of a deferred one."""

    def __init__(self, steps: list[tuple[str, int | None]]) -> None:
        self._steps: Iterator[tuple[str, int | None]] = iter(steps)
        self._now: tuple[str, int | None] = ("", None)

    def run_state(self, dag_id: str, run_id: str) -> str:  # noqa: ARG002 - as the API's client has them
        self._now = next(self._steps)
        return "success" if self._now[0] == "success" else "running"

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:  # noqa: ARG002
        return [{"task_id": "make", "state": self._now[0]}]

    def xcom(self, *_: Any, **__: Any) -> Any:
        return None if self._now[1] is None else {"progress": self._now[1]}


def test_progress_never_runs_backwards(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with progress.Board(cast(AirflowApi, Run(STEPS)), "dag", "run") as board:
        assert board.follow(60) == "success"
    lines = re.findall(r"^make +(\w+) +(\d+) %$", capsys.readouterr().out, re.MULTILINE)
    assert [state for state, _ in lines] == ["queued", "deferred", "deferred", "queued", "running", "success"]
    assert [int(percent) for _, percent in lines] == [0, 40, 80, 80, 80, 100]
