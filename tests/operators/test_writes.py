# SPDX-License-Identifier: Apache-2.0
"""How much a task writes to Airflow: each XCom is a request to the API server and three statements of its database."""

from __future__ import annotations

import asyncio
import functools
from collections import Counter
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, task_group
from airflow.sdk import task as task_decorator
from airflow.sdk.execution_time.xcom import XCom

from airflow_provider_videoai.jobs.model import JobResult, JobState, JobStatus
from airflow_provider_videoai.links import JOB_LINK, RESULT_LINK
from airflow_provider_videoai.operators.cdnetworks import CDNetworksPullVideoOperator, CDNetworksUploadVideoOperator
from airflow_provider_videoai.tasks.xcom import parts_in_use, parts_to_push, pushes_nulls
from airflow_provider_videoai.triggers import progress_report
from airflow_provider_videoai.triggers.fresh_start import PUSHED
from tests.jobs.polling.lab import NOW
from tests.jobs.polling.skipping import SkippingLoop
from tests.jobs.polling.watches import new_watch
from tests.support.tasks import Task, TaskInstance
from tests.support.which_airflow import needs_airflow_3_3

pytestmark = pytest.mark.usefixtures("prompt")

FIRST_WRITE = progress_report.FIRST_WRITE
MOST = 8
"""XComs that a deferred task writes if progress is written twice."""
ALWAYS = ("job_id", "video_job", JOB_LINK.xcom_key, "status", RESULT_LINK.xcom_key, "return_value")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, xcoms: Any) -> Counter[str]:  # noqa: ARG001 - patched first
    """How often each key was written, by the worker, by Airflow for it, and by the triggerer."""
    keys: Counter[str] = Counter()
    inner = XCom.set

    def set_(*, key: str, **rest: Any) -> None:
        keys[key] += 1
        inner(key=key, **rest)

    monkeypatch.setattr(XCom, "set", set_)
    monkeypatch.setattr(progress_report, "GROWTH", 1e9)
    return keys


def counted(waiting: Any, keys: Counter[str], **uses: str) -> Any:
    """Run a task whose parts another one uses; add what the worker, and Airflow after it, write."""
    make, push = waiting.make, waiting.ti.xcom_push
    operators = []

    def in_a_dag() -> Any:
        with DAG("pipeline", schedule=None):
            made = make()
            if uses:
                fields = {field: made.output[part] for field, part in uses.items()}
                CDNetworksPullVideoOperator(task_id="on", filename="clip.mp4", **fields)
        operators.append(made)
        return made

    def noted(key: str, value: Any) -> None:
        keys[key] += 1
        push(key, value)

    waiting.make = in_a_dag
    object.__setattr__(waiting.ti, "xcom_push", noted)
    result = waiting.run()
    # As Airflow does with what a worker returns.
    for key in result if getattr(operators[-1], "multiple_outputs", False) else ():
        noted(key, result[key])
    noted("return_value", result)
    return result


@needs_airflow_3_3("triggers that write XComs")
@pytest.mark.parametrize("uses", [(), ("vendor",)])
def test_a_deferred_task_writes_each_key_once_and_no_part_that_nobody_uses(
    case: Any, task: Any, written: Counter[str], uses: tuple[str, ...]
) -> None:
    waiting = task(case)
    result = counted(waiting, written, **dict(zip(("fetch_url",), uses, strict=False)))
    del written["progress"]
    # The link "Result" of a job without media would lead nowhere.
    always = [key for key in ALWAYS if result["media_url"] or key != RESULT_LINK.xcom_key]
    assert written == dict.fromkeys([*always, *uses], 1)
    assert len(ALWAYS) + 2 <= MOST
    for link in (JOB_LINK, RESULT_LINK) if result["media_url"] else (JOB_LINK,):
        assert waiting.ti.xcom_pull(key=link.xcom_key)


@pytest.mark.parametrize("form", [{"deferrable": False}, {"wait_for_completion": False}])
def test_a_task_that_does_not_defer_writes_each_key_once(
    cases: Any, task: Any, written: Counter[str], form: dict[str, Any]
) -> None:
    counted(task(cases["topview"], **form), written)
    always = ALWAYS if "deferrable" in form else ("job_id", "video_job", JOB_LINK.xcom_key, "return_value")
    assert written == dict.fromkeys(always, 1)


@pytest.mark.parametrize(
    ("form", "used", "parts"),
    [
        ({}, (), ()),
        ({}, ("media_id",), ("media_id",)),
        ({}, ("job_id",), ("job_id",)),
        ({}, ("media_url",), ()),  # null
        ({"multiple_outputs": True}, (), [part.name for part in fields(JobResult)]),
        ({"multiple_outputs": False}, ("media_id",), ()),
    ],
)
def test_an_upload_writes_no_part_that_nobody_uses(
    sample: Any,
    xcoms: Any,
    written: Counter[str],
    form: dict[str, Any],
    used: tuple[str, ...],
    parts: tuple[str, ...],
) -> None:
    clip = sample("clip.mp4")

    def make() -> CDNetworksUploadVideoOperator:
        return CDNetworksUploadVideoOperator(task_id="make", source=clip, **form)

    assert make().multiple_outputs is form.get("multiple_outputs", True), "a part that is not there is None to others"
    uses = dict(zip(("fetch_url",), used, strict=False))
    result = counted(Task(make, TaskInstance(xcoms, "manual__1")), written, **uses)
    assert result["media_id"]
    assert written == dict.fromkeys(["return_value", *parts], 1)


@pytest.mark.parametrize(
    ("ti", "nulls"),
    [
        (None, False),
        (SimpleNamespace(map_index=-1), False),
        (SimpleNamespace(map_index=0), True),
        (SimpleNamespace(map_index=-1, region_id="loop"), True),
    ],
)
def test_a_null_part_is_pushed_only_where_a_missing_one_would_shift_the_others(ti: Any, nulls: bool) -> None:
    assert pushes_nulls(ti) is nulls
    found = parts_to_push({"media_url": None, "job_id": "j"}, {"media_url", "job_id"}, nulls=nulls)
    assert set(found) == {"job_id"} | ({"media_url"} if nulls else set())


def test_a_null_part_that_was_not_pushed_is_none_to_who_takes_it(cases: Any, sandbox: Any) -> None:
    """Airflow raises for an XCom that is missing, unless the task has multiple outputs."""
    for case in cases.values():
        assert case.operator(task_id="make", **case.request(sandbox)).multiple_outputs is True


def test_a_part_in_use_can_be_pulled_by_its_key(cases: Any, task: Any, written: Counter[str]) -> None:
    waiting = task(cases["topview"])
    url = counted(waiting, written, fetch_url="media_url")["media_url"]
    assert url
    assert waiting.ti.xcom_pull(task_ids="make", key="media_url") == url


@needs_airflow_3_3("triggers that write XComs")
@pytest.mark.parametrize(
    ("form", "used"), [({}, ()), ({"finish_in_triggerer": True}, ()), ({"deferrable": False}, ()), ({}, ("operation",))]
)
def test_a_sensor_writes_each_key_once_and_by_the_same_rule(
    cases: Any,
    sensor: Any,
    submitted: Any,
    written: Counter[str],
    form: dict[str, Any],
    used: tuple[str, ...],
) -> None:
    waiting = sensor(cases["topview"], submitted(cases["topview"]), poke_interval=0.05, **form)
    counted(waiting, written, **dict(zip(("fetch_url",), used, strict=False)))
    if form.get("finish_in_triggerer"):  # the stand-in pushes an event's XComs as the worker's, return_value included
        written["return_value"] -= 1
    del written["progress"]
    assert written == dict.fromkeys([*(key for key in ALWAYS if key != "job_id"), *used], 1)


@needs_airflow_3_3("tasks that end in the triggerer")
@pytest.mark.parametrize(
    ("form", "uses", "parts"),
    [
        ({}, {}, set()),
        ({}, {"fetch_url": "operation"}, {"operation"}),
        ({"multiple_outputs": True}, {}, None),
    ],
)
def test_an_end_in_the_triggerer_has_the_same_parts_in_one_event(
    cases: Any,
    task: Any,
    written: Counter[str],
    form: dict[str, Any],
    uses: dict[str, str],
    parts: set[str] | None,
) -> None:
    waiting = task(cases["topview"], finish_in_triggerer=True, **form)
    result = counted(waiting, written, **uses)
    (event,) = waiting.events
    expected = set(result) if parts is None else parts
    assert set(event.xcoms) == {"return_value", "status", RESULT_LINK.xcom_key, *expected}


def test_every_part_that_an_earlier_attempt_may_have_pushed_is_removed_before_a_start_in_the_triggerer() -> None:
    assert {part.name for part in fields(JobResult)} <= set(PUSHED)


def test_every_part_is_pushed_if_the_user_asks_for_it(cases: Any, task: Any, written: Counter[str]) -> None:
    result = counted(task(cases["topview"], multiple_outputs=True), written)
    assert set(result) <= set(written)


def test_parts_in_use_are_found_wherever_airflow_resolves_them(cases: Any, sandbox: Any) -> None:
    case = cases["topview"]

    @task_decorator
    def read(*_: Any, **__: Any) -> None: ...

    @task_group
    def each(number: Any) -> None:
        read(number, made.output["duration"])

    with DAG("pipeline", schedule=None):
        made, other = (case.operator(task_id=name, **case.request(sandbox)) for name in ("made", "other"))
        case.sensor(task_id="one", job_id=[made.output["job_id"], other.output["media_id"]])
        CDNetworksPullVideoOperator.partial(task_id="two", fetch_url=made.output["media_url"]).expand(
            filename=["a.mp4", "b.mp4"]
        )
        read({"deep": [(made.output["cover_url"],)]})
        read.partial(a=made.output["state"]).expand(b=made.output.map(str).zip(other.output))
        read.expand_kwargs(made.output.concat(other.output))
        CDNetworksPullVideoOperator(task_id="text", fetch_url=f"{made.output['vendor']}", filename="{{ ti.task_id }}")
        read("{{ ti.xcom_pull('made', key = \"subtitles_url\") }}", "{{ ti.xcom_pull('made')['usage'] }}")
        each.expand(number=[1, 2])
    assert parts_in_use(made) == {
        "job_id", "media_url", "cover_url", "state", "return_value", "vendor", "subtitles_url", "duration"
    }  # fmt: skip
    assert parts_in_use(case.operator(task_id="alone", **case.request(sandbox))) == set()


def test_parts_that_a_function_pulls_by_key_are_in_use(cases: Any, sandbox: Any) -> None:
    case = cases["topview"]

    def pull(_number: int, ti: Any = None) -> None:
        ti.xcom_pull(task_ids="made", key="media_id")

    @functools.wraps(pull)
    def wrapped(*arguments: Any, **named: Any) -> None:
        pull(*arguments, **named)

    @task_decorator
    def one(ti: Any = None) -> Any:
        return [ti.xcom_pull(task_ids="made", key=key) for key in ("media_url", "not a name")]

    @task_decorator
    def mapped(_number: int, ti: Any = None) -> Any:
        def inner() -> Any:
            return ti.xcom_pull(task_ids="made", key="state")

        return inner()

    @task_decorator
    def reads_the_whole(result: dict[str, Any]) -> Any:
        return result["usage"]

    with DAG("pipeline", schedule=None):
        made = case.operator(task_id="made", **case.request(sandbox))
        one()
        mapped.expand(_number=[1, 2])
        PythonOperator.partial(task_id="classic", python_callable=wrapped).expand(op_args=[[1], [2]])
        reads_the_whole({})
    parts = {part.name for part in fields(JobResult)}
    assert parts & (parts_in_use(made) or set()) == {"media_url", "state", "media_id"}


def test_every_part_is_pushed_if_another_tasks_arguments_cannot_be_searched(cases: Any, sandbox: Any) -> None:
    case = cases["topview"]
    deep: list[Any] = []
    with DAG("pipeline", schedule=None):
        made = case.operator(task_id="made", **case.request(sandbox))
        other = CDNetworksPullVideoOperator(task_id="on", filename="clip.mp4", fetch_url="https://v.example/a.mp4")
    for _ in range(5000):
        deep = [deep]
    object.__setattr__(other, "md5", deep)
    assert parts_in_use(made) is None
    assert parts_to_push({"media_url": None, "usage": 1}, None) == {"media_url": None, "usage": 1}


def test_what_is_written_to_serialized_dags_does_not_change_while_a_task_runs(cases: Any, task: Any) -> None:
    waiting = task(cases["topview"], deferrable=False)
    parsed = waiting.make()
    running = parsed.prepare_for_execution()
    waiting.make = lambda: running
    waiting.run()
    assert running.operator_extra_links != parsed.operator_extra_links == (JOB_LINK, RESULT_LINK)
    assert parsed.multiple_outputs is True
    assert running.multiple_outputs is False


def written_while(seconds: float, monkeypatch: pytest.MonkeyPatch, queued: float = 0.0) -> list[float]:
    """Return when ``progress`` is written of a job that lasts so long, with news every second; time is skipped."""
    seen = list[float]()

    async def run() -> None:
        clock = asyncio.get_running_loop().time

        async def push(_: Any, key: str, __: Any) -> None:
            assert key == "progress"
            seen.append(clock() - NOW)

        monkeypatch.setattr(progress_report, "push", push)
        monkeypatch.setattr(progress_report, "time", SimpleNamespace(monotonic=clock, time=clock))
        monkeypatch.setattr(progress_report, "FIRST_WRITE", FIRST_WRITE)
        watch = new_watch("a")
        report = progress_report.Report(SimpleNamespace(map_index=-1), [watch], frozenset(JobState))
        while (age := clock() - NOW) < seconds:
            state, percent = (JobState.QUEUED, None) if age < queued else (JobState.RUNNING, int(100 * age / seconds))
            watch.status = JobStatus(job_id="a", state=state, progress=percent)
            report(watch)
            await asyncio.sleep(1)
        report.close()

    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        runner.run(run())
    return seen


@needs_airflow_3_3("triggers that write XComs")
@pytest.mark.parametrize(
    ("minutes", "most"), [(1, 1), (3, MOST - len(ALWAYS)), (6, MOST - len(ALWAYS)), (30, 3), (150, 4)]
)
def test_progress_of_a_job_with_constant_news_is_written_with_growing_gaps(
    minutes: float, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight XComs in all for a job of up to six minutes."""
    seen = written_while(minutes * 60, monkeypatch)
    assert 1 <= len(seen) <= most
    assert seen[0] <= FIRST_WRITE + 1


@needs_airflow_3_3("triggers that write XComs")
def test_that_a_job_runs_is_written_soon_however_long_it_was_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written while it is only queued, which is what is shown of a job of which nothing is written."""
    seen = written_while(400, monkeypatch, queued=120)
    assert len(seen) == 1
    assert 120 <= seen[0] <= 125
