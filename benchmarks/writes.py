# SPDX-License-Identifier: Apache-2.0
"""What a waiting task costs Airflow: rows written to ``xcom``, and CPU seconds of the API server, per task.

``PYTHONPATH=scripts python -m benchmarks.writes`` runs one Airflow on a PostgreSQL of its own against the sandbox. Rows
are counted by PostgreSQL's own statistics; the run's state is read from the database, so that no watcher adds to the
API server's work.
"""

from __future__ import annotations

import argparse
import itertools
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import sqlalchemy as sa
from database import running_postgres
from processes import command_of, group, wait_for
from rich.console import Console
from rich.table import Table
from standalone import Standalone
from termination import unwind_on

from airflow_provider_videoai.sandbox import running_sandbox

DAGS = Path(__file__).parent / "write_dags"
AT_ONCE, CREDITS = 5, 1000  # most tasks of a run at Tencent IVH and at Topview, see write_dags
_TITLES = ("api_server", "api-server")
_IDLE = 20.0  # seconds over which the API server's own work is measured
_SETTLED = 5.0  # seconds within which PostgreSQL has counted everything
_COUNTS = sa.text("SELECT relname, n_tup_ins + n_tup_upd FROM pg_stat_user_tables")
_ENDED = sa.text("SELECT state FROM dag_run WHERE run_id = :run AND state IN ('success', 'failed')")
_GOOD = sa.text("SELECT count(*) FROM task_instance WHERE run_id = :run AND state = 'success' AND map_index >= 0")


@dataclass(frozen=True, slots=True)
class Cost:
    """One DAG run's cost: seconds, CPU seconds of the API server, and rows written by table."""

    dag_id: str
    tasks: int
    succeeded: int
    seconds: float
    cpu: float
    rows: dict[str, int]


def tasks_of(count: int) -> int:
    """Return how many mapped tasks a run has.

    :param count: at each vendor, but no more than Topview's credits pay for and Tencent IVH makes at a time.
    """
    return 3 * count + min(count, CREDITS) + min(count, AT_ONCE)


def count_for(tasks: int) -> int:
    """Return the smallest ``count`` of a run with at least so many tasks."""
    return next(count for count in itertools.count(1) if tasks_of(count) >= tasks)


def main() -> int:
    """Measure both DAGs and return the exit status."""
    arguments = argparse.ArgumentParser(prog="benchmarks.writes", description=__doc__)
    arguments.add_argument(
        "--count", type=int, default=6, help="tasks at each of five vendors, at most 5 at Tencent IVH (default: 6)"
    )
    arguments.add_argument("--job-seconds", type=float, default=60.0, help="how long a job takes (default: 60)")
    chosen = arguments.parse_args()
    unwind_on(signal.SIGINT, signal.SIGTERM)
    with _airflow(chosen.job_seconds) as (airflow, database):
        costs = [measure(airflow, database, dag_id, chosen.count) for dag_id in _dag_ids()]
    title = f"Per task, {tasks_of(chosen.count)} tasks of {chosen.job_seconds:.0f} s"
    grid = Table("DAG", "succeeded", "xcom rows", "all rows", "API server CPU s", "wall s", title=title)
    for cost in costs:
        grid.add_row(
            cost.dag_id,
            f"{cost.succeeded} of {cost.tasks}",
            f"{cost.rows.get('xcom', 0) / cost.tasks:.2f}",
            f"{sum(cost.rows.values()) / cost.tasks:.1f}",
            f"{cost.cpu / cost.tasks:.3f}",
            f"{cost.seconds:.0f}",
        )
    console = Console(width=150, highlight=False)
    console.print(grid)
    for cost in costs:
        most = sorted(cost.rows.items(), key=lambda row: -row[1])[:8]
        console.print(f"{cost.dag_id}: " + ", ".join(f"{name} {count / cost.tasks:.1f}" for name, count in most))
    return 0 if all(cost.succeeded == cost.tasks for cost in costs) else 1


def _dag_ids() -> tuple[str, str]:
    return "writes_on_worker", "writes_in_triggerer"


@contextmanager
def _airflow(job_seconds: float) -> Iterator[tuple[Standalone, sa.Engine]]:
    with (
        tempfile.TemporaryDirectory(prefix="videoai-writes-") as home,
        running_sandbox(queue_seconds=1.0, run_seconds=job_seconds) as sandbox,
        running_postgres() as url,
    ):
        settings = {
            **sandbox.connections(),
            "VIDEOAI_SAMPLE_CLIP": f"{sandbox.url}/sample/clip.mp4",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE": "50",
        }
        airflow = Standalone(Path(home), DAGS, settings)
        database = sa.create_engine(url, poolclass=sa.pool.NullPool)
        try:
            airflow.start()
            for dag_id in _dag_ids():
                airflow.wait_for_dag(dag_id)
            yield airflow, database
        finally:
            airflow.stop()


def measure(airflow: Standalone, database: sa.Engine, dag_id: str, count: int) -> Cost:
    """Run a DAG and return what it cost, without what an idle API server uses."""
    idle_from = _cpu(airflow)
    time.sleep(_IDLE)
    idle = (_cpu(airflow) - idle_from) / _IDLE
    before, cpu, began = _rows(database), _cpu(airflow), time.monotonic()
    run = airflow.trigger(dag_id, {"count": count})
    wait_for(lambda: _read(database, _ENDED, run) is not None, 900, f"{dag_id} did not end", interval=2)
    seconds, used = time.monotonic() - began, _cpu(airflow) - cpu
    time.sleep(_SETTLED)
    after = _rows(database)
    return Cost(
        dag_id=dag_id,
        tasks=tasks_of(count),
        succeeded=int(str(_read(database, _GOOD, run))),
        seconds=seconds,
        cpu=used - idle * seconds,
        rows={name: rows - before.get(name, 0) for name, rows in after.items() if rows > before.get(name, 0)},
    )


def _rows(database: sa.Engine) -> dict[str, int]:
    with database.connect() as connection:
        return {str(name): int(rows) for name, rows in connection.execute(_COUNTS)}


def _read(database: sa.Engine, query: sa.TextClause, run: str) -> object:
    with database.connect() as connection:
        return connection.execute(query, {"run": run}).scalar()


def _cpu(airflow: Standalone) -> float:
    """Return the CPU seconds of the API server's processes."""
    if airflow.pid is None:
        raise RuntimeError("Airflow does not run")
    heads = [
        each for each in group(airflow.pid) if "api_server" in command_of(each) or "api-server" in command_of(each)
    ]
    if not heads:
        raise RuntimeError("there is no API server")
    tree: set[psutil.Process] = {each for head in heads for each in (head, *head.children(recursive=True))}
    return sum(sum(each.cpu_times()[:2]) for each in tree)


if __name__ == "__main__":
    sys.exit(main())
