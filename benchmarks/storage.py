# SPDX-License-Identifier: Apache-2.0
"""`python -m benchmarks.storage`: a large result through many breaks into a file system and S3, and its memory.

Vendor (the sandbox), S3 (moto) and the transfer each have a process of their own. Memory is what the transfer's process
grows by at its peak, after a small transfer to the same store has loaded every library.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil

MEGABYTES, BREAKS = 500, 20
LIMIT = 64 * 1024 * 1024
"""Bytes by which the process may grow."""
_BUCKET = "results"
_KEYS = {"login": "testing", "password": "testing"}


class Measured(NamedTuple):
    """What one transfer did: ``growth`` is bytes of resident memory at the peak, ``breaks`` those that struck."""

    store: str
    megabytes: int
    breaks: int
    right: bool
    growth: int
    seconds: float


def main() -> int:
    """Measure both stores and print a table; return 1 if a hash is wrong or the limit is exceeded."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--megabytes", type=int, default=MEGABYTES)
    arguments.add_argument("--breaks", type=int, default=BREAKS)
    arguments.add_argument("--child", nargs=2, metavar=("URL", "ROOT"), help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.child:
        print(json.dumps(transferred(*chosen.child)))
        return 0
    print("store   size     breaks  SHA-256  more memory  time")
    good = True
    for each in measured(chosen.megabytes, chosen.breaks):
        hash_is = "right" if each.right else "WRONG"
        memory = f"{each.growth / 2**20:8.1f} MiB"
        print(f"{each.store:6} {each.megabytes:5} MB {each.breaks:7}  {hash_is:7} {memory} {each.seconds:6.1f} s")
        good = good and each.right and each.growth <= LIMIT
    return 0 if good else 1


def measured(megabytes: int, breaks: int) -> Iterator[Measured]:
    """Transfer to each store in turn."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="videoai-storage-"))
        vendor = stack.enter_context(_sandbox())
        s3 = stack.enter_context(_s3())
        url = f"{vendor}/sample/large-{megabytes}.mp4"
        expected = _sha256(url)
        environment = _environment(vendor, s3, folder)
        for store, root in (("file", f"file://{folder}"), ("s3", f"s3://my_s3@{_BUCKET}")):
            order = {"call": "media", "kind": "cut_media", "match": f"large-{megabytes}", "times": breaks}
            cut_at = megabytes * 1_000_000 // (breaks + 1)
            httpx.post(f"{vendor}/sandbox/faults", json={**order, "bytes": cut_at}, trust_env=False).raise_for_status()
            child = [sys.executable, "-m", "benchmarks.storage", "--child", url, root]
            ran = subprocess.run(child, env=environment, check=True, stdout=subprocess.PIPE)  # noqa: S603 - ourselves
            report = json.loads(ran.stdout.splitlines()[-1])
            fault = httpx.get(f"{vendor}/sandbox/faults", trust_env=False).json()["faults"][-1]
            right = report["sha256"] == expected == _stored(store, folder, s3)
            yield Measured(store, megabytes, fault["fired"], right, report["growth"], report["seconds"])


def transferred(url: str, root: str) -> dict[str, Any]:
    """Transfer the small sample, then the large one, and return by how much this process grew meanwhile.

    :param url: the large sample's address in the sandbox.
    :param root: the folder or bucket to store in.
    :returns: ``sha256``, ``growth`` in bytes, ``seconds``.
    """
    import logging  # noqa: PLC0415 - same

    from airflow_provider_videoai.jobs.log import Log  # noqa: PLC0415 - only the child measures what it loads
    from airflow_provider_videoai.jobs.model import JobResult, JobState  # noqa: PLC0415 - same
    from airflow_provider_videoai.transfers.copying import ResultCopier  # noqa: PLC0415 - same

    log: Log = logging.getLogger("storage")

    def keep(media_url: str, name: str) -> dict[str, Any]:
        result = JobResult(
            vendor="viitor",
            operation="text_removal",
            job_id="ViiTor_AI_1",
            state=JobState.SUCCEEDED,
            media_url=media_url,
        )
        copier = ResultCopier(result, conn_id=None, overwrite=False, verify=True, max_bytes=10**10, log=log)
        return copier.copy(f"{root}/{name}", None)

    keep(f"{url.rpartition('/')[0]}/large-20.mp4", "small.mp4")
    before, began = psutil.Process().memory_info().rss, time.monotonic()
    kept = keep(url, "large.mp4")
    return {"sha256": kept["sha256"], "growth": _peak() - before, "seconds": time.monotonic() - began}


def _peak() -> int:
    """Return the most bytes that were resident. ``getrusage`` would count those of the parent before the exec."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def _environment(vendor: str, s3: str, folder: str) -> dict[str, str]:
    from airflow_provider_videoai.sandbox import connections  # noqa: PLC0415 - the child has no need of it

    aws = {"conn_type": "aws", **_KEYS, "extra": {"endpoint_url": s3, "region_name": "us-east-1"}}
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
        **connections(vendor),
        "AIRFLOW_CONN_MY_S3": json.dumps(aws),
        "AIRFLOW_HOME": f"{folder}/airflow",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    }


@contextmanager
def _sandbox() -> Iterator[str]:
    command = [sys.executable, "-m", "airflow_provider_videoai.sandbox", "--port", "0"]
    with _running(command) as line:
        yield line.split()[-1]


@contextmanager
def _s3() -> Iterator[str]:
    """Run moto's S3 with an empty bucket."""
    program = (
        "import sys; from moto.moto_server.threaded_moto_server import ThreadedMotoServer as Server;"
        "server = Server('127.0.0.1', 0, verbose=False); server.start();"
        "print('http://{}:{}'.format(*server.get_host_and_port()), flush=True); sys.stdin.read()"
    )
    with _running([sys.executable, "-c", program]) as line:
        url = line.strip()
        _bucket_of(url).create_bucket(Bucket=_BUCKET)
        yield url


@contextmanager
def _running(command: list[str]) -> Iterator[str]:
    """Run a server and yield the first line that it prints; end it afterwards."""
    process = subprocess.Popen(  # noqa: S603 - our own commands
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield process.stdout.readline() if process.stdout else ""
    finally:
        process.terminate()
        process.communicate()


def _bucket_of(url: str) -> Any:
    import boto3  # noqa: PLC0415 - the child has no need of it

    keys: Mapping[str, str] = {"aws_access_key_id": _KEYS["login"], "aws_secret_access_key": _KEYS["password"]}
    return boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys)


def _sha256(url: str) -> str:
    digest = hashlib.sha256()
    with httpx.stream("GET", url, trust_env=False, timeout=300) as response:
        for piece in response.raise_for_status().iter_raw():
            digest.update(piece)
    return digest.hexdigest()


def _stored(store: str, folder: str, s3: str) -> str:
    """Hash what the store itself gives back, by other means than those that put it there."""
    digest = hashlib.sha256()
    if store == "file":
        with Path(folder, "large.mp4").open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    for piece in _bucket_of(s3).get_object(Bucket=_BUCKET, Key="large.mp4")["Body"].iter_chunks(2**20):
        digest.update(piece)
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
