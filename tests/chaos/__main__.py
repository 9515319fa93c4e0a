# SPDX-License-Identifier: Apache-2.0
"""`make chaos`: kill, clear, break and restart at every step, on a real Airflow, and check the vendors' ledgers."""

from __future__ import annotations

import argparse
import random
import secrets
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial
from itertools import zip_longest
from pathlib import Path

from database import running_postgres
from rich.console import Console
from termination import unwind_on

from airflow_provider_videoai.sandbox import running_sandbox
from tests.chaos.arena import Arena
from tests.chaos.batches import BatchRound
from tests.chaos.cluster import play_acts
from tests.chaos.kinds import BATCHES, SINGLE, STORMS, VENDORS, Kind, Storm
from tests.chaos.patient import Tasks
from tests.chaos.quick import play_quick_jobs
from tests.chaos.report import conclude, show
from tests.chaos.rounds import Round, Stage
from tests.chaos.settings import DAGS, NOTICED_SOON, QUEUE_SECONDS, RUN_SECONDS, environment
from tests.chaos.together import play_together
from tests.chaos.verdict import Facts

AT_ONCE, BATCHES_AT_ONCE = 12, 3
CONNECTIONS = "50"
"""Airflow's API server answers 40 requests at a time and checks a user's token on its event loop. With fewer
connections to the database that loop is blocked for 30 s as soon as all are taken, and tasks fail."""
WITH_A_BATCH = (Storm.TRIGGERER_KILLED, Storm.AIRFLOW_KILLED)
"""Storms that befall a batch as well, in one round."""
console = Console(width=150, highlight=False)


def main() -> int:
    """Play what the arguments select and return the exit status."""
    arguments = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    arguments.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="repeats a run")
    arguments.add_argument(
        "--rounds", type=int, default=225, help="single rounds (default: 225, each kind once at each vendor)"
    )
    arguments.add_argument(
        "--batches", type=int, default=8, help="rounds of batches (default: 8; 175: each kind once at each vendor)"
    )
    arguments.add_argument("--storms", type=int, default=1, help="storms of each kind, a round per vendor (default: 1)")
    arguments.add_argument(
        "--quick", type=int, default=600, help="quick mapped jobs in each of two DAGs (default: 600)"
    )
    arguments.add_argument("--only", nargs="+", default=[], help="only kinds with one of these texts in their name")
    arguments.add_argument("--cluster", action="store_true", help="instead: blows at the parts of a cluster")
    chosen = arguments.parse_args()
    unwind_on(signal.SIGINT, signal.SIGTERM)
    if chosen.cluster:
        return play_acts(chosen.only, console)
    drawn = " ".join(f"--{name} {getattr(chosen, name)}" for name in ("seed", "rounds", "batches", "storms", "quick"))
    console.print(f"Repeat with {drawn}" + (f" --only {shlex.join(chosen.only)}" if chosen.only else ""))
    began, played, failed = time.monotonic(), list[Facts](), 0
    try:
        with running_stage(NOTICED_SOON) as stage:
            chance = random.Random(chosen.seed)  # noqa: S311 - a draw that can be repeated
            played += play_singles(stage, chosen.rounds, chosen.batches, chosen.only, chance)
            played += play_storms(stage, chosen.storms, chosen.only, chance)
        if chosen.quick:
            with running_stage({}) as stage:
                failed = play_quick_jobs(stage, chosen.quick, console)
    finally:
        wrong = conclude(played, began, console)
    return 1 if failed else wrong


@contextmanager
def running_stage(settings: Mapping[str, str]) -> Iterator[Stage[Arena]]:
    """Start a sandbox and a real Airflow in a folder of their own; end both, and remove it."""
    home = Path(tempfile.mkdtemp(prefix="videoai-chaos-"))
    markers = home / "markers"
    markers.mkdir()
    try:
        with (
            running_sandbox(queue_seconds=QUEUE_SECONDS, run_seconds=RUN_SECONDS) as sandbox,
            running_postgres() as database,
            Arena(home, DAGS, {**environment(sandbox, markers), **_on(database), **settings}) as arena,
        ):
            dag_ids = [f"{dag}_{vendor}" for dag in ("paid_once", "batch") for vendor in VENDORS]
            tasks = Tasks(arena, dag_ids)
            try:
                for dag_id in dag_ids:
                    arena.wait_for_dag(dag_id)
                yield Stage(arena, tasks, sandbox, markers)
            finally:
                tasks.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _on(database: str) -> dict[str, str]:
    return {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database, "AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE": CONNECTIONS}


def play_singles(
    stage: Stage[Arena], count: int, batches: int, only: Sequence[str], chance: random.Random
) -> list[Facts]:
    """Play ``count`` rounds of a job, and ``batches`` of a batch, many at once."""
    of_jobs = draw([[kind for kind in SINGLE if _wanted(kind, only)]], count, chance)
    of_batches = draw([[kind for kind in group if _wanted(kind, only)] for group in BATCHES], batches, chance)
    with ThreadPoolExecutor(AT_ONCE) as pool, ThreadPoolExecutor(BATCHES_AT_ONCE) as batch_pool:
        playing = dict[Future[Facts], Round]()
        for number, (kind, vendor) in enumerate(of_batches):
            batch = BatchRound(stage, kind, vendor, f"batch-{number:04}")
            playing[batch_pool.submit(batch.play)] = batch
        for number, (kind, vendor) in enumerate(of_jobs):
            job = Round(stage, kind, vendor, f"round-{number:04}")
            playing[pool.submit(job.play)] = job
        try:
            return [show(playing[done].name, done.result(), console) for done in as_completed(playing)]
        except BaseException:
            for future in playing:
                future.cancel()
            stage.tasks.close()
            raise


def _wanted(kind: Kind, only: Sequence[str]) -> bool:
    return not only or any(text in kind.name for text in only)


def draw(groups: Sequence[list[Kind]], count: int, chance: random.Random) -> list[tuple[Kind, str]]:
    """Draw ``count`` rounds: all kinds in a drawn order, each at a drawn vendor; then again, each at another vendor.

    :param groups: of kinds: of each one kind, of each a second one, and so on.
    """
    kinds = [kind for group in groups for kind in group]
    vendors = {kind.name: chance.sample(VENDORS, len(VENDORS)) for kind in kinds}
    laps = range(-(-count // len(kinds)) if kinds else 0)
    drawn = [
        (kind, vendors[kind.name][lap % len(VENDORS)])
        for lap in laps
        for of_each in zip_longest(*(chance.sample(group, len(group)) for group in groups))
        for kind in of_each
        if kind is not None
    ]
    return drawn[:count]


def play_storms(stage: Stage[Arena], count: int, only: Sequence[str], chance: random.Random) -> list[Facts]:
    """Play each storm ``count`` times, with a round at every vendor."""
    played = list[Facts]()
    for number in range(count):
        for kind in STORMS:
            if _wanted(kind, only) and kind.storm is not None:
                name = f"storm-{STORMS.index(kind)}{number}"
                rounds = [Round(stage, kind, vendor, f"{name}-{vendor}") for vendor in VENDORS]
                if kind.storm in WITH_A_BATCH:
                    rounds.append(BatchRound(stage, kind, chance.choice(VENDORS), f"{name}-batch"))
                # The time of the failure is drawn: in a submit, in a deferral, while waiting.
                delay = chance.uniform(0, 8)
                blow = partial(_strike_after, delay, stage.arena, kind.storm)
                played += play_together(rounds, blow, console).values()
    return played


def _strike_after(seconds: float, arena: Arena, storm: Storm) -> None:
    time.sleep(seconds)
    strike(arena, storm)


def strike(arena: Arena, storm: Storm) -> None:
    """Let a storm break, and Airflow come up again."""
    match storm:
        case Storm.TRIGGERER_KILLED:
            arena.kill_part("triggerer")
            arena.start_part("triggerer")
        case Storm.API_SERVER_KILLED:
            arena.kill_part("api-server")
            arena.start_part("api-server")
        case Storm.AIRFLOW_KILLED:
            arena.crash()
            arena.start()
        case Storm.AIRFLOW_STOPPED:
            arena.shut_down()
            arena.start()


if __name__ == "__main__":
    sys.exit(main())
