# SPDX-License-Identifier: Apache-2.0
"""A batch over the sandbox: what is bought, what is returned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.batches.kept import SIDECAR
from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    InvalidRequest,
    QuotaExceeded,
    VideoAIError,
)
from airflow_provider_videoai.operators.batch import VideoBatchOperator
from tests.batches.published import lines
from tests.support.cases import CASES, ONE_EACH
from tests.support.tasks import StateStore

pytestmark = pytest.mark.usefixtures("prompt")

ALL_VENDORS = pytest.mark.parametrize("case", ONE_EACH, indirect=True)
VIITOR = pytest.mark.parametrize("case", ["viitor"], indirect=True)


@ALL_VENDORS
def test_every_item_is_bought_once_and_kept(case: Any, batch: Any, rows: Any, bought: Any, folder: str) -> None:
    task = batch(
        case,
        rows(case, 5),
        max_in_flight=3,
        destination=f"{folder}/{{item_id}}.mp4",
        manifest=f"{folder}/all.jsonl",
        verify=False,
    )
    summary = {
        "vendor": case.vendor,
        "operation": case.operation,
        "total": 5,
        "succeeded": 5,
        "failed": 0,
        "skipped": 0,
        "reused": 0,
        "usage": {"credits": 5, "seconds": None, "jobs": None, "source": "vendor"}
        if case.vendor == "topview"
        else None,
        "manifest": f"{folder}/all.jsonl",
    }
    assert task.run() == summary
    assert task.run() == summary | {"reused": 5}, "a cleared batch fetches and buys nothing"
    published = lines(f"{folder}/all.jsonl")
    assert list(published) == [f"item{number}" for number in range(5)]
    assert sorted(line["job_id"] for line in published.values()) == sorted(bought(case))
    for item_id, line in published.items():
        media = Path(line["path"].removeprefix("file://"))
        assert media.name == f"{item_id}.mp4"
        assert media.stat().st_size > 0
        assert media.with_name(media.name + SIDECAR).exists()
        assert line["state"] == "succeeded"


@ALL_VENDORS
def test_jobs_in_flight_keep_to_the_number(case: Any, batch: Any, rows: Any, bought: Any) -> None:
    task = batch(case, rows(case, 5), max_in_flight=2)
    deferred = task.defer()
    assert len(bought(case)) == 2
    assert task.go_on(deferred)["succeeded"] == 5
    # A worker for each half of what may be in flight, not for each item.
    assert len(task.deferrals) <= 5
    assert len(bought(case)) == 5


@ALL_VENDORS
@pytest.mark.parametrize("deferrable", [True, False])
def test_an_attempt_after_success_buys_and_waits_for_nothing(
    case: Any, batch: Any, rows: Any, bought: Any, deferrable: bool
) -> None:
    done = batch(case, rows(case, 3), deferrable=deferrable)
    done.run()
    again = batch(case, rows(case, 3), store=done.store)
    assert again.start()["succeeded"] == 3
    assert len(bought(case)) == 3


@ALL_VENDORS
def test_of_a_changed_list_only_the_new_rows_are_bought(case: Any, batch: Any, rows: Any, bought: Any) -> None:
    done = batch(case, rows(case, ["a", "b", "c"]))
    done.run()
    changed = [*rows(case, ["d", "c"]), *rows(case, ["a"])]
    again = batch(case, changed, store=done.store)
    assert again.run()["succeeded"] == 3
    assert len(bought(case)) == 4


@VIITOR
def test_an_item_with_another_request_is_bought_again(case: Any, batch: Any, rows: Any, bought: Any) -> None:
    done = batch(case, rows(case, ["a", "b"]))
    done.run()
    changed = rows(case, ["a", "b"])
    changed[0]["full_erase_roi"] = [[1, 2, 3, 4]]
    assert batch(case, changed, store=done.store).run()["succeeded"] == 2
    assert len(bought(case)) == 3


@ALL_VENDORS
def test_a_full_queue_pauses_the_batch_and_fails_no_item(
    case: Any,
    batch: Any,
    rows: Any,
    sandbox: Any,
    bought: Any,
    monkeypatch: pytest.MonkeyPatch,
    everything_said: Any,
) -> None:
    monkeypatch.setattr("airflow_provider_videoai.batches.pause._FIRST", 0.05)
    monkeypatch.setattr("airflow_provider_videoai.batches.pause._SHORTEST", 0.05)
    sandbox.fault(vendor=case.vendor, kind="quota_full", after=2, times=4)
    assert batch(case, rows(case, 5)).run()["succeeded"] == 5
    assert len(bought(case)) == 5
    assert "Nothing is submitted for " in everything_said()


@VIITOR
def test_a_queue_that_was_full_of_the_batchs_own_jobs_is_tried_again_once_they_have_ended(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_videoai.batches.pause._FIRST", 6.0)
    sandbox.fault(vendor=case.vendor, kind="quota_full", after=1, times=1)
    assert batch(case, rows(case, 2), quota_timeout=0.2, deferrable=False).run()["succeeded"] == 2
    assert len(bought(case)) == 2


@VIITOR
def test_a_queue_that_stays_full_ends_the_wait_after_quota_timeout(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_videoai.batches.pause._FIRST", 0.05)
    monkeypatch.setattr("airflow_provider_videoai.batches.pause._SHORTEST", 0.05)
    sandbox.fault(vendor=case.vendor, kind="quota_full", times=1000)
    task = batch(case, rows(case, 3), quota_timeout=0.2)
    with pytest.raises(QuotaExceeded):
        task.run()
    assert bought(case) == []
    sandbox.clear_faults()
    assert task.run()["succeeded"] == 3


@ALL_VENDORS
def test_refused_credentials_end_the_batch_and_bought_jobs_are_attached_to(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any
) -> None:
    sandbox.fault(vendor=case.vendor, call="submit", kind="auth_failed", after=2, times=100)
    task = batch(case, rows(case, 6))
    with pytest.raises(AuthenticationFailed):
        task.run()
    already = bought(case)
    sandbox.clear_faults()
    assert task.run()["succeeded"] == 6
    assert len(bought(case)) == 6
    assert bought(case)[: len(already)] == already


@VIITOR
def test_what_an_earlier_run_kept_is_skipped(case: Any, batch: Any, rows: Any, bought: Any, folder: str) -> None:
    kept = {"destination": f"{folder}/{{item_id}}.mp4", "verify": False}
    batch(case, rows(case, 3), **kept).run()
    next_run = batch(case, [*rows(case, 3), *rows(case, ["new"])], store=StateStore(), **kept)
    done = next_run.run()
    assert (done["succeeded"], done["skipped"]) == (1, 3)
    assert len(bought(case)) == 4


@VIITOR
def test_the_manifest_lists_what_is_queued_and_running_while_the_batch_waits(
    case: Any, batch: Any, rows: Any, folder: str
) -> None:
    batch(case, rows(case, 3), max_in_flight=2, manifest=f"{folder}/all.jsonl").defer()
    states = sorted(line["state"] for line in lines(f"{folder}/all.jsonl").values())
    assert states == ["queued", "running", "running"]


@VIITOR
def test_the_manifest_is_an_asset_of_the_task(case: Any, batch: Any, rows: Any, folder: str) -> None:
    task = batch(case, rows(case, 2), manifest=f"{folder}/all.jsonl")
    summary = task.run()
    ((asset, event),) = task.outlet_events.items()
    assert asset.uri == f"{folder}/all.jsonl"
    assert event.extra == summary | {"path": f"{folder}/all.jsonl"}


@VIITOR
def test_without_a_task_state_store_the_batch_waits_on_its_worker(
    case: Any, batch: Any, rows: Any, bought: Any
) -> None:
    task = batch(case, rows(case, 3))
    task.store = None
    assert task.start()["succeeded"] == 3
    assert len(bought(case)) == 3


@VIITOR
@pytest.mark.parametrize("damage", [{"version": 2, "items": {}}, {"version": 1}, "nonsense", 7, None])
def test_damaged_records_buy_nothing(case: Any, batch: Any, rows: Any, bought: Any, damage: Any) -> None:
    done = batch(case, rows(case, 2))
    done.run()
    key = "videoai_batch" if damage is None else "videoai_batch_0"
    done.store.values.pop(key) if damage is None else done.store.values.update({key: json.dumps(damage)})
    with pytest.raises(InvalidRequest, match="nothing was submitted"):
        batch(case, rows(case, 2), store=done.store).run()
    assert len(bought(case)) == 2


def test_no_secret_and_no_url_of_a_result_is_in_trigger_event_or_records(cases: Any, batch: Any, rows: Any) -> None:
    case = cases["viitor"]
    task = batch(case, rows(case, 3), max_in_flight=2)
    task.run()
    said = json.dumps([[each.trigger.serialize(), each.kwargs] for each in task.deferrals], default=str)
    said += json.dumps([event.payload for event in task.events]) + json.dumps(task.store.values)
    assert case.password not in said
    assert "http" not in said


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"vendor": "nobody"}, "vendor: must be one of viitor"),
        ({"vendor": "cdnetworks", "operation": None}, "operation: must be given"),
        ({"operation": "trim"}, "operation: must not be 'trim'"),
        ({"max_in_flight": 0}, "max_in_flight: must be a whole number from 1"),
        ({"tolerate": "lots"}, "tolerate: must be a number of items"),
        ({"tolerate": "101%"}, "tolerate: must be"),
        ({"destination": "s3://bucket/x.mp4"}, r"destination: must hold \{item_id\}"),
        ({"manifest": "all.csv"}, "manifest: must"),
        ({"on_failed": "ignore"}, "on_failed: must be one of retry, keep"),
        ({"requests": [{"url": "x"}]}, "requests: 1 of 1 cannot be submitted"),
        ({"requests": []}, "requests: must hold at least one"),
    ],
)
def test_a_wrong_argument_is_refused_when_the_dag_is_parsed(wrong: dict[str, Any], said: str) -> None:
    request = {**CASES["viitor"].fields, "url": "https://example.com/a.mp4"}
    with pytest.raises(InvalidRequest, match=said):
        VideoBatchOperator(**{"task_id": "make", "vendor": "viitor", "requests": [request], **wrong})


def test_a_trigger_that_broke_off_fails_the_task_and_a_retry_attaches(
    cases: Any, batch: Any, rows: Any, bought: Any
) -> None:
    case = cases["viitor"]
    task = batch(case, rows(case, 2))
    deferred = task.defer()
    with pytest.raises(VideoAIError, match="broke off: disk full"):
        task.resume(deferred, {"version": 1, "outcome": "refused", "said": "disk full"})
    assert task.run()["succeeded"] == 2
    assert len(bought(case)) == 2


def test_a_worker_that_finds_nothing_of_the_trigger_queries_the_vendor(
    cases: Any, batch: Any, rows: Any, bought: Any, settled: Any, xcoms: Any
) -> None:
    case = cases["viitor"]
    task = batch(case, rows(case, 2))
    deferred = task.defer()
    settled(case)
    xcoms.clear()
    assert task.resume(deferred, {"version": 1, "outcome": "ended", "at": 1.0})["succeeded"] == 2
    assert len(bought(case)) == 2
