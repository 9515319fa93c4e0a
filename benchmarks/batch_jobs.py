# SPDX-License-Identifier: Apache-2.0
"""Many jobs in one task beside as many mapped tasks: what each costs Airflow.

``PYTHONPATH=scripts python -m benchmarks.batch_jobs viitor 10000 --mapped 300`` runs one Airflow (LocalExecutor) on a
PostgreSQL of its own against the sandbox: a batch of so many two-second jobs, then mapped tasks at the same vendor,
with results fetched on a worker and in the triggerer. The CPU time is that of all of Airflow's processes and of its
database; the sandbox's is apart.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import sqlalchemy as sa
from database import Postgres
from processes import command_of, group, wait_for
from rich.console import Console
from rich.table import Table
from standalone import Standalone
from termination import unwind_on

from airflow_provider_videoai.sandbox import running_sandbox

DAGS = Path(__file__).parent / "batch_dags"
GOALS = {"viitor": 50, "topview": 20}
"""By vendor: how many times less CPU time a job of the batch is to cost than a mapped task, which ends on a worker."""
_VARIED = {"viitor": "task_name", "topview": "tts_text"}
_SENT = {"viitor": "taskName", "topview": "ttsText"}
_IDLE = 20.0  # seconds over which the work of an idle Airflow is measured
_SAMPLE = 0.5  # seconds between two looks at the memory
_QUEUE, _RUN = 0.5, 1.5  # seconds of a job at the sandbox
_STARTED = "Secrets backends loaded for worker"  # a line of Airflow's log for each start of a worker
_WORKER = re.compile(r"airflow worker -- [0-9a-f-]{36}")
_ENDED = sa.text("SELECT state FROM dag_run WHERE run_id = :run AND state IN ('success', 'failed')")
console = Console(width=170, highlight=False)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run cost: seconds, CPU seconds by part, bytes of memory, and what the vendor counted.

    ``idle`` is the CPU time that an Airflow without work takes in as many seconds.
    """

    title: str
    jobs: int
    state: str
    seconds: float
    cpu: dict[str, float]
    idle: float
    starts: int
    requests: int
    bought: int
    twice: int
    worker_memory: int
    triggerer_memory: int

    @property
    def per_job(self) -> float:
        """CPU seconds per job."""
        return sum(self.cpu.values()) / self.jobs

    @property
    def lost(self) -> int:
        """How many jobs were never bought."""
        return self.jobs - (self.bought - self.twice)

    @property
    def well(self) -> bool:
        """Whether every job was bought once and its task succeeded."""
        return self.state == "success" and not self.twice and not self.lost


class Memory:
    """The most memory that any worker, and any process of the triggerer, took meanwhile, in bytes.

    :param leader: the process that leads Airflow's group.
    """

    def __init__(self, leader: int) -> None:
        self.worker = self.triggerer = 0
        self._leader = leader
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="memory")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(_SAMPLE):
            for process in group(self._leader):
                command = command_of(process)
                with contextlib.suppress(psutil.NoSuchProcess):
                    if _WORKER.search(command):
                        self.worker = max(self.worker, process.memory_info().rss)
                    elif "triggerer" in command:
                        self.triggerer = max(self.triggerer, process.memory_info().rss)


@dataclass(slots=True)
class Bench:
    """An Airflow with its database, and the sandbox.

    :param vendor: the vendor's key.
    :param sandbox: which counts what is submitted and polled.
    """

    vendor: str
    sandbox: Any
    airflow: Standalone
    postgres: Postgres
    timeout: float
    costs: list[Cost] = field(default_factory=list)

    def measure(self, title: str, dag_id: str, jobs: int, conf: dict[str, Any] | None = None) -> Cost:
        """Run a DAG to its end, and return what it cost.

        :param title: of the run, as the table shows it.
        :param jobs: how many jobs it submits.
        :param conf: of the run.
        """
        leader = self.airflow.pid
        if leader is None:
            raise RuntimeError("Airflow does not run")
        self.sandbox.reset()
        idle_from = self._cpu(leader)
        time.sleep(_IDLE)
        before, starts = self._cpu(leader), self._starts()
        idle = (sum(before.values()) - sum(idle_from.values())) / _IDLE
        with Memory(leader) as memory:
            began = time.monotonic()
            run = self.airflow.trigger(dag_id, conf)
            wait_for(lambda: self._state(run) is not None, self.timeout, f"{dag_id} did not end", interval=1)
            seconds = time.monotonic() - began
        cpu = {name: used - before.get(name, 0.0) for name, used in self._cpu(leader).items()}
        books = self.sandbox.ledger(self.vendor)
        bought = [each["request"][_SENT[self.vendor]] for each in books["submissions"] if each["outcome"] == "accepted"]
        cost = Cost(
            title=title,
            jobs=jobs,
            state=str(self._state(run)),
            seconds=seconds,
            cpu=cpu,
            idle=idle * seconds,
            starts=self._starts() - starts,
            requests=sum(len(books[name]) for name in ("submissions", "polls", "lookups")),
            bought=len(bought),
            twice=len(bought) - len(set(bought)),
            worker_memory=memory.worker,
            triggerer_memory=memory.triggerer,
        )
        self.costs.append(cost)
        return cost

    def _state(self, run: str) -> str | None:
        # From the database, so that no watcher adds to the API server's work.
        engine = sa.create_engine(f"postgresql+psycopg2://{self.postgres.address}", poolclass=sa.pool.NullPool)
        with engine.connect() as connection:
            found = connection.execute(_ENDED, {"run": run}).scalar()
        return None if found is None else str(found)

    def _starts(self) -> int:
        return self.airflow.log_file.read_text(errors="replace").count(_STARTED)

    def _cpu(self, leader: int) -> dict[str, float]:
        """Return the CPU seconds of each part, with those of its children that have ended."""
        found: dict[str, float] = {}
        for process in group(leader):
            name = _part_of(command_of(process))
            found[name] = found.get(name, 0.0) + _seconds(process)
        if self.postgres.pid is not None:
            first = psutil.Process(self.postgres.pid)
            found["PostgreSQL"] = sum(map(_seconds, (first, *first.children(recursive=True))))
        return found


def _part_of(command: str) -> str:
    # A worker is counted with the scheduler: LocalExecutor's processes are its children.
    parts = {"api.server": "API server", "triggerer": "triggerer", "dag-processor": "DAG processor"}
    return next((part for mark, part in parts.items() if re.search(mark, command)), "scheduler and workers")


def _seconds(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.NoSuchProcess):
        return float(sum(process.cpu_times()[:4]))
    return 0.0


def main() -> int:
    """Measure, and return the exit status."""
    arguments = argparse.ArgumentParser(prog="benchmarks.batch_jobs", description=__doc__)
    arguments.add_argument("vendor", choices=sorted(GOALS))
    arguments.add_argument("jobs", type=int, help="of the batch; 0 leaves it out")
    arguments.add_argument("--mapped", type=int, default=300, help="mapped tasks, twice; 0 leaves them out")
    arguments.add_argument("--max-in-flight", type=int, default=0, help="of the batch (default: the operator's own)")
    arguments.add_argument("--timeout", type=float, default=3600.0, help="seconds after which a run is given up")
    arguments.add_argument("--log", type=Path, help="where Airflow's own log is kept")
    chosen = arguments.parse_args()
    unwind_on(signal.SIGINT, signal.SIGTERM)
    with _running(chosen) as bench:
        if chosen.jobs:
            _say(bench.measure("batch", "batch", chosen.jobs))
        if chosen.mapped:
            conf = {"count": chosen.mapped}
            _say(bench.measure("mapped, ended on a worker", "mapped_on_worker", chosen.mapped, conf))
            _say(bench.measure("mapped, ended in the triggerer", "mapped_in_triggerer", chosen.mapped, conf))
    _show(chosen.vendor, bench.costs)
    return 0 if all(cost.well for cost in bench.costs) else 1


@contextmanager
def _running(chosen: argparse.Namespace) -> Iterator[Bench]:
    postgres = Postgres()
    with (
        tempfile.TemporaryDirectory(prefix="videoai-batch-") as folder,
        running_sandbox(queue_seconds=_QUEUE, run_seconds=_RUN) as sandbox,
    ):
        home = Path(folder)
        requests = home / "requests.jsonl"
        with requests.open("w", encoding="utf-8") as file:
            for number in range(max(1, chosen.jobs)):
                file.write(json.dumps({"item_id": f"item-{number}", _VARIED[chosen.vendor]: f"batch {number}"}) + "\n")
        settings = {
            **sandbox.connections(),
            "VIDEOAI_SAMPLE_CLIP": f"{sandbox.url}/sample/clip.mp4",
            "VIDEOAI_BENCH_VENDOR": chosen.vendor,
            "VIDEOAI_BENCH_REQUESTS": str(requests),
            "VIDEOAI_BENCH_MANIFEST": str(home / "manifest.jsonl"),
            "VIDEOAI_BENCH_MAX_IN_FLIGHT": str(chosen.max_in_flight),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE": "50",
            "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": "2000",
        }
        try:
            postgres.create()
            settings["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"postgresql+psycopg2://{postgres.address}"
            airflow = Standalone(home / "airflow", DAGS, settings)
            with airflow:
                for dag_id in ("batch", "mapped_on_worker", "mapped_in_triggerer"):
                    airflow.wait_for_dag(dag_id)
                try:
                    yield Bench(chosen.vendor, sandbox, airflow, postgres, chosen.timeout)
                finally:
                    if chosen.log is not None:
                        chosen.log.write_bytes(airflow.log_file.read_bytes())
        finally:
            postgres.remove()


def _say(cost: Cost) -> None:
    parts = ", ".join(f"{name} {used:.0f}" for name, used in sorted(cost.cpu.items(), key=lambda each: -each[1]))
    console.print(f"{cost.title}: {cost.state} after {cost.seconds:.0f} s; CPU seconds: {parts} (idle {cost.idle:.0f})")


def _show(vendor: str, costs: list[Cost]) -> None:
    titles = ("run", "jobs", "state", "wall s", "core-s per job", "less idle", "worker starts", "vendor requests")
    grid = Table(*titles, "worker MB", "triggerer MB", "bought twice", "lost", title=f"Two-second jobs at {vendor}")
    for cost in costs:
        grid.add_row(
            cost.title,
            f"{cost.jobs:,}",
            cost.state,
            f"{cost.seconds:.0f}",
            f"{cost.per_job:.4f}",
            f"{cost.per_job - cost.idle / cost.jobs:.4f}",
            str(cost.starts),
            f"{cost.requests:,}",
            f"{cost.worker_memory / 1e6:.0f}",
            f"{cost.triggerer_memory / 1e6:.0f}",
            str(cost.twice),
            str(cost.lost),
        )
    console.print(grid)
    batch = next((cost for cost in costs if cost.title == "batch"), None)
    for cost in costs:
        if batch is not None and cost is not batch:
            goal = f" (goal: 1/{GOALS[vendor]})" if cost.title.endswith("worker") else ""
            console.print(f"A job of the batch took 1/{cost.per_job / batch.per_job:.0f} of one {cost.title}{goal}")


if __name__ == "__main__":
    sys.exit(main())
