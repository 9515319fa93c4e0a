# SPDX-License-Identifier: Apache-2.0
"""`make chaos CHAOS=--cluster`: kill, freeze and take away parts of a cluster, and look into the vendors' books."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
from rich.console import Console

from airflow_provider_videoai.sandbox import running_sandbox
from tests.chaos import cluster_acts, ledger_acts
from tests.chaos.cluster_acts import Act, ClusterArena, Scene
from tests.chaos.kinds import VENDORS
from tests.chaos.patient import Tasks
from tests.chaos.report import conclude, line
from tests.chaos.rounds import Round, Stage
from tests.chaos.settings import DAGS, NOTICED_SOON, QUEUE_SECONDS, RUN_SECONDS, environment
from tests.chaos.together import play_together
from tests.chaos.verdict import Facts

SETTINGS = {
    **NOTICED_SOON,
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "10",
    "AIRFLOW__CELERY__WORKER_CONCURRENCY": "12",
    "VIDEOAI_CHAOS_RETRY_SECONDS": "10",
}
"""Airflow's own minutes are made shorter. A retry comes after 10 s: with one second, a task's four tries are used up
while the broker is still away, which is no news."""


ACTS = (*ledger_acts.ACTS, *cluster_acts.ACTS)  # neighbours share a cluster
log = logging.getLogger(__name__)


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
    began, played, status = time.monotonic(), list[Facts](), 1
    theatre = Theatre(console)
    try:
        for act in chosen:
            played += theatre.play(act)
    finally:
        theatre.close()
        status = conclude(played, began, console)
    return status


class Theatre:
    """Plays acts, each on a cluster that it may share with the one before."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._opened = ExitStack()
        self._scene: Scene | None = None
        self._settings: Mapping[str, str] = {}

    def play(self, act: Act) -> list[Facts]:
        """Play an act; an error that ends it is noted of its rounds, and the next act gets a new cluster."""
        played = dict[str, Facts]()
        try:
            if self._settings != act.settings:
                self.close()
            play_act(self._scene or self._open(act.settings), act, self._console, played)
        except Exception as error:
            log.exception("%s: unexpected", act.kinds[0].name)
            self.close()
            return _ended_by(error, act, played, self._console)
        return list(played.values())

    def _open(self, settings: Mapping[str, str]) -> Scene:
        began = time.monotonic()
        opened = self._opened.enter_context(scene({**SETTINGS, **settings}))
        self._scene, self._settings = opened, settings
        self._console.print(f"The cluster is ready after {time.monotonic() - began:.0f} s")
        return opened

    def close(self) -> None:
        """End the cluster, if one runs."""
        self._scene = None
        try:
            self._opened.close()
        except Exception:
            log.exception("the end of the cluster: unexpected")


def _ended_by(error: Exception, act: Act, played: Mapping[str, Facts], console: Console) -> list[Facts]:
    said = f"{type(error).__name__}: {error}"
    # Rounds that were not begun are none that went well.
    seen = played or {
        round_name(act, part, vendor): Facts(kind=kind, vendor=vendor)
        for part, kind in enumerate(act.kinds)
        for vendor in act.vendors
    }
    ended = {name: replace(facts, unexpected=facts.unexpected or said) for name, facts in seen.items()}
    for name, facts in ended.items():
        console.print(line(name, facts), soft_wrap=True)
    return list(ended.values())


def round_name(act: Act, part: int, vendor: str) -> str:
    """Return the run id of a round: of the kind at the index ``part``, at a vendor."""
    return f"act-{ACTS.index(act)}-{part}-{vendor}"


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


def play_act(where: Scene, act: Act, console: Console, played: dict[str, Facts]) -> None:
    """Play one act at its vendors, and leave a whole cluster behind.

    :param played: gets how each round went, by its name, as soon as that is known.
    """
    rounds = [
        Round(where, kind, vendor, round_name(act, part, vendor))
        for part, kind in enumerate(act.kinds)
        for vendor in act.vendors
    ]
    where.sandbox.clock(**{"run_seconds": RUN_SECONDS, **act.clock})
    if act.held:
        where.arena.consume("machine-2", wanted=False)

    def blow() -> None:
        if note := act.blow(where, rounds):
            console.print(note)

    began = time.monotonic()
    ended = play_together(rounds, blow, console)
    seconds = time.monotonic() - began
    console.print(f"{act.kinds[0].name}: {seconds:.0f} s")
    played |= {name: replace(facts, seconds=seconds) for name, facts in ended.items()}
    where.arena.restore()
    if act.check is not None:
        note, wrong = act.check(where, rounds)
        console.print(note)
        for name, texts in wrong.items():
            played[name] = replace(played[name], measured=(*played[name].measured, *texts))
