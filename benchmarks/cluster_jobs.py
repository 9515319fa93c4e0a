# SPDX-License-Identifier: Apache-2.0
"""Many deferred jobs through a cluster, once, and which part of Airflow the CPU time went to.

``PYTHONPATH=scripts .venv-cluster/bin/python -m benchmarks.cluster_jobs`` starts CeleryExecutor, PostgreSQL, Redis, and
two workers, triggerers and schedulers on this machine, and maps 1,000 tasks over the five vendors.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import sqlalchemy as sa
from cluster import Cluster
from rich.console import Console
from rich.table import Table
from termination import unwind_on

from airflow_provider_videoai.sandbox import running_sandbox
from benchmarks.writes import count_for, tasks_of

DAGS = Path(__file__).parent / "write_dags"
DAG_IDS = {False: "writes_on_worker", True: "writes_in_triggerer"}
_EVERY = 5.0  # seconds between two looks at the states
_STATES = sa.text("SELECT state, count(*) FROM task_instance WHERE run_id = :run AND map_index >= 0 GROUP BY state")
_DONE = frozenset({"success", "failed", "upstream_failed", "removed", "skipped"})
console = Console(width=150, highlight=False)


@dataclass(slots=True)
class Progress:
    """How a run went on: seconds until all jobs waited or had ended, until all had ended, and the most that waited."""

    all_started: float | None = None
    ended: float | None = None
    most_waiting: int = 0
    states: dict[str, int] = field(default_factory=dict)


def main() -> int:
    """Measure once and return the exit status."""
    arguments = argparse.ArgumentParser(prog="benchmarks.cluster_jobs", description=__doc__)
    arguments.add_argument("--jobs", type=int, default=1000, help="over all five vendors (default: 1,000)")
    arguments.add_argument("--job-seconds", type=float, default=300.0, help="how long a job takes (default: 300)")
    arguments.add_argument("--timeout", type=float, default=5400.0, help="seconds after which it gives up")
    arguments.add_argument("--finish-in-triggerer", action="store_true", help="no worker is started to end a task")
    chosen = arguments.parse_args()
    unwind_on(signal.SIGINT, signal.SIGTERM)
    with tempfile.TemporaryDirectory(prefix="videoai-jobs-") as home:
        return _measure(Path(home), chosen)


def _measure(home: Path, chosen: argparse.Namespace) -> int:
    dag_id, each = DAG_IDS[chosen.finish_in_triggerer], count_for(chosen.jobs)
    jobs = tasks_of(each)
    with running_sandbox(queue_seconds=1.0, run_seconds=chosen.job_seconds) as sandbox:
        settings = {
            **sandbox.connections(),
            "VIDEOAI_SAMPLE_CLIP": f"{sandbox.url}/sample/clip.mp4",
            "AIRFLOW__CORE__PARALLELISM": "1000",
            "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": "2000",
            "AIRFLOW__CORE__MAX_MAP_LENGTH": str(each),
        }
        with Cluster(home, DAGS, settings) as cluster:
            cluster.wait_for_dag(dag_id)
            before, began = _cpu(cluster), time.monotonic()
            run = cluster.trigger(dag_id, {"count": each})
            database = sa.create_engine(f"postgresql+psycopg2://{cluster.postgres.address}", poolclass=sa.pool.NullPool)
            progress = _follow(lambda: _states(database, run), jobs, began, chosen.timeout)
            wall = time.monotonic() - began
            used = {name: seconds - before[name] for name, seconds in _cpu(cluster).items()}
        bought = [entry for entry in sandbox.ledger()["submissions"] if entry["outcome"] == "accepted"]
    _show(used, wall, jobs, progress)
    console.print(f"Bought {len(bought)} jobs for {jobs} tasks; tasks: {progress.states}")
    well = progress.states.get("success") == jobs == len(bought)
    return 0 if well else 1


def _follow(states: Callable[[], dict[str, int]], jobs: int, began: float, timeout: float) -> Progress:
    progress = Progress()
    while time.monotonic() - began < timeout:
        found = progress.states = states()
        waiting, done = found.get("deferred", 0), sum(found.get(state, 0) for state in _DONE)
        progress.most_waiting = max(progress.most_waiting, waiting)
        passed = time.monotonic() - began
        if progress.all_started is None and waiting + done >= jobs:
            progress.all_started = passed
        if done >= jobs:
            progress.ended = passed
            break
        time.sleep(_EVERY)
    return progress


def _states(database: sa.Engine, run: str) -> dict[str, int]:
    with database.connect() as connection:
        return {str(state): int(count) for state, count in connection.execute(_STATES, {"run": run})}


def _cpu(cluster: Cluster) -> dict[str, float]:
    """Return the CPU seconds of each part, with those of its children that have ended, and of the databases."""
    found = {name: sum(map(_seconds, part.processes())) for name, part in cluster.parts.items()}
    servers = {"PostgreSQL of Airflow": cluster.postgres.pid, "PostgreSQL of the ledger": cluster.ledger.pid}
    for name, pid in servers.items():
        first = psutil.Process(pid)
        found[name] = sum(map(_seconds, (first, *first.children(recursive=True))))
    return found


def _seconds(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.NoSuchProcess):
        return float(sum(process.cpu_times()[:4]))
    return 0.0


def _show(used: dict[str, float], wall: float, jobs: int, progress: Progress) -> None:
    grid = Table("part", "CPU s", "per task", "of all", title=f"{jobs} deferred jobs in {wall:.0f} s")
    for name, seconds in used.items():
        grid.add_row(name, f"{seconds:.0f}", f"{seconds / jobs:.2f}", f"{100 * seconds / sum(used.values()):.0f} %")
    grid.add_row("all", f"{sum(used.values()):.0f}", f"{sum(used.values()) / jobs:.2f}", "100 %")
    console.print(grid)
    started = "never" if progress.all_started is None else f"after {progress.all_started:.0f} s"
    ended = "never" if progress.ended is None else f"after {progress.ended:.0f} s"
    console.print(f"All jobs were submitted {started}; at most {progress.most_waiting} waited; all tasks ended {ended}")


if __name__ == "__main__":
    sys.exit(main())
