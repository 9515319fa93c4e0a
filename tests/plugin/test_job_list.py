# SPDX-License-Identifier: Apache-2.0
"""Which tasks the list shows, in which order, and how many there are."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videoai.plugin.job_list import Line, Sort, Wanted, listed
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


def test_filters_hold_together() -> None:
    lines = [line(0), line(1, vendor="aidge"), line(2, "failed", vendor="aidge")]
    assert numbers(lines, vendor="aidge") == [1, 2]
    assert numbers(lines, vendor="aidge", state=Shown.FAILED) == [2]
    assert numbers(lines, task_id="other") == []
    assert numbers(lines, task_id="cut", search="job-1") == [1]


def test_twice_the_tasks_are_twice_the_work() -> None:
    once, twice = ([line(number) for number in range(count)] for count in (500, 1000))
    for wanted in (Wanted(), Wanted(search="job-4", sort=Sort.FAILED), Wanted(sort=Sort.TASK, page=4)):
        assert calls_of(lambda wanted=wanted: listed(twice, wanted)) <= 2.2 * calls_of(
            lambda wanted=wanted: listed(once, wanted)
        )
