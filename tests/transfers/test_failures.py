# SPDX-License-Identifier: Apache-2.0
"""A transfer raises only errors of this package; each states what became of the file, the job and the money."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from airflow_provider_videoai.airflow_compat import AirflowFailException
from airflow_provider_videoai.jobs.errors import InvalidRequest, ResultUnavailable, StorageFailed, VideoAIError
from airflow_provider_videoai.media import download
from tests.jobs.http.wire import RawServer
from tests.support.origin import Origin
from tests.support.stores import KEYS

Transfer = Callable[..., Any]
SRT = b"1\n00:00:00,000 --> 00:00:01,000\nHello\n"
FREE = r"Nothing was published\. The job is paid for, and a retry of this task buys nothing"


@pytest.fixture(autouse=True)
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_LONGEST_PAUSE", 0.0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(url=st.text(max_size=40) | st.builds("http://{}".format, st.text("[]:@/?#%.0a\\\x00é ", max_size=20)))
@example(url="http://[x?y")
@example(url="http://a..b/")
@example(url=f"http://{'a' * 64}.example/")
@example(url="http://exa\udcffmple/")
@example(url="http://a\r\nb/")
@example(url="http://" + "x" * 20_000)
def test_any_url_is_handled(tmp_path: Path, transfer: Transfer, result_at: Any, url: str) -> None:
    with pytest.raises(VideoAIError, match=r"paid for|no media|signature|cannot be had"):
        transfer(result_at(url or "x"), f"file://{tmp_path}/clip.mp4", verify=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "location", ["http://[x?sign=secret", "http://a..b/", "ftp://a/", "http://u:secret@a/", "//", "http://a:99999/"]
)
def test_a_redirect_to_garbage_is_final_and_says_what_became_of_the_job(
    file_store: Any, transfer: Transfer, result_at: Any, serve: Any, location: str
) -> None:
    with pytest.raises(ResultUnavailable, match=r"Nothing was published\. The job is paid for") as failure:
        transfer(result_at(serve(location=location)), f"{file_store.root}/clip.mp4")
    assert isinstance(failure.value, AirflowFailException)
    assert "secret" not in str(failure.value)
    assert failure.value.job_id == "ViiTor_AI_1"


def test_a_destination_that_cannot_be_written_is_named_and_retried(
    tmp_path: Path, transfer: Transfer, result_at: Any, serve: Any
) -> None:
    (tmp_path / "file").write_bytes(b"")
    for place in (f"{tmp_path}/file/clip.mp4", "/proc/clip.mp4"):
        with pytest.raises(StorageFailed, match=rf"cannot be stored at file://{place} .*{FREE}") as failure:
            transfer(result_at(serve(b"content")), f"file://{place}", verify=False)
        assert not isinstance(failure.value, AirflowFailException)


@pytest.mark.usefixtures("s3_store")
def test_a_missing_bucket_is_named_and_retried(transfer: Transfer, result_at: Any, serve: Any) -> None:
    with pytest.raises(StorageFailed, match=rf"s3://my_s3@nowhere/clip.mp4.*{FREE}"):
        transfer(result_at(serve(b"content")), "s3://my_s3@nowhere/clip.mp4", verify=False)


def test_a_store_that_is_not_installed_is_named_and_not_retried(transfer: Transfer, result_at: Any, serve: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"nowhere://bucket/clip\.mp4 cannot be opened") as failure:
        transfer(result_at(serve(b"content")), "nowhere://bucket/clip.mp4", verify=False)
    assert isinstance(failure.value, AirflowFailException)


# -- what is stored ---


def object_at(server: str, key: str) -> Mapping[str, Any]:
    client = boto3.client(
        "s3",
        endpoint_url=server,
        region_name="us-east-1",
        aws_access_key_id=KEYS["login"],
        aws_secret_access_key=KEYS["password"],
    )
    head: Mapping[str, Any] = client.head_object(Bucket="results", Key=f"clips/{key}")
    return head


@pytest.mark.parametrize("size", [10, 6 * 1024**2], ids=["in one request", "in parts"])
@pytest.mark.parametrize("name", ["clip.mp4", "clip"])
def test_an_object_has_the_content_type_that_browsers_play(
    s3_server: str, s3_store: Any, transfer: Transfer, result_at: Any, serve: Any, size: int, name: str
) -> None:
    kept = transfer(result_at(serve(bytes(size), "video/mp4")), f"{s3_store.root}/{name}", verify=False)
    assert object_at(s3_server, name)["ContentType"] == kept["content_type"] == "video/mp4"


def test_a_multipart_copy_keeps_the_content_type(
    s3_server: str, s3_store: Any, transfer: Transfer, result_at: Any, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("s3fs.core.MANAGED_COPY_THRESHOLD", 1024)
    transfer(result_at(serve(bytes(5000), "binary/octet-stream")), f"{s3_store.root}/clip.mp4", verify=False)
    assert object_at(s3_server, "clip.mp4")["ContentType"] == "video/mp4"


def test_gzip_from_a_store_is_stored_decoded(
    raw_server: RawServer, store: Any, transfer: Transfer, result_at: Any
) -> None:
    raw_server.behave = Origin([gzip.compress(SRT, mtime=0)], encoding="gzip", content_type="application/octet-stream")
    url = f"{raw_server.url}/words.srt"
    result = result_at(url, subtitles_url=url)
    kept = transfer(result, f"{store.root}/clip.mp4", subtitles_destination=f"{store.root}/words.srt", verify=False)
    assert store.files() == {"clip.mp4": SRT, "words.srt": SRT}
    assert kept["subtitles"]["bytes"] == len(SRT)
    assert transfer(result, f"{store.root}/clip.mp4", verify=False)["sha256"] == kept["sha256"]
