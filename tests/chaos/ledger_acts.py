# SPDX-License-Identifier: Apache-2.0
"""What can befall the ledger of a cluster: its server does not answer, or is gone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.cluster_acts import Act, Scene, release, wait_until_held
from tests.chaos.kinds import Kind
from tests.chaos.rounds import Round

LEDGER_AWAY = 60
SUBMITTED_WITHIN = 20
"""Seconds that a submit may take while the ledger is away: it waits 5 s for it, and the machine is full."""


# -- the ledger is away ------------------------------------------------------------------------------------


def _take_ledger_away(scene: Scene, rounds: Sequence[Round]) -> None:
    """For half of the time it does not answer, for the other half nobody listens."""
    held = [each for each in rounds if each.kind.step != "none"]
    wait_until_held(scene, held)
    ledger = scene.arena.ledger
    ledger.freeze()
    try:
        release(scene, held)
        time.sleep(LEDGER_AWAY / 2)
        ledger.stop()
        time.sleep(LEDGER_AWAY / 2)
    finally:
        ledger.stop()
        ledger.start()


def _check_promptness(scene: Scene, rounds: Sequence[Round]) -> tuple[str, dict[str, list[str]]]:
    """See that the submits left soon after the ledger had gone, and that waiting jobs were polled meanwhile."""
    books = scene.sandbox.ledger()
    wrong: dict[str, list[str]] = {}
    slowest = 0.0
    gone_at = min(map(_released_at, _held(scene, rounds)))
    for each in rounds:
        job = next(entry for entry in books["submissions"] if each.name in str(entry["request"]))
        if each.kind.step != "none":
            took = job["at"] - _released_at(scene.markers / f"{each.name}.go")
            slowest = max(slowest, took)
            if took > SUBMITTED_WITHIN:
                wrong[each.name] = [f"submitted {took:.0f} s after it could, while the ledger was away"]
        elif not any(
            job["job_id"] in entry["job_ids"] and gone_at < entry["at"] < gone_at + LEDGER_AWAY
            for entry in books["polls"]
        ):
            wrong[each.name] = ["was not polled while the ledger was away"]
    return f"The slowest submit without a ledger left after {slowest:.1f} s", wrong


def _held(scene: Scene, rounds: Sequence[Round]) -> list[Path]:
    return [scene.markers / f"{each.name}.go" for each in rounds if each.kind.step != "none"]


def _released_at(go: Path) -> float:
    return go.stat().st_mtime


ACTS = (
    Act(
        (
            Kind(name=f"ledger away for {LEDGER_AWAY} s, amid submit", step="starting", conf={"hold": True}),
            Kind(name=f"ledger away for {LEDGER_AWAY} s, waiting", waits=True, conf={"finish_in_triggerer": True}),
        ),
        _take_ledger_away,
        clock={"run_seconds": LEDGER_AWAY + 30.0},
        check=_check_promptness,
    ),
)
