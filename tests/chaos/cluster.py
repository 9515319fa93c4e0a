# SPDX-License-Identifier: Apache-2.0
"""`make chaos CHAOS=--cluster`: kill, freeze and take away parts of a cluster, and look into the vendors' books."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import httpx
from rich.console import Console

from airflow_provider_videoai.sandbox import running_sandbox
from tests.chaos import cluster_acts, ledger_acts
from tests.chaos.cluster_acts import Act, ClusterArena, Scene
from tests.chaos.kinds import VENDORS
from tests.chaos.patient import Tasks
from tests.chaos.report import figures, table, totals
from tests.chaos.rounds import Round, Stage
from tests.chaos.settings import DAGS, NOTICED_SOON, QUEUE_SECONDS, RUN_SECONDS, environment
from tests.chaos.together import play_together
from tests.chaos.verdict import Facts

SETTINGS = {
    **NOTICED_SOON,
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "20",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "10",
    "AIRFLOW__CELERY__WORKER_CONCURRENCY": "12",
    "VIDEOAI_CHAOS_RETRY_SECONDS": "10",
}
"""Airflow's own minutes are made shorter. A retry comes after 10 s: with one second, a task's four tries are used up
while the broker is still away, which is no news."""


ACTS = (*ledger_acts.ACTS, *cluster_acts.ACTS)  # neighbours share a cluster


def play_acts(only: Sequence[str], console: Console) -> int:
    """Play acts, print how they went, and return the exit status.

    :param only: texts, one of which must stand in the name of one of an act's kinds; none plays all.
    :raises ValueError: for a text that stands in no name.
    """
    for text in only:
        if not any(text in kind.name for act in ACTS for kind in act.kinds):
            raise ValueError(f"--only {text!r}: no round of a cluster has this in its name")
    texts = only or ("",)
    chosen = [act for act in ACTS if any(text in kind.name for text in texts for kind in act.kinds)]
    began, played = time.monotonic(), []
    for settings, acts in groupby(chosen, key=lambda act: act.settings):
        opened = time.monotonic()
        with scene({**SETTINGS, **settings}) as where:
            console.print(f"The cluster is ready after {time.monotonic() - opened:.0f} s")
            for act in acts:
                played += play_act(where, act, console)
    table(played, console)
    figures(played, console)
    counts = totals(played)
    console.print(f"{len(played)} rounds in {(time.monotonic() - began) / 60:.0f} min")
    for text, count in counts.items():
        console.print(f"{text}: {count}")
    return 1 if any(counts.values()) else 0


@contextmanager
def scene(settings: Mapping[str, str]) -> Iterator[Scene]:
    """Start a sandbox and a cluster in a folder of their own; end both, and remove it."""
    home = Path(tempfile.mkdtemp(prefix="videoai-cluster-"))
    markers = home / "markers"
    markers.mkdir()
    try:
        with (
            running_sandbox(queue_seconds=QUEUE_SECONDS, run_seconds=RUN_SECONDS) as sandbox,
            ClusterArena(home, DAGS, {**environment(sandbox, markers), **settings}) as cluster,
        ):
            # Drawn on its first request, which on a busy machine takes longer than the sandbox waits for an input.
            httpx.get(f"{sandbox.url}/sample/clip.mp4", timeout=120, trust_env=False).raise_for_status()
            dag_ids = [f"paid_once_{vendor}" for vendor in VENDORS]
            for dag_id in dag_ids:
                cluster.wait_for_dag(dag_id)
            tasks = Tasks(cluster, dag_ids)
            try:
                yield Stage(cluster, tasks, sandbox, markers)
            finally:
                tasks.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def play_act(where: Scene, act: Act, console: Console) -> list[Facts]:
    """Play one act at every vendor, and leave a whole cluster behind."""
    number = ACTS.index(act)
    rounds = [
        Round(where, kind, vendor, f"act-{number}-{part}-{vendor}")
        for part, kind in enumerate(act.kinds)
        for vendor in VENDORS
    ]
    where.sandbox.clock(**{"run_seconds": RUN_SECONDS, **act.clock})
    if act.held:
        where.arena.consume("machine-2", wanted=False)
    missed: list[str] = []

    def blow() -> None:
        try:
            if note := act.blow(where, rounds):
                console.print(note)
        except TimeoutError as late:
            # The rounds go on to whatever end they come to: that is what is judged.
            missed.append(str(late))

    began = time.monotonic()
    played = play_together(rounds, blow, console)
    seconds = time.monotonic() - began
    where.arena.restore()
    console.print(f"{act.kinds[0].name}: {seconds:.0f} s", *missed)
    wrong: dict[str, list[str]] = {}
    if act.check is not None:
        note, wrong = act.check(where, rounds)
        console.print(note)
    return [
        replace(facts, struck=facts.struck and not missed, seconds=seconds, measured=tuple(wrong.get(name, ())))
        for name, facts in played.items()
    ]
