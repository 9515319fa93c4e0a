# SPDX-License-Identifier: Apache-2.0
"""Whatever a vendor sends: the triggerer lives, each task ends as this package says, and no other task is late."""

from __future__ import annotations

import itertools
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from database import running_postgres
from processes import command_of, group, wait_for
from standalone import Standalone

from airflow_provider_videoai import registry
from airflow_provider_videoai.airflow_compat import AIRFLOW_V_3_3_PLUS
from airflow_provider_videoai.jobs import errors
from airflow_provider_videoai.sandbox import running_sandbox
from airflow_provider_videoai.sandbox.running import Sandbox
from tests.hostile.deeds import deeds, odd_ids
from tests.hostile.gateway import Case, Stage, gateway
from tests.support.real_airflow import airflow_at

pytestmark = [pytest.mark.airflow, pytest.mark.hostile, pytest.mark.timeout(1500)]

VENDORS = tuple(registry.VENDORS)
MODES = ("deferred", "in_triggerer", "blocking")
QUEUE_SECONDS, RUN_SECONDS = 1.0, 12.0
POLL_INTERVAL = 10.0
"""Seconds between two polls of a job at a healthy vendor: longer than two busy cores delay a poll."""
HEALTHY_RUNS = 3
TIMEOUT_SECONDS = 1200
ENDED = ("success", "failed", "upstream_failed", "skipped", "removed")
ACCOUNT = {"timeout": 3, "outage_tolerance": 8, "max_requests_per_minute": 6000}
TREE = {name for name in dir(errors) if isinstance(getattr(errors, name), type)}
_EXCEPTION = re.compile(r"Task failed with exception (\w+): ")


def all_cases() -> list[Case]:
    """Every deed at every stage in every mode; the vendors alternate."""
    vendors = itertools.cycle(VENDORS)
    cases = [
        Case(f"{name}__{stage}__{mode}", next(vendors), stage, mode, deed)
        for name, deed in deeds()
        for stage in Stage
        for mode in MODES
    ]
    # CDNetworks' ids are chosen by the caller.
    by_id = itertools.product(odd_ids(), ("viitor", "topview"), MODES)
    return cases + [Case(f"{name}__{key}__{mode}", key, Stage.SUBMIT, mode, deed) for (name, deed), key, mode in by_id]


@dataclass
class Play:
    """What came of all the tasks."""

    airflow: Standalone
    sandbox: Sandbox
    cases: list[Case]
    triggerers: tuple[set[int], set[int]] = (set(), set())
    hostile: dict[str, dict[str, Any]] = field(default_factory=dict)
    hostile_run: str = ""
    healthy: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    home, cases = tmp_path_factory.mktemp("hostile"), all_cases()
    with ExitStack() as stack:
        sandbox = stack.enter_context(running_sandbox(queue_seconds=QUEUE_SECONDS, run_seconds=RUN_SECONDS))
        database = stack.enter_context(running_postgres())
        stack.enter_context(gateway(sandbox.url, cases))
        airflow = stack.enter_context(_airflow(sandbox, database, home, cases))
        play = Play(airflow, sandbox, cases)
        before = _triggerer(airflow)
        play.hostile_run = airflow.trigger("hostile")
        healthy = [_once_in_flight(play, number) for number in range(HEALTHY_RUNS)]
        _wait_for(play, len(cases))
        for run_id in healthy:
            airflow.finish("healthy", run_id, 300)
        play.healthy = [(run_id, task) for run_id in healthy for task in airflow.tasks("healthy", run_id)]
        play.triggerers = before, _triggerer(airflow)
        yield play


def _airflow(sandbox: Sandbox, database: str, home: Path, cases: list[Case]) -> Standalone:
    stored = home / "cases.json"
    stored.write_text(json.dumps([{"name": c.name, "vendor": c.vendor, "mode": c.mode} for c in cases]))
    connections = {key.removeprefix("AIRFLOW_CONN_"): json.loads(each) for key, each in sandbox.connections().items()}
    for each in connections.values():
        each["extra"] = {**(each.get("extra") or {}), "max_requests_per_minute": 6000}
    for case in cases:
        default = connections[f"{case.vendor.upper()}_DEFAULT"]
        spoilt = {"host": f"http://127.0.0.1:{case.port}", "port": None, "extra": {**default["extra"], **ACCOUNT}}
        connections[f"HOSTILE_{case.name.upper()}"] = {**default, **spoilt}
    return airflow_at(
        sandbox,
        home,
        Path(__file__).parent / "dags",
        HOSTILE_CASES=str(stored),
        HEALTHY_POLL_INTERVAL=str(POLL_INTERVAL),
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=database,
        AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE="50",
        AIRFLOW__CORE__PARALLELISM="16",
        AIRFLOW__API__MAXIMUM_PAGE_LIMIT="1000",
        **{f"AIRFLOW_CONN_{name}": json.dumps(each) for name, each in connections.items()},
    )


def _once_in_flight(play: Play, number: int) -> str:
    """Start a run of healthy tasks once its part of the hostile ones has ended."""
    part = number * len(play.cases) // HEALTHY_RUNS
    _wait_for(play, part)
    return play.airflow.trigger("healthy")


def _ended(play: Play) -> int:
    path = f"/dags/hostile/dagRuns/{play.hostile_run}/taskInstances?limit=1000"
    play.hostile = {task["task_id"]: task for task in play.airflow.api("GET", path)["task_instances"]}
    return sum(task["state"] in ENDED for task in play.hostile.values())


def _wait_for(play: Play, ended: int) -> None:
    def triggerer_lives() -> None:
        if not _triggerer(play.airflow):
            lines = play.airflow.log_file.read_text(errors="replace").splitlines()
            pytest.fail("the triggerer died:\n" + "\n".join([line for line in lines if "triggerer" in line][-60:]))

    complaint = f"fewer than {ended} tasks at hostile vendors ended"
    wait_for(lambda: _ended(play) >= ended, TIMEOUT_SECONDS, complaint, triggerer_lives, interval=3)


def _triggerer(airflow: Standalone) -> set[int]:
    assert airflow.pid is not None
    return {each.pid for each in group(airflow.pid) if "triggerer" in command_of(each)}


def test_the_triggerer_outlives_every_answer(play: Play) -> None:
    before, after = play.triggerers
    assert before
    assert before <= after
    assert "runner process has died" not in play.airflow.log_file.read_text(errors="replace")


def test_every_hostile_answer_was_sent(play: Play) -> None:
    assert [case.name for case in play.cases if not case.struck] == []


def test_each_task_at_a_hostile_vendor_ends_in_a_result_or_in_an_error_of_this_package(play: Play) -> None:
    wrong = {}
    for name, task in play.hostile.items():
        if task["state"] == "success" and play.airflow.xcom("hostile", play.hostile_run, name):
            continue
        log = play.airflow.task_log("hostile", play.hostile_run, name, task["try_number"] or 1)
        raised = _EXCEPTION.findall(log)
        if task["state"] != "failed" or not raised or raised[-1] not in TREE:
            wrong[name] = (task["state"], log[-1500:])
    assert wrong == {}


def test_no_job_at_a_healthy_vendor_is_polled_late_by_more_than_its_poll_interval(play: Play) -> None:
    # By the vendor's own book, from one poll to the next: when a job begins to be polled is Airflow's matter, and when
    # it ends is the sandbox's, which has to render its video on the same two cores.
    polled = defaultdict[str, list[float]](list)
    for entry in play.sandbox.ledger()["polls"]:
        for job_id in entry["job_ids"]:
            polled[job_id].append(entry["at"])
    late, gaps = {}, 0
    for run_id, task in play.healthy:
        assert task["state"] == "success", (run_id, task["task_id"])
        seen = play.airflow.xcom("healthy", run_id, task["task_id"], "status")
        (job,) = seen["jobs"]
        # Whoever fetches the result later may query the status once more.
        polls = [at for at in polled[job["job_id"]] if at <= seen["observed_at"] + 1]
        between = [later - earlier for earlier, later in itertools.pairwise(polls)]
        gaps += len(between)
        if between and max(between) > 2 * POLL_INTERVAL:
            late[run_id, task["task_id"]] = max(between)
    assert late == {}
    assert gaps >= len(play.healthy) / 2, "else most were polled once, and nothing was measured"


def _submissions(play: Play) -> list[dict[str, Any]]:
    return [entry for entry in play.sandbox.ledger()["submissions"] if entry["outcome"] == "accepted"]


@pytest.mark.skipif(not AIRFLOW_V_3_3_PLUS, reason="needs the task state store of Airflow 3.3")
def test_nothing_is_bought_twice(play: Play) -> None:
    bought = len(_submissions(play))
    assert bought <= len(play.cases) + len(play.healthy)
