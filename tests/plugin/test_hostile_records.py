# SPDX-License-Identifier: Apache-2.0
"""Whatever tasks store takes a bounded part of the API server's memory: records of batches, and long XComs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_videoai.plugin import batches, records, task_states
from airflow_provider_videoai.plugin.batch_items import ItemShown, items_of_part
from airflow_provider_videoai.plugin.task import TaskKey
from tests.plugin.test_api_server import CARD
from tests.support.api_server import API, ApiServer

KEY = TaskKey("dag", "run", "task")


def part(items: int) -> str:
    return json.dumps({"version": 1, "items": {str(number): 0 for number in range(items)}})


def test_a_part_of_very_many_items_is_unreadable_as_a_whole() -> None:
    assert len(items_of_part("videoai_batch_0", part(1000))) == 1000
    (item,) = items_of_part("videoai_batch_0", part(30_000))
    assert (item.state, item.item_id, item.place) == (ItemShown.UNREADABLE, None, "videoai_batch_0")


async def test_no_more_parts_are_read_than_any_batch_has_items(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def texts(_: TaskKey, names: Any) -> dict[str, str]:
        read.extend(names)
        return dict.fromkeys(names, part(10))

    written = {f"videoai_batch_{number}": datetime(2026, 5, 11, tzinfo=UTC) for number in range(400)}
    monkeypatch.setattr(task_states, "parts", lambda _: written)
    monkeypatch.setattr(task_states, "texts", texts)
    monkeypatch.setattr(batches, "_MOST", 900)
    known = batches.Batches()
    assert len(await known.of(KEY)) == 1000
    # A further poll of the open page reads none again.
    assert len(await known.of(KEY)) == 1000
    assert len(read) == 100


def test_long_xcoms_of_many_tasks_are_read_one_task_after_the_other(
    api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[tuple[int, int]] = []
    stored = records.stored

    def counted(entries: Any, *longest: int) -> Any:
        found = stored(entries, *longest)
        texts = [text for each in found for text in each.texts.values() if text]
        held.append((len(found), sum(map(len, texts))))
        return found

    monkeypatch.setattr(records, "stored", counted)
    long = {"observed_at": 1.0, "jobs": [{"job_id": "j1", "state": "failed", "error_message": "x" * 200_000}]}
    for number in range(3):
        api_server.task(task_id=f"long{number}", video_job=CARD, status=long)
    api_server.task(task_id="short", video_job=CARD)
    with api_server.client() as client:
        states = {each["task_id"]: each["state"] for each in client.get(API).json()["jobs"]}
    assert states == {"long0": "failed", "long1": "failed", "long2": "failed", "short": "queued"}
    assert [count for count, _ in held] == [4, 1, 1, 1]
    assert held[0][1] < 200_000
