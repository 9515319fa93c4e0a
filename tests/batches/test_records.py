# SPDX-License-Identifier: Apache-2.0
"""The records of a batch: threads that write together share writes, and no item's record is lost or another's."""

from __future__ import annotations

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from airflow_provider_videoai.batches.entries import ItemEnd, ItemState
from airflow_provider_videoai.batches.part_values import INDEX_KEY, part_key
from airflow_provider_videoai.batches.records import BatchRecords
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.submission.fence import FENCE_SECONDS
from airflow_provider_videoai.jobs.submission.pauses import Clocks
from airflow_provider_videoai.jobs.submission.record import PLACE, Phase, SubmissionRecord
from airflow_provider_videoai.jobs.values.usage import Usage

FINGERPRINT = "f" * 32


class Store:
    """A store in memory that may fail, and may take its time until it is let go on."""

    lasting = True
    place = PLACE

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.writes: list[str] = []
        self.reads = 0
        self.failing: set[int] = set()
        self.slow: threading.Event | None = None
        self.began = threading.Event()

    def get(self, key: str) -> Any:
        self.reads += 1
        return json.loads(self.values[key]) if key in self.values else None

    def set(self, key: str, value: Any) -> None:
        text = json.dumps(value)
        self.writes.append(key)
        self.began.set()
        if self.slow is not None:
            assert self.slow.wait(20)
        if len(self.writes) in self.failing:
            raise OSError("disk full")
        self.values[key] = text

    def delete(self, key: str) -> None:
        self.values.pop(key, None)


def record(number: int, phase: Phase = Phase.SUBMITTED) -> dict[str, Any]:
    return SubmissionRecord(phase=phase, fingerprint=FINGERPRINT, job_id=f"job{number}").to_json()


def end(item_id: str) -> tuple[str, None, ItemEnd]:
    return item_id, None, ItemEnd(state=ItemState.SUCCEEDED, fingerprint=FINGERPRINT, attempt=1, at=1.0)


def test_what_is_written_is_read_by_the_next_attempt() -> None:
    store = Store()
    records = BatchRecords(store)
    for number in range(200):
        records.store_for(f"item{number}", FINGERPRINT).set("", record(number))
    records.end([end("item7")])
    again = BatchRecords(store)
    for number in range(200):
        entry = again.entry(f"item{number}", FINGERPRINT)
        assert entry is not None
        assert entry.record is not None
        assert entry.record.job_id == f"job{number}"
        assert (entry.end is not None) is (number == 7)
    assert again.entry("another", FINGERPRINT) is None


def test_submits_at_the_same_time_share_writes() -> None:
    store = Store()
    store.slow = threading.Event()
    records = BatchRecords(store)
    items = [records.store_for(f"item{number}", FINGERPRINT) for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        futures = [pool.submit(item.set, "", record(number)) for number, item in enumerate(items)]
        assert store.began.wait(20)
        store.slow.set()
        for future in futures:
            future.result(20)
    assert all(
        (entry := BatchRecords(store).entry(f"item{number}", FINGERPRINT)) and entry.record for number in range(16)
    )
    # The index, the first part, and what came meanwhile: at least one write for many.
    assert len(store.writes) < 16


def test_many_threads_leave_every_items_last_record() -> None:
    store = Store()
    records = BatchRecords(store)

    def work(number: int) -> None:
        item = records.store_for(f"item{number}", FINGERPRINT)
        item.set("", record(number, Phase.SUBMITTING))
        item.set("", record(number))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(300)))
    stored = [
        entry for key in store.values if key != INDEX_KEY for entry in json.loads(store.values[key])["items"].values()
    ]
    assert sorted(entry["submission"]["job_id"] for entry in stored) == sorted(f"job{number}" for number in range(300))
    assert {entry["submission"]["phase"] for entry in stored} == {"submitted"}


def test_a_write_that_fails_takes_its_own_record_back_and_no_other() -> None:
    store = Store()
    records = BatchRecords(store)
    first, second = records.store_for("first", FINGERPRINT), records.store_for("second", FINGERPRINT)
    first.set("", record(1))
    store.failing = {len(store.writes) + 1}
    with pytest.raises(OSError, match="disk full"):
        second.set("", record(2, Phase.SUBMITTING))
    # What the next write stores must not say that a submit was cut short which was never sent.
    first.set("", record(3))
    assert json.loads(store.values[part_key(0)])["items"].keys() == {"first"}
    assert second.get("") is None


def test_the_index_counts_a_part_before_the_part_is_there() -> None:
    store = Store()
    records = BatchRecords(store)
    records.store_for("a", FINGERPRINT).set("", record(1))
    assert store.writes == [INDEX_KEY, part_key(0)]


@pytest.mark.parametrize("counted", [0, 1])
def test_an_index_that_counts_too_few_parts_is_refused(counted: int) -> None:
    store = Store()
    records = BatchRecords(store)
    for number in range(100):
        records.store_for(f"item{number}", FINGERPRINT).set("", record(number))
    assert part_key(1) in store.values
    store.values[INDEX_KEY] = json.dumps({"version": 1, "parts": counted})
    with pytest.raises(InvalidRequest, match=f"counts {counted} parts, and there is another one"):
        BatchRecords(store)


@pytest.mark.parametrize("broken", [INDEX_KEY, part_key(0), part_key(1)])
def test_who_does_what_the_error_of_a_broken_value_says_starts_over(broken: str) -> None:
    store = Store()
    records = BatchRecords(store)
    for number in range(100):
        records.store_for(f"item{number}", FINGERPRINT).set("", record(number))
    store.values[broken] = json.dumps({"version": 7})
    with pytest.raises(InvalidRequest) as refused:
        BatchRecords(store)
    said = refused.value.message
    index = re.search(r"make this task's state 'videoai_batch' (\{.*?\})", said)
    assert index is not None
    store.values[INDEX_KEY] = index[1]
    assert "Delete 'videoai_batch_0' and those after it" in said
    for key in [key for key in store.values if key != INDEX_KEY]:
        store.delete(key)
    assert not BatchRecords(store)


def test_a_part_that_the_index_counts_and_that_was_not_written_holds_nothing() -> None:
    store = Store()
    store.values[INDEX_KEY] = json.dumps({"version": 1, "parts": 1})
    assert BatchRecords(store).entry("a", FINGERPRINT) is None


@pytest.mark.parametrize(("wall", "running"), [(FENCE_SECONDS + 1, 0.0), (0.0, FENCE_SECONDS + 1), (-3600.0, 0.0)])
def test_what_was_seen_some_time_ago_by_either_clock_is_read_again(wall: float, running: float) -> None:
    store, times = Store(), [1000.0, 7.0]
    records = BatchRecords(store, Clocks(lambda: times[0], lambda: times[1]))
    item = records.store_for("a", FINGERPRINT)
    item.set("", record(1, Phase.SUBMITTING))
    reads = store.reads
    assert item.get("")["job_id"] == "job1"
    assert store.reads == reads
    part = json.loads(store.values[part_key(0)])
    part["items"]["a"]["submission"] = record(2)
    store.values[part_key(0)] = json.dumps(part)
    times[:] = [times[0] + wall, times[1] + running]
    assert item.get("")["job_id"] == "job2"


@pytest.mark.parametrize("item_id", ["a" * 195, "视频" * 33])
def test_a_part_keeps_within_the_limit_of_airflows_store(item_id: str) -> None:
    store = Store()
    records = BatchRecords(store)
    for number in range(150):
        name = f"{item_id}{number}"
        long = SubmissionRecord(
            phase=Phase.FINISHED, fingerprint=FINGERPRINT, job_id="j" * 64, submitted_at=1764220000.123
        )
        records.store_for(name, FINGERPRINT).set("", long.to_json())
        records.end([end(name)])
    assert len(store.values) > 2
    assert max(map(len, store.values.values())) <= 64 * 1024


@pytest.mark.parametrize("said", ["no " * 99, "驱动音频下载失败" * 30, "🎬" * 200])
def test_failed_items_keep_within_the_limit_as_well(said: str) -> None:
    store = Store()
    records = BatchRecords(store)
    for number in range(150):
        name = f"clip-{number}"
        bought = SubmissionRecord(
            phase=Phase.FAILED,
            fingerprint=FINGERPRINT,
            job_id="j" * 64,
            submitted_at=1764220000.123456,
            usage=Usage(credits=1234.5, seconds=1234.5, jobs=1),
        )
        failed = ItemEnd(
            state=ItemState.FAILED,
            fingerprint=FINGERPRINT,
            attempt=12,
            at=1764220000.123456,
            job_id="j" * 64,
            error={"type": "ResultUnavailable", "message": said, "code": "c" * 40},
            sha256="f" * 64,
            place="f" * 16,
            duration_ms=123456,
            final=True,
        )
        records.end([(name, bought, failed)])
    assert max(map(len, store.values.values())) <= 64 * 1024


def test_a_deleted_record_is_none() -> None:
    store = Store()
    item = BatchRecords(store).store_for("a", FINGERPRINT)
    item.set("", record(1))
    item.delete("")
    assert item.get("") is None
    assert "'a'" in item.place
    assert part_key(0) in item.place
