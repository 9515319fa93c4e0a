# SPDX-License-Identifier: Apache-2.0
"""Assert that a run bought nothing twice."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from airflow_provider_videoai.testing.run_result import RunResult, TaskResult

__all__ = ["assert_paid_once"]

_CHOSEN = frozenset({"transNo"})
"""Fields of a request that name the job: another one is the same purchase made again."""


def assert_paid_once(run: RunResult) -> None:
    """Assert that a run bought something, and nothing twice.

    An operator of this package buys one job for each task and map index, however often it is retried. Any
    other task, a batch among them, may buy many; there, equal requests count as one bought twice.

    :param run: what ``videoai_dag_run`` returned.
    :raises AssertionError: with each job that was bought twice, and the attempts that bought them.
    """
    __tracebackhide__ = True
    wrong = [line for task in run.tasks for line in _twice(task)]
    if wrong:
        raise AssertionError("\n".join([*wrong, run.report()]))
    if not run.charges:
        raise AssertionError(f"nothing was bought in this run\n{run.report()}")


def _twice(task: TaskResult) -> list[str]:
    wrong = []
    by_id, by_request = defaultdict(list), defaultdict(list)
    for charge in task.charges:
        by_id[charge["vendor"], charge["job_id"]].append(charge)
        by_request[_request(task, charge)].append(charge)
    for (vendor, job_id), charges in by_id.items():
        if len(charges) > 1:
            wrong.append(f"{task.label}: {vendor} job {job_id} was charged {len(charges)} times")
    for charges in by_request.values():
        jobs = list(dict.fromkeys(f"{each['job_id']} (attempt {each['attempt']})" for each in charges))
        if len(jobs) > 1:
            bought = f"{charges[0]['vendor']} {charges[0]['operation']}"
            wrong.append(f"{task.label}: {bought} was bought {len(jobs)} times: {', '.join(jobs)}")
    return wrong


def _request(task: TaskResult, charge: dict[str, Any]) -> str:
    """Return what tells two purchases of a task apart; for a task of one job nothing does."""
    if task.one_job:
        return ""
    wanted = {name: value for name, value in charge["request"].items() if name not in _CHOSEN}
    return json.dumps([charge["vendor"], charge["operation"], wanted], sort_keys=True, default=str)
