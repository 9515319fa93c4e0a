# SPDX-License-Identifier: Apache-2.0
"""What a waiting trigger shows: XComs ``progress`` while it waits and ``status`` at the end, and never more."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from typing import Any, NoReturn

import httpx
import pytest
from airflow.sdk.execution_time.xcom import XCom

from airflow_provider_videoai.jobs.job_reference import JOB_REFERENCE_KEY
from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.jobs.polling.cadence import Cadence
from airflow_provider_videoai.jobs.polling.watch import Watch
from airflow_provider_videoai.triggers import progress_report as report
from tests.jobs.polling.watches import new_watch
from tests.support.tasks import _class_at
from tests.support.which_airflow import needs_airflow_3_3

pytestmark = pytest.mark.usefixtures("prompt")


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch, xcoms: Any) -> list[tuple[str, Any]]:  # noqa: ARG001 - patched first
    """Every XCom that the triggerer writes, in order."""
    written: list[tuple[str, Any]] = []
    inner = XCom.set

    def set_(*, key: str, value: Any, **where: Any) -> None:
        written.append((key, value))
        inner(key=key, value=value, **where)

    monkeypatch.setattr(XCom, "set", set_)
    return written


@needs_airflow_3_3("triggers that write XComs")
def test_progress_and_the_last_status_are_pushed_and_are_not_in_the_event(
    case: Any, task: Any, writes: Any, sandbox: Any
) -> None:
    sandbox.clock(queue_seconds=0.3, run_seconds=0.6)
    waiting = task(case)
    waiting.run()
    keys = [key for key, _ in writes]
    assert keys[-1] == "status"
    assert set(keys) == {"progress", "status"}
    progress, status = dict(writes)["progress"], dict(writes)["status"]
    assert progress.keys() == {"progress", "state", "queue_position", "observed_at", "since"}
    assert progress["state"] in ("queued", "running", "succeeded")
    said = json.dumps(waiting.events[0].payload)
    assert "progress" not in said
    for url in filter(None, (status["jobs"][0]["media_url"], status["jobs"][0]["subtitles_url"])):
        assert url not in said


@needs_airflow_3_3("triggers that write XComs")
def test_the_last_status_tells_since_when_the_job_was_in_each_state(
    cases: Any, task: Any, writes: Any, sandbox: Any
) -> None:
    sandbox.clock(queue_seconds=0.3, run_seconds=0.6)
    task(cases["viitor"]).run()
    since = dict(writes)["status"]["since"]
    assert list(since) == ["queued", "running", "succeeded"]
    assert list(since.values()) == sorted(since.values())


@pytest.mark.parametrize(
    ("seen", "slowest", "since"),
    [
        ([], None, {}),
        ([("a", "queued")], "queued", {"queued": "0"}),
        (
            [("a", "queued"), ("a", "running"), ("a", "succeeded")],
            "succeeded",
            {"queued": "0", "running": "1", "succeeded": "2"},
        ),
        ([("a", "queued"), ("b", "queued"), ("a", "running")], "queued", {"queued": "0"}),
        (
            [("a", "running"), ("b", "running"), ("a", "succeeded"), ("b", "failed")],
            "failed",
            {"running": "0", "failed": "3"},
        ),
        ([("a", "running"), ("b", "queued"), ("b", "running")], "running", {"running": "0", "queued": "1"}),
        ([("a", "queued"), ("a", "queued"), ("a", "running")], "running", {"queued": "0", "running": "2"}),
    ],
)
def test_a_task_stands_where_its_slowest_job_does(seen: list[Any], slowest: str | None, since: dict[str, str]) -> None:
    standing = report.Standing()
    for moment, (job_id, state) in enumerate(seen):
        standing.note(JobStatus(job_id=job_id, state=JobState(state)), str(moment))
    assert standing.slowest == slowest
    assert standing.since == since


def test_progress_says_the_queue_position_of_the_slowest_job() -> None:
    watches = [new_watch("a"), new_watch("b")]
    made = report.Report(None, watches, frozenset(JobState))
    watches[0].status = JobStatus(job_id="a", state=JobState.RUNNING, progress=10)
    watches[1].status = JobStatus(job_id="b", state=JobState.QUEUED, queue_position=3)
    for watch in watches:
        made(watch)
    assert made._progress()["queue_position"] == 3


class Unread(list[Watch]):
    def __iter__(self) -> Iterator[NoReturn]:
        raise AssertionError("a thousand jobs with news would look at a million")


def test_news_of_one_job_does_not_look_at_the_tasks_other_jobs() -> None:
    watch = Watch(job_id="a", submitted_at=0.0, started_at=0.0, cadence=Cadence(floor=1.0))
    watch.saw(JobStatus(job_id="a", state=JobState.RUNNING), 1.0, 1.0)
    report.Report(None, Unread([watch]), frozenset())(watch)


def run_from_the_start(waiting: Any) -> None:
    """Start a sensor in the triggerer, as Airflow does."""
    args = waiting.make().start_trigger_args
    asyncio.run(waiting.fire(_class_at(args.trigger_cls)(**args.trigger_kwargs)))


@needs_airflow_3_3("triggers that write XComs")
def test_a_task_that_starts_in_the_triggerer_pushes_its_card_there(
    cases: Any, sensor: Any, submitted: Any, writes: Any
) -> None:
    job_id = submitted(cases["viitor"])
    run_from_the_start(sensor(cases["viitor"], job_id))
    reference = dict(writes)[JOB_REFERENCE_KEY]
    assert (reference["vendor"], reference["job_ids"], reference["submitted_at"]) == ("viitor", [job_id], None)


@needs_airflow_3_3("triggers that write XComs")
def test_the_card_is_no_reason_to_ask_later(
    cases: Any,
    sensor: Any,
    submitted: Any,
    xcoms: Any,  # noqa: ARG001 - patched first
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, note, held_up = threading.Event(), report.Report.__call__, []

    def noted(self: report.Report, watch: Watch) -> None:
        asked.set()
        note(self, watch)

    def set_(*, key: str, **_: Any) -> None:
        if key == JOB_REFERENCE_KEY:
            held_up.append(not asked.wait(30))

    monkeypatch.setattr(report.Report, "__call__", noted)
    monkeypatch.setattr(XCom, "set", set_)
    run_from_the_start(sensor(cases["viitor"], submitted(cases["viitor"])))
    assert held_up == [False]


def test_a_job_that_has_ended_costs_no_write_where_the_event_carries_its_last_status(
    cases: Any, task: Any, writes: Any, sandbox: Any
) -> None:
    """A thousand that end together would queue for the triggerer's one way to write."""
    sandbox.clock(queue_seconds=0.1, run_seconds=0.3)
    task(cases["topview"], finish_in_triggerer=True).run()
    assert {(key, value["state"]) for key, value in writes} <= {("progress", "queued"), ("progress", "running")}


@needs_airflow_3_3("triggers that write XComs")
def test_progress_is_throttled(
    cases: Any, task: Any, writes: Any, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "GROWTH", 1e6)
    sandbox.clock(queue_seconds=0.2, run_seconds=0.8)
    task(cases["viitor"]).run()
    assert [key for key, _ in writes].count("progress") == 1


@needs_airflow_3_3("triggers that write XComs")
async def test_progress_follows_the_job(
    cases: Any, task: Any, writes: Any, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.clock(queue_seconds=1.0, run_seconds=500)
    write = XCom.set

    def write_and_let_time_pass(**written: Any) -> None:
        write(**written)
        sandbox.clock(advance=100)

    monkeypatch.setattr(report, "GROWTH", 0.0)
    monkeypatch.setattr(report, "LEAST_GAP", 0.0)
    monkeypatch.setattr(XCom, "set", write_and_let_time_pass)
    waiting = task(cases["viitor"])
    deferred = await asyncio.to_thread(waiting.defer)
    await waiting.fire(deferred.trigger)
    shown = [value for key, value in writes if key == "progress"]
    percents = [value["progress"] for value in shown]
    assert percents == sorted(percents)
    assert len(set(percents)) > 3
    assert {value["state"] for value in shown} == {"running"}, "nothing is written while it is only queued"
    assert all(list(value["since"])[:2] == ["queued", "running"] for value in shown)


@needs_airflow_3_3("triggers that write XComs")
def test_progress_of_several_jobs_is_their_mean(
    cases: Any, sensor: Any, writes: Any, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = XCom.set

    def write_and_let_the_job_end(**written: Any) -> None:
        write(**written)
        sandbox.clock(advance=1000)

    monkeypatch.setattr(XCom, "set", write_and_let_the_job_end)
    case = cases["viitor"]
    hook = case.hook(case.conn_id)
    done = hook.submit(case.request(sandbox))
    while not hook.status(done).state.terminal:
        time.sleep(0.02)
    sandbox.clock(queue_seconds=600)
    waiting = hook.submit(case.request(sandbox))
    sensor(case, [done, waiting]).run()
    first = dict(reversed(writes))["progress"]
    assert (first["progress"], first["state"]) == (50, "queued")


def test_without_a_task_instance_nothing_is_shown(cases: Any, task: Any, writes: Any) -> None:
    trigger = task(cases["topview"]).defer().trigger

    async def fire() -> list[Any]:
        return [event async for event in trigger.run()]

    (event,) = asyncio.run(fire())
    assert event.payload["outcome"] == "ended"
    assert writes == []


@needs_airflow_3_3("triggers that write XComs")
def test_an_xcom_that_cannot_be_written_does_not_harm_the_wait(
    cases: Any,
    task: Any,
    monkeypatch: pytest.MonkeyPatch,
    everything_said: Any,
    xcoms: Any,  # noqa: ARG001
) -> None:
    def refuse(**_: Any) -> None:
        raise RuntimeError("the database is away")

    monkeypatch.setattr(XCom, "set", refuse)
    assert task(cases["topview"]).run()["state"] == "succeeded"
    assert "Could not write XCom" in everything_said()


@needs_airflow_3_3("triggers that write XComs")
def test_the_worker_uses_the_last_status_instead_of_asking_again(case: Any, task: Any, sandbox: Any) -> None:
    waiting = task(case)
    deferred = waiting.defer()
    event = asyncio.run(waiting.fire(deferred.trigger))
    sandbox.clear_ledger()
    assert waiting.resume(deferred, event.payload)["state"] == "succeeded"
    assert sandbox.ledger(case.vendor)["polls"] == []


STALE = {"observed_at": 1_700_000_000.0}
SPOILT: list[Any] = [
    None,
    "by hand",
    {},
    {"observed_at": 1},
    {"jobs": [None]},
    {"jobs": [{"state": "odd"}]},
    {"jobs": 3},
]


@pytest.mark.parametrize("change", [STALE, *SPOILT], ids=str)
@needs_airflow_3_3("triggers that write XComs")
def test_a_status_that_is_stale_or_spoilt_is_asked_for_again(change: Any, cases: Any, task: Any, sandbox: Any) -> None:
    case = cases["topview"]
    waiting = task(case)
    deferred = waiting.defer()
    event = asyncio.run(waiting.fire(deferred.trigger))
    pushed = waiting.ti.xcom_pull(key="status")
    spoilt = {"observed_at": time.time()} | change if isinstance(change, dict) else change
    waiting.ti.xcom_push("status", pushed | STALE if change is STALE else spoilt)
    sandbox.clear_ledger()
    result = waiting.resume(deferred, event.payload)
    assert httpx.get(result["media_url"], trust_env=False).status_code == httpx.codes.OK
    assert len(sandbox.ledger("topview")["polls"]) == 1


@needs_airflow_3_3("triggers that write XComs")
def test_another_jobs_status_is_not_taken_for_this_ones(cases: Any, task: Any) -> None:
    case = cases["topview"]
    waiting = task(case)
    deferred = waiting.defer()
    event = asyncio.run(waiting.fire(deferred.trigger))
    pushed = waiting.ti.xcom_pull(key="status")
    pushed["jobs"][0]["job_id"] = "another"
    waiting.ti.xcom_push("status", pushed)
    assert waiting.resume(deferred, event.payload)["job_id"] == deferred.trigger.arguments.job_ids
