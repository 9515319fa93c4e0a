# SPDX-License-Identifier: Apache-2.0
"""One item that cannot go on, for a reason of its own, holds up no other item, in this attempt or in the next."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from airflow_provider_videoai.batches import refusals, results
from airflow_provider_videoai.batches.kept import SIDECAR, KeptFiles
from airflow_provider_videoai.jobs.errors import (
    BatchFailed,
    InvalidRequest,
    JobNotFound,
    ResultUnavailable,
    StorageFailed,
    VendorUnavailable,
)
from airflow_provider_videoai.jobs.polling import watch
from airflow_provider_videoai.jobs.polling.watch import Outcome
from airflow_provider_videoai.triggers.batch_event import JobEnd, batch_event, xcom_of
from tests.batches.published import lines
from tests.support.stores import Store, s3_server, s3_store

__all__ = ["s3_server", "s3_store"]

pytestmark = [pytest.mark.usefixtures("prompt"), pytest.mark.parametrize("case", ["viitor"], indirect=True)]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_videoai.batches.pause._FIRST", 0.05)
    monkeypatch.setattr("airflow_provider_videoai.batches.pause._SHORTEST", 0.05)


def errors(manifest: str) -> dict[str, str]:
    return {item_id: line["error"]["type"] for item_id, line in lines(manifest).items() if line["error"]}


def make_folder_of(folder: str, name: str) -> Path:
    """Make a folder where a file is to be: neither read nor written, whoever the user is."""
    path = Path(f"{folder}/{name}".removeprefix("file://"))
    (path / "inside").mkdir(parents=True)
    return path


@pytest.mark.parametrize("bad", ["item0", "item3"])
def test_a_copy_that_the_store_refuses_fails_its_item_and_a_retry_pays_nothing(
    case: Any, batch: Any, rows: Any, bought: Any, folder: str, bad: str
) -> None:
    in_the_way = make_folder_of(folder, f"{bad}.mp4{SIDECAR}")
    manifest = f"{folder}/all.jsonl"
    kept = {"destination": f"{folder}/{{item_id}}.mp4", "manifest": manifest, "verify": False, "skip_existing": False}
    task = batch(case, rows(case, 6), max_in_flight=6, **kept)
    with pytest.raises(BatchFailed) as failed:
        task.run()
    assert failed.value.retry_helps
    assert errors(manifest) == {bad: "StorageFailed"}
    assert len(bought(case)) == 6
    (in_the_way / "inside").rmdir()
    in_the_way.rmdir()
    assert batch(case, rows(case, 6), store=task.store, **kept).run()["succeeded"] == 6
    assert len(bought(case)) == 6


def test_so_many_such_items_are_tolerated(case: Any, batch: Any, rows: Any, folder: str) -> None:
    make_folder_of(folder, f"item1.mp4{SIDECAR}")
    kept = {"destination": f"{folder}/{{item_id}}.mp4", "verify": False, "skip_existing": False}
    summary = batch(case, rows(case, 6), tolerate=1, **kept).run()
    assert (summary["succeeded"], summary["failed"]) == (5, 1)


def test_a_store_that_refuses_all_copies_ends_the_attempt_and_fails_no_item(
    case: Any, batch: Any, rows: Any, bought: Any, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "_STORE_DOWN", 3)
    in_the_way = [make_folder_of(folder, f"item{number}.mp4{SIDECAR}") for number in range(6)]
    kept = {"destination": f"{folder}/{{item_id}}.mp4", "verify": False, "skip_existing": False, "tolerate": "100%"}
    task = batch(case, rows(case, 6), **kept)
    with pytest.raises(StorageFailed):
        task.run()
    for path in in_the_way:
        (path / "inside").rmdir()
        path.rmdir()
    assert task.run()["succeeded"] == 6
    assert len(bought(case)) == 6


@pytest.mark.parametrize("bad", ["item0", "item3", "item5"])
def test_an_item_of_which_nobody_knows_whether_it_is_kept_is_not_bought_and_the_others_are(
    case: Any, batch: Any, rows: Any, bought: Any, folder: str, bad: str
) -> None:
    make_folder_of(folder, f"{bad}.mp4{SIDECAR}")
    manifest = f"{folder}/all.jsonl"
    task = batch(case, rows(case, 6), destination=f"{folder}/{{item_id}}.mp4", manifest=manifest, verify=False)
    with pytest.raises(BatchFailed):
        task.run()
    assert errors(manifest) == {bad: "StorageFailed"}
    assert len(bought(case)) == 5


def test_a_store_that_refuses_to_say_what_it_has_ends_the_attempt_before_anything_is_bought(
    case: Any, batch: Any, rows: Any, bought: Any, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "_ALL", 3)
    for number in range(6):
        make_folder_of(folder, f"item{number}.mp4{SIDECAR}")
    task = batch(case, rows(case, 6), destination=f"{folder}/{{item_id}}.mp4", verify=False, tolerate="100%")
    with pytest.raises(StorageFailed):
        task.run()
    assert bought(case) == []


def test_an_input_that_cannot_be_signed_fails_its_item_and_no_other(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, s3_store: Store, folder: str
) -> None:
    s3_store.put("clip.mp4", httpx.get(f"{sandbox.url}/sample/clip.mp4", trust_env=False, timeout=60).content)
    requests = rows(case, 5)
    for row in requests:
        row["url"] = f"{s3_store.root}/clip.mp4"
    requests[0]["url"] = "s3://nobody@results/clips/clip.mp4"  # no such connection
    requests[1]["url"] = f"{s3_store.root}/none.mp4"
    manifest = f"{folder}/all.jsonl"
    with pytest.raises(BatchFailed):
        batch(case, requests, manifest=manifest).run()
    assert errors(manifest) == {"item0": "StorageFailed", "item1": "InvalidRequest"}
    assert len(bought(case)) == 3


def test_an_input_that_cannot_be_signed_fails_alone_after_all_others_have_ended(
    case: Any, batch: Any, rows: Any, bought: Any, folder: str
) -> None:
    requests = rows(case, 4)
    requests[0]["url"] = "s3://nobody@results/clips/clip.mp4"
    manifest = f"{folder}/all.jsonl"
    with pytest.raises(BatchFailed):
        batch(case, requests, manifest=manifest, max_in_flight=1).run()
    assert errors(manifest) == {"item0": "StorageFailed"}
    assert len(bought(case)) == 3


@pytest.mark.parametrize("gone", [JobNotFound, ResultUnavailable])
@pytest.mark.parametrize("step", ["fetched", "kept"])
def test_a_job_whose_result_is_gone_fails_its_item_and_no_other(
    case: Any, batch: Any, rows: Any, bought: Any, folder: str, gone: Any, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[str] = []
    make = results.Results._of_one

    def losing(self: results.Results, running: Any, status: Any, **options: Any) -> Any:
        def fail(*_: Any) -> Any:
            raise gone("it is gone", job_id=running.job_id)

        if running.item.item_id == "item1":
            lost.append(running.job_id)
            if step == "fetched":
                self = replace(self, complete=fail)
            else:
                monkeypatch.setattr(KeptFiles, "keep", fail)
        return make(self, running, status, **options)

    monkeypatch.setattr(results.Results, "_of_one", losing)
    manifest = f"{folder}/all.jsonl"
    kept = {} if step == "fetched" else {"destination": f"{folder}/{{item_id}}.mp4", "verify": False}
    requests = rows(case, ["item1"] if step == "kept" else 4)
    with pytest.raises(BatchFailed):
        batch(case, requests, manifest=manifest, **kept).run()
    assert errors(manifest) == {"item1": gone.__name__}
    assert lines(manifest)["item1"]["job_id"] == lost[0]
    assert len(bought(case)) == len(requests)


def test_a_name_that_the_store_cannot_hold_is_refused_before_anything_is_bought(
    case: Any, batch: Any, rows: Any, bought: Any, s3_store: Store
) -> None:
    requests = rows(case, ["good", "take?versionId=2"])
    task = batch(case, requests, destination=f"{s3_store.root}/{{item_id}}.mp4", verify=False)
    with pytest.raises(InvalidRequest, match="cannot hold a file with the name 'take"):
        task.run()
    assert bought(case) == []


def test_an_item_that_was_refused_before_is_looked_for_before_it_is_bought(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, folder: str
) -> None:
    kept = {"destination": f"{folder}/{{item_id}}.mp4", "verify": False}
    sandbox.fault(vendor=case.vendor, call="submit", kind="quota_full", code="2001")
    refused = batch(case, rows(case, ["a"]), **kept)
    with pytest.raises(BatchFailed):
        refused.run()
    batch(case, rows(case, ["a"]), **kept).run()  # another run makes it meanwhile
    assert refused.run()["skipped"] == 1
    assert len(bought(case)) == 1


@pytest.mark.parametrize("mistyped", ["12345", "ViiTor_AI_no_such_job"])
def test_an_id_that_a_person_mistyped_fails_its_item_and_the_others_go_on(
    case: Any, batch: Any, rows: Any, bought: Any, monkeypatch: pytest.MonkeyPatch, mistyped: str
) -> None:
    monkeypatch.setattr(watch, "UNKNOWN_GRACE", 0.1)
    task = batch(case, rows(case, 4))
    records = {"item1": {"submission": {"job_id": mistyped, "phase": "submitted"}}}
    task.store.set("videoai_batch", {"version": 1, "parts": 1}, retention=True)
    task.store.set("videoai_batch_0", {"version": 1, "items": records}, retention=True)
    with pytest.raises(BatchFailed, match=r"^1 of 4 items failed.*item 'item1': JobNotFound"):
        task.run()
    assert len(bought(case)) == 3


@pytest.mark.parametrize("alone", [True, False])
def test_a_job_that_alone_cannot_be_polled_fails_its_item_and_a_retry_attaches_to_it(
    case: Any, batch: Any, rows: Any, bought: Any, settled: Any, alone: bool
) -> None:
    task = batch(case, rows(case, 3), tolerate=1)
    deferred = task.defer()
    settled(case)
    bad, *good = deferred.trigger.arguments.job_ids.split()
    statuses = case.hook(case.conn_id).statuses(good)
    ends = [JobEnd(job_id, Outcome.ENDED, statuses[job_id]) for job_id in good]
    ends.append(JobEnd(bad, Outcome.UNAVAILABLE, alone=alone))
    at = time.time()
    task.ti.xcom_push("batch_ended", xcom_of(ends, at))
    if alone:
        assert task.resume(deferred, batch_event(at))["failed"] == 1
    else:
        with pytest.raises(VendorUnavailable, match="could not be queried about job"):
            task.resume(deferred, batch_event(at))
    assert task.run()["succeeded"] == 3
    assert len(bought(case)) == 3
