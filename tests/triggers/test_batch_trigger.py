# SPDX-License-Identifier: Apache-2.0
"""The trigger of a batch: whatever it received, it yields one event that Airflow carries, and raises nothing."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.triggers import batch, batch_waiting
from airflow_provider_videoai.triggers.batch import BatchWait, VideoBatchTrigger
from airflow_provider_videoai.triggers.batch_event import ENDED_KEY, ended_in_trigger
from airflow_provider_videoai.triggers.event import outcome_of
from tests.support.airflow_encoder import carry_event, carry_xcom
from tests.support.case import Case
from tests.support.fuzzing import fuzz, json_values
from tests.support.tasks import TaskInstance
from tests.support.which_airflow import deserialize, needs_airflow_3_3, serialize

pytestmark = pytest.mark.usefixtures("prompt")

Wait = Callable[..., VideoBatchTrigger]
ODD = json_values("7", "a b", -1.0, 1e300, 10**400, float("nan"), float("inf"), float("-inf"), "nan", "\ud83d", "a\x00")
SCALARS = (str, int, float, bool, type(None))


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "LEAST_DEFERRAL", 0.0)


@pytest.fixture
def case(cases: Any) -> Case:
    return cast(Case, cases["topview"])


@pytest.fixture
def wait(case: Case, submitted: Any, settled: Any, xcoms: Any) -> Wait:
    """Make a trigger that waits for two jobs which have ended, as a task stored it, some arguments changed."""
    jobs = [submitted(case), submitted(case)]
    settled(case)
    sound = BatchWait(
        vendor=case.vendor,
        conn_id=case.conn_id,
        job_ids=" ".join(jobs),
        operations=case.operation,
        submitted_at=" ".join([f"{time.time():.0f}"] * 2),
        job_timeout=60.0,
        items=2,
    )
    instance = TaskInstance(xcoms, "manual__1")

    def wait(**changes: Any) -> VideoBatchTrigger:
        made = VideoBatchTrigger(**{**asdict(sound), **changes})
        made.task_instance = cast(Any, instance)
        return made

    return wait


def only_event(trigger: VideoBatchTrigger) -> Any:
    async def events() -> list[Any]:
        return [event async for event in trigger.run()]

    (event,) = asyncio.run(events())
    carry_event(event)
    return event.payload


# -- what is stored ----------------------------------------------------------------------------------------------


def test_trigger_is_the_same_after_the_database_and_carries_scalars_and_no_secret(wait: Wait, case: Case) -> None:
    path, arguments = wait(until=1e9, poll_interval=5.0, left=1, failed=3).serialize()
    assert path == f"{VideoBatchTrigger.__module__}.VideoBatchTrigger"
    assert all(isinstance(value, SCALARS) for value in arguments.values())
    stored = json.dumps(serialize(arguments))
    assert "://" not in stored
    assert case.password not in stored
    assert VideoBatchTrigger(**cast(Any, deserialize(json.loads(stored)))).serialize() == (path, arguments)


def test_the_names_of_the_stored_arguments_stay() -> None:
    # A triggerer of one version reads what a worker of another wrote.
    names = "vendor conn_id job_ids operations submitted_at job_timeout poll_interval left until items succeeded failed"
    assert list(VideoBatchTrigger().serialize()[1]) == [*names.split(), "skipped"]


def test_argument_of_a_later_version_is_left_out(wait: Wait) -> None:
    assert "later" not in wait(later={"odd": 1}).serialize()[1]
    assert only_event(wait(later={"odd": 1}))["outcome"] == "ended"


# -- odd arguments -----------------------------------------------------------------------------------------------


def test_whatever_one_argument_is_there_is_one_event_and_no_unforeseen_error(wait: Wait) -> None:
    @fuzz
    @given(st.sampled_from(sorted(VideoBatchTrigger().serialize()[1])), ODD)
    @example("vendor", [])
    @example("conn_id", {})
    @example("job_ids", "\ud83d a")
    @example(
        "submitted_at", "nan inf"
    )  # of no order: it would mix up the due queue that all tasks of the account share
    @example("poll_interval", float("nan"))
    @example("job_timeout", float("inf"))
    @example("left", "1")
    @example("until", float("nan"))
    @example("until", 1e300)
    @example("items", None)
    def any_argument(name: str, value: Any) -> None:
        said = only_event(wait(**{name: value}))
        assert said["outcome"] in ("ended", "refused")
        if said["outcome"] == "refused":
            assert "unexpected" not in said["said"]

    any_argument()


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"vendor": "nobody"}, "vendor: must be one of viitor, "),
        ({"vendor": []}, "vendor: must be one of viitor, "),
        ({"conn_id": 7}, "conn_id: must be a non-empty string"),
        ({"operations": "trim"}, "has no operation 'trim'"),
        ({"job_ids": 7}, "job_ids: must be a string of printable characters"),
        ({"job_ids": "a"}, "submitted_at: must be a time for each job"),
        ({"submitted_at": "nan inf"}, "submitted_at: must be a time for each job"),
        ({"submitted_at": "1"}, "submitted_at: must be a time for each job"),
        ({"job_timeout": float("nan")}, "job_timeout: must be a number of seconds"),
        ({"poll_interval": -1}, "poll_interval: must be a number of seconds"),
        ({"left": "1"}, "left: must be a whole number, 0 or more"),
        ({"left": True}, "left: must be a whole number, 0 or more"),
        ({"until": float("inf")}, "until: must be a number of seconds"),
        ({"items": None}, "items: must be a whole number, 0 or more"),
    ],
    ids=str,
)
def test_odd_argument_is_refused_by_its_name(odd: dict[str, Any], said: str, wait: Wait) -> None:
    event = only_event(wait(**odd))
    assert event["outcome"] == "refused"
    assert said in event["said"]


def test_trigger_that_received_nothing_is_refused(sandbox: Any) -> None:  # noqa: ARG001 - its connections
    assert only_event(VideoBatchTrigger())["outcome"] == "refused"


def test_connection_that_is_gone_is_refused_and_named(wait: Wait) -> None:
    event = only_event(wait(conn_id="gone"))
    assert event["outcome"] == "refused"
    assert "gone" in event["said"]


def test_unforeseen_error_is_logged_whole_and_is_an_event(
    wait: Wait, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failure = KeyError("job_ids")

    async def broken(*_: Any) -> None:
        raise failure

    monkeypatch.setattr(batch_waiting, "wait", broken)
    event = only_event(wait())
    assert event["outcome"] == "refused"
    assert "unexpected KeyError" in event["said"]
    assert any(record.exc_info and record.exc_info[1] is failure for record in caplog.records)


# -- what is handed over -----------------------------------------------------------------------------------------


@needs_airflow_3_3("triggers that push XComs")
def test_event_names_no_job_and_the_xcom_says_how_each_ended(wait: Wait) -> None:
    made = wait()
    event = only_event(made)
    assert set(event) == {"version", "outcome", "at"}
    instance = cast(Any, made.task_instance)
    assert carry_xcom(instance.xcom_pull(key=ENDED_KEY)) == instance.xcom_pull(key=ENDED_KEY)
    jobs = made.arguments.job_ids.split()
    ends = ended_in_trigger(event, instance, jobs[:1], logging.getLogger(__name__))
    assert ends is not None
    assert [(end.job_id, end.status.state if end.status else None) for end in ends] == [(jobs[0], "succeeded")]


@needs_airflow_3_3("triggers that push XComs")
@pytest.mark.parametrize("odd", [None, 7, "x", {}, {"at": 1.0}, {"at": "now", "jobs": []}])
def test_what_the_trigger_saw_counts_for_nothing_if_the_event_or_the_xcom_is_odd(wait: Wait, odd: Any) -> None:
    made = wait()
    event = only_event(made)
    instance, jobs = cast(Any, made.task_instance), made.arguments.job_ids.split()
    assert ended_in_trigger(odd, instance, jobs, logging.getLogger(__name__)) is None
    instance.xcom_push(ENDED_KEY, odd)
    assert ended_in_trigger(event, instance, jobs, logging.getLogger(__name__)) is None


@pytest.mark.parametrize("odd", [None, 7, {}, {"outcome": "won"}, {"outcome": []}])
def test_event_that_is_not_understood_is_an_error_of_this_package(odd: Any) -> None:
    with pytest.raises(VideoAIError):
        outcome_of(odd)


# -- the end of the wait -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("job_ids", "jobs"), [("a b c", "3 of the batch"), (None, "1 of the batch")])
async def test_on_kill_says_that_the_jobs_go_on(job_ids: Any, jobs: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        await VideoBatchTrigger(job_ids=job_ids).on_kill()
    assert f"{jobs} go on at the vendor and are billed" in caplog.text


async def test_cancelled_wait_leaves_nothing_behind(case: Case, wait: Wait, sandbox: Any, submitted: Any) -> None:
    sandbox.fault(vendor=case.vendor, kind="never_ends")
    made = wait(job_ids=submitted(case), submitted_at=f"{time.time():.0f}", items=1)
    events = made.run()
    waiting = asyncio.ensure_future(anext(events))
    while not [poll for poll in sandbox.ledger(case.vendor)["polls"] if made.arguments.job_ids in poll["job_ids"]]:
        assert not waiting.done()
        await asyncio.sleep(0.02)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await cast(Any, events).aclose()
    await made.cleanup()
    # What it leaves ends by itself, and starts nothing more: without a task nobody polls.
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        await asyncio.wait(left)
    assert asyncio.all_tasks() == {asyncio.current_task()}
