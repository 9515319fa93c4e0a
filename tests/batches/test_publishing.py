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
from airflow_provider_videoai.batches.records import BatchRecords
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


class KilledError(BaseException):
    """The process is gone: no `except Exception` runs."""


@pytest.mark.parametrize("case", ["viitor"], indirect=True)
@pytest.mark.parametrize("deferrable", [True, False])
def test_a_worker_killed_right_after_a_record_loses_no_url(
    case: Any, batch: Any, rows: Any, bought: Any, tmp_path: Path, deferrable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a copy a URL is all that was paid for, and the record of an item that ended holds none.
    end = BatchRecords.end

    def killed(self: BatchRecords, ends: Any) -> None:
        end(self, ends)
        raise KilledError

    manifest = f"file://{tmp_path}/all.jsonl"
    task = batch(case, rows(case, 4), manifest=manifest, deferrable=deferrable)
    with monkeypatch.context() as patched:
        patched.setattr(BatchRecords, "end", killed)
        with pytest.raises(KilledError):
            task.run()
    assert task.run()["succeeded"] == 4
    listed = lines(manifest)
    assert {line["job_id"] for line in listed.values()} == set(bought(case))
    assert all(line["outputs"] and line["submitted_at"] for line in listed.values())
    assert len(bought(case)) == 4


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


@pytest.mark.parametrize(("items", "most"), [(1_000, 21_000), (10_000, 300_000), (100_000, 9_000_000)])
def test_what_is_written_grows_slower_than_the_square_of_the_items(
    items: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report.BatchReport, "_all", lambda *_: range(items))
    manifest = Counted()
    made = report.BatchReport(manifest, None, logging.getLogger())
    waiting: Any = SimpleNamespace(items=range(items), ended={})
    for number, first in enumerate(range(0, items, 50)):  # of 100 jobs in flight half have ended
        made._ended |= dict.fromkeys(map(str, range(first, first + 50)), None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        made._unsecured = True
        made.secure()  # as the worker does before it writes the records of those whose URLs are nowhere else
        made.let_go(waiting, begins=number == 0)
    assert manifest.whole + manifest.kept <= most
