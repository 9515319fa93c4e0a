# SPDX-License-Identifier: Apache-2.0
"""What is stored and under which name, and reruns."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from airflow.providers.common.compat.lineage import hook
from airflow.sdk import ObjectStoragePath

from airflow_provider_videoai.files.locations import asset_uri
from airflow_provider_videoai.hooks.lookup import hook_for
from airflow_provider_videoai.jobs.errors import InvalidRequest, ResultUnavailable, StorageFailed
from airflow_provider_videoai.media.body import Body
from airflow_provider_videoai.media.storage import Destination, Draft
from airflow_provider_videoai.transfers.store_failures import open_destination
from tests.support.which_airflow import lineage

Transfer = Callable[..., Any]
KEPT = {
    "path",
    "bytes",
    "sha256",
    "content_type",
    "duration_ms",
    "subtitles",
    "vendor",
    "operation",
    "job_id",
    "media_id",
}


@pytest.fixture
def clip(sandbox: Any) -> str:
    return f"{sandbox.url}/sample/clip.mp4"


@pytest.fixture
def content(clip: str) -> bytes:
    return httpx.get(clip, trust_env=False, timeout=60).content


def test_the_bytes_are_stored_and_described(
    store: Any, transfer: Transfer, result_at: Any, clip: str, content: bytes
) -> None:
    kept = transfer(result_at(clip), f"{store.root}/{{job_id}}.mp4")
    assert store.files() == {"ViiTor_AI_1.mp4": content}
    assert set(kept) == KEPT
    assert kept["path"] == f"{store.root}/ViiTor_AI_1.mp4"
    assert (kept["bytes"], kept["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert (kept["content_type"], kept["duration_ms"]) == ("video/mp4", 8000)
    assert ObjectStoragePath(kept["path"]).read_bytes() == content


def test_a_second_run_changes_nothing(
    store: Any, transfer: Transfer, result_at: Any, clip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = transfer(result_at(clip), f"{store.root}/clip.mp4")
    monkeypatch.setattr(Destination, "create", lambda _: pytest.fail("it was written again"))
    assert transfer(result_at(clip), f"{store.root}/clip.mp4") == first


@pytest.mark.parametrize("other", [b"something else", None], ids=["another length", "the same length"])
def test_different_content_stays_unless_overwrite_is_set(
    store: Any, transfer: Transfer, result_at: Any, clip: str, content: bytes, other: bytes | None
) -> None:
    there = bytes(len(content)) if other is None else other
    store.put("clip.mp4", there)
    with pytest.raises(InvalidRequest, match=r"another file is at .*; overwrite=True"):
        transfer(result_at(clip), f"{store.root}/clip.mp4")
    assert store.files() == {"clip.mp4": there}
    transfer(result_at(clip), f"{store.root}/clip.mp4", overwrite=True)
    assert store.files() == {"clip.mp4": content}


def test_the_temporary_file_of_a_killed_task_is_replaced(
    store: Any, transfer: Transfer, result_at: Any, clip: str, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    def leave(draft: Any) -> None:
        if draft._lock is not None:
            os.close(draft._lock)  # as the kernel does

    with monkeypatch.context() as killing:
        killing.setattr(Draft, "publish", killed)
        killing.setattr(Draft, "_remove", leave)
        with pytest.raises(KeyboardInterrupt):
            transfer(result_at(clip), f"{store.root}/clip.mp4")
    (left,) = store.files()
    assert left != "clip.mp4"
    transfer(result_at(clip), f"{store.root}/clip.mp4")
    assert store.files() == {"clip.mp4": content}


def test_of_two_writers_to_a_bucket_each_publishes_what_it_wrote(s3_store: Any) -> None:
    destination = open_destination(f"{s3_store.root}/all.jsonl")
    with Draft(destination) as first, Draft(destination) as second:
        for draft, content in ((first, b"the one"), (second, b"another")):
            draft.begin(Body())
            draft.write(content)
        second.close()
        first.close()
        second.publish()
        assert s3_store.files()["all.jsonl"] == b"another"
        first.publish()
    assert s3_store.files() == {"all.jsonl": b"the one"}


def test_of_two_writers_the_second_fails_and_the_first_is_complete(file_store: Any) -> None:
    destination = open_destination(f"{file_store.root}/clip.mp4")
    with Draft(destination) as first:
        first.begin(Body())
        first.write(b"first")
        with pytest.raises(OSError, match="another task writes to the same destination"), Draft(destination) as second:
            second.begin(Body())
        first.begin(Body())
        first.write(b"again")
        first.close()
        first.publish()
    assert file_store.files() == {"clip.mp4": b"again"}


def test_a_file_published_between_open_and_lock_is_not_written_to(
    file_store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = open_destination(f"{file_store.root}/clip.mp4")
    file_store.put(".clip.mp4.part", b"the other's")
    lock, others = fcntl.flock, [lambda: Path(destination.temporary("").path).rename(destination.path)]

    def flock(descriptor: int, how: int) -> None:
        if others:
            others.pop()()
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with Draft(destination) as draft:
        draft.begin(Body())
        draft.write(b"ours")
        assert file_store.files()["clip.mp4"] == b"the other's"


def test_a_temporary_file_that_another_task_removed_is_not_published(s3_store: Any) -> None:
    with Draft(open_destination(f"{s3_store.root}/clip.mp4")) as draft:
        draft.begin(Body())
        draft.write(b"mine")
        draft.close()
        draft.temporary.remove()
        with pytest.raises(OSError, match="does another task write there"):
            draft.publish()
    assert s3_store.files() == {}


@pytest.mark.parametrize("number", [errno.ENOTSUP, errno.ENOLCK])
def test_a_file_system_without_locks_is_written_to(
    file_store: Any, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def flock(*_: object) -> None:
        raise OSError(number, "no locks")

    monkeypatch.setattr(fcntl, "flock", flock)
    with Draft(open_destination(f"{file_store.root}/clip.mp4")) as draft:
        draft.begin(Body())
        draft.write(b"x")
        draft.close()
        draft.publish()
    assert file_store.files() == {"clip.mp4": b"x"}


def test_media_larger_than_the_limit_is_refused(
    store: Any, transfer: Transfer, result_at: Any, clip: str, content: bytes
) -> None:
    with pytest.raises(ResultUnavailable, match="larger than max_bytes"):
        transfer(result_at(clip), f"{store.root}/clip.mp4", max_bytes=len(content) - 1)
    assert store.files() == {}
    transfer(result_at(clip), f"{store.root}/clip.mp4", max_bytes=len(content))


def test_without_verify_any_file_is_stored(store: Any, transfer: Transfer, result_at: Any, serve: Any) -> None:
    kept = transfer(result_at(serve(b"\x00raw", "video/raw")), f"{store.root}/clip.raw", verify=False)
    assert store.files() == {"clip.raw": b"\x00raw"}
    assert kept["duration_ms"] is None


def test_verify_without_its_library_says_what_to_install(
    file_store: Any, transfer: Transfer, result_at: Any, clip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(InvalidRequest, match=r"pip install 'airflow-provider-videoai\[media\]'"):
        transfer(result_at(clip), f"{file_store.root}/clip.mp4")
    assert transfer(result_at(clip), f"{file_store.root}/clip.mp4", verify=False)["bytes"]


def test_a_list_of_results_keeps_its_order(store: Any, transfer: Transfer, result_at: Any, clip: str) -> None:
    results = [result_at(clip, job_id=f"ViiTor_AI_{number}") for number in (3, 1, 2)]
    kept = transfer(results, f"{store.root}/{{job_id}}.mp4")
    assert [each["job_id"] for each in kept] == ["ViiTor_AI_3", "ViiTor_AI_1", "ViiTor_AI_2"]
    assert set(store.files()) == {"ViiTor_AI_1.mp4", "ViiTor_AI_2.mp4", "ViiTor_AI_3.mp4"}


def test_subtitles_are_stored_beside_the_video(sandbox: Any, store: Any, transfer: Transfer) -> None:
    hook = hook_for("tencent_ivh")
    fields = {"virtualman_key": "sandbox-virtualman", "input_ssml": "Hello there.", "video_param": {"Format": "Mp4"}}
    job_id = hook.submit(fields)
    while not (result := hook.result(job_id)).state.terminal:
        pass
    root = store.root
    kept = transfer(result.to_dict(), f"{root}/{{job_id}}.mp4", subtitles_destination=f"{root}/{{job_id}}.srt")
    words = store.files()[f"{job_id}.srt"]
    assert b"-->" in words
    assert kept["subtitles"] == {
        "path": f"{root}/{job_id}.srt",
        "bytes": len(words),
        "sha256": hashlib.sha256(words).hexdigest(),
    }
    assert len(sandbox.ledger("tencent_ivh")["submissions"]) == 1


def test_an_error_page_instead_of_subtitles_is_not_published(
    store: Any, transfer: Transfer, result_at: Any, clip: str, serve: Any
) -> None:
    result = result_at(clip, subtitles_url=serve(b"Not found", "text/plain"))
    with pytest.raises(ResultUnavailable, match="not subtitles"):
        transfer(result, f"{store.root}/clip.mp4", subtitles_destination=f"{store.root}/clip.srt")
    assert set(store.files()) == {"clip.mp4"}


def test_a_result_without_its_url_is_queried(
    file_store: Any, transfer: Transfer, topview_result: dict[str, Any]
) -> None:
    handed_over = {**topview_result, "state": "queued", "media_url": None}
    assert transfer(handed_over, f"{file_store.root}/clip.mp4")["bytes"]


def test_a_job_that_has_not_ended_is_refused(sandbox: Any, file_store: Any, transfer: Transfer) -> None:
    sandbox.clock(run_seconds=600)
    hook = hook_for("aidge")
    job_id = hook.submit({"video_url": f"{sandbox.url}/sample/clip.mp4", "language": "en"})
    result = {"vendor": "aidge", "operation": "video_removal", "job_id": job_id, "state": "queued"}
    with pytest.raises(InvalidRequest, match="has not ended"):
        transfer(result, f"{file_store.root}/clip.mp4")
    sandbox.reset()


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:9/a?sig=secret",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]:9/",
        "http://2130706433:9/",
        "http://localhost:9/",
        "http://[::ffff:10.0.0.1]/",
    ],
)
def test_no_url_and_no_redirect_leads_into_the_users_network(
    file_store: Any, transfer: Transfer, result_at: Any, connect: Callable[..., str], address: str
) -> None:
    guarded = connect("viitor", extra={})
    hint = r"not an address of the public internet.*allow_private_addresses in the extra of connection 'viitor_changed'"
    with pytest.raises(ResultUnavailable, match=hint) as refused:
        transfer(result_at(address), f"{file_store.root}/clip.mp4", vendor_conn_id=guarded)
    assert "secret" not in str(refused.value)
    assert file_store.files() == {}


def test_a_redirect_is_followed_and_a_loop_is_given_up(
    file_store: Any, transfer: Transfer, result_at: Any, serve: Any, clip: str
) -> None:
    assert transfer(result_at(serve(location=clip)), f"{file_store.root}/clip.mp4")["duration_ms"] == 8000
    with pytest.raises(ResultUnavailable, match="redirected more than 5 times"):
        transfer(result_at(serve(location="/1")), f"{file_store.root}/other.mp4")


def test_a_full_disk_is_not_retried_as_a_network_error(
    file_store: Any, transfer: Transfer, result_at: Any, clip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def write(self, _: bytes) -> None:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            pass

    monkeypatch.setattr(Destination, "create", lambda _: Full())
    with pytest.raises(StorageFailed, match=r"No space left.*a retry of this task buys nothing") as failure:
        transfer(result_at(clip), f"{file_store.root}/clip.mp4")
    assert isinstance(failure.value, OSError)
    assert failure.value.job_id == "ViiTor_AI_1"


def test_a_reader_never_sees_half_a_file(
    sandbox: Any, tmp_path: Path, transfer: Transfer, result_at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    check = Destination.open

    def watched(self: Destination) -> Any:
        seen.append(sorted(path.name for path in tmp_path.iterdir()))
        return check(self)

    monkeypatch.setattr(Destination, "open", watched)
    transfer(result_at(f"{sandbox.url}/sample/clip.mp4"), f"file://{tmp_path}/clip.mp4")
    assert seen == [[".clip.mp4.part"]]


def test_lineage_leads_from_the_url_to_the_file_and_names_no_other(
    store: Any, transfer: Transfer, topview_result: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = lineage.HookLineageCollector()
    monkeypatch.setattr(lineage, "get_hook_lineage_collector", lambda: collector)
    monkeypatch.setattr(hook, "get_hook_lineage_collector", lambda: collector)
    transfer(topview_result, f"{store.root}/clip.mp4")
    reported = collector.collected_assets
    assert [each.asset.uri for each in reported.inputs] == [topview_result["media_url"].partition("?")[0]]
    assert [each.asset.uri for each in reported.outputs] == [asset_uri(f"{store.root}/clip.mp4")]
