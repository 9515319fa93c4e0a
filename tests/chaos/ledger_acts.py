# SPDX-License-Identifier: Apache-2.0
"""What the ledger of a cluster is for, and what can befall it: its limits hold; its server does not answer, is gone."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.chaos.cluster_acts import Act, Scene, release, wait_until_held
from tests.chaos.kinds import Kind
from tests.chaos.rounds import Round
from tests.chaos.settings import IN_FLIGHT, LIMIT, QUEUE_SECONDS
from tests.chaos.windows import fullest, most_at_once, requests

LEDGER_AWAY = 60
SUBMITTED_WITHIN = 30
"""Seconds that a submit may take while the ledger is away: it waits 5 s for it, once, and ten tasks start at once on a
full machine."""
_LIMITED_JOBS, _FEW_JOBS = 8, 12
_FEW_SECONDS = 20.0


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


# -- limits ------------------------------------------------------------------------------------------------


def _no_blow(_scene: Scene, _rounds: Sequence[Round]) -> None:
    pass


def _measure_requests(scene: Scene, rounds: Sequence[Round]) -> tuple[str, dict[str, list[str]]]:
    """Count the requests for these rounds in the fullest minute, over all workers and triggerers."""
    windows = requests(_of(scene, rounds))
    most = {window: fullest(times) for window, times in windows.items()}
    wrong: dict[str, list[str]] = {}
    for each in rounds:
        over = {api: count for (vendor, api), count in most.items() if vendor == each.vendor and count > LIMIT}
        wrong[each.name] = [f"{count} requests in a minute ({api}), over {LIMIT}" for api, count in over.items()]
    if max(most.values()) < LIMIT * 3 / 4:
        wrong[rounds[0].name].append(
            f"at most {max(most.values())} requests in a minute: the limit was not put to test"
        )
    said = ", ".join(f"{vendor} {api} {count}" for (vendor, api), count in sorted(most.items()))
    return f"Most requests in 60 s, of {LIMIT}: {said}. {_places(scene, rounds)}", wrong


def _measure_in_flight(scene: Scene, rounds: Sequence[Round]) -> tuple[str, dict[str, list[str]]]:
    """Count the jobs in flight: from the submit to the first poll after the job's time is over."""
    books = _of(scene, rounds)
    intervals = [
        (job["at"], min(at for at in _polled(books, job["job_id"]) if at >= job["at"] + QUEUE_SECONDS + _FEW_SECONDS))
        for job in books["submissions"]
        if job["outcome"] == "accepted"
    ]
    most = most_at_once(intervals)
    wrong: dict[str, list[str]] = {each.name: [] for each in rounds}
    if most > IN_FLIGHT:
        wrong[rounds[0].name].append(f"{most} jobs in flight, over {IN_FLIGHT}")
    if most < IN_FLIGHT:
        wrong[rounds[0].name].append(f"at most {most} jobs in flight: the limit was not put to test")
    refused = sum(job["outcome"] != "accepted" for job in books["submissions"])
    said = f"Most jobs in flight, of {IN_FLIGHT}: {most} of {len(intervals)} jobs; {refused} submits refused"
    return f"{said}. {_places(scene, rounds)}", wrong


def _of(scene: Scene, rounds: Sequence[Round]) -> dict[str, list[dict[str, Any]]]:
    """Return what the sandbox's ledger holds of these rounds."""
    books = scene.sandbox.ledger()
    names = [each.name for each in rounds]
    submissions = [entry for entry in books["submissions"] if any(name in str(entry["request"]) for name in names)]
    job_ids = {entry["job_id"] for entry in submissions}
    polls = [entry for entry in books["polls"] if job_ids.intersection(entry["job_ids"])]
    return {"submissions": submissions, "polls": polls, "lookups": []}


def _polled(books: dict[str, list[dict[str, Any]]], job_id: str) -> list[float]:
    return [entry["at"] for entry in books["polls"] if job_id in entry["job_ids"]]


def _places(scene: Scene, rounds: Sequence[Round]) -> str:
    """Say on how many machines the tasks ran, or ended."""
    found = Counter[str]()
    for each in rounds:
        (task,) = scene.arena.tasks(f"paid_once_{each.vendor}", each.name)
        found[scene.arena.machine_of(task["hostname"]) or "nowhere"] += 1
    return "Tasks: " + ", ".join(f"{count} on {machine}" for machine, count in sorted(found.items()))


def _kinds(name: str, count: int, **conf: Any) -> tuple[Kind, ...]:
    return tuple(Kind(name=name, conf={**conf, "finish_in_triggerer": number % 2 == 0}) for number in range(count))


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
    Act(
        _kinds(f"limit of {LIMIT} requests a minute", _LIMITED_JOBS, account="limited"),
        _no_blow,
        clock={"run_seconds": 20.0},
        check=_measure_requests,
    ),
    Act(
        _kinds(f"limit of {IN_FLIGHT} jobs in flight", _FEW_JOBS, account="few"),
        _no_blow,
        clock={"run_seconds": _FEW_SECONDS},
        check=_measure_in_flight,
        vendors=("tencent_ivh",),
    ),
)
