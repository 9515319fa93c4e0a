# SPDX-License-Identifier: Apache-2.0
"""Files of the user's that go to Topview: what is uploaded, when, and what a second attempt does."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from airflow.sdk import ObjectStoragePath

from airflow_provider_videoai.airflow_compat import AirflowFailException
from airflow_provider_videoai.hooks import topview as topview_hook
from airflow_provider_videoai.hooks.topview import TopviewHook
from airflow_provider_videoai.jobs.errors import AuthenticationFailed, InvalidRequest, VendorUnavailable
from airflow_provider_videoai.media import upload
from airflow_provider_videoai.operators.topview import TopviewUploadOperator
from airflow_provider_videoai.uploads.upload_source import SourceFile, send
from airflow_provider_videoai.vendors.topview import Topview
from tests.support.stores import Store
from tests.support.tasks import execute

pytestmark = pytest.mark.usefixtures("prompt")


@pytest.fixture
def speech(sample: Callable[..., Path]) -> Path:
    return sample("speech.mp3")


@pytest.fixture
def clip(sample: Callable[..., Path]) -> Path:
    return sample("clip.mp4")


@pytest.fixture
def upload_file(sandbox: Any) -> Callable[..., str]:  # noqa: ARG001 - its connections
    """Run an upload task and return what it returns."""
    return lambda source, **arguments: execute(TopviewUploadOperator(task_id="upload", source=source, **arguments))


@pytest.fixture
def uploads(sandbox: Any) -> Callable[[], int]:
    """Return how many files were announced at the vendor."""
    return lambda: [entry["operation"] for entry in sandbox.ledger("topview")["lookups"]].count("upload_credential")


@pytest.fixture
def arrived(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[], bytes]:  # noqa: ARG001 - its storage
    """Return the bytes that are in the vendor's storage where the last file was sent to."""
    urls: list[str] = []

    async def noting(file: SourceFile, url: str, *rest: Any) -> None:
        urls.append(url.partition("?")[0])
        await send(file, url, *rest)

    monkeypatch.setattr(topview_hook, "send", noting)
    return lambda: httpx.get(urls[-1].replace("/topview-s3/", "/topview-cloudfront/"), trust_env=False).content


def speaks(speech: object) -> dict[str, Any]:
    """Return the arguments of a job whose sound is a file."""
    return {"audio_source_from": "0", "tts_text": None, "audio_file": speech}


@pytest.mark.parametrize("form", [str, Path.as_uri, lambda path: ObjectStoragePath(path.as_uri())])
def test_a_file_is_uploaded_from_a_path_a_url_or_an_object(
    upload_file: Callable[..., str], speech: Path, form: Callable[[Path], object]
) -> None:
    assert TopviewHook().has_file(upload_file(form(speech)))


@pytest.mark.parametrize("form", [str, ObjectStoragePath])
def test_a_file_in_a_bucket_arrives_as_it_is(
    upload_file: Callable[..., str], arrived: Callable[[], bytes], s3_store: Store, form: Callable[[str], object]
) -> None:
    content = os.urandom(3_456_789)  # several blocks of what is read at once
    s3_store.put("clip.mp4", content)
    assert TopviewHook().has_file(upload_file(form(f"{s3_store.root}/clip.mp4")))
    assert sha256(arrived()).digest() == sha256(content).digest()
    assert set(s3_store.files()) == {"clip.mp4"}


def test_a_large_file_arrives_in_pieces(
    upload_file: Callable[..., str], arrived: Callable[[], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "PIECE", 100_000)
    large = tmp_path / "large.mp4"
    large.write_bytes(os.urandom(2_345_678))
    assert TopviewHook().has_file(upload_file(large))
    assert sha256(arrived()).digest() == sha256(large.read_bytes()).digest()


def test_a_file_that_shrinks_meanwhile_fails_the_upload(
    upload_file: Callable[..., str], speech: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "PIECE", 1000)
    found = SourceFile.find

    def shrinking(argument: str, source: object) -> SourceFile:
        file = found(argument, source)
        os.truncate(speech, 1500)
        return file

    monkeypatch.setattr(SourceFile, "find", shrinking)
    with pytest.raises(InvalidRequest, match=r"speech\.mp3 became shorter while it was uploaded"):
        upload_file(speech)


@pytest.mark.parametrize("kind", ["http_500", "reset"])
def test_a_storage_that_fails_leads_to_an_error_that_is_retried(sandbox: Any, speech: Path, kind: str) -> None:
    hook = TopviewHook()
    address = hook.transport.run(cast(Topview, hook.transport.vendor).announce("mp3")).url
    assert "X-Amz-Signature" in address
    sandbox.fault(vendor="topview", call="upload", kind=kind, times=None)
    file = SourceFile.find("source", speech)
    with pytest.raises(VendorUnavailable, match=r"speech\.mp3") as failure:
        asyncio.run(send(file, address, hook.transport.vendor.account, hook.log))
    assert "X-Amz" not in f"{failure.value} {failure.value.__cause__}"


def test_a_storage_that_falls_silent_is_left(speech: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "STALL_SECONDS", 0.3)
    hook = TopviewHook()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = "http://{}:{}/?X-Amz-Signature=1".format(*mute.getsockname())
        sending = send(SourceFile.find("source", speech), address, hook.transport.vendor.account, hook.log)
        with pytest.raises(VendorUnavailable, match="no response in time"):
            asyncio.run(sending)


def test_a_private_storage_is_refused_unless_the_connection_allows_it(
    upload_file: Callable[..., str], connect: Callable[..., str], speech: Path
) -> None:
    with pytest.raises(InvalidRequest, match=r"allow_private_addresses in the extra of connection 'topview_changed'"):
        upload_file(speech, topview_conn_id=connect("topview", extra={}))


def test_wrong_credentials_are_reported_before_the_file_is_sent(
    upload_file: Callable[..., str], connect: Callable[..., str], speech: Path
) -> None:
    with pytest.raises(AuthenticationFailed) as refused:
        upload_file(speech, topview_conn_id=connect("topview", password="wrong"))
    assert isinstance(refused.value, AirflowFailException)


@pytest.mark.parametrize("name", ["clip.exe", "clip", "clip.mp4.zip"])
def test_an_undocumented_format_is_refused_when_the_dag_is_parsed(name: str) -> None:
    with pytest.raises(InvalidRequest, match=r"source: must be a file whose name ends in \.mp4, \.mov"):
        TopviewUploadOperator(task_id="upload", source=f"s3://bucket/{name}")


def test_a_missing_file_is_named_by_its_path(upload_file: Callable[..., str], tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"source: there is no file at .*absent\.mp4"):
        upload_file(tmp_path / "absent.mp4")
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(InvalidRequest, match="is not a file, or is empty"):
        upload_file(tmp_path / "empty.mp4")


def test_no_signed_url_is_logged(upload_file: Callable[..., str], speech: Path, everything_said: Any) -> None:
    upload_file(speech)
    said = everything_said()
    assert "Uploaded speech.mp3 to Topview as file" in said
    assert "X-Amz-" not in said


# -- the avatar's files: uploaded when a job is bought, and only then --------------------------------------------


@pytest.fixture
def topview(cases: Any) -> Any:
    return cases["topview"]


def test_a_job_from_files_uploads_them_and_succeeds(
    topview: Any, task: Any, bought: Any, uploads: Callable[[], int], clip: Path, speech: Path
) -> None:
    made = task(topview, avatar_source_from="0", ai_avatar_id=None, video_file=clip, **speaks(speech)).run()
    assert [made["job_id"]] == bought(topview)
    assert uploads() == 2


def test_a_retry_attaches_and_uploads_nothing(
    topview: Any, task: Any, bought: Any, uploads: Callable[[], int], speech: Path
) -> None:
    crashed = task(topview, **speaks(speech))
    crashed.defer()
    result = task(topview, store=crashed.store, **speaks(speech)).run()
    assert [result["job_id"]] == bought(topview)
    assert uploads() == 1


def test_a_cleared_task_reuses_the_finished_job_and_uploads_nothing(
    topview: Any, task: Any, bought: Any, uploads: Callable[[], int], speech: Path
) -> None:
    done = task(topview, **speaks(speech))
    done.run()
    task(topview, store=done.store, **speaks(str(speech))).run()
    assert len(bought(topview)) == uploads() == 1


def test_other_content_under_the_same_path_is_another_job(
    topview: Any, task: Any, bought: Any, uploads: Callable[[], int], speech: Path
) -> None:
    first = task(topview, **speaks(speech))
    first.run()
    content = speech.read_bytes()
    speech.write_bytes(content + b"TAG" + bytes(125))  # an ID3 tag at the end
    task(topview, store=first.store, **speaks(speech)).run()
    assert len(set(bought(topview))) == uploads() == 2


def test_a_file_of_the_same_size_that_was_written_later_is_another_job(
    topview: Any, task: Any, bought: Any, speech: Path
) -> None:
    first = task(topview, **speaks(speech))
    first.run()
    os.utime(speech, (1, 1))
    task(topview, store=first.store, **speaks(speech)).run()
    assert len(set(bought(topview))) == 2


def test_a_job_goes_on_though_its_file_is_gone(topview: Any, task: Any, bought: Any, speech: Path) -> None:
    waiting = task(topview, **speaks(speech))
    deferred = waiting.defer()
    speech.unlink()
    assert [waiting.go_on(deferred)["job_id"]] == bought(topview)


def test_a_full_queue_does_not_send_the_file_again(
    topview: Any, task: Any, sandbox: Any, bought: Any, uploads: Callable[[], int], speech: Path
) -> None:
    sandbox.fault(vendor="topview", call="submit", kind="quota_full", times=2)
    result = task(topview, **speaks(speech)).run()
    assert [result["job_id"]] == bought(topview)
    assert uploads() == 1


def test_an_upload_that_fails_leaves_no_trace_of_a_submit(
    topview: Any, task: Any, sandbox: Any, bought: Any, speech: Path
) -> None:
    sandbox.fault(vendor="topview", call="upload", kind="http_500", times=None)
    failed = task(topview, **speaks(speech))
    with pytest.raises(VendorUnavailable) as failure:
        failed.start()
    assert not isinstance(failure.value, AirflowFailException)
    assert failed.store.get("videoai_submission") is None
    assert bought(topview) == []


@pytest.mark.parametrize("named", ["{{ params.file }}", "/folder/speech.mp3"])
def test_a_file_and_an_id_are_one_too_many(topview: Any, task: Any, named: str) -> None:
    with pytest.raises(InvalidRequest, match="audio_file: cannot be given together with audio_file_id"):
        task(topview, **speaks(named), audio_file_id="f-1").make()


def test_a_file_of_another_kind_is_refused_when_the_dag_is_parsed(topview: Any, task: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"audio_file: must be a file whose name ends in \.mp3, \.wav, \.m4a"):
        task(topview, **speaks("/folder/clip.mp4")).make()
