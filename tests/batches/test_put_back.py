# SPDX-License-Identifier: Apache-2.0
"""A row that was changed, and later is what it was before: what was bought for each of the two is found again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.batches.records import BatchRecords
from airflow_provider_videoai.jobs.errors import BatchFailed, QuotaExceeded
from airflow_provider_videoai.jobs.polling import watch
from airflow_provider_videoai.plugin.batch_items import items_of_part
from tests.batches.published import edited, lines

pytestmark = [pytest.mark.usefixtures("prompt"), pytest.mark.parametrize("case", ["viitor"], indirect=True)]


def other(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "task_name": f"another {row['task_name']}"} for row in requests]


def refused(case: Any, batch: Any, sandbox: Any, requests: Any, store: Any, **arguments: Any) -> None:
    """Run a batch of which the vendor takes nothing."""
    sandbox.fault(vendor=case.vendor, call="submit", kind="quota_full", times=1000)
    with pytest.raises(QuotaExceeded):
        batch(case, requests, store=store, quota_timeout=1e-6, **arguments).run()
    sandbox.clear_faults()


@pytest.mark.parametrize("kept", [False, True])
def test_results_of_both_rows_are_found_again(
    case: Any, batch: Any, rows: Any, bought: Any, folder: str, kept: bool
) -> None:
    arguments: dict[str, Any] = {"destination": f"{folder}/{{item_id}}.mp4", "verify": False} if kept else {}
    requests = rows(case, 3)
    task = batch(case, requests, **arguments)
    changed = batch(case, other(requests), store=task.store, **arguments)
    assert task.run()["succeeded"] == 3
    assert changed.run()["succeeded"] == 3
    for each in (task, changed, task):
        assert each.run()["succeeded"] == 3
    assert len(bought(case)) == 6


def test_the_copy_of_the_other_row_is_replaced_when_a_row_is_put_back(
    case: Any, batch: Any, rows: Any, bought: Any, folder: str
) -> None:
    arguments = {"destination": f"{folder}/{{item_id}}.mp4", "manifest": f"{folder}/all.jsonl", "verify": False}
    requests = rows(case, ["1"])
    task = batch(case, requests, **arguments)
    task.run()
    (first,) = bought(case)
    batch(case, other(requests), store=task.store, **arguments).run()
    task.run()
    sidecar = json.loads((Path(folder.removeprefix("file://")) / "1.mp4.videoai.json").read_text())
    assert sidecar["job_id"] == first == lines(f"{folder}/all.jsonl")["1"]["job_id"]
    assert len(bought(case)) == 2


def test_a_job_that_succeeded_is_not_bought_again_after_the_other_row_was_refused(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any
) -> None:
    requests = rows(case, 2)
    task = batch(case, requests)
    assert task.run()["succeeded"] == 2
    refused(case, batch, sandbox, other(requests), task.store)
    assert task.run()["reused"] == 2
    assert len(bought(case)) == 2


def test_a_job_that_timed_out_is_attached_to_after_the_other_row_was_refused(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any
) -> None:
    requests = rows(case, 2)
    sandbox.clock(run_seconds=600)
    task = batch(case, requests, job_timeout=0.5)
    with pytest.raises(BatchFailed, match="JobTimedOut"):
        task.run()
    refused(case, batch, sandbox, other(requests), task.store)
    sandbox.clock(advance=1200)
    assert batch(case, requests, store=task.store).run()["succeeded"] == 2
    assert len(bought(case)) == 2


def test_a_failed_job_stays_kept_after_the_other_row_was_refused(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any
) -> None:
    requests = rows(case, ["1"])
    sandbox.fault(vendor=case.vendor, kind="fail_job")
    task = batch(case, requests, on_failed="keep")
    with pytest.raises(BatchFailed):
        task.run()
    refused(case, batch, sandbox, other(requests), task.store, on_failed="keep")
    with pytest.raises(BatchFailed, match="JobFailed"):
        task.run()
    assert len(bought(case)) == 1


def test_a_job_of_either_row_that_was_in_flight_is_attached_to(
    case: Any, batch: Any, rows: Any, bought: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    requests = rows(case, 2)
    task = batch(case, requests)
    changed = batch(case, other(requests), store=task.store)
    task.defer()  # and the worker is gone
    changed.defer()
    (said,) = [line for line in capfd.readouterr().out.splitlines() if "were changed" in line]
    assert "2 jobs that this task bought" in said
    assert task.run()["succeeded"] == 2
    assert changed.run()["succeeded"] == 2
    assert len(bought(case)) == 4


def test_the_end_of_the_first_job_is_not_that_of_another_rows(
    case: Any, batch: Any, rows: Any, bought: Any, folder: str
) -> None:
    requests = rows(case, ["1"])
    arguments = {"manifest": f"{folder}/all.jsonl"}
    task = batch(case, requests, **arguments)
    changed = batch(case, other(requests), store=task.store, **arguments)
    task.run()
    changed.defer()
    task.run()
    first, second = bought(case)
    assert lines(f"{folder}/all.jsonl")["1"]["job_id"] == first
    changed.run()
    assert lines(f"{folder}/all.jsonl")["1"]["job_id"] == second


def test_all_rows_of_a_long_list_may_be_changed_and_put_back(case: Any, batch: Any, rows: Any, bought: Any) -> None:
    requests = rows(case, 120)
    task = batch(case, requests)
    changed = batch(case, other(requests), store=task.store)
    for each in (task, changed, task):
        assert each.run()["succeeded"] == 120
    assert len(bought(case)) == 240
    values = {key: text for key, text in task.store.values.items() if key != "videoai_batch"}
    assert max(map(len, values.values())) <= 64 * 1024
    # The page shows each item once.
    shown = [item.item_id for key, text in values.items() for item in items_of_part(key, text)]
    assert sorted(map(str, shown)) == sorted(row["item_id"] for row in requests)


@pytest.mark.parametrize("writes", range(4))
def test_a_worker_that_is_killed_at_any_write_loses_no_job(
    case: Any, batch: Any, rows: Any, bought: Any, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    requests = rows(case, 80)
    task = batch(case, requests)
    changed = batch(case, other(requests), store=task.store)
    task.run()
    changed.run()
    write, left = BatchRecords._write, [writes]

    class Killed(BaseException):
        pass

    def killed(self: BatchRecords, *change: Any) -> None:
        if not left[0]:
            raise Killed
        left[0] -= 1
        write(self, *change)

    with monkeypatch.context() as patched:
        patched.setattr(BatchRecords, "_write", killed)
        with pytest.raises(Killed):
            task.run()
    assert task.run()["succeeded"] == 80
    assert changed.run()["succeeded"] == 80
    assert len(bought(case)) == 160


def test_what_a_person_wrote_means_the_present_row(
    case: Any, batch: Any, rows: Any, bought: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "UNKNOWN_GRACE", 0.1)
    requests = rows(case, ["1"])
    task = batch(case, requests)
    task.run()
    changed = batch(case, other(requests), store=task.store)
    changed.run()
    with edited(task.store) as items:
        assert len(items) == 2
        items["1"] = {"submission": {"phase": "failed"}}
    assert changed.run()["succeeded"] == 1
    assert len(bought(case)) == 3
    assert task.run()["reused"] == 1
    assert len(bought(case)) == 3


def test_a_failed_job_of_which_no_end_was_written_stays_kept(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any
) -> None:
    sandbox.fault(vendor=case.vendor, kind="fail_job")
    task = batch(case, rows(case, ["1"]), on_failed="keep")
    with pytest.raises(BatchFailed):
        task.run()
    with edited(task.store) as items:
        del items["1"]["end"]  # as if the worker had been killed before
    for _ in range(2):
        with pytest.raises(BatchFailed, match=r"item '1': JobFailed: .*no other may be bought"):
            task.run()
    assert len(bought(case)) == 1


@pytest.mark.parametrize("written", [None, {"phase": "failed"}])
def test_what_a_person_wrote_about_the_other_row_buys_nothing_for_the_one_put_back(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, written: Any
) -> None:
    requests = rows(case, ["1"])
    task = batch(case, requests)
    task.run()
    sandbox.fault(vendor=case.vendor, call="submit", kind="http_500")
    with pytest.raises(BatchFailed, match="SubmitUncertain"):
        batch(case, other(requests), store=task.store).run()
    with edited(task.store) as items:
        items["1"] = {} if written is None else {"submission": written}
    assert task.run()["reused"] == 1
    assert len(bought(case)) == 1


def test_a_job_that_a_person_wrote_stays_that_of_the_row_that_attached_to_it(
    case: Any, batch: Any, rows: Any, bought: Any, folder: str
) -> None:
    requests = rows(case, ["1"])
    arguments = {"manifest": f"{folder}/all.jsonl"}
    task = batch(case, requests, **arguments)
    changed = batch(case, other(requests), store=task.store, **arguments)
    task.run()
    changed.defer()
    first, second = bought(case)
    with edited(task.store) as items:
        items["1"] = {"submission": {"job_id": second, "phase": "submitted"}}
    changed.defer()  # and the worker is gone
    task.run()
    assert lines(f"{folder}/all.jsonl")["1"]["job_id"] == first
    assert len(bought(case)) == 2


def test_what_was_bought_for_a_row_outlives_a_mistyped_record_about_the_other(
    case: Any, batch: Any, rows: Any, bought: Any
) -> None:
    requests = rows(case, ["1"])
    task = batch(case, requests)
    task.run()
    batch(case, other(requests), store=task.store).defer()
    with edited(task.store) as items:
        items["1"] = {"submission": {"phase": "faild"}}
    with pytest.raises(BatchFailed, match="phase must be one of"):
        task.run()
    with edited(task.store) as items:
        del items["1"]
    assert task.run()["reused"] == 1
    assert len(bought(case)) == 2


@pytest.mark.parametrize("extra", [{"note": "found in the console"}, {"version": 99}])
def test_a_record_that_a_person_wrote_is_bound_to_its_row_with_all_that_stands_in_it(
    case: Any, batch: Any, rows: Any, bought: Any, extra: Any
) -> None:
    requests = rows(case, ["1"])
    task = batch(case, requests)
    changed = batch(case, other(requests), store=task.store)
    task.run()
    changed.defer()
    written = {"job_id": bought(case)[1], "phase": "submitted", **extra}
    with edited(task.store) as items:
        items["1"] = {"submission": written}
    changed.defer()
    with edited(task.store) as items:
        assert written.items() <= items["1"]["submission"].items()
    assert task.run()["reused"] == 1
    assert len(bought(case)) == 2


@pytest.mark.parametrize("phase", ["submitting", "submitted", "finished"])
def test_a_job_id_that_a_person_mistyped_is_never_bought_in_place_of(
    case: Any, batch: Any, rows: Any, bought: Any, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    monkeypatch.setattr(watch, "UNKNOWN_GRACE", 0.1)
    task = batch(case, rows(case, ["1"]))
    task.run()
    with edited(task.store) as items:
        items["1"] = {"submission": {"job_id": "ViiTor_AI_19990101", "phase": phase}}
    for _ in range(3):
        with pytest.raises(BatchFailed):
            task.run()
    assert len(bought(case)) == 1
