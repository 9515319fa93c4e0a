# SPDX-License-Identifier: Apache-2.0
"""Stores to put results into, and tasks that do it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.execution_time.context import OutletEventAccessors
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

from airflow_provider_videoai.hooks.lookup import hook_for
from airflow_provider_videoai.transfers.media import VideoResultToObjectStorageOperator

KEYS = {"login": "testing", "password": "testing-secret"}


@dataclass(frozen=True)
class Store:
    """A place for results. ``root`` is the URL of a folder; ``files`` gives what is in it, hidden files included."""

    root: str
    files: Callable[[], Mapping[str, bytes]]
    put: Callable[[str, bytes], object]


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


@pytest.fixture
def s3_store(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    fields = {"conn_type": "aws", **KEYS, "extra": {"endpoint_url": s3_server, "region_name": "us-east-1"}}
    monkeypatch.setenv("AIRFLOW_CONN_MY_S3", json.dumps(fields))
    httpx.post(f"{s3_server}/moto-api/reset", trust_env=False).raise_for_status()
    client = boto3.client(
        "s3",
        endpoint_url=s3_server,
        region_name="us-east-1",
        aws_access_key_id=KEYS["login"],
        aws_secret_access_key=KEYS["password"],
    )
    client.create_bucket(Bucket="results")

    def files() -> Mapping[str, bytes]:
        assert not client.list_multipart_uploads(Bucket="results").get("Uploads"), "an upload was left open"
        keys = [each["Key"] for each in client.list_objects_v2(Bucket="results").get("Contents", [])]
        return {key.removeprefix("clips/"): client.get_object(Bucket="results", Key=key)["Body"].read() for key in keys}

    return Store(
        "s3://my_s3@results/clips",
        files,
        lambda name, content: client.put_object(Bucket="results", Key=f"clips/{name}", Body=content),
    )


@pytest.fixture
def file_store(tmp_path: Path) -> Store:
    folder = tmp_path / "clips"

    def put(name: str, content: bytes) -> None:
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)

    def files() -> Mapping[str, bytes]:
        return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}

    return Store(f"file://{folder}", files, put)


@pytest.fixture(params=["file_store", "s3_store"])
def store(request: pytest.FixtureRequest) -> Store:
    """Each kind of store in turn."""
    found: Store = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def transfer() -> Callable[..., Any]:
    """Run the operator as a worker does; the events of its outlets come back through ``events``."""

    def transfer(result: Any, destination: str, *, events: OutletEventAccessors | None = None, **arguments: Any) -> Any:
        operator = VideoResultToObjectStorageOperator(
            task_id="keep", result=result, destination=destination, **arguments
        )
        token = ExecutorSafeguard.tracker.set(operator)
        try:
            context: Any = {"outlet_events": OutletEventAccessors() if events is None else events}
            return operator.execute(context)
        finally:
            ExecutorSafeguard.tracker.reset(token)

    return transfer


@pytest.fixture
def result_at(sandbox: Any) -> Callable[..., dict[str, Any]]:  # noqa: ARG001 - its connections
    """Make the result of a job whose media is at a URL."""

    def result_at(url: str | None, **fields: Any) -> dict[str, Any]:
        job = {"vendor": "viitor", "operation": "text_removal", "job_id": "ViiTor_AI_1", "state": "succeeded"}
        return {**job, "media_url": url, **fields}

    return result_at


@pytest.fixture
def topview_result(sandbox: Any) -> dict[str, Any]:  # noqa: ARG001 - its connections
    """A finished job of Topview, whose URLs are signed and can be asked for anew."""
    hook = hook_for("topview")
    fields = {"avatar_source_from": "1", "ai_avatar_id": "sandbox-avatar-anna", "audio_source_from": "1"}
    job_id = hook.submit({**fields, "tts_text": "Hi."})
    while not (result := hook.result(job_id)).state.terminal:
        pass
    return result.to_dict()
