# SPDX-License-Identifier: Apache-2.0
"""Many items of which some fail, kept in S3: ``VIDEOAI_BATCH_ITEMS=500`` plays a large batch."""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from hashlib import sha256
from typing import Any

import httpx
import pytest

from airflow_provider_videoai.batches.kept import SIDECAR, KeptFiles
from tests.support.stores import Store, s3_server, s3_store

__all__ = ["s3_server", "s3_store"]

pytestmark = pytest.mark.usefixtures("prompt")

ITEMS = int(os.environ.get("VIDEOAI_BATCH_ITEMS", "40"))
FAILED = ITEMS // 20
AT_A_TIME = 4
"""What a copy holds in memory is bounded, and so is what the batch holds: the documentation says four."""
REGIONS = [[[0, 300, 640, 340]], [[0, 20, 640, 60]], [[100, 100, 300, 200]]]
"""So that results differ, and a mix-up of two would be seen."""


@pytest.fixture
def at_a_time(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the copies that are made at the same time, and note the most."""
    counted, lock, keep = Counter[str](), threading.Lock(), KeptFiles.keep

    def counting(self: KeptFiles, *arguments: Any) -> Any:
        with lock:
            counted["now"] += 1
            counted["most"] = max(counted["most"], counted["now"])
        try:
            return keep(self, *arguments)
        finally:
            with lock:
                counted["now"] -= 1

    monkeypatch.setattr(KeptFiles, "keep", counting)
    return counted


@pytest.mark.timeout(60 + 2 * ITEMS)
def test_many_items_are_kept_a_few_at_a_time_and_those_that_fail_are_reported(
    cases: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, s3_store: Store, at_a_time: Counter[str]
) -> None:
    case = cases["viitor"]
    requests = [
        row | {"full_erase_roi": REGIONS[number % len(REGIONS)]} for number, row in enumerate(rows(case, ITEMS))
    ]
    sandbox.fault(vendor=case.vendor, kind="fail_job", after=ITEMS // 3, times=FAILED)
    manifest = f"{s3_store.root}/all.jsonl"
    task = batch(case, requests, destination=f"{s3_store.root}/{{item_id}}.mp4", manifest=manifest, tolerate="5%")
    summary = task.run()
    assert (summary["total"], summary["succeeded"], summary["failed"]) == (ITEMS, ITEMS - FAILED, FAILED)
    assert len(json.dumps(summary)) < 1000, "XCom stays small, however many items there are"
    assert len(bought(case)) == ITEMS
    assert 1 < at_a_time["most"] <= AT_A_TIME

    files = dict(s3_store.files())
    lines = [json.loads(line) for line in files.pop("all.jsonl").splitlines()]
    assert [line["item_id"] for line in lines] == [row["item_id"] for row in requests]
    assert sorted(line["job_id"] for line in lines) == sorted(bought(case))
    kept = [line for line in lines if line["state"] == "succeeded"]
    lost = [line for line in lines if line["state"] == "failed"]
    assert len(kept) == ITEMS - FAILED
    assert {(line["error"]["type"], line["path"], line["sha256"]) for line in lost} == {("JobFailed", None, None)}
    with httpx.Client(trust_env=False) as vendor:
        for line in kept:
            name = line["path"].removeprefix(f"{s3_store.root}/")
            content = files.pop(name)
            assert name == f"{line['item_id']}.mp4"
            assert sha256(content).hexdigest() == line["sha256"]
            assert content == vendor.get(line["outputs"][0]["url"]).content
            assert json.loads(files.pop(name + SIDECAR))["job_id"] == line["job_id"]
    assert files == {}, "nothing is kept of an item that failed"
    assert len({line["sha256"] for line in kept}) == len(REGIONS)
