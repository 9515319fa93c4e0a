# SPDX-License-Identifier: Apache-2.0
"""Many mapped jobs that end within seconds, with no retry to help: none may fail through Airflow's own haste."""

from __future__ import annotations

import time
from collections import Counter

from rich.console import Console

from tests.chaos.patient import Patient
from tests.chaos.rounds import Stage

DAG_IDS = ("quick_on_workers", "quick_in_triggerer")
TIMEOUT_SECONDS = 3600


def play_quick_jobs(stage: Stage[Patient], count: int, console: Console) -> int:
    """Run ``count`` two-second jobs in each DAG, 60 at a time; return how many tasks failed or were bought twice."""
    arena, sandbox = stage.arena, stage.sandbox
    sandbox.clock(queue_seconds=0.5, run_seconds=1.5)
    wrong = 0
    for dag_id in DAG_IDS:
        began = time.monotonic()
        arena.wait_for_dag(dag_id)
        arena.begin(dag_id, dag_id, {"count": count})
        arena.finish(dag_id, dag_id, TIMEOUT_SECONDS)
        found = arena.api("GET", f"/dags/{dag_id}/dagRuns/{dag_id}/taskInstances", params={"limit": 2000})
        states = Counter(task["state"] for task in found["task_instances"] if task["task_id"] == "make")
        entries = sandbox.ledger("viitor")["submissions"]
        bought = Counter(
            each["request"]["taskName"] for each in entries if each["outcome"] == "accepted" and dag_id in str(each)
        )
        twice = sum(jobs > 1 for jobs in bought.values())
        console.print(
            f"{dag_id}: {count} two-second jobs, 60 at a time, no retries: {dict(states)}, bought {bought.total()}, "
            f"bought twice {twice}, {time.monotonic() - began:.0f} s"
        )
        wrong += count - states["success"] + twice + (bought.total() != count)
    return wrong
