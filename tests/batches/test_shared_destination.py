# SPDX-License-Identifier: Apache-2.0
"""Copies of a mapped batch that share a destination: none replaces what another one paid for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import BatchFailed, QuotaExceeded, StorageFailed
from airflow_provider_videoai.jobs.submission.submitter import Submitter
from tests.batches.published import edited

pytestmark = [pytest.mark.usefixtures("prompt"), pytest.mark.parametrize("case", ["viitor"], indirect=True)]


def test_the_same_item_id_in_two_mapped_copies_replaces_nothing_and_buys_nothing(
    case: Any, batch: Any, rows: Any, bought: Any, folder: str
) -> None:
    kept = {"destination": f"{folder}/{{item_id}}.mp4", "verify": False}
    first = batch(case, rows(case, ["1", "2"]), **kept)
    first.ti.map_index = 0
    assert first.run()["succeeded"] == 2
    videos = {path.name: path.read_bytes() for path in Path(folder.removeprefix("file://")).iterdir()}

    others = [{**row, "task_name": "another clip"} for row in rows(case, ["1"])]
    second = batch(case, others, **kept)
    second.ti.map_index = 1
    with pytest.raises(BatchFailed, match=r"item '1': InvalidRequest: destination: .* nothing was bought"):
        second.run()
    assert len(bought(case)) == 2
    assert {path.name: path.read_bytes() for path in Path(folder.removeprefix("file://")).iterdir()} == videos


def test_a_later_run_of_the_same_task_replaces_the_copy_of_a_changed_row(
    case: Any, batch: Any, rows: Any, bought: Any, folder: str
) -> None:
    kept = {"destination": f"{folder}/{{item_id}}.mp4", "verify": False}
    assert batch(case, rows(case, ["1"]), **kept).run()["succeeded"] == 1
    tomorrow = batch(case, [{**row, "task_name": "another clip"} for row in rows(case, ["1"])], **kept)
    assert tomorrow.run()["succeeded"] == 1
    assert len(bought(case)) == 2


def test_nothing_is_bought_for_an_item_whose_place_holds_a_file_of_the_users(
    case: Any, batch: Any, rows: Any, bought: Any, folder: str
) -> None:
    place = Path(folder.removeprefix("file://")) / "1.mp4"
    place.write_bytes(b"a file of the user's")
    task = batch(case, rows(case, ["1", "2"]), destination=f"{folder}/{{item_id}}.mp4", verify=False)
    with pytest.raises(BatchFailed, match=r"^1 of 2 .*item '1': InvalidRequest: destination: another file is at"):
        task.run()
    assert len(bought(case)) == 1
    assert place.read_bytes() == b"a file of the user's"
    place.unlink()
    assert task.run()["succeeded"] == 2
    assert len(bought(case)) == 2


def test_nothing_is_bought_for_a_changed_row_whose_copy_somebody_edited(
    case: Any, batch: Any, rows: Any, bought: Any, folder: str
) -> None:
    kept = {"destination": f"{folder}/{{item_id}}.mp4", "verify": False}
    task = batch(case, rows(case, ["1", "2"]), **kept)
    assert task.run()["succeeded"] == 2
    copy = Path(folder.removeprefix("file://")) / "1.mp4"
    copy.write_bytes(edited := copy.read_bytes() + b"edited")
    changed = [{**row, "task_name": "another clip"} for row in rows(case, ["1", "2"])]
    again = batch(case, changed, store=task.store, **kept)
    with pytest.raises(BatchFailed, match=r"^1 of 2 .*item '1': InvalidRequest: destination: another file is at"):
        again.run()
    assert copy.read_bytes() == edited
    assert len(bought(case)) == 3
    copy.unlink()
    assert again.run()["succeeded"] == 2
    assert len(bought(case)) == 4


@pytest.mark.parametrize("now", ["there", "edited", "gone at the vendor"])
def test_a_copy_whose_sidecar_was_not_stored_is_taken_in(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, folder: str, now: str
) -> None:
    kept = {"destination": f"{folder}/{{item_id}}.mp4", "verify": False}
    task = batch(case, rows(case, ["1"]), **kept)
    with pytest.MonkeyPatch.context() as patched:

        def failed(*_: Any) -> None:
            raise StorageFailed("the disk is full")

        patched.setattr("airflow_provider_videoai.batches.kept._write", failed)
        with pytest.raises((BatchFailed, StorageFailed)):
            task.run()
    copy = Path(folder.removeprefix("file://")) / "1.mp4"
    with edited(task.store) as items:  # as if the worker had been killed amid the write
        assert items["1"]["submission"]["job_id"] == bought(case)[0]
        items["1"]["submission"]["phase"] = "finished"
    if now == "there":
        assert task.run()["succeeded"] == 1
        assert copy.with_name("1.mp4.videoai.json").exists()
    elif now == "edited":
        copy.write_bytes(b"a file of the user's")
        with pytest.raises(BatchFailed, match="InvalidRequest"):
            task.run()
        assert copy.read_bytes() == b"a file of the user's"
    else:
        sandbox.fault(vendor=case.vendor, call="media", kind="expire_media", times=1000)
        with pytest.raises(BatchFailed):
            task.run()
    assert len(bought(case)) == 1


def test_a_row_that_is_put_back_is_not_bought_again_while_its_copy_is_there(
    case: Any, batch: Any, rows: Any, bought: Any, folder: str
) -> None:
    kept = {"destination": f"{folder}/{{item_id}}.mp4", "verify": False}
    task = batch(case, rows(case, ["1"]), **kept)
    assert task.run()["succeeded"] == 1
    batch(case, [{**row, "task_name": "another clip"} for row in rows(case, ["1"])], store=task.store, **kept).defer()
    assert task.run()["skipped"] == 1
    assert len(bought(case)) == 2


def test_a_changed_row_that_was_refused_is_not_bought_where_its_copy_is(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, folder: str
) -> None:
    kept = {"destination": f"{folder}/{{item_id}}.mp4", "verify": False}
    task = batch(case, rows(case, ["1"]), **kept)
    assert task.run()["succeeded"] == 1
    changed = [{**row, "task_name": "another clip"} for row in rows(case, ["1"])]
    again = batch(case, changed, store=task.store, quota_timeout=1e-6, **kept)
    sandbox.fault(vendor="viitor", call="submit", kind="quota_full", times=1000)
    with pytest.raises(QuotaExceeded):
        again.run()
    sandbox.clear_faults()
    assert batch(case, changed, **kept).run()["succeeded"] == 1
    assert again.run()["skipped"] == 1
    assert len(bought(case)) == 2


def test_a_row_that_is_put_back_after_one_that_was_not_bought_is_not_bought_again(
    case: Any, batch: Any, rows: Any, bought: Any, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {"destination": f"{folder}/{{item_id}}.mp4", "verify": False}
    task = batch(case, rows(case, ["1"]), **kept)
    assert task.run()["succeeded"] == 1
    copy = Path(folder.removeprefix("file://")) / "1.mp4"
    was = copy.read_bytes()
    copy.write_bytes(was + b"edited")
    changed = [{**row, "task_name": "another clip"} for row in rows(case, ["1"])]
    with pytest.raises(BatchFailed, match="another file is at"):
        batch(case, changed, store=task.store, **kept).run()
    copy.write_bytes(was)
    # As when the vendor has deleted the result.
    monkeypatch.setattr(Submitter, "_kept_at_last", lambda *_: None)
    assert task.run()["skipped"] == 1
    assert len(bought(case)) == 1


def test_a_failed_job_stays_kept_after_its_row_was_another_for_a_while(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, folder: str
) -> None:
    kept = {"destination": f"{folder}/{{item_id}}.mp4", "verify": False, "on_failed": "keep"}
    sandbox.fault(vendor="viitor", kind="fail_job")
    task = batch(case, rows(case, ["1"]), **kept)
    with pytest.raises(BatchFailed):
        task.run()
    copy = Path(folder.removeprefix("file://")) / "1.mp4"
    copy.write_bytes(b"a file of the user's")
    changed = [{**row, "task_name": "another clip"} for row in rows(case, ["1"])]
    with pytest.raises(BatchFailed, match="another file is at"):
        batch(case, changed, store=task.store, **kept).run()
    copy.unlink()
    for _ in range(2):
        with pytest.raises(BatchFailed, match=r"item '1': JobFailed: .* stay so: on_failed is 'keep'"):
            task.run()
    assert len(bought(case)) == 1
