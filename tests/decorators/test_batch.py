# SPDX-License-Identifier: Apache-2.0
"""``@task.video_batch``: the function's list is the batch, in all workers of an attempt."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, task

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.triggers import batch as trigger
from tests.support.case import Case
from tests.support.tasks import Task, TaskInstance
from tests.support.which_airflow import DagSerialization

pytestmark = pytest.mark.usefixtures("prompt")


@pytest.fixture
def case(cases: Any) -> Case:
    found: Case = cases["viitor"]
    return found


@pytest.fixture
def decorated(case: Case, xcoms: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Task]:
    """Make a task of a function that returns requests."""
    monkeypatch.setattr(trigger, "LEAST_DEFERRAL", 0.0)

    def decorated(function: Callable[..., Any], *args: Any, **arguments: Any) -> Task:
        def make() -> Any:
            with DAG("pipeline", schedule=None):
                made: Any = task.video_batch(vendor=case.vendor, task_id="make", **arguments)(function)(*args)
            return made.operator

        return Task(make, TaskInstance(xcoms, f"manual__{uuid.uuid4().hex}"))

    return decorated


@pytest.fixture
def row(case: Case, sandbox: Any) -> Callable[[str], dict[str, Any]]:
    return lambda name: {"item_id": name, **case.request(sandbox), "task_name": name}


def test_what_the_function_returns_is_bought_and_it_runs_once_per_attempt(
    case: Case, decorated: Any, row: Any, bought: Any
) -> None:
    calls: list[str] = []

    def clips(prefix: str, ti: Any) -> Any:
        calls.append(ti.run_id)
        # Another list each time: the workers of an attempt must not see it change.
        return (row(f"{prefix}-{name}-{len(calls)}") for name in "abc")

    made = decorated(clips, "clip", max_in_flight=2)
    assert made.run()["succeeded"] == 3
    assert len(made.deferrals) > 1
    assert calls == [made.ti.run_id]
    assert len(bought(case)) == 3
    assert made.run()["total"] == 3  # another attempt: its rows are new, and bought
    assert len(calls) == 2
    assert len(bought(case)) == 6


def test_the_function_may_return_the_path_of_a_file(decorated: Any, row: Any, tmp_path: Path) -> None:
    file = tmp_path / "clips.jsonl"
    file.write_text(json.dumps(row("a")) + "\n", encoding="utf-8")
    assert decorated(lambda: file).run()["succeeded"] == 1


def test_what_is_no_list_of_requests_is_refused(decorated: Any) -> None:
    with pytest.raises(InvalidRequest, match="requests: must be a list of requests, and is a single one"):
        decorated(lambda: {"url": "https://example.com/a.mp4"}).run()


@pytest.mark.parametrize(
    "value",
    [object(), b"\xff", {1, "a"}.__iter__(), "\ud800"],
    ids=["object", "bytes", "iterator", "surrogate"],
)
def test_what_airflow_cannot_carry_to_the_next_worker_is_refused(
    decorated: Any, row: Any, case: Case, bought: Any, value: Any
) -> None:
    with pytest.raises(InvalidRequest, match="requests: "):
        decorated(lambda: [row("a") | {"task_name": value}]).run()
    assert bought(case) == []


def test_an_error_of_the_function_is_its_own(decorated: Any, case: Case, bought: Any) -> None:
    def broken() -> Any:
        raise KeyError("inbox")

    with pytest.raises(KeyError, match="inbox"):
        decorated(broken).run()
    assert bought(case) == []


def test_requests_cannot_be_given_beside_the_function() -> None:
    def clips() -> Any:
        return []

    with pytest.raises(InvalidRequest, match="requests: must be left out"), DAG("pipeline", schedule=None):
        task.video_batch(vendor="viitor", requests=[])(clips)()


def test_a_dag_with_it_is_serialized() -> None:
    with DAG("pipeline", schedule=None) as dag:

        @task.video_batch(vendor="viitor", tolerate="5%")
        def clips(folder: str) -> Any:
            return [folder]

        clips("{{ ds }}")
    read = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag)))).get_task("clips")
    assert {"op_args", "requests", "destination"} <= set(read.template_fields)
