# SPDX-License-Identifier: Apache-2.0
"""Two real Airflows on one account: ``PYTHONPATH=scripts python -m tests.chaos.deployments``.

Each has a home, a database, a scheduler and a triggerer of its own; they share nothing but a ledger in PostgreSQL. Both
run the same DAGs under the same run ids at once, as two deployments of one repository do, and want more than the
account allows. What came is read from the sandbox's own ledger.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from database import Postgres
from processes import wait_for
from rich.console import Console
from rich.table import Table
from termination import unwind_on

from airflow_provider_videoai.sandbox import running_sandbox
from airflow_provider_videoai.sandbox.running import Sandbox
from tests.chaos.arena import Arena
from tests.chaos.settings import DAGS, IN_FLIGHT, LIMIT, QUEUE_SECONDS, environment
from tests.chaos.windows import fullest, most_at_once, requests

DEPLOYMENTS = ("east", "west")
RUN_SECONDS = 20.0
END_SECONDS = 420.0
WORKS = {"tencent_ivh": "few", "topview": "limited"}
"""At each vendor, the connection whose limit is measured."""
COUNT = 6
"""Tasks at each vendor, in each deployment."""
console = Console(width=150, highlight=False)


def main() -> int:
    """Run both and return the exit status."""
    unwind_on(signal.SIGINT, signal.SIGTERM)
    with ExitStack() as opened:
        home = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="videoai-deployments-")))
        sandbox = opened.enter_context(running_sandbox(queue_seconds=QUEUE_SECONDS, run_seconds=RUN_SECONDS))
        httpx.get(f"{sandbox.url}/sample/clip.mp4", timeout=120, trust_env=False).raise_for_status()
        server = opened.enter_context(_server())
        airflows = {
            name: opened.enter_context(Arena(home / name, DAGS, _settings(sandbox, server, home, name)))
            for name in DEPLOYMENTS
        }
        for airflow in airflows.values():
            for vendor in WORKS:
                airflow.wait_for_dag(f"paid_once_{vendor}")
        states = _play(airflows)
        return _judge(sandbox.ledger(), states)


@contextmanager
def _server() -> Iterator[Postgres]:
    server = Postgres()
    try:
        server.create()
        engine = sa.create_engine(_url(server), isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
        with engine.connect() as connection:
            for name in DEPLOYMENTS:
                connection.execute(sa.text(f"CREATE DATABASE {name}"))
        yield server
    finally:
        server.remove()


def _url(server: Postgres, database: str = "airflow") -> str:
    return f"postgresql+psycopg2://{server.address.rpartition('/')[0]}/{database}"


def _settings(sandbox: Sandbox, server: Postgres, home: Path, name: str) -> dict[str, str]:
    markers = home / f"markers-{name}"
    markers.mkdir()
    return {
        **environment(sandbox, markers),
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": _url(server, name),
        "AIRFLOW_CONN_VIDEOAI_LEDGER": f"postgres://{server.address}",
        "AIRFLOW__VIDEOAI__LEDGER_CONN_ID": "videoai_ledger",
    }


def _play(airflows: Mapping[str, Arena]) -> Counter[str]:
    """Start the runs in all deployments by turns; return in how many states they ended."""
    runs = [(name, vendor, number) for number in range(COUNT) for vendor in WORKS for name in airflows]
    for name, vendor, number in runs:
        conf = {"round": f"{name}-{number}", "account": WORKS[vendor], "finish_in_triggerer": number % 2 == 0}
        airflows[name].begin(f"paid_once_{vendor}", f"same-{number}", conf)
    began = time.monotonic()

    def states() -> list[str]:
        return [airflows[name].run_state(f"paid_once_{vendor}", f"same-{number}") for name, vendor, number in runs]

    wait_for(lambda: not {"queued", "running"} & set(states()), END_SECONDS, "not all runs ended", interval=3)
    console.print(f"{len(runs)} runs in {len(airflows)} deployments ended within {time.monotonic() - began:.0f} s")
    return Counter(states())


def _judge(books: dict[str, list[dict[str, Any]]], states: Counter[str]) -> int:
    accepted = [entry for entry in books["submissions"] if entry["outcome"] == "accepted"]
    bought = Counter(
        (entry["vendor"], name, number)
        for entry in accepted
        for name in DEPLOYMENTS
        for number in range(COUNT)
        if f"{name}-{number}" in str(entry["request"])
    )
    most = {window: fullest(times) for window, times in requests(books).items()}
    ends = QUEUE_SECONDS + RUN_SECONDS
    in_flight = most_at_once(
        [
            (job["at"], min(at for at in _polled(books, job["job_id"]) if at >= job["at"] + ends))
            for job in accepted
            if job["vendor"] == "tencent_ivh"
        ]
    )
    wanted = len(DEPLOYMENTS) * len(WORKS) * COUNT
    figures = {
        "runs that succeeded": (states["success"], states["success"] == wanted),
        "jobs bought": (len(accepted), len(accepted) == wanted),
        "bought twice": (sum(count > 1 for count in bought.values()), set(bought.values()) == {1}),
        f"Tencent IVH: most jobs in flight, of {IN_FLIGHT}": (in_flight, in_flight == IN_FLIGHT),
        f"Topview: most requests in 60 s, of {LIMIT}": (
            most["topview", "all"],
            LIMIT * 3 / 4 <= most["topview", "all"] <= LIMIT,
        ),
    }
    grid = Table("measured", "", "as it should be", title="Two Airflows, one account, one ledger")
    for name, (value, right) in figures.items():
        grid.add_row(name, str(value), "yes" if right else "NO")
    console.print(grid)
    return 0 if all(right for _, right in figures.values()) else 1


def _polled(books: dict[str, list[dict[str, Any]]], job_id: str) -> list[float]:
    return [entry["at"] for entry in books["polls"] if job_id in entry["job_ids"]]


if __name__ == "__main__":
    sys.exit(main())
