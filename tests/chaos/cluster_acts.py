# SPDX-License-Identifier: Apache-2.0
"""What can befall a job on a cluster: groups of rounds, and the blow that falls on each group."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster import Cluster
from processes import wait_for

from tests.chaos.kinds import VENDORS, Kind
from tests.chaos.patient import Patient
from tests.chaos.rounds import TIMEOUT_SECONDS, Round, Stage

FROZEN_SECONDS = 75
BROKER_AWAY, DATABASE_AWAY = 30, 20
REDELIVERED_AFTER = 15
"""Seconds after which the broker hands a task that is not acknowledged to another worker, in the last group."""
_SETTLED_SECONDS = 12
"""What a thawed process does of its own accord, it does within this time."""
_LONG_JOBS = {"run_seconds": 40.0}
_LONGER_JOBS = {"run_seconds": FROZEN_SECONDS + 45.0}
_STARTS = "Executing workload in Celery"
_ENDED = ("success", "failed", "upstream_failed")


class ClusterArena(Patient, Cluster):
    """A cluster under fire."""

    def restore(self) -> None:
        """Have every part run, and both workers take tasks."""
        self.start_parts(*(name for name, part in self.parts.items() if not part.running))
        self.consume("machine-2", wanted=True)


Scene = Stage[ClusterArena]
Blow = Callable[[Scene, Sequence[Round]], str | None]
Check = Callable[[Scene, Sequence[Round]], tuple[str, dict[str, list[str]]]]
"""Looks once the rounds have ended; returns what was measured, and what is wrong, by round."""


@dataclass(frozen=True, slots=True)
class Act:
    """Kinds of rounds that are played at the same time, each at its vendors, and one blow that falls on all.

    ``vendors`` are those that it is played at; ``clock`` are the durations of the sandbox' jobs; ``settings`` are
    Airflow's, for an act that needs a cluster of its own; ``check`` measures what a round alone does not show.
    """

    kinds: tuple[Kind, ...]
    blow: Blow
    clock: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    check: Check | None = None
    vendors: tuple[str, ...] = VENDORS

    @property
    def held(self) -> bool:
        """Whether its tasks wait for the blow at a step, all in the hands of one worker."""
        return any(kind.step != "none" for kind in self.kinds)


# -- blows -------------------------------------------------------------------------------------------------


def _none(_scene: Scene, _rounds: Sequence[Round]) -> None:
    pass


def _kill_worker(scene: Scene, rounds: Sequence[Round]) -> None:
    """Kill the worker that has all tasks in its hands; the other one takes over."""
    cluster = scene.arena
    wait_until_held(scene, rounds)
    cluster.consume("machine-2", wanted=True)
    cluster.parts["worker-1"].kill()
    release(scene, rounds)
    _wait_for_retries(scene, rounds)
    cluster.start_parts("worker-1")


def _freeze_worker(scene: Scene, rounds: Sequence[Round]) -> None:
    """Freeze the worker between the record and the POST, and thaw it when the tasks were tried again elsewhere."""
    cluster = scene.arena
    worker = cluster.parts["worker-1"]
    wait_until_held(scene, rounds)
    cluster.consume("machine-2", wanted=True)
    worker.freeze()
    release(scene, rounds)
    try:
        _wait_for_retries(scene, rounds)
    finally:
        worker.thaw()
    time.sleep(_SETTLED_SECONDS)
    cluster.revive()


def _kill_triggerer(scene: Scene, _rounds: Sequence[Round]) -> None:
    victim = _busiest_triggerer(scene)
    scene.arena.parts[victim].kill()
    time.sleep(1)
    scene.arena.start_parts(victim)


def _freeze_triggerer(scene: Scene, _rounds: Sequence[Round]) -> None:
    """Thaw it while another triggerer waits for its jobs: Airflow then ends its triggers as if a user had."""
    victim = scene.arena.parts[_busiest_triggerer(scene)]
    victim.freeze()
    try:
        time.sleep(FROZEN_SECONDS)
    finally:
        victim.thaw()
    time.sleep(_SETTLED_SECONDS)
    scene.arena.revive()


def _freeze_triggerer_to_the_end(scene: Scene, rounds: Sequence[Round]) -> str:
    """Thaw it when its tasks have ended: Airflow drops its late events, but not what it writes to XCom."""
    victim = scene.arena.parts[_busiest_triggerer(scene)]
    victim.freeze()
    try:
        complaint = "the other triggerer did not take over"
        wait_for(lambda: all(_ended(scene, each) for each in rounds), TIMEOUT_SECONDS, complaint)
        before = [_seen(scene, each) for each in rounds]
    finally:
        victim.thaw()
    time.sleep(_SETTLED_SECONDS)
    scene.arena.revive()
    rewritten = [
        f"{each.name} {key}: {xcoms[key]} -> {after}"
        for each, xcoms in zip(rounds, before, strict=True)
        for key, after in _seen(scene, each).items()
        if after != xcoms[key]
    ]
    said = f"{victim.name}, thawed after its tasks had ended, rewrote {len(rewritten)} XComs of {len(rounds)} tasks"
    return "\n".join([said, *rewritten])


def _kill_scheduler(scene: Scene, rounds: Sequence[Round]) -> None:
    """Kill one scheduler for as long as the jobs take; the other one goes on alone."""
    scene.arena.parts["scheduler-1"].kill()
    wait_for(lambda: all(_ended(scene, each) for each in rounds), TIMEOUT_SECONDS, "one scheduler was not enough")
    scene.arena.start_parts("scheduler-1")


def _kill_schedulers(scene: Scene, _rounds: Sequence[Round]) -> None:
    for name in ("scheduler-1", "scheduler-2"):
        scene.arena.parts[name].kill()
    time.sleep(20)
    scene.arena.start_parts("scheduler-1", "scheduler-2")


def _take_broker_away(scene: Scene, _rounds: Sequence[Round]) -> None:
    scene.arena.redis.stop()
    try:
        time.sleep(BROKER_AWAY)
    finally:
        scene.arena.redis.start()
    scene.arena.revive()


def _take_database_away(scene: Scene, _rounds: Sequence[Round]) -> None:
    scene.arena.postgres.stop()
    try:
        time.sleep(DATABASE_AWAY)
    finally:
        scene.arena.postgres.start()
    # Schedulers, triggerers and the DAG processor end with their database: a process manager starts them again.
    time.sleep(5)
    scene.arena.revive()


def _wait_for_redelivery(scene: Scene, rounds: Sequence[Round]) -> None:
    """Hold the tasks until the broker has delivered each a second time, to either worker."""
    wait_until_held(scene, rounds)
    scene.arena.consume("machine-2", wanted=True)
    ids = [str(_task(scene, each)["id"]) for each in rounds]

    def redelivered() -> bool:
        workers = (scene.arena.parts[name] for name in ("worker-1", "worker-2"))
        starts = [line for worker in workers for line in worker.log_since_start().splitlines() if _STARTS in line]
        return all(sum(task_id in line for line in starts) > 1 for task_id in ids)

    wait_for(redelivered, REDELIVERED_AFTER * 8, "the broker did not deliver the tasks again")
    release(scene, rounds)


# -- what blows look at ------------------------------------------------------------------------------------


def wait_until_held(scene: Scene, rounds: Sequence[Round]) -> None:
    markers = [scene.markers / each.name for each in rounds]
    wait_for(lambda: all(map(Path.exists, markers)), TIMEOUT_SECONDS, "the tasks did not come to their step")


def release(scene: Scene, rounds: Sequence[Round]) -> None:
    for each in rounds:
        (scene.markers / f"{each.name}.go").touch()


def _task(scene: Scene, played: Round) -> dict[str, Any]:
    (task,) = scene.arena.tasks(f"paid_once_{played.vendor}", played.name)
    return task


def _wait_for_retries(scene: Scene, rounds: Sequence[Round]) -> None:
    complaint = "the tasks were not retried"
    wait_for(lambda: all(_goes_on(scene, each) for each in rounds), TIMEOUT_SECONDS, complaint)


def _goes_on(scene: Scene, played: Round) -> bool:
    """Whether another try has done its part: it waits, or has ended."""
    task = _task(scene, played)
    return task["state"] in _ENDED or (task["try_number"] > 1 and task["state"] in ("deferred", "up_for_retry"))


def _ended(scene: Scene, played: Round) -> bool:
    return _task(scene, played)["state"] in _ENDED


def _seen(scene: Scene, played: Round) -> dict[str, Any]:
    return {
        key: scene.arena.xcom(f"paid_once_{played.vendor}", played.name, "make", key)
        for key in ("progress", "status", "return_value")
    }


def _busiest_triggerer(scene: Scene) -> str:
    found = scene.arena.api("GET", "/dags/~/dagRuns/~/taskInstances", params={"state": "deferred", "limit": 1000})
    addresses = [(task["triggerer_job"] or {}).get("hostname") for task in found["task_instances"]]
    machine = scene.arena.machine_of(max(addresses, key=addresses.count, default=None))
    if machine is None:
        raise RuntimeError("no triggerer has a trigger: the blow would prove nothing")
    return machine.replace("machine", "triggerer")


# -- acts --------------------------------------------------------------------------------------------------

_FINISHES: tuple[tuple[str, dict[str, Any]], ...] = (("", {}), ("; finish in triggerer", {"finish_in_triggerer": True}))


def _kinds(name: str, *, uncertain: bool = False) -> tuple[Kind, ...]:
    return tuple(
        Kind(name=f"{name}{how}", conf=conf, waits=name != "calm", uncertain=uncertain) for how, conf in _FINISHES
    )


def _held(name: str, step: str, *, uncertain: bool = False, **conf: Any) -> Kind:
    return Kind(name=name, step=step, conf={"hold": True, **conf}, uncertain=uncertain)


ACTS = (
    Act(_kinds("calm"), _none),
    Act(
        (
            _held("worker killed amid submit: request sent", "request_sent", uncertain=True),
            _held("worker killed amid submit: job id recorded", "after_job_id_recorded"),
        ),
        _kill_worker,
    ),
    Act(
        (
            _held("worker killed amid resume: resuming", "resuming"),
            _held("worker killed amid resume: end recorded", "after_end_recorded"),
        ),
        _kill_worker,
    ),
    Act(_kinds("triggerer killed"), _kill_triggerer, clock=_LONG_JOBS),
    Act(_kinds(f"triggerer frozen for {FROZEN_SECONDS} s"), _freeze_triggerer, clock=_LONGER_JOBS),
    Act(_kinds("triggerer frozen until all has ended"), _freeze_triggerer_to_the_end, clock=_LONG_JOBS),
    Act(_kinds("one scheduler killed"), _kill_scheduler),
    Act(_kinds("both schedulers killed, back after 20 s"), _kill_schedulers),
    Act(_kinds(f"Redis away for {BROKER_AWAY} s"), _take_broker_away),
    Act(_kinds(f"PostgreSQL away for {DATABASE_AWAY} s"), _take_database_away),
    Act(
        (
            _held("worker frozen before the POST, fail", "after_record", uncertain=True),
            _held(
                "worker frozen before the POST, resubmit",
                "after_record",
                uncertain=True,
                on_uncertain_submit="resubmit",
            ),
        ),
        _freeze_worker,
    ),
    Act(
        # Not run twice, but Airflow takes the second delivery's refusal for the end of the task, and ends it.
        (_held(f"redelivered after {REDELIVERED_AFTER} s, amid submit", "after_record", uncertain=True),),
        _wait_for_redelivery,
        settings={"AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": str(REDELIVERED_AFTER)},
    ),
)
