# SPDX-License-Identifier: Apache-2.0
"""A live board of a DAG run in the terminal: each task's state and percent."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from airflow_api import AirflowApi
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

_COLOURS = {"success": "green", "failed": "red", "upstream_failed": "red", "deferred": "magenta", "running": "cyan"}


class Board:
    """Shows a run while it goes on; if the output is not a terminal, prints a line for each change."""

    def __init__(self, airflow: AirflowApi, dag_id: str, run_id: str) -> None:
        self._airflow = airflow
        self._dag_id = dag_id
        self._run_id = run_id
        self._console = Console()
        self._live = Live(console=self._console, auto_refresh=False) if self._console.is_terminal else None
        self._seen: dict[str, tuple[str, int]] = {}

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def follow(self, seconds: float) -> str:
        """Show the run until it ends and return its state; raise ``TimeoutError`` after that many seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            state = self._airflow.run_state(self._dag_id, self._run_id)
            self._show()
            if state in ("success", "failed"):
                return state
            time.sleep(1)
        raise TimeoutError(f"run {self._run_id} did not end within {seconds:.0f} s")

    def _show(self) -> None:
        rows = self._rows()
        before, self._seen = self._seen, rows
        if self._live:
            self._live.update(_table(self._dag_id, rows), refresh=True)
            return
        for task_id, now in rows.items():
            if before.get(task_id) != now:
                self._console.print(f"{task_id:18} {now[0]:10} {now[1]:3d} %")

    def _rows(self) -> dict[str, tuple[str, int]]:
        rows = {}
        for instance in self._airflow.tasks(self._dag_id, self._run_id):
            state = instance["state"] or "waiting"
            task_id = instance["task_id"]
            # Between triggerer and worker a task is queued and running again, and its progress is still that far.
            before = self._seen.get(task_id, ("", 0))[1]
            rows[task_id] = (state, max(before, self._percent(task_id, state)))
        return rows

    def _percent(self, task_id: str, state: str) -> int:
        if state == "success":
            return 100
        if state != "deferred":
            return 0
        progress = self._airflow.xcom(self._dag_id, self._run_id, task_id, "progress")
        return int((progress or {}).get("progress") or 0)


def _table(dag_id: str, rows: dict[str, tuple[str, int]]) -> Table:
    table = Table(title=dag_id, title_justify="left", box=None, padding=(0, 1))
    for heading in ("task", "state", "progress", ""):
        table.add_column(heading)
    for task_id, (state, percent) in rows.items():
        colour = _COLOURS.get(state, "white")
        bar = ProgressBar(total=100, completed=percent, width=30)
        table.add_row(task_id, f"[{colour}]{state}[/]", bar, f"{percent:3d} %")
    return table
