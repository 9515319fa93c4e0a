# SPDX-License-Identifier: Apache-2.0
"""Manifests as the page reads them: whatever file there is, an API server that lives long is not harmed by it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.batches.manifest import lines_of
from airflow_provider_videoai.jobs.errors import StorageFailed
from airflow_provider_videoai.plugin import manifests
from airflow_provider_videoai.plugin.manifests import LOOK_AGAIN, ManifestLine, Manifests
from airflow_provider_videoai.plugin.vendor_calls import Busy, OutsideCalls
from tests.support.api_server import ApiServer
from tests.support.batches import COUNTS, REFERENCE, ended, line, written
from tests.support.which_airflow import needs_airflow_3_3


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each time that a file is read."""
    found: list[int] = []

    def counted(*given: Any) -> Any:
        found.append(1)
        return lines_of(*given)

    monkeypatch.setattr(manifests, "lines_of", counted)
    return found


def of(known: Manifests, file: Path, calls: OutsideCalls | None = None) -> list[ManifestLine]:
    return asyncio.run(known.of(f"file://{file}", calls or OutsideCalls()))


def later(seconds: float) -> Callable[[], float]:
    """A clock that is so many seconds later each time."""
    times = itertools.count(0.0, seconds)
    return lambda: next(times)


@pytest.mark.parametrize("text", ["{}\n", "x\n", "\x00\n", '"\n'], ids=repr)
def test_a_file_of_countless_lines_is_read_to_a_limit(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifests, "MOST_LINES", 5)
    file = tmp_path / "all.jsonl"
    file.write_text(text * 1000)
    lines = of(Manifests(), file)
    assert [each.item_id for each in lines] == [None] * 6
    assert lines[-1].place == "line 6 of the manifest"


def test_a_manifest_at_its_limit_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "MOST_LINES", 3)
    file = tmp_path / "all.jsonl"
    written(file, *(line(f"a{number}", "queued", None) for number in range(3)))
    assert [each.item_id for each in of(Manifests(), file)] == ["a0", "a1", "a2"]


def test_a_file_that_is_cut_off_amid_a_line_has_all_others(tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    written(file, line("a", "succeeded", "job-a"), line("b", "succeeded", "job-b"))
    file.write_bytes(file.read_bytes()[:-20])
    assert [each.item_id for each in of(Manifests(), file)] == ["a", None]


def test_reading_ends_when_nobody_can_wait_any_longer(tmp_path: Path, reads: list[int]) -> None:
    file = tmp_path / "all.jsonl"
    written(file, *(line(f"a{number}", "queued", None) for number in range(100)))
    known = Manifests(clock=later(0.5))
    with pytest.raises(StorageFailed, match=r"all\.jsonl takes too long to be read"):
        of(known, file, OutsideCalls(seconds=10))
    # An open page polls: what took too long is not begun again each time.
    with pytest.raises(StorageFailed, match="takes too long"):
        of(known, file)
    assert reads == [1]


def test_a_store_that_hangs_is_not_called_by_each_poll(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    async def hang(*_: Any) -> None:
        calls.append(1)
        await asyncio.Event().wait()

    now = [0.0]
    stores = OutsideCalls(seconds=0.01)
    monkeypatch.setattr(stores, "in_thread", hang)
    known = Manifests(clock=lambda: now[0])
    for at in (0.0, LOOK_AGAIN / 2, LOOK_AGAIN + 1):
        now[0] = at
        with pytest.raises(Busy):
            of(known, tmp_path / "all.jsonl", stores)
    assert len(calls) == 2


def test_no_more_is_remembered_than_fits(tmp_path: Path, reads: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    files = [tmp_path / f"{name}.jsonl" for name in "abc"]
    for file in files:
        written(file, line("a", "queued", None))
    monkeypatch.setattr(manifests, "_MOST_BYTES", 2.5 * files[0].stat().st_size)
    known = Manifests(clock=lambda: 0.0)
    for file in (*files, files[2], files[1]):
        of(known, file)
    assert len(reads) == 3
    of(known, files[0])
    assert len(reads) == 4, "the one that was looked at longest ago was forgotten"


# -- what the page shows of a line ----------------------------------------------------------------------------------


@pytest.fixture
def path(api_server: ApiServer, tmp_path: Path) -> str:
    """The path of a batch with one item, whose job used three credits."""
    used = {"usage": {"credits": 3, "seconds": None, "jobs": None, "source": "vendor"}}
    written(tmp_path / "all.jsonl", line("a", "succeeded", "job-a", url="https://cdn.example/a.mp4") | used)
    rendered = {"manifest": f"file://{tmp_path}/all.jsonl"}
    return api_server.task(video_batch=REFERENCE, batch=COUNTS, rendered=rendered).replace("/jobs/", "/batches/")


@needs_airflow_3_3("the task state store")
@pytest.mark.parametrize(("job_id", "usage"), [("job-a", "3 credits"), ("a later job", None)])
def test_an_item_says_what_its_job_used(job_id: str, usage: str | None, api_server: ApiServer, path: str) -> None:
    api_server.states("videoai_batch_0", {"version": 1, "items": {"a": ended("succeeded", job_id)}})
    with api_server.client() as client:
        assert client.get(f"{path}/item?item_id=a").json()["usage"] == usage


@needs_airflow_3_3("the task state store")
@pytest.mark.parametrize(
    ("search", "count"),
    [
        ("https://media.example/in/a.mp4", 1),
        ("https://media.example/in/a.mp4?X-Amz-Signature=0123", 1),
        ("MEDIA.example/", 1),
        ("https://media.example/in/b.mp4", 0),
        ("/in/", 0),
    ],
)
def test_an_input_is_searched_as_it_is_shown(search: str, count: int, api_server: ApiServer, path: str) -> None:
    api_server.states("videoai_batch_0", {"version": 1, "items": {"a": ended("succeeded", "job-a")}})
    with api_server.client() as client:
        assert client.get(path, params={"search": search}).json()["total"] == count


@needs_airflow_3_3("the task state store")
@pytest.mark.parametrize(("failed", "state"), [(0, "succeeded"), (1, "failed")])
def test_a_batch_that_was_cleared_is_as_its_items_ended_until_it_runs_again(
    failed: int, state: str, api_server: ApiServer
) -> None:
    counts = {"queued": 0, "running": 0, "succeeded": 9, "failed": failed, "skipped": 0}
    path = api_server.task(task_state=None, video_batch=REFERENCE, batch=counts)
    with api_server.client() as client:
        assert client.get(path).json()["state"] == state
