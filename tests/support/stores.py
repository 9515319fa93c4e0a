# SPDX-License-Identifier: Apache-2.0
"""Places for files of the user's, a folder and a bucket in an S3 of the tests; for a conftest to import."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import boto3
import httpx
import pytest
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

KEYS = {"login": "testing", "password": "testing-secret"}


@dataclass(frozen=True)
class Store:
    """A place for files. ``root`` is the URL of a folder; ``files`` gives what is in it, hidden files included."""

    root: str
    files: Callable[[], Mapping[str, bytes]]
    put: Callable[[str, bytes], object]


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each request costs more than its answer
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
