# SPDX-License-Identifier: Apache-2.0
"""Measure the rate limit over real processes: ``PYTHONPATH=scripts python -m tests.chaos.limits sqlite``.

Two processes that submit as workers do, and two that poll as triggerers do, want far more than the limit; what came is
read from the sandbox's own ledger. ``sqlite``: they share an ``AIRFLOW_HOME``, as on one machine. ``postgres``: each
has a home of its own, and they share a ledger in PostgreSQL. ``machines``: they are two deployments on one account, two
processes with a home and a network namespace of their own each, and share a ledger in PostgreSQL. ``adaptive``: each
has a home of its own and no ledger in common, and the vendor refuses with 429 whatever is over the limit. ``unknown``:
the same, and no connection says what the limit is. ``apart``: the control of ``machines``, which has to exceed the
limit: each deployment keeps to it by itself, for nobody named a ledger.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from database import Postgres
from processes import clean_environment
from relay import Relay
from rich.console import Console
from rich.table import Table
from termination import unwind_on

from airflow_provider_videoai.sandbox import running_sandbox
from airflow_provider_videoai.sandbox.running import Sandbox
from tests.chaos.machines import GATEWAY, NoNetworkError, isolate, machines
from tests.chaos.throttle import Throttle
from tests.chaos.windows import fullest, requests
from tests.support.cases import CASES, ONE_EACH

ROOT = Path(__file__).resolve().parents[2]
ROLES = {
    "sqlite": ("submit", "submit", "poll", "poll"),
    "postgres": ("submit", "submit", "poll", "poll"),
    "machines": ("submit", "poll", "submit", "poll"),
    "apart": ("submit", "poll", "submit", "poll"),
    # What meets a full queue submits again by Airflow's own means: only polls adapt.
    "adaptive": ("block", "block", "poll", "poll"),
    "unknown": ("block", "block", "poll", "poll"),
}
NAMESPACES = ("machines", "apart")
THROTTLED = ("adaptive", "unknown")
PER_HOME = {"sqlite": 4, "machines": 2, "apart": 2}
"""Processes that share an ``AIRFLOW_HOME``; one each if it is not here."""
LEARNING = 120.0
"""Seconds after which processes without a common ledger have to have adapted."""
SHARE = 1.2
JOBS = 8
UNBOUND = 60_000
console = Console(width=150, highlight=False)


def main() -> int:
    """Measure what the arguments say and return the exit status."""
    arguments = argparse.ArgumentParser(prog="tests.chaos.limits", description=__doc__)
    arguments.add_argument("ledger", choices=ROLES)
    arguments.add_argument("--limit", type=int, default=60, help="requests per minute (default: 60)")
    arguments.add_argument("--seconds", type=float, default=180.0, help="to measure (default: 180)")
    arguments.add_argument("--isolated", action="store_true", help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    try:
        if chosen.ledger in NAMESPACES and not chosen.isolated:
            isolate("tests.chaos.limits", [*sys.argv[1:], "--isolated"])
        unwind_on(signal.SIGINT, signal.SIGTERM)
        return _measure(chosen.ledger, chosen.limit, chosen.seconds)
    except NoNetworkError as missing:
        console.print(f"Skipped, for network namespaces cannot be made here: {missing}")
        return 0


def _measure(kind: str, limit: int, seconds: float) -> int:
    # Many jobs share a status request at ViiTor, so one process alone cannot exceed a limit there.
    names = ["topview"] if kind in THROTTLED else ONE_EACH
    with ExitStack() as opened:
        hosts = opened.enter_context(machines(2)) if kind in NAMESPACES else []
        home = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="videoai-limits-")))
        sandbox = opened.enter_context(running_sandbox(queue_seconds=1.0, run_seconds=86400.0))
        works = [_work(sandbox, home / "before", name) for name in names]
        sandbox.clear_ledger()
        throttle = opened.enter_context(Throttle(sandbox.url, limit))
        url = throttle.url if kind in THROTTLED else sandbox.url
        address = opened.enter_context(_postgres()) if kind in ("postgres", "machines") else None
        if hosts:
            url, address = _reachable(opened, url), address and _reachable(opened, address)
        console.print(f"{JOBS} jobs that never end at each of {', '.join(names)}")
        began = time.time()
        for number, role in enumerate(ROLES[kind]):
            group = number // PER_HOME.get(kind, 1)
            settings = {**_environment(sandbox, url, None if kind == "unknown" else limit), **_ledger(address)}
            settings["AIRFLOW_HOME"] = str(home / f"home-{group}")
            start = hosts[group] if hosts else ()
            opened.enter_context(_process(role, works, settings, home / f"{number}.log", start))
        if kind in THROTTLED:
            time.sleep(LEARNING + seconds)
            return _judge_adaptive(throttle, began, limit, kind)
        time.sleep(seconds)
        return _judge(sandbox, limit, kind)


def _reachable(opened: ExitStack, url: str) -> str:
    """Let the machines reach a server of the loopback interface, and return its URL for them."""
    port = urlsplit(url).port
    assert port
    opened.enter_context(Relay((GATEWAY, port), port))
    return url.replace("127.0.0.1", GATEWAY)


def _work(sandbox: Sandbox, home: Path, name: str) -> dict[str, Any]:
    """Submit jobs that never end, with nobody's limit in the way, and return what a process is to do."""
    work = {"case": name, "request": CASES[name].request(sandbox)}
    environment = {**clean_environment(), **_environment(sandbox, sandbox.url, UNBOUND), "AIRFLOW_HOME": str(home)}
    command = [sys.executable, "-m", "tests.chaos.limit_process", "prepare", json.dumps([{**work, "count": JOBS}])]
    ended = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    return {**work, "job_ids": json.loads(ended.stdout.splitlines()[-1])}


def _environment(sandbox: Sandbox, url: str, limit: int | None) -> dict[str, str]:
    """Return the connections, whose limit is this one; ``None`` lets them name none."""
    found = {}
    for name, value in sandbox.connections().items():
        connection = json.loads(value)
        named = {} if limit is None else {"max_requests_per_minute": limit}
        extra = {**connection["extra"], **named}
        found[name] = json.dumps({**connection, "host": url, "extra": extra})
    return found


@contextmanager
def _postgres() -> Iterator[str]:
    server = Postgres()
    try:
        server.create()
        yield f"//{server.address}"
    finally:
        server.remove()


def _ledger(address: str | None) -> Mapping[str, str]:
    """Return the settings that name the ledger which the processes share, if it is a server."""
    if address is None:
        return {}
    return {
        "AIRFLOW_CONN_VIDEOAI_LEDGER": f"postgres:{address}",
        "AIRFLOW__VIDEOAI__LEDGER_CONN_ID": "videoai_ledger",
    }


@contextmanager
def _process(
    role: str, works: list[dict[str, Any]], settings: Mapping[str, str], log: Path, start: tuple[str, ...]
) -> Iterator[None]:
    command = [*start, sys.executable, "-m", "tests.chaos.limit_process", role, json.dumps(works)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**clean_environment(), **settings}, stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield
        if process.poll() is not None:
            raise RuntimeError(f"a process that was to {role} ended:\n{log.read_text(errors='replace')[-3000:]}")
    finally:
        process.kill()
        process.wait()


def _judge(sandbox: Sandbox, limit: int, kind: str) -> int:
    windows = requests(sandbox.ledger())
    title = f"Four processes, ledger: {kind}, limit {limit} requests a minute"
    grid = Table("vendor", "counted", "requests", "most in 60 s", "over the limit", title=title)
    wrong = 0
    for (vendor, api), times in sorted(windows.items()):
        most = fullest(times)
        wrong += (most <= limit) if kind == "apart" else (most > limit or most < limit / 2)
        grid.add_row(vendor, api, str(len(times)), str(most), str(max(0, most - limit)))
    console.print(grid)
    return 1 if wrong or len(windows) < len(ONE_EACH) else 0


def _judge_adaptive(throttle: Throttle, began: float, limit: int, kind: str) -> int:
    title = f"Four processes, no ledger in common, limit {limit} requests a minute ({kind})"
    grid = Table("minute", "requests", "refused (429)", "of the limit", title=title)
    last = int((throttle.seen[-1][0] - began) // 60)
    for minute in range(last):
        mine = [refused for at, refused in throttle.seen if minute <= (at - began) / 60 < minute + 1]
        grid.add_row(str(minute + 1), str(len(mine)), str(sum(mine)), f"{len(mine) / limit:.2f}")
    late = [refused for at, refused in throttle.seen if LEARNING <= at - began < last * 60]
    mean = len(late) / (last - LEARNING / 60)
    grid.add_row("from the 3rd on, mean", f"{mean:.1f}", str(sum(late)), f"{mean / limit:.2f}")
    console.print(grid)
    return 1 if mean > SHARE * limit or not any(refused for _, refused in throttle.seen) else 0


if __name__ == "__main__":
    sys.exit(main())
