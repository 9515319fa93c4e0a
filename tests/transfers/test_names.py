# SPDX-License-Identifier: Apache-2.0
"""A path is not a URI: any name that a store accepts is stored, uploaded and reported to Airflow unchanged."""

from __future__ import annotations

import contextlib
import errno
import json
import re
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.models.asset import AssetModel
from airflow.sdk import DAG, Asset, AssetAlias
from airflow.sdk.execution_time.context import OutletEventAccessors
from airflow.serialization.serialized_objects import DagSerialization
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, ParamValidationError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_provider_videoai.airflow_compat import AirflowFailException, AirflowNotFoundException
from airflow_provider_videoai.files.locations import FileLocation, asset_uri, store_errors, store_url
from airflow_provider_videoai.jobs.errors import InvalidRequest, StorageFailed
from airflow_provider_videoai.jobs.values.printable import printable
from airflow_provider_videoai.media.body import Body
from airflow_provider_videoai.media.storage import Destination, DifferentContent, Draft
from airflow_provider_videoai.operators.cdnetworks import CDNetworksUploadVideoOperator
from airflow_provider_videoai.operators.topview import TopviewUploadOperator, TopviewVideoAvatarOperator
from airflow_provider_videoai.transfers.media import VideoResultToObjectStorageOperator
from airflow_provider_videoai.transfers.subtitles import WordTimesToSubtitlesOperator
from airflow_provider_videoai.uploads.upload_source import SourceFile, format_of
from tests.support.tasks import execute
from tests.transfers.test_subtitles import SPEECH

ODD_NAMES = [
    "take #3",
    "take #4",
    "what?",
    "a?b=c&d",
    "100%",
    "%41",
    "a%20b",
    "a b",
    "a+b",
    "it's",
    'say "hi"',
    "视频",
    "été",
    "e\u0301te\u0301",
    "🎬",
    "a;b,c=d@e:f",
    "[x]",
    "*",
    "$(id)",
    "a\\b",
    "..a",
    "-rf",
    "~",
    "?generation=1",
    "a#1",
    "x" * 250,
    "视" * 83,
]
ONLY_ON_DISKS = ["a\nb", "a\tb", "\x1b[31m", " a", "\u202ea"]
NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=80).filter(
    lambda name: len(name.encode()) <= 251
)


def keep(destination: str, **arguments: Any) -> VideoResultToObjectStorageOperator:
    return VideoResultToObjectStorageOperator(task_id="keep", result={}, destination=destination, **arguments)


@pytest.fixture
def clip(sandbox: Any, result_at: Any) -> dict[str, Any]:
    found: dict[str, Any] = result_at(f"{sandbox.url}/sample/clip.mp4")
    return found


@pytest.fixture
def write() -> Callable[..., Any]:
    def write(destination: str, **arguments: Any) -> Any:
        operator = WordTimesToSubtitlesOperator(
            task_id="write", result=SPEECH, destination=destination, **{"overwrite": True, **arguments}
        )
        return execute(operator, outlet_events=OutletEventAccessors())

    return write


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_file_is_stored_under_the_given_name(store: Any, write: Any, name: str) -> None:
    kept = write(f"{store.root}/{name}.srt")
    write(f"{store.root}/{name}.srt")
    assert set(store.files()) == {f"{name}.srt"}
    assert kept["path"] == f"{store.root}/{name}.srt"
    found = SourceFile.find("source", kept["path"])
    with found.open() as file:
        assert file.read() == store.files()[f"{name}.srt"]
    assert (found.name, format_of("source", kept["path"], ["srt"])) == (f"{name}.srt", "srt")


@pytest.mark.parametrize("name", ONLY_ON_DISKS)
def test_a_name_that_a_log_cannot_show_is_stored(file_store: Any, write: Any, everything_said: Any, name: str) -> None:
    write(f"{file_store.root}/{name}.srt")
    assert set(file_store.files()) == {f"{name}.srt"}
    assert f"2 cues at {file_store.root}/{printable(name)}.srt" in everything_said()


@settings(deadline=None)
@given(NAMES)
@example("?")
@example("#")
@example("~")
@example("a" * 251)
def test_any_name_is_first_written_as_a_temporary_file(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = FileLocation.find("destination", f"file://{folder}/{name}.mp4")
        destination = Destination(place.fs, place.path)
        with Draft(destination) as draft:
            draft.begin(Body(length=1))
            draft.write(b"x")
            draft.close()
            (beside,) = Path(folder).iterdir()
            assert beside.name != f"{name}.mp4"
            draft.publish()
        assert [path.name for path in Path(folder).iterdir()] == [f"{name}.mp4"]
        assert SourceFile.find("source", str(Path(folder, f"{name}.mp4"))).size == 1


def test_a_full_disk_leaves_no_partial_file(tmp_path: Path) -> None:
    place = FileLocation.find("destination", f"file://{tmp_path}/clip.mp4")
    draft = Draft(Destination(place.fs, place.path))
    draft.begin(Body(length=100))
    draft.write(bytes(100))  # buffered
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            draft.__exit__()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", [1, 200, 900, 1000, 1010, 1020])
def test_a_key_of_any_length_has_room_for_the_temporary_name(s3_store: Any, write: Any, length: int) -> None:
    folders = "/".join(["f" * 99] * (length // 100))
    name = "n" * (length - len(folders) - 1)
    path = f"{folders}/{name}"[: 1024 - len("clips/.srt")] + ".srt"
    write(f"{s3_store.root}/{path}")
    assert set(s3_store.files()) == {path}


@settings(deadline=None)
@given(NAMES, NAMES)
@example("take #3", "take #4")
@example("a b", "a%20b")
@example("é", "e\u0301")
@example("a", "A")
def test_two_paths_are_two_assets(one: str, another: str) -> None:
    uris = {Asset(uri=asset_uri(f"s3://conn@bucket/{name}.mp4")).uri for name in (one, another)}
    assert len(uris) == len({one, another})
    for uri in uris:
        assert AssetModel(name=uri, uri=uri).uri == uri  # as Airflow's server makes it
        assert Asset(uri=uri).uri == uri


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("s3://b/dt=2024-01-01/a_b~c.mp4", "s3://b/dt=2024-01-01/a_b~c.mp4"),
        ("s3://c@b/take #3.mp4", "s3://b/take%20%233.mp4"),
        ("s3://b/视频/x.mp4", "s3://b/%E8%A7%86%E9%A2%91/x.mp4"),
        ("file:///a+b'c\"d?.mp4", "file:///a%2Bb%27c%22d%3F.mp4"),
        ("S3://b/a\nb.mp4", "s3://b/a%0Ab.mp4"),
    ],
)
def test_the_uri_of_an_asset(path: str, uri: str) -> None:
    assert Asset(uri=asset_uri(path)).uri == uri


@pytest.mark.parametrize("name", [*ODD_NAMES, *ONLY_ON_DISKS, "y" * 1600, "视" * 300])
@pytest.mark.parametrize("root", ["s3://conn@bucket/", "file:///"])
def test_an_implicit_outlet_never_breaks_the_dag(root: str, name: str) -> None:
    with DAG("pipeline", schedule=None) as dag:
        keep(f"{root}{name}.mp4")
        WordTimesToSubtitlesOperator(task_id="write", result={}, destination=f"{root}{name}.srt")
    json.dumps(DagSerialization.to_dict(dag))
    for task in dag.tasks:
        assert all(AssetModel(name=asset.name, uri=asset.uri).uri.isascii() for asset in task.outlets)


def test_a_destination_that_cannot_be_an_asset_is_written(file_store: Any, write: Any, everything_said: Any) -> None:
    folders = "/".join(["f" * 200] * 8)
    kept = write(f"{file_store.root}/{folders}/a.srt")
    assert kept["cues"] == 2
    assert re.search(r"No asset event is emitted: .* cannot exceed 1500 characters", everything_said())


def test_an_alias_without_an_asset_fails_before_anything_is_copied(file_store: Any, write: Any) -> None:
    folders = "/".join(["f" * 200] * 8)
    with pytest.raises(InvalidRequest, match="outlets: Airflow accepts no asset for file:///"):
        write(f"{file_store.root}/{folders}/a.srt", outlets=[AssetAlias("new")])
    assert file_store.files() == {}


def test_an_alias_gets_an_asset_that_airflows_server_accepts(
    file_store: Any, transfer: Callable[..., Any], clip: dict[str, Any]
) -> None:
    alias, events = AssetAlias("new"), OutletEventAccessors()
    transfer(clip, f"{file_store.root}/视频 #1.mp4", outlets=[alias], events=events)
    (event,) = events[alias].asset_alias_events
    assert event.dest_asset_key.uri.endswith("/%E8%A7%86%E9%A2%91%20%231.mp4")
    AssetModel(name=event.dest_asset_key.name, uri=event.dest_asset_key.uri)


# -- what names no file --------------------------------------------------------------------------------------------

WEB = [
    "http://example.com/a.mp3",
    "https://h/a.mp3?X-Amz-Signature=secret",
    "http://[x?y",
    "http:/a.mp3",
    "FTP://h/a.mp3",
]


@pytest.mark.parametrize("address", WEB)
def test_a_web_url_is_not_a_file(address: str) -> None:
    speaks = {"avatar_source_from": "1", "audio_source_from": "0", "ai_avatar_id": "a"}
    for argument, make in {
        "audio_file": lambda: TopviewVideoAvatarOperator(task_id="a", audio_file=address, **speaks),
        "source": lambda: TopviewUploadOperator(task_id="a", source=address),
        "source ": lambda: CDNetworksUploadVideoOperator(task_id="a", source=address),
        "source  ": lambda: SourceFile.find("source", address),
        "destination": lambda: keep(address),
    }.items():
        with pytest.raises(InvalidRequest, match=rf"{argument.strip()}: .*(path|store|URL of a file)") as refused:
            make()
        assert "secret" not in str(refused.value)
    with pytest.raises(InvalidRequest, match="fetch_url of CDNetworksPullVideoOperator"):
        SourceFile.find("source", "https://example.com/a.mp4")


@pytest.mark.parametrize(
    "path", ["s3://bucket", "s3://", "s3:///a", "s3://b/a/", "file:///a/..", "s3://b/\0", "s3://b/\ud800"]
)
def test_a_path_without_a_file_name_is_refused_when_the_dag_is_parsed(path: str) -> None:
    with pytest.raises(InvalidRequest, match="destination: "):
        keep(path)
    with pytest.raises(InvalidRequest, match="source: "):
        SourceFile.find("source", path)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_location_or_is_refused(text: str) -> None:
    for given_text in (text, f"file://{text}", f"s3://{text}"):
        parts = store_url(given_text)
        assert parts is None or parts.uri.isascii()
        for work in (lambda: format_of("source", given_text, ["mp4"]), lambda: keep(given_text)):  # noqa: B023
            with contextlib.suppress(InvalidRequest):
                work()


# -- stores that refuse or fail ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "kind", "advice"),
    [
        ("nosuch://bucket/a.srt", InvalidRequest, "is the scheme right"),
        ("gs://bucket/a.srt", InvalidRequest, "pip install 'apache-airflow-providers-google'"),
        ("s3://my_s3@absent-bucket/a.srt", StorageFailed, "make its bucket or folder first"),
        ("file:///proc/absent/a.srt", StorageFailed, "make its bucket or folder first"),
        ("file:///dev/null/a.srt", StorageFailed, "correct the name"),
        (f"file:///tmp/{'x' * 300}.srt", StorageFailed, "correct the name"),
    ],
)
@pytest.mark.usefixtures("s3_store")
def test_a_store_that_refuses_is_an_error_that_names_the_argument(
    write: Any, path: str, kind: type[Exception], advice: str
) -> None:
    with pytest.raises(kind, match=f"^destination: .*{re.escape(path)}.*{advice}") as refused:
        write(path)
    assert isinstance(refused.value, AirflowFailException) is (kind is InvalidRequest)
    with pytest.raises((InvalidRequest, StorageFailed), match=r"^source: "):
        SourceFile.find("source", path)


def test_missing_credentials_are_reported_with_a_remedy(
    write: Any, s3_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ANON", json.dumps({"conn_type": "aws", "extra": {"endpoint_url": s3_server}}))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(StorageFailed, match=r"destination: .*s3://anon@results/a\.srt .*(connection|bucket)"):
        write("s3://anon@results/a.srt")


@pytest.mark.parametrize(
    ("failure", "kind", "advice"),
    [
        (PermissionError("Access Denied"), StorageFailed, "give the account of its Airflow connection the right"),
        (NoCredentialsError(), StorageFailed, "name an Airflow connection"),
        (AirflowNotFoundException("The conn_id `c` isn't defined"), StorageFailed, "name an Airflow connection"),
        (ParamValidationError(report="Invalid bucket name"), StorageFailed, "correct the name"),
        (ImportError("No module named 's3fs'"), InvalidRequest, r"pip install 'apache-airflow-providers-amazon\[s3fs"),
        (ValueError("Invalid endpoint"), InvalidRequest, "ValueError"),
        (OSError(errno.ENOSPC, "No space left on device"), StorageFailed, "No space left"),
        (EndpointConnectionError(endpoint_url="https://e/?sig=secret"), StorageFailed, "EndpointConnectionError"),
        (TimeoutError(), StorageFailed, "TimeoutError"),
    ],
)
def test_any_error_of_a_store_becomes_one_with_a_remedy(failure: Exception, kind: type[Exception], advice: str) -> None:
    with pytest.raises(kind, match=f"^source: .*{advice}") as raised, store_errors("source", "s3://c:pw@b/a"):
        raise failure
    assert "secret" not in str(raised.value)
    assert "pw" not in str(raised.value)
    assert raised.value.__cause__ is failure


@pytest.mark.parametrize(
    "failure", [KeyError("bug"), InvalidRequest("ours"), StorageFailed("ours"), DifferentContent()]
)
def test_other_errors_are_not_translated(failure: Exception) -> None:
    with pytest.raises(type(failure)) as raised, store_errors("source", "s3://b/a"):
        raise failure
    assert raised.value is failure


def test_a_store_that_cannot_be_reached_is_retried(write: Any, monkeypatch: pytest.MonkeyPatch, free_port: int) -> None:
    extra = {"endpoint_url": f"http://127.0.0.1:{free_port}", "config_kwargs": {"retries": {"max_attempts": 1}}}
    fields = {"conn_type": "aws", "login": "testing", "password": "testing-secret", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_GONE", json.dumps(fields))
    with pytest.raises(StorageFailed, match=r"^destination: .*s3://gone@results/a\.srt") as failed:
        write("s3://gone@results/a.srt")
    assert not isinstance(failed.value, AirflowFailException)
    assert "testing" not in str(failed.value)


def test_a_name_that_a_library_would_cut_is_refused(s3_store: Any, write: Any) -> None:
    with pytest.raises(InvalidRequest, match="cannot hold a file with the name"):
        write(f"{s3_store.root}/a.srt?versionId=1.srt")
    assert s3_store.files() == {}
