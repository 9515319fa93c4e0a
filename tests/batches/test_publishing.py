# SPDX-License-Identifier: Apache-2.0
"""When the manifest of a batch is written: not whole each time that a worker lets go of many items."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_videoai.batches import report
from airflow_provider_videoai.batches.manifest import ENDED, Manifest
from tests.batches.published import lines
from tests.support.which_airflow import TaskDeferred

pytestmark = pytest.mark.usefixtures("prompt")


@pytest.mark.parametrize("case", ["viitor"], indirect=True)
def test_what_ended_since_the_manifest_is_kept_beside_it_and_outlives_a_kill(
    case: Any, batch: Any, rows: Any, bought: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "_FEW_ITEMS", 0)
    monkeypatch.setattr(report, "_GROWTH", 1000)
    manifest = f"file://{tmp_path}/all.jsonl"
    task = batch(case, rows(case, 6), max_in_flight=2, manifest=manifest)
    deferred = task.defer()
    listed = lines(manifest)
    event = asyncio.run(task.fire(deferred.trigger))
    with pytest.raises(TaskDeferred):
        task.resume(deferred, event.payload)
    assert lines(manifest) == listed
    kept = lines(manifest + ENDED)
    assert kept.keys() < listed.keys()
    assert all(line["outputs"] for line in kept.values())
    # That worker is gone; another attempt queries nothing about what had ended, and loses no URL of it.
    assert task.run()["succeeded"] == 6
    assert {item_id: lines(manifest)[item_id] for item_id in kept} == kept
    assert all(line["outputs"] for line in lines(manifest).values())
    assert not (tmp_path / f"all.jsonl{ENDED}").exists()
    assert len(bought(case)) == 6


class Counted(Manifest):
    """Counts lines in place of writing them."""

    def __init__(self) -> None:
        super().__init__("/nowhere/all.jsonl", logging.getLogger())
        self.whole = self.kept = 0

    def read_ended(self) -> Any:
        return {}

    def read(self) -> Any:
        return {}

    def publish(self, lines: Any) -> None:
        self.whole += len(list(lines))

    def keep_ended(self, lines: Any) -> None:
        self.kept += len(list(lines))


@pytest.mark.parametrize(("items", "most"), [(1_000, 20_000), (10_000, 300_000), (100_000, 9_000_000)])
def test_what_is_written_grows_slower_than_the_square_of_the_items(
    items: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report.BatchReport, "_all", lambda *_: range(items))
    manifest = Counted()
    made = report.BatchReport(manifest, None, logging.getLogger())
    waiting: Any = SimpleNamespace(items=range(items), ended={})
    for number, first in enumerate(range(0, items, 50)):  # of 100 jobs in flight half have ended
        made._ended |= dict.fromkeys(map(str, range(first, first + 50)), None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        made.let_go(waiting, begins=number == 0)
    assert manifest.whole + manifest.kept <= most
