# SPDX-License-Identifier: Apache-2.0
"""A signed URL opens an object of the user's to whoever has it, and only until it expires."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from airflow.sdk import ObjectStoragePath

from airflow_provider_videoai.files.locations import FileLocation
from airflow_provider_videoai.files.presigned import presigned
from airflow_provider_videoai.jobs.errors import InvalidRequest, StorageFailed
from tests.support.stores import Store


def fetched(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=False)


@pytest.mark.parametrize("form", [str, ObjectStoragePath])
@pytest.mark.parametrize("name", ["clip.mp4", "take #3, 100%?.mp4", "视频+1.mp4"])
def test_a_private_object_is_fetched_by_its_signed_url(s3_store: Store, form: Callable[[str], Any], name: str) -> None:
    s3_store.put(name, b"a video")
    url = presigned(form(f"{s3_store.root}/{name}"))
    assert fetched(url).content == b"a video"
    assert fetched(url.partition("?")[0]).status_code == httpx.codes.FORBIDDEN


@pytest.mark.parametrize(("expires", "seconds"), [(timedelta(days=7), 604_800), (90, 90), (1.9, 1)])
def test_it_expires_when_it_was_meant_to(s3_store: Store, expires: Any, seconds: int) -> None:
    s3_store.put("clip.mp4", b"a video")
    assert lifetime(presigned(f"{s3_store.root}/clip.mp4", expires)) == pytest.approx(seconds, abs=5)


def lifetime(url: str) -> float:
    """Return the seconds from now until a URL of S3 expires, in either version of its signatures."""
    query = {name.lower(): value for name, (value,) in parse_qs(urlsplit(url).query).items()}
    if "x-amz-expires" in query:
        return float(query["x-amz-expires"])
    return float(query["expires"]) - time.time()


def test_a_day_is_the_default(s3_store: Store) -> None:
    s3_store.put("clip.mp4", b"a video")
    assert lifetime(presigned(f"{s3_store.root}/clip.mp4")) == pytest.approx(86_400, abs=5)


@pytest.mark.parametrize(
    ("expires", "given"),
    [
        (timedelta(days=7, seconds=1), "7 days, 0:00:01"),
        (604_801, "604801"),
        (0, "0"),
        (-5, "-5"),
        (float("nan"), "nan"),
        (True, "True"),
        ("3600", "'3600'"),
    ],
)
def test_no_store_signs_for_so_long_or_so_short(s3_store: Store, expires: Any, given: str) -> None:
    s3_store.put("clip.mp4", b"a video")
    with pytest.raises(InvalidRequest) as refused:
        presigned(f"{s3_store.root}/clip.mp4", expires)
    assert refused.value.message == f"expires: must be a timedelta or a number of seconds from 1 to 7 days, not {given}"


def test_a_missing_object_is_not_signed(s3_store: Store) -> None:
    with pytest.raises(InvalidRequest, match=r"path: there is no file at s3://my_s3@results/clips/absent\.mp4"):
        presigned(f"{s3_store.root}/absent.mp4")
    s3_store.put("folder/clip.mp4", b"a video")
    with pytest.raises(InvalidRequest, match=r"path: .*clips/folder is not a file, or is empty"):
        presigned(f"{s3_store.root}/folder")


def test_a_missing_connection_is_named(s3_store: Store) -> None:
    with pytest.raises(StorageFailed, match=r"path: s3://nosuch@results/clips/clip\.mp4 .*an Airflow connection"):
        presigned(s3_store.root.replace("my_s3", "nosuch") + "/clip.mp4")


def test_a_store_that_signs_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"a video")
    with pytest.raises(InvalidRequest, match=r"path: no signed URL of file://.*/clip\.mp4 can be made .*https://"):
        presigned((tmp_path / "clip.mp4").as_uri())


@pytest.mark.parametrize("failure", [AttributeError("no key of token-1"), ValueError("no key of token-1")])
def test_credentials_that_cannot_sign_are_refused_without_their_words(
    s3_store: Store, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    s3_store.put("clip.mp4", b"a video")
    location = FileLocation.find("path", f"{s3_store.root}/clip.mp4")

    def sign(*_: Any, **__: Any) -> str:
        raise failure

    monkeypatch.setattr(type(location.fs), "sign", sign)
    with pytest.raises(InvalidRequest, match="with a service account's key") as refused:
        presigned(f"{s3_store.root}/clip.mp4")
    assert "token-1" not in refused.value.message


def test_a_web_address_is_signed_by_nobody() -> None:
    with pytest.raises(InvalidRequest, match="path: must be a path, or the URL of a file in a store"):
        presigned("https://example.com/clip.mp4")
