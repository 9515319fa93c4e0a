# SPDX-License-Identifier: Apache-2.0
"""Items whose job is replaced by another one: how the first one ended says nothing of the second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import BatchFailed, VideoAIError
from airflow_provider_videoai.jobs.submission.submitter import Submitter
from airflow_provider_videoai.plugin.batch_items import items_of_part
from tests.batches.published import edited, lines
from tests.batches.test_put_back import other, refused

pytestmark = [pytest.mark.usefixtures("prompt"), pytest.mark.parametrize("case", ["viitor"], indirect=True)]


def forget(patched: pytest.MonkeyPatch, *job_ids: str) -> None:
    """As when the vendor has deleted jobs."""
    kept = Submitter._kept
    patched.setattr(Submitter, "_kept", lambda self, op, job: None if job in job_ids else kept(self, op, job))


@pytest.fixture
def replaced(batch: Any, rows: Any, bought: Any, folder: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Keep rows and then others in their place, and let the vendor forget the first jobs."""

    def replaced(case: Any, names: list[str]) -> tuple[Any, list[dict[str, Any]], dict[str, Any]]:
        kept = {"destination": f"{folder}/{{item_id}}.mp4", "verify": False}
        requests = rows(case, names)
        task = batch(case, requests, **kept)
        task.run()
        batch(case, other(requests), store=task.store, **kept).run()
        forget(monkeypatch, *bought(case)[: len(names)])
        return task, requests, kept

    return replaced


def test_a_replacement_that_fails_is_bought_once_in_an_attempt(
    case: Any, replaced: Any, sandbox: Any, bought: Any
) -> None:
    task, _, _ = replaced(case, ["1"])
    sandbox.fault(vendor=case.vendor, kind="fail_job", times=6)
    with pytest.raises(BatchFailed, match="JobFailed"):
        task.run()
    assert len(bought(case)) == 3


def test_a_job_that_is_bought_for_a_copy_and_fails_is_bought_once_in_an_attempt(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = batch(case, rows(case, ["1"]))
    task.run()
    forget(monkeypatch, *bought(case))
    sandbox.fault(vendor=case.vendor, kind="fail_job", times=6)
    kept = {"destination": f"{folder}/{{item_id}}.mp4", "verify": False}
    with pytest.raises(BatchFailed, match="JobFailed"):
        batch(case, rows(case, ["1"]), store=task.store, **kept).run()
    assert len(bought(case)) == 2


def test_a_replacement_that_is_over_its_time_is_attached_to_later(
    case: Any, replaced: Any, batch: Any, sandbox: Any, bought: Any
) -> None:
    task, requests, kept = replaced(case, ["1", "2"])
    sandbox.clock(run_seconds=600)
    with pytest.raises(BatchFailed, match="JobTimedOut"):
        batch(case, requests, store=task.store, job_timeout=0.5, **kept).run()
    sandbox.clock(advance=1200)
    assert task.run()["succeeded"] == 2
    assert len(bought(case)) == 6


def test_a_replacement_in_flight_is_waited_for_also_if_nothing_is_kept_any_more(
    case: Any, replaced: Any, batch: Any, bought: Any, folder: str
) -> None:
    task, requests, _ = replaced(case, ["1"])
    task.defer()  # and the worker is gone
    parts = [text for key, text in task.store.values.items() if key != "videoai_batch"]
    (shown,) = [item for number, text in enumerate(parts) for item in items_of_part(f"videoai_batch_{number}", text)]
    assert (shown.state, shown.job_id) == ("running", bought(case)[2])
    batch(case, requests, store=task.store, manifest=f"{folder}/all.jsonl").run()
    assert lines(f"{folder}/all.jsonl")["1"]["job_id"] == bought(case)[2]


def test_who_removes_the_submission_of_an_item_gets_the_job_that_is_bought_then(
    case: Any, batch: Any, rows: Any, bought: Any, folder: str
) -> None:
    task = batch(case, rows(case, ["1"]), manifest=f"{folder}/all.jsonl")
    task.run()
    with edited(task.store) as items:
        del items["1"]["submission"]
    task.run()
    _, second = bought(case)
    assert lines(f"{folder}/all.jsonl")["1"]["job_id"] == second


def test_who_writes_another_job_into_an_item_that_succeeded_gets_its_result(
    case: Any, batch: Any, rows: Any, bought: Any, folder: str
) -> None:
    task = batch(case, rows(case, ["1"]), manifest=f"{folder}/all.jsonl")
    task.run()
    batch(case, other(rows(case, ["1"]))).run()
    _, second = bought(case)
    with edited(task.store) as items:
        items["1"]["submission"] = {"job_id": second, "phase": "submitted"}
    task.run()
    assert lines(f"{folder}/all.jsonl")["1"]["job_id"] == second
    assert len(bought(case)) == 2


@pytest.mark.parametrize("change", ["none", "another destination"])
@pytest.mark.parametrize("skip_existing", [True, False])
def test_a_job_that_is_gone_is_not_replaced_while_its_copy_is_there(
    case: Any,
    batch: Any,
    rows: Any,
    sandbox: Any,
    bought: Any,
    folder: str,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
    skip_existing: bool,
) -> None:
    kept = {"destination": f"{folder}/{{item_id}}.mp4", "verify": False, "skip_existing": skip_existing}
    requests = rows(case, ["1"])
    task = batch(case, requests, **kept)
    task.run()
    refused(case, batch, sandbox, other(requests), task.store, **kept)
    forget(monkeypatch, *bought(case))
    if change == "none":
        assert task.run()["skipped"] == 1
    else:
        sandbox.fault(vendor=case.vendor, call="media", kind="expire_media", times=1000)
        kept["destination"] = f"{folder}/new_{{item_id}}.mp4"
        with pytest.raises(VideoAIError):
            batch(case, requests, store=task.store, **kept).run()
    assert (Path(folder.removeprefix("file://")) / "1.mp4").exists()
    assert len(bought(case)) == 1


def test_a_copy_that_was_found_again_is_fetched_to_another_destination_and_not_bought(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {"destination": f"{folder}/{{item_id}}.mp4", "verify": False}
    requests = rows(case, ["1"])
    task = batch(case, requests, **kept)
    task.run()
    refused(case, batch, sandbox, other(requests), task.store, **kept)
    assert task.run()["skipped"] == 1
    forget(monkeypatch, *bought(case))
    kept["destination"] = f"{folder}/new_{{item_id}}.mp4"
    assert batch(case, requests, store=task.store, **kept).run()["succeeded"] == 1
    assert len(bought(case)) == 1


def test_a_job_that_is_gone_is_bought_for_another_destination_by_no_attempt(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {"destination": f"{folder}/{{item_id}}.mp4", "verify": False}
    task = batch(case, rows(case, ["1"]), **kept)
    task.run()
    forget(monkeypatch, *bought(case))
    sandbox.fault(vendor=case.vendor, call="media", kind="expire_media", times=1000)
    moved = {**kept, "destination": f"{folder}/new_{{item_id}}.mp4"}
    for _ in range(2):
        with pytest.raises(BatchFailed):
            batch(case, rows(case, ["1"]), store=task.store, **moved).run()
    assert task.run()["skipped"] == 1
    assert len(bought(case)) == 1


def test_a_result_counts_again_after_nothing_was_bought_in_its_place(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = batch(case, rows(case, ["1"]))
    task.run()
    forget(monkeypatch, *bought(case))
    kept = {"destination": f"{folder}/{{item_id}}.mp4", "verify": False}
    refused(case, batch, sandbox, rows(case, ["1"]), task.store, **kept)
    assert task.run()["reused"] == 1
    assert len(bought(case)) == 1
