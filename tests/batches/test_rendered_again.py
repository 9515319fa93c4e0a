# SPDX-License-Identifier: Apache-2.0
"""Airflow renders the requests of a batch, and reads their file, on each worker: what differs is not bought again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import InvalidRequest
from tests.batches.published import edited
from tests.operators.test_connection_templates import rendering

pytestmark = [pytest.mark.usefixtures("prompt"), pytest.mark.parametrize("case", ["viitor"], indirect=True)]

ENDED = {"version": 1, "outcome": "ended", "at": 1.0}


@pytest.mark.parametrize("named", [True, False])
def test_rows_that_are_rendered_otherwise_while_their_jobs_run_are_not_bought_again(
    case: Any, batch: Any, rows: Any, bought: Any, named: bool
) -> None:
    params = {"now": "1"}
    given = [{**row, "task_name": row["task_name"] + "{{ params.now }}"} for row in rows(case, 4)]
    if not named:
        given = [{name: value for name, value in row.items() if name != "item_id"} for row in given]
    made = rendering(batch(case, given, max_in_flight=3), params)
    deferred = made.defer()
    params["now"] = "2"
    with pytest.raises(InvalidRequest, match=r"^requests: 3 of 3 rows .* Nothing more was submitted.*is billed"):
        made.resume(deferred, ENDED)
    assert len(bought(case)) == 3
    params["now"] = "1"
    assert made.run()["succeeded"] == 4
    assert len(bought(case)) == 4


def test_rows_that_come_to_a_file_while_others_run_are_bought_by_the_same_attempt(
    case: Any, batch: Any, rows: Any, bought: Any, tmp_path: Path
) -> None:
    file = tmp_path / "clips.jsonl"
    every = rows(case, 5)
    file.write_text("".join(json.dumps(row) + "\n" for row in every[:3]), encoding="utf-8")
    task = batch(case, str(file))
    deferred = task.defer()
    file.write_text("".join(json.dumps(row) + "\n" for row in every), encoding="utf-8")
    assert task.go_on(deferred)["succeeded"] == 5
    assert len(bought(case)) == 5


def written(file: Path, requests: list[dict[str, Any]]) -> str:
    file.write_text("".join(json.dumps(row) + "\n" for row in requests), encoding="utf-8")
    return str(file)


def test_a_row_that_gives_way_to_one_that_an_earlier_attempt_bought_is_noticed(
    case: Any, batch: Any, rows: Any, bought: Any, tmp_path: Path
) -> None:
    a, b, c = rows(case, ["a", "b", "c"])
    task = batch(case, written(tmp_path / "clips.jsonl", [a, b]))
    assert task.run()["succeeded"] == 2
    written(tmp_path / "clips.jsonl", [a, c])
    deferred = task.defer()
    written(tmp_path / "clips.jsonl", [a, b])
    with pytest.raises(InvalidRequest, match=r"^requests: 1 of 3 rows .*\('c'\)"):
        task.resume(deferred, ENDED)
    written(tmp_path / "clips.jsonl", [a, c])
    assert task.run()["succeeded"] == 2
    assert len(bought(case)) == 3


def test_a_row_of_an_earlier_attempt_may_be_put_back_while_others_run(
    case: Any, batch: Any, rows: Any, bought: Any, tmp_path: Path
) -> None:
    a, b, c = rows(case, ["a", "b", "c"])
    changed = {**a, "task_name": "another title"}
    task = batch(case, written(tmp_path / "clips.jsonl", [a, b]))
    assert task.run()["succeeded"] == 2
    written(tmp_path / "clips.jsonl", [changed, c])
    deferred = task.defer()
    written(tmp_path / "clips.jsonl", [changed, c, b])
    assert task.go_on(deferred)["succeeded"] == 3
    assert len(bought(case)) == 4


def test_a_row_that_is_again_what_an_earlier_attempt_bought_is_noticed(
    case: Any, batch: Any, rows: Any, bought: Any, tmp_path: Path
) -> None:
    a, b = rows(case, ["a", "b"])
    changed = {**a, "task_name": "another title"}
    task = batch(case, written(tmp_path / "clips.jsonl", [a, b]))
    assert task.run()["succeeded"] == 2
    written(tmp_path / "clips.jsonl", [changed, b])
    deferred = task.defer()
    written(tmp_path / "clips.jsonl", [a, b])
    with pytest.raises(InvalidRequest, match=r"^requests: 1 of 2 rows .*\('a'\).*is billed"):
        task.resume(deferred, ENDED)
    assert len(bought(case)) == 3
    # Nor by a new one: its job was bought before, and counts although the row was another since.
    assert task.run()["succeeded"] == 2
    assert len(bought(case)) == 3


def test_a_row_that_was_refused_and_is_again_what_an_earlier_attempt_bought_is_noticed(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, tmp_path: Path
) -> None:
    a, b = rows(case, ["a", "b"])
    changed = {**a, "task_name": "another title"}
    task = batch(case, written(tmp_path / "clips.jsonl", [a]), max_in_flight=1)
    assert task.run()["succeeded"] == 1
    written(tmp_path / "clips.jsonl", [changed, b])
    sandbox.fault(vendor=case.vendor, call="submit", kind="quota_full", code="2001")
    deferred = task.defer()
    written(tmp_path / "clips.jsonl", [a, b])
    with pytest.raises(InvalidRequest, match=r"^requests: 1 of 2 rows .*\('a'\)"):
        task.resume(deferred, ENDED)
    assert len(bought(case)) == 2


def test_a_job_that_a_person_wrote_is_that_of_its_row_while_others_run(
    case: Any, batch: Any, rows: Any, bought: Any, tmp_path: Path
) -> None:
    (a,) = rows(case, ["a"])
    task = batch(case, written(tmp_path / "clips.jsonl", [a]))
    task.defer()
    with edited(task.store) as items:
        items["a"] = {"submission": {"job_id": bought(case)[0], "phase": "submitted"}}
    deferred = task.defer()
    written(tmp_path / "clips.jsonl", [{**a, "task_name": "another title"}])
    with pytest.raises(InvalidRequest, match=r"^requests: 1 of 1 rows "):
        task.resume(deferred, ENDED)
    assert len(bought(case)) == 1


def test_a_finished_job_that_a_person_wrote_is_that_of_its_row_while_it_is_queued(
    case: Any, batch: Any, rows: Any, bought: Any, tmp_path: Path
) -> None:
    a, b = rows(case, ["a", "b"])
    task = batch(case, written(tmp_path / "clips.jsonl", [a]))
    task.run()
    with edited(task.store) as items:
        items["a"] = {"submission": {"job_id": bought(case)[0], "phase": "finished"}}
    queued = batch(case, written(tmp_path / "clips.jsonl", [b, a]), store=task.store, max_in_flight=1)
    deferred = queued.defer()
    written(tmp_path / "clips.jsonl", [b, {**a, "task_name": "another title"}])
    assert queued.go_on(deferred)["succeeded"] == 2
    assert len(bought(case)) == 3  # not the first one for the changed row


def test_rows_that_differ_after_airflow_ended_the_wait_are_not_bought_again(
    case: Any, batch: Any, rows: Any, bought: Any, tmp_path: Path
) -> None:
    task = batch(case, written(tmp_path / "clips.jsonl", rows(case, 3)))
    deferred = task.defer()
    # Of its own timeout Airflow keeps no argument of the deferral.
    deferred.method_name, deferred.kwargs = "__fail__", {"error": "Trigger timeout"}
    written(tmp_path / "clips.jsonl", [{**row, "task_name": "another title"} for row in rows(case, 3)])
    with pytest.raises(InvalidRequest, match=r"^requests: 3 of 3 rows "):
        task.resume(deferred, ENDED)
    assert len(bought(case)) == 3


def test_a_deferral_of_a_version_that_counted_its_rows_goes_on(case: Any, batch: Any, rows: Any, bought: Any) -> None:
    task = batch(case, rows(case, 3))
    deferred = task.defer()
    deferred.kwargs["pause"]["known"] = 3
    assert task.go_on(deferred)["succeeded"] == 3
    assert len(bought(case)) == 3
