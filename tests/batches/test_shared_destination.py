# SPDX-License-Identifier: Apache-2.0
"""Copies of a mapped batch that share a destination: none replaces what another one paid for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import BatchFailed

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


def test_a_row_that_is_put_back_is_not_bought_again_while_its_copy_is_there(
    case: Any, batch: Any, rows: Any, bought: Any, folder: str
) -> None:
    kept = {"destination": f"{folder}/{{item_id}}.mp4", "verify": False}
    task = batch(case, rows(case, ["1"]), **kept)
    assert task.run()["succeeded"] == 1
    batch(case, [{**row, "task_name": "another clip"} for row in rows(case, ["1"])], store=task.store, **kept).defer()
    assert task.run()["skipped"] == 1
    assert len(bought(case)) == 2
