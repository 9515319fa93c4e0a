# SPDX-License-Identifier: Apache-2.0
"""Which tasks the list shows, in which order, and how many there are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_videoai.plugin.job_list import Line, Sort, Wanted, followed, listed
from airflow_provider_videoai.plugin.task import TaskKey, VideoTask
from airflow_provider_videoai.plugin.view import Shown
from tests.plugin.test_view import AT, calls_of, status
from tests.plugin.test_view import video_task as task_with


def line(number: int = 0, state: str = "succeeded", *, label: str | None = None, **reference: Any) -> Line:
    made = task_with("failed", {"job_ids": (f"Job-{number}",), **reference}, status=status(state))
    key = TaskKey("dag", "run", "cut", number)
    return Line.of(
        VideoTask(
            key=key, reference=made.reference, seen_at=AT, map_label=label, state=made.state, xcoms=dict(made.xcoms)
        )
    )


def numbers(lines: list[Line], **wanted: Any) -> list[int]:
    return [each["map_index"] for each in listed(lines, Wanted(**wanted))["jobs"]]


MIXED = [line(0, "succeeded"), line(1, "failed"), line(2, "running"), line(3, "aborted"), line(4, "failed")]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        (Sort.NEWEST, [0, 1, 2, 3, 4]),
        (Sort.OLDEST, [4, 3, 2, 1, 0]),
        (Sort.FAILED, [1, 4, 3, 2, 0]),
        (Sort.TASK, [0, 1, 2, 3, 4]),
    ],
)
def test_the_order_is_the_one_that_is_wanted(sort: Sort, order: list[int]) -> None:
    assert numbers(MIXED, sort=sort) == order


def test_by_task_mapped_ones_follow_their_index() -> None:
    assert numbers([line(10), line(9), line(2)], sort=Sort.TASK) == [2, 9, 10]


def test_counts_are_of_all_that_match_and_not_of_the_page() -> None:
    shown = listed(MIXED, Wanted(limit=2, page=2))
    assert shown["states"] == {"succeeded": 1, "failed": 2, "unwatched": 1, "aborted": 1}
    assert (shown["total"], shown["page"], shown["pages"], len(shown["jobs"])) == (5, 2, 3, 2)


def test_the_counts_of_other_states_stay_when_one_is_chosen() -> None:
    shown = listed(MIXED, Wanted(state=Shown.FAILED))
    assert (shown["total"], sum(shown["states"].values())) == (2, 5)


def test_a_page_beyond_the_last_is_the_last() -> None:
    assert numbers(MIXED, limit=2, page=9) == [4]
    assert numbers([], page=9) == []


@pytest.mark.parametrize(
    "search", ["DAG", "job-3", "run", "cut", "Madrid", "in.MP4", "  job-3 ", "media.example"], ids=repr
)
def test_a_search_looks_at_names_ids_labels_and_inputs(search: str) -> None:
    found = line(3, label="Madrid", source="https://media.example/in.mp4?sign=secret")
    assert numbers([found], search=search) == [3]
    assert numbers([found], search=f"{search.strip()}?") == []


def test_a_search_finds_nothing_of_what_the_page_does_not_show() -> None:
    assert numbers([line(source="https://media.example/in.mp4?sign=secret")], search="secret") == []


@pytest.mark.parametrize("query", ["", "?sign=secret", "?sign=another"])
def test_a_url_that_was_pasted_finds_its_input(query: str) -> None:
    found = line(source="https://media.example/a/b/in.mp4?sign=secret")
    assert numbers([found], search=f"https://media.example/a/b/in.mp4{query}") == [0]
    assert numbers([found], search="https://media.example/a/b/out.mp4") == []


def test_words_to_be_spoken_are_found_as_they_are_shown() -> None:
    found = line(source='<speak>Good <break time="1s"/>morning</speak>')
    assert numbers([found], search="good morning") == [0]
    assert numbers([found], search="break") == []


def test_filters_hold_together() -> None:
    lines = [line(0), line(1, vendor="aidge"), line(2, "failed", vendor="aidge")]
    assert numbers(lines, vendor="aidge") == [1, 2]
    assert numbers(lines, vendor="aidge", state=Shown.FAILED) == [2]
    assert numbers(lines, task_id="other") == []
    assert numbers(lines, task_id="cut", search="job-1") == [1]


def test_what_was_refused_comes_with_what_failed() -> None:
    refusal = {"error": "SubmitRejected", "message": "no"}
    refused = line(9, "running", job_ids=(), submitted_at=None, refusal=refusal)
    assert numbers([*MIXED, refused], sort=Sort.FAILED) == [1, 4, 9, 3, 2, 0]
    assert numbers([*MIXED, refused], state=Shown.REJECTED) == [9]


def sensor(*job_ids: str, key: str = "wait", state: str = "deferred", vendor: str = "viitor", **xcoms: Any) -> Line:
    made = task_with(state, {"job_ids": job_ids, "submitted_at": None, "vendor": vendor}, **xcoms)
    return Line.of(replace(made, key=TaskKey("dag", "run", key)))


def submitted(job_id: str = "j1", state: str = "success") -> Line:
    return Line.of(task_with(state, {"job_ids": (job_id,)}, state="queued"))


def seen(line: Line, *among: Line) -> tuple[Any, Any, Any]:
    (found,) = followed([line], among)
    return found.row["state"], found.row["progress"], (found.row["watched_by"] or {}).get("task_id")


WAITING: dict[str, Any] = {"progress": {"state": "running", "progress": 40}}
ONE_OF_TWO: dict[str, Any] = {"jobs": [{"job_id": "j1", "state": "failed"}, {"job_id": "j2", "state": "running"}]}


@pytest.mark.parametrize(
    ("sensors", "expected"),
    [
        ([sensor("j1", **WAITING)], ("running", 40, "wait")),
        ([sensor("j1")], ("queued", None, "wait")),
        ([sensor("j1", state="success", status=status("succeeded"))], ("succeeded", 100, "wait")),
        ([sensor("j1", state="failed", status=status("failed"))], ("failed", None, "wait")),
        ([sensor("j1", "j2", **WAITING)], ("running", None, "wait")),
        ([sensor("j1", "j2", status=ONE_OF_TWO, **WAITING)], ("failed", None, "wait")),
        ([sensor("j1", key="new"), sensor("j1", state="success", status=status("failed"))], ("queued", None, "new")),
        ([sensor("j1", state="failed"), sensor("j1", key="old", **WAITING)], ("running", 40, "old")),
        ([sensor("j1", state="failed")], ("unwatched", None, None)),
        ([sensor("j2", **WAITING)], ("unwatched", None, None)),
        ([sensor("j1", vendor="aidge", **WAITING)], ("unwatched", None, None)),
        ([submitted()], ("unwatched", None, None)),
        ([], ("unwatched", None, None)),
    ],
)
def test_a_job_that_its_task_only_submitted_is_as_its_sensor_last_saw_it(sensors: list[Line], expected: Any) -> None:
    assert seen(submitted(), *sensors) == expected


def test_a_task_that_watches_its_own_job_is_believed_before_any_sensor() -> None:
    mine = submitted(state="deferred")
    assert seen(mine, sensor("j1", state="success", status=status("failed"))) == ("queued", None, None)


def test_twice_the_tasks_are_twice_the_work() -> None:
    once, twice = ([line(number) for number in range(count)] for count in (500, 1000))
    for wanted in (Wanted(), Wanted(search="job-4", sort=Sort.FAILED), Wanted(sort=Sort.TASK, page=4)):
        assert calls_of(lambda wanted=wanted: listed(twice, wanted)) <= 2.2 * calls_of(
            lambda wanted=wanted: listed(once, wanted)
        )


def test_twice_the_sensors_are_twice_the_work() -> None:
    def work(count: int) -> int:
        ids = [f"j{number}" for number in range(count)]
        lines = [submitted(each) for each in ids] + [sensor(*ids, **WAITING)]
        return calls_of(lambda: followed(lines, lines))

    assert work(1000) <= 2.2 * work(500)
