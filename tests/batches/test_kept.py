# SPDX-License-Identifier: Apache-2.0
"""Copies of results and their sidecars: what is kept is found again, and nobody else's file is replaced."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_videoai.batches.kept import SIDECAR, Kept, KeptFiles, place_of
from airflow_provider_videoai.jobs.errors import InvalidRequest, ResultUnavailable, StorageFailed
from airflow_provider_videoai.jobs.model import JobResult, JobState
from airflow_provider_videoai.media.storage import Destination
from tests.support.stores import Store, file_store, s3_server, s3_store

__all__ = ["file_store", "s3_server", "s3_store"]

LOG = logging.getLogger("batch")


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a batch, as far as it matters here."""

    item_id: str = "take 1"
    fingerprint: str = "f" * 32


ITEM: Any = Item()
CHANGED: Any = Item(fingerprint="c" * 32)
NAME = "take 1.mp4"
BESIDE = NAME + SIDECAR


@pytest.fixture(params=["file_store", "s3_store"])
def store(request: pytest.FixtureRequest) -> Store:
    """Each kind of store in turn."""
    found: Store = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def result_of(sandbox: Any, serve: Any) -> Callable[..., JobResult]:  # noqa: ARG001 - its connections
    """Make the result of a job whose media has this content."""

    def result_of(content: bytes, job_id: str = "ViiTor_AI_1", **fields: Any) -> JobResult:
        job = {"vendor": "viitor", "operation": "text_removal", "job_id": job_id, "state": JobState.SUCCEEDED}
        return JobResult(**{**job, "media_url": serve(content), **fields})

    return result_of


ARGUMENTS: dict[str, Any] = {
    "vendor": "viitor",
    "operation": "text_removal",
    "conn_id": None,
    "task": "pipeline.make",
    "overwrite": False,
    "verify": False,
    "max_bytes": 10_000_000,
    "log": LOG,
}


def files_in(root: str, **changes: Any) -> KeptFiles:
    return KeptFiles(f"{root}/{{item_id}}.mp4", **{**ARGUMENTS, **changes})


def sidecar(store: Store) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(store.files()[BESIDE])
    return read


# -- keeping and finding -----------------------------------------------------------------------------------------


def test_what_is_kept_is_found_again(store: Store, result_of: Any) -> None:
    assert files_in(store.root).find(ITEM) is None
    kept = files_in(store.root).keep(ITEM, result_of(b"video", duration_ms=4000))
    digest = hashlib.sha256(b"video").hexdigest()
    assert kept == Kept(f"{store.root}/{NAME}", digest, 5, 4000, "ViiTor_AI_1", "video/mp4")
    assert files_in(store.root).find(ITEM) == kept
    assert set(store.files()) == {NAME, BESIDE}


def test_a_sidecar_says_what_a_copy_is_and_holds_no_url(store: Store, result_of: Any) -> None:
    files_in(store.root).keep(ITEM, result_of(b"video"))
    said = sidecar(store)
    assert said.pop("kept_at").endswith("+00:00")
    assert said == {
        "version": 1,
        "fingerprint": "f" * 32,
        "sha256": hashlib.sha256(b"video").hexdigest(),
        "bytes": 5,
        "job_id": "ViiTor_AI_1",
        "duration_ms": None,
        "content_type": "video/mp4",
        "vendor": "viitor",
        "operation": "text_removal",
        "item_id": "take 1",
        "task": place_of("pipeline.make"),
    }


def test_checked_media_is_kept_with_its_duration(store: Store, sandbox: Any, result_of: Any) -> None:
    clip = httpx.get(f"{sandbox.url}/sample/clip.mp4", trust_env=False, timeout=60).content
    assert files_in(store.root, verify=True).keep(ITEM, result_of(clip)).duration_ms == 8000
    with pytest.raises(ResultUnavailable, match="not media"):
        files_in(store.root, verify=True).keep(CHANGED, result_of(b"an error page"))
    assert store.files()[NAME] == clip


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (NAME, b"media of another size"),
        (BESIDE, b""),
        (BESIDE, b"\xff{"),
        (BESIDE, b"[" * 60_000),
        (BESIDE, b"[]"),
        (BESIDE, b"{}" + b" " * 70_000),
    ],
    ids=lambda value: str(value[:20]),
)
def test_a_copy_that_its_sidecar_does_not_describe_does_not_count(
    store: Store, result_of: Any, caplog: pytest.LogCaptureFixture, name: str, content: bytes
) -> None:
    files_in(store.root).keep(ITEM, result_of(b"video"))
    store.put(name, content)
    with caplog.at_level("INFO", "batch"):
        assert files_in(store.root, overwrite=True).find(ITEM) is None
    assert f"{store.root}/{NAME}" in caplog.text
    with pytest.raises(InvalidRequest, match=r"^destination: another file is at .*nothing was bought for this item"):
        files_in(store.root).find(ITEM)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"version": True},
        {"fingerprint": None},
        {"sha256": None},
        {"sha256": "5" * 63},
        {"job_id": "j" * 60_000},
        {"duration_ms": 10**4000},
        {"bytes": "5"},
        {"bytes": True},
        {"bytes": -5},
        {"bytes": 5.0},
        {"job_id": 4},
        {"job_id": ""},
        {"job_id": "a\nb"},
        {"job_id": "\N{CLAPPER BOARD}" * 50},
        {"duration_ms": -1},
        {"content_type": ["video/mp4"]},
        {"item_id": 1},
    ],
    ids=str,
)
def test_a_sidecar_with_a_wrong_value_is_not_understood(
    file_store: Store, result_of: Any, caplog: pytest.LogCaptureFixture, changes: dict[str, Any]
) -> None:
    files_in(file_store.root).keep(ITEM, result_of(b"video"))
    file_store.put(BESIDE, json.dumps(sidecar(file_store) | changes).encode())
    with caplog.at_level("INFO", "batch"):
        assert files_in(file_store.root, overwrite=True).find(ITEM) is None
    assert "cannot be understood" in caplog.text


def test_keys_of_a_later_version_and_missing_optional_ones_do_not_matter(file_store: Store, result_of: Any) -> None:
    kept = files_in(file_store.root).keep(ITEM, result_of(b"video"))
    needed = {name: sidecar(file_store)[name] for name in ("version", "fingerprint", "sha256", "bytes", "job_id")}
    file_store.put(BESIDE, json.dumps(needed | {"price": 4}).encode())
    found = files_in(file_store.root).find(ITEM)
    assert found is not None
    assert (found.sha256, found.content_type) == (kept.sha256, None)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=100) | st.text('{}[]":,version1 ', max_size=60).map(str.encode))
def test_any_content_of_a_sidecar_is_tolerated(file_store: Store, content: bytes) -> None:
    file_store.put(BESIDE, content)
    assert files_in(file_store.root).find(ITEM) is None


def test_a_sidecar_without_its_media_does_not_count(file_store: Store, result_of: Any) -> None:
    files_in(file_store.root).keep(ITEM, result_of(b"video"))
    there = file_store.files()[BESIDE]
    file_store.put("take 2.mp4" + SIDECAR, there)
    assert files_in(file_store.root).find(Item("take 2")) is None  # type: ignore[arg-type]


def test_the_copy_of_another_request_does_not_count(store: Store, result_of: Any) -> None:
    files_in(store.root).keep(ITEM, result_of(b"video"))
    assert files_in(store.root).find(CHANGED) is None


@pytest.mark.parametrize("act", ["find", "keep"])
def test_a_store_that_cannot_be_read_is_not_taken_for_an_empty_one(
    file_store: Store, result_of: Any, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    def unreachable(*_: object, **__: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("fsspec.implementations.local.LocalFileSystem.cat_file", unreachable)
    with pytest.raises(StorageFailed, match=r"^destination: .*cannot be read .*Permission denied.*buys nothing"):
        getattr(files_in(file_store.root), act)(*((ITEM, result_of(b"video")) if act == "keep" else (ITEM,)))
    assert file_store.files() == {}


def test_an_item_costs_two_requests_to_s3_and_one_of_which_any_file_may_be_replaced_costs_one(
    s3_store: Store, result_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    files_in(s3_store.root).keep(ITEM, result_of(b"video"))
    calls: list[str] = []
    s3 = pytest.importorskip("s3fs").S3FileSystem
    call = s3._call_s3

    async def counted(fs: Any, method: str, *args: Any, **arguments: Any) -> Any:
        calls.append(method)
        return await call(fs, method, *args, **arguments)

    monkeypatch.setattr(s3, "_call_s3", counted)
    other: Any = Item("take 2")
    assert (files_in(s3_store.root).find(other), calls) == (None, ["get_object", "get_object"])
    calls.clear()
    assert (files_in(s3_store.root, overwrite=True).find(other), calls) == (None, ["get_object"])
    calls.clear()
    assert (files_in(s3_store.root).find(ITEM) is not None, calls) == (True, ["get_object", "head_object"])


def test_many_threads_keep_and_find_at_once(store: Store, result_of: Any) -> None:
    files = files_in(store.root)
    items: list[Any] = [Item(str(number), f"{number:032x}") for number in range(24)]
    results = [result_of(f"video {number}".encode(), str(number)) for number in range(24)]
    with ThreadPoolExecutor(8) as threads:
        kept = list(threads.map(files.keep, items, results))
        assert list(threads.map(files.find, items)) == kept
    assert len(store.files()) == 48


# -- what is there already -----------------------------------------------------------------------------------------


def test_a_second_keeping_changes_no_media(store: Store, result_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = files_in(store.root).keep(ITEM, result_of(b"video"))
    monkeypatch.setattr(Destination, "move_to", _only_sidecars(Destination.move_to))
    assert files_in(store.root).keep(ITEM, result_of(b"video")) == first


def _only_sidecars(move_to: Callable[[Destination, Destination], None]) -> Callable[..., None]:
    def moved(draft: Destination, target: Destination) -> None:
        assert target.path.endswith(SIDECAR), "the media was written again"
        move_to(draft, target)

    return moved


def test_a_changed_row_gets_its_new_video_in_the_same_place(store: Store, result_of: Any) -> None:
    files_in(store.root).keep(ITEM, result_of(b"video"))
    kept = files_in(store.root).keep(CHANGED, result_of(b"the new video", "ViiTor_AI_2"))
    assert store.files()[NAME] == b"the new video"
    assert files_in(store.root).find(CHANGED) == kept
    assert (kept.job_id, files_in(store.root).find(ITEM)) == ("ViiTor_AI_2", None)


def test_a_changed_row_whose_video_cannot_be_had_leaves_the_old_one(store: Store, result_of: Any, serve: Any) -> None:
    files_in(store.root).keep(ITEM, result_of(b"video"))
    before = store.files()
    with pytest.raises(ResultUnavailable):
        files_in(store.root).keep(CHANGED, result_of(b"", media_url=serve(b"gone", status=404)))
    assert store.files() == before


def somebody_edited(store: Store) -> None:
    store.put(NAME, b"VIDEO")


def the_sidecar_was_lost(store: Store) -> None:
    store.put(BESIDE, b"{}")


def of_another_vendor(store: Store) -> None:
    store.put(BESIDE, json.dumps(sidecar(store) | {"vendor": "aidge"}).encode())


def of_another_operation(store: Store) -> None:
    store.put(BESIDE, json.dumps(sidecar(store) | {"operation": "trim"}).encode())


def of_another_item(store: Store) -> None:
    store.put(BESIDE, json.dumps(sidecar(store) | {"item_id": "take 2"}).encode())


def of_another_task(store: Store) -> None:
    store.put(BESIDE, json.dumps(sidecar(store) | {"task": place_of("pipeline.other")}).encode())


ANOTHERS = [of_another_vendor, of_another_operation, of_another_item, of_another_task]
FOREIGN = [somebody_edited, the_sidecar_was_lost, *ANOTHERS]


@pytest.mark.parametrize("spoil", FOREIGN)
def test_a_file_that_is_not_the_batchs_own_stays_unless_overwrite_is_set(
    store: Store, result_of: Any, spoil: Callable[[Store], None]
) -> None:
    files_in(store.root).keep(ITEM, result_of(b"video"))
    spoil(store)
    before = store.files()
    with pytest.raises(InvalidRequest, match=r"another file is at .*overwrite=True replaces it") as refused:
        files_in(store.root).keep(CHANGED, result_of(b"the new video", "ViiTor_AI_2"))
    assert refused.value.job_id == "ViiTor_AI_2"
    assert store.files() == before
    kept = files_in(store.root, overwrite=True).keep(CHANGED, result_of(b"the new video", "ViiTor_AI_2"))
    assert files_in(store.root).find(CHANGED) == kept
    assert store.files()[NAME] == b"the new video"


@pytest.mark.parametrize("content", [b"", b"a file of the user's"])
def test_nothing_is_bought_for_a_place_that_holds_a_file_of_the_users(store: Store, content: bytes) -> None:
    store.put(NAME, content)
    with pytest.raises(InvalidRequest, match=r"^destination: another file is at .*no sidecar.*nothing was bought"):
        files_in(store.root).find(ITEM)
    assert files_in(store.root, overwrite=True).find(ITEM) is None
    assert store.files() == {NAME: content}


@pytest.mark.parametrize("spoil", ANOTHERS)
def test_nothing_is_bought_for_a_place_that_holds_anothers_copy(
    store: Store, result_of: Any, spoil: Callable[[Store], None]
) -> None:
    kept = files_in(store.root).keep(ITEM, result_of(b"video"))
    spoil(store)
    assert files_in(store.root).find(ITEM) == kept
    with pytest.raises(InvalidRequest, match=r"another task, or another mapped copy.*nothing was bought"):
        files_in(store.root).find(CHANGED)
    assert files_in(store.root, overwrite=True).find(CHANGED) is None


def test_the_copy_of_a_version_that_named_no_task_counts_as_the_tasks_own(store: Store, result_of: Any) -> None:
    files_in(store.root).keep(ITEM, result_of(b"video"))
    store.put(BESIDE, json.dumps({name: value for name, value in sidecar(store).items() if name != "task"}).encode())
    assert files_in(store.root).find(CHANGED) is None
    files_in(store.root).keep(CHANGED, result_of(b"the new video", "ViiTor_AI_2"))
    assert store.files()[NAME] == b"the new video"


def test_a_sidecar_that_was_not_written_is_written_by_the_retry(
    store: Store, result_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("airflow_provider_videoai.media.writing.store_bytes", full)
        with pytest.raises(StorageFailed, match=f"{NAME}{SIDECAR} cannot be written .*ViiTor_AI_1 is stored, and paid"):
            files_in(store.root).keep(ITEM, result_of(b"video"))
    assert set(store.files()) == {NAME}
    kept = files_in(store.root).keep(ITEM, result_of(b"video"))
    assert files_in(store.root).find(ITEM) == kept


def test_no_log_line_shows_the_signature_of_a_result(
    store: Store, result_of: Any, raw_server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    raw_server.behave = lambda wire: (wire.read(), wire.answer(b"video"))
    signed = f"{raw_server.url}/clip.mp4?sign=secret"
    with caplog.at_level("INFO"):
        files_in(store.root).keep(ITEM, result_of(b"", media_url=signed))
        files_in(store.root).find(CHANGED)
    assert "stored at" in caplog.text
    assert not [each for each in caplog.records if each.name == "batch" and "secret" in each.getMessage()]
    assert b"secret" not in b"".join(store.files().values())
