# SPDX-License-Identifier: Apache-2.0
"""What is said and done if a list, a file or a destination is another one than when the jobs were bought."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import BatchFailed, InvalidRequest
from tests.batches.published import lines

pytestmark = [pytest.mark.usefixtures("prompt"), pytest.mark.parametrize("case", ["viitor"], indirect=True)]

GOES_ON = "goes on at the vendor and is billed"


def test_jobs_in_flight_of_rows_that_are_gone_are_named(
    case: Any, batch: Any, rows: Any, bought: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    task = batch(case, rows(case, ["a", "b", "c"]))
    task.defer()
    assert batch(case, rows(case, ["b"]), store=task.store).run()["succeeded"] == 1
    (said,) = [line for line in capfd.readouterr().out.splitlines() if "not among the requests" in line]
    assert "2 jobs that this task bought" in said
    assert "('a', 'c')" in said
    assert GOES_ON in said
    assert batch(case, rows(case, ["a", "b", "c"]), store=task.store).run()["succeeded"] == 3
    assert "not among" not in capfd.readouterr().out
    assert len(bought(case)) == 3


@pytest.mark.parametrize("change", ["gone", "broken"])
def test_a_file_that_changes_while_its_jobs_are_in_flight_leaves_them_to_be_found(
    case: Any, batch: Any, rows: Any, bought: Any, settled: Any, tmp_path: Path, change: str
) -> None:
    file = tmp_path / "clips.jsonl"
    text = "".join(json.dumps(row) + "\n" for row in rows(case, 3))
    file.write_text(text, encoding="utf-8")
    task = batch(case, str(file))
    deferred = task.defer()
    settled(case)
    file.unlink() if change == "gone" else file.write_text("{", encoding="utf-8")
    for go_on in (lambda: task.resume(deferred, {"version": 1, "outcome": "ended", "at": 1.0}), task.run):
        with pytest.raises(InvalidRequest, match=f"each job that this task bought before.* {GOES_ON}"):
            go_on()
    file.write_text(text, encoding="utf-8")
    assert task.run()["succeeded"] == 3
    assert len(bought(case)) == 3


def test_a_first_attempt_that_is_refused_speaks_of_no_jobs(case: Any, batch: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest) as refused:
        batch(case, str(tmp_path / "none.jsonl")).run()
    assert GOES_ON not in refused.value.message


def test_results_are_kept_at_a_changed_destination_and_not_bought_again(
    case: Any, batch: Any, rows: Any, bought: Any, folder: str
) -> None:
    first = {"destination": f"{folder}/old/{{item_id}}.mp4", "manifest": f"{folder}/all.jsonl", "verify": False}
    task = batch(case, rows(case, 5), max_in_flight=2, **first)
    task.run()
    moved = first | {"destination": f"{folder}/new/{{item_id}}.mp4"}
    again = batch(case, rows(case, 5), store=task.store, max_in_flight=2, **moved)
    assert again.run()["succeeded"] == 5
    assert len(bought(case)) == 5
    for line in lines(f"{folder}/all.jsonl").values():
        assert line["path"] == f"{folder}/new/{line['item_id']}.mp4"
        assert Path(line["path"].removeprefix("file://")).stat().st_size > 0
    # And a further attempt with the same one fetches nothing.
    assert batch(case, rows(case, 5), store=task.store, **moved).start()["succeeded"] == 5


def test_at_a_changed_destination_jobs_in_flight_are_kept_as_well(
    case: Any, batch: Any, rows: Any, bought: Any, folder: str
) -> None:
    old, new = ({"destination": f"{folder}/{name}/{{item_id}}.mp4", "verify": False} for name in ("old", "new"))
    task = batch(case, rows(case, 3), **old)
    task.run()
    batch(case, rows(case, 5), store=task.store, **old).defer()  # two more are in flight, and the worker is gone
    assert batch(case, rows(case, 5), store=task.store, **new).run()["succeeded"] == 5
    assert len(bought(case)) == 5
    assert {path.name for path in Path(f"{folder}/new".removeprefix("file://")).glob("*.mp4")} == {
        f"item{number}.mp4" for number in range(5)
    }


def test_a_job_that_is_gone_is_not_bought_again_for_a_copy_elsewhere(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, folder: str
) -> None:
    kept = {"destination": f"{folder}/old/{{item_id}}.mp4", "verify": False}
    task = batch(case, rows(case, 2), **kept)
    task.run()
    sandbox.fault(vendor=case.vendor, call="media", kind="expire_media", times=1000)
    moved = {"destination": f"{folder}/new/{{item_id}}.mp4", "verify": False}
    with pytest.raises(BatchFailed):
        batch(case, rows(case, 2), store=task.store, **moved).run()
    assert len(bought(case)) == 2
