# SPDX-License-Identifier: Apache-2.0
"""What the list shows: which tasks match, how many are in each state, in which order, on which page.

Pure functions. A request takes time in proportion to the tasks that are looked at, whatever it filters by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from airflow_provider_videoai.plugin import batch_view, paging
from airflow_provider_videoai.plugin.paging import page_of
from airflow_provider_videoai.plugin.task import TaskKey, VideoTask
from airflow_provider_videoai.plugin.view import Shown, row, state_of, states_of
from airflow_provider_videoai.plugin.wording import shown, spoken

__all__ = ["Line", "Sort", "Wanted", "followed", "listed"]

_TROUBLE_FIRST = (
    Shown.UNCERTAIN,
    Shown.FAILED,
    Shown.REJECTED,
    Shown.ABORTED,
    Shown.UNREADABLE,
    Shown.UNWATCHED,
    Shown.RUNNING,
    Shown.QUEUED,
)


class Sort(StrEnum):
    """The orders of the list; of tasks that are equal in it the newest comes first."""

    NEWEST = "newest"
    OLDEST = "oldest"
    FAILED = "failed"
    """What failed or may need a person first, what succeeded last."""
    TASK = "task"
    """By DAG, task, and index of a mapped task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted(paging.Wanted[Shown, Sort]):
    """What a user wants to see of the list. ``None`` lets every task pass."""

    sort: Sort = Sort.NEWEST
    task_id: str | None = None
    vendor: str | None = None


Job = tuple[str, str]
"""A vendor's key, and the id of a job there."""


@dataclass(frozen=True, slots=True)
class Line:
    """A task in the list: JSON values to show, and the text that a search looks in."""

    row: dict[str, Any]
    text: str
    left: Job | None = None
    """The job that the task submitted and does not watch."""
    watched: Mapping[Job, Shown] = field(default_factory=dict)
    """The states of jobs that the task watches for others."""

    @classmethod
    def of(cls, task: VideoTask) -> Line:
        """Make the line of a task.

        :param task: as Airflow knows it.
        """
        reference = task.reference
        words = (*reference.job_ids, shown(spoken(reference.source or ""))) if reference else ()
        made = batch_view.row(task) if task.is_batch and reference is None else row(task)
        return cls(made | {"watched_by": None}, _text(task, *words), _left(task), _watched(task))


def _left(task: VideoTask) -> Job | None:
    reference = task.reference
    if reference is None or reference.submitted_at is None or state_of(task) is not Shown.UNWATCHED:
        return None
    return reference.vendor, reference.job_ids[0]


def _watched(task: VideoTask) -> dict[Job, Shown]:
    reference = task.reference
    if reference is None or reference.submitted_at is not None:
        return {}
    return {(reference.vendor, job_id): state for job_id, state in states_of(task).items()}


def _text(task: VideoTask, *words: str) -> str:
    # The source as it is shown, without what signs it: a search must not find out piece by piece what is not shown.
    return "\n".join((*task.key[:3], task.map_label or "", *words)).casefold()


def followed(lines: Sequence[Line], among: Sequence[Line]) -> list[Line]:
    """Return lines in which a job that its task does not watch is in the state that its sensor last saw.

    :param lines: the tasks.
    :param among: the tasks that may watch their jobs, newest first; the newest counts. The user may read all of them.
    """
    watchers: dict[Job, tuple[Line, Shown]] = {}
    for line in among:
        for job, state in line.watched.items():
            if state is not Shown.UNWATCHED:
                watchers.setdefault(job, (line, state))
    return [line if line.left not in watchers else _as_seen(line, *watchers[line.left]) for line in lines]


def _as_seen(line: Line, sensor: Line, state: Shown) -> Line:
    # The progress of a sensor is that of all its jobs.
    alone = len(sensor.watched) == 1
    seen = {
        "state": state,
        "progress": 100 if state is Shown.SUCCEEDED else sensor.row["progress"] if alone else None,
        "queue_position": sensor.row["queue_position"] if alone else None,
        "ended_at": None if state in (Shown.QUEUED, Shown.RUNNING) else sensor.row["ended_at"],
        "watched_by": {name: sensor.row[name] for name in TaskKey._fields},
    }
    return replace(line, row=line.row | seen)


def listed(lines: Sequence[Line], wanted: Wanted) -> dict[str, Any]:
    """Return a page of the list.

    :param lines: the tasks, newest first.
    :param wanted: which of them, in which order, and which page.
    :returns: ``jobs``, the rows of the page, and what else :func:`~airflow_provider_videoai.plugin.paging.page_of`
        returns.
    """
    search = wanted.words
    matching = [line.row for line in lines if _matches(line, wanted, search)]
    found = page_of(matching, wanted, state_of=_state_of, ordered=_ordered)
    return {"jobs": found.pop("rows"), **found}


def _state_of(row: dict[str, Any]) -> Shown:
    state: Shown = row["state"]
    return state


def _matches(line: Line, wanted: Wanted, search: str) -> bool:
    return (
        wanted.task_id in (None, line.row["task_id"])
        and wanted.vendor in (None, line.row["vendor"])
        and search in line.text
    )


def _ordered(rows: list[dict[str, Any]], sort: Sort) -> list[dict[str, Any]]:
    match sort:
        case Sort.NEWEST:
            return rows
        case Sort.OLDEST:
            return rows[::-1]
        case Sort.FAILED:
            return sorted(rows, key=_rank)
        case Sort.TASK:
            return sorted(rows, key=lambda each: (each["dag_id"], each["task_id"], each["map_index"]))


def _rank(line: dict[str, Any]) -> int:
    state = line["state"]
    return _TROUBLE_FIRST.index(state) if state in _TROUBLE_FIRST else len(_TROUBLE_FIRST)
