# SPDX-License-Identifier: Apache-2.0
"""The same wait inside a real Airflow: a task for each job, and all their triggers in Airflow's own triggerer.

The tasks are sensors that start and end in the triggerer, so that no worker adds to the load. Airflow runs on a
PostgreSQL of its own. ``python -m benchmarks.triggerer`` writes a line of JSON for each vendor.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import psutil
from database import running_postgres
from processes import group, wait_for
from standalone import Standalone
from termination import unwind_on

from benchmarks.__main__ import RESULTS_IN_AIRFLOW, serving
from benchmarks.certificates import write_certificates
from benchmarks.providers import PROVIDERS
from benchmarks.schedule import Schedule

INTERVAL = 5.0
IN_A_DAG = 10
_VENDORS = ("viitor", "topview")
_STEADY = 30.0  # seconds in which all jobs wait and the triggerer is measured,
_EMPTY = 15.0  # and in which it has nothing to do
_ENDS = 30.0  # seconds over which the jobs end
_BLOCKED = "async thread was blocked"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One instant: monotonic seconds, CPU seconds of each of Airflow's processes by id, job-polls, requests."""

    at: float
    cpu: dict[int, float]
    job_polls: int
    requests: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One vendor's wait. CPU is that of the process in which triggers run, in seconds; memory is in bytes.

    ``detected`` is from a job's end to the poll that detected it, ``delay`` to the end of its task in Airflow.
    """

    vendor: str
    jobs: int
    ended: int
    start_seconds: float
    cpu: float
    empty_cpu: float
    seconds: float
    job_polls: int
    requests: int
    memory: int
    blocked: int
    detected_p50: float
    detected_p99: float
    delay_p50: float
    delay_p99: float


class Bench:
    """A running Airflow, the server that its jobs are at, and the CPU that its processes use while nothing waits."""

    def __init__(self, airflow: Standalone, url: str, jobs: int) -> None:
        self._airflow = airflow
        self._url = url
        self._jobs = jobs
        self._empty = self._cpu_over(_EMPTY)

    def measure(self, vendor: str) -> Measured:
        """Start a task for each job, let all wait, let them end, and return the measurements."""
        blocked_before = self._blocked()
        self._begin(Schedule(first_end=time.time() + 86400, span=0.0))
        began = time.monotonic()
        dags = [f"{vendor}_{number}" for number in range(self._jobs // IN_A_DAG)]
        runs = {dag: self._airflow.trigger(dag) for dag in dags}
        wait_for(lambda: self._counts()["known"] >= self._jobs, 300, "not every job was polled")
        start_seconds = time.monotonic() - began
        time.sleep(INTERVAL)
        runner = self._runner()
        before = self._snapshot()
        time.sleep(_STEADY)
        after = self._snapshot()
        memory = runner.memory_info().rss
        schedule = Schedule(first_end=time.time() + 2.0, span=_ENDS)
        self._begin(schedule)
        time.sleep(_ENDS)
        for dag, run in runs.items():
            self._airflow.finish(dag, run, 300)
        delays = self._delays(runs, schedule)
        detected = self._call("detected")["seconds"]
        seconds = after.at - before.at
        return Measured(
            vendor=vendor,
            jobs=self._jobs,
            ended=len(delays),
            start_seconds=start_seconds,
            cpu=after.cpu[runner.pid] - before.cpu[runner.pid],
            empty_cpu=self._empty[runner.pid] * seconds,
            seconds=seconds,
            job_polls=after.job_polls - before.job_polls,
            requests=after.requests - before.requests,
            memory=memory,
            blocked=self._blocked() - blocked_before,
            detected_p50=statistics.median(detected),
            detected_p99=_p99(detected),
            delay_p50=statistics.median(delays),
            delay_p99=_p99(delays),
        )

    def _delays(self, runs: dict[str, str], schedule: Schedule) -> list[float]:
        """Return the seconds from each job's end to the end of its task."""
        tasks = [task for dag, run in runs.items() for task in self._airflow.tasks(dag, run)]
        return [
            datetime.fromisoformat(task["end_date"]).timestamp()
            - schedule.end_of(int(task["task_id"].removeprefix("job_")))
            for task in tasks
            if task["state"] == "success"
        ]

    def _runner(self) -> psutil.Process:
        """Find the process in which triggers run: the one that is connected to the server."""
        port = urlsplit(self._url).port
        for process in self._processes():
            if any(link.raddr and link.raddr.port == port for link in process.net_connections("tcp")):
                return process
        raise RuntimeError("no process of Airflow is connected to the server")

    def _processes(self) -> list[psutil.Process]:
        leader = self._airflow.pid
        assert leader is not None  # noqa: S101 - it runs
        return group(leader)

    def _cpu_over(self, seconds: float) -> dict[int, float]:
        """Return the share of a CPU that each process takes."""
        before = self._cpu()
        time.sleep(seconds)
        return {pid: (cpu - before.get(pid, cpu)) / seconds for pid, cpu in self._cpu().items()}

    def _cpu(self) -> dict[int, float]:
        taken = {}
        for process in self._processes():
            times = process.cpu_times()
            taken[process.pid] = times.user + times.system
        return taken

    def _snapshot(self) -> Snapshot:
        counts = self._counts()
        return Snapshot(time.monotonic(), self._cpu(), counts["job_polls"], counts["requests"])

    def _blocked(self) -> int:
        """Return how often Airflow has complained so far that a trigger blocked its event loop."""
        return self._airflow.log_file.read_text(errors="replace").count(_BLOCKED)

    def _begin(self, schedule: Schedule) -> None:
        self._call(f"begin?first_end={schedule.first_end}&span={schedule.span}")

    def _counts(self) -> dict[str, int]:
        return self._call("tally")

    def _call(self, what: str) -> dict[str, Any]:
        with urlopen(f"{self._url}/run/{what}", timeout=60) as response:  # noqa: S310 - our own server
            content: dict[str, Any] = json.load(response)
            return content


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[98]


def _environment(url: str, database: str, jobs: int) -> dict[str, str]:
    root = Path(__file__).parents[1]
    connections: dict[str, Any] = {
        f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT": json.dumps(PROVIDERS[vendor].connection(url)) for vendor in _VENDORS
    }
    return connections | {
        "BENCH_JOBS": str(jobs),
        "BENCH_IN_A_DAG": str(IN_A_DAG),
        "BENCH_INTERVAL": str(INTERVAL),
        "PYTHONPATH": os.pathsep.join([str(root), str(root / "scripts")]),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE": "50",  # with fewer, Airflow's API server blocks its event loop
        "AIRFLOW__TRIGGERER__CAPACITY": str(2 * jobs),
        "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "300",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "300",
    }


def main() -> None:
    """Run it; see the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000, help=f"a multiple of {IN_A_DAG}")
    parser.add_argument("--results", type=Path, default=RESULTS_IN_AIRFLOW)
    options = parser.parse_args()
    unwind_on(signal.SIGINT, signal.SIGTERM)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        _, certificate = write_certificates(folder)
        url = stack.enter_context(serving(certificate))["http"]
        database = stack.enter_context(running_postgres())
        environment = _environment(url, database, options.jobs)
        airflow = stack.enter_context(Standalone(folder / "airflow", Path(__file__).with_name("dags"), environment))
        for vendor in _VENDORS:
            airflow.wait_for_dag(f"{vendor}_{options.jobs // IN_A_DAG - 1}")
        bench = Bench(airflow, url, options.jobs)
        with options.results.open("w") as results:
            for vendor in _VENDORS:
                line = json.dumps(asdict(bench.measure(vendor)))
                print(line, flush=True)
                results.write(line + "\n")


if __name__ == "__main__":
    main()
