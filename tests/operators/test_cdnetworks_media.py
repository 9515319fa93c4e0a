# SPDX-License-Identifier: Apache-2.0
"""Videos into Cloud VoD by upload, and what its trims are published as."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from airflow_provider_videoai.hooks import cdnetworks
from airflow_provider_videoai.hooks.cdnetworks import CDNetworksHook
from airflow_provider_videoai.jobs.errors import InvalidRequest, VendorUnavailable
from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.jobs.values.printable import printable
from airflow_provider_videoai.operators.cdnetworks import CDNetworksUploadVideoOperator
from tests.support.tasks import Task, TaskInstance

pytestmark = pytest.mark.usefixtures("prompt")


@pytest.fixture
def clip(sample: Callable[..., Path]) -> Path:
    return sample("clip.mp4", "a clip.mp4")


@pytest.fixture
def upload_video(sandbox: Any, xcoms: Any) -> Callable[..., dict[str, Any]]:  # noqa: ARG001 - its connections
    """Run an upload task and return what it returns."""
    return lambda source, **arguments: Task(
        lambda: CDNetworksUploadVideoOperator(task_id="upload", source=source, **arguments),
        TaskInstance(xcoms, "manual__1", task_id="upload"),
    ).start()


def test_an_uploaded_video_can_be_trimmed(cases: Any, task: Any, upload_video: Any, clip: Path) -> None:
    uploaded = upload_video(clip)
    assert (uploaded["vendor"], uploaded["state"], uploaded["media_url"]) == ("cdnetworks", "succeeded", None)
    assert json.loads(json.dumps(uploaded)) == uploaded
    piece = task(cases["cdnetworks_trim"], video_id=uploaded["media_id"]).run()
    assert piece["duration_ms"] == 1000
    assert httpx.get(piece["media_url"], trust_env=False).status_code == 200


def test_the_bytes_arrive_as_they_are_under_the_name_that_was_given(upload_video: Any, clip: Path) -> None:
    video_id = upload_video(clip, filename="other.mp4")["media_id"]
    transport = CDNetworksHook().transport
    there = JobStatus(job_id="none", state=JobState.SUCCEEDED, media_id=video_id)
    published = transport.run(transport.vendor.result("trim", there)).media_url
    assert published is not None
    assert published.endswith("/other.mp4")
    assert httpx.get(published, trust_env=False).content == clip.read_bytes()


@pytest.mark.parametrize("name", ["a\nb.mp4", "caf\udce9.mp4", "\u202e4pm.mp4", 'a"b;c=%41.mp4', "電影 #1?.mp4"])
def test_a_file_of_any_name_is_uploaded(
    upload_video: Any,
    clip: Path,
    tmp_path: Path,
    name: str,
    everything_said: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(
        logging.INFO, logger="fsspec.local"
    )  # which names paths as they are, beyond what a report can hold
    path = tmp_path / name
    path.write_bytes(clip.read_bytes())
    assert upload_video(str(path))
    assert f"Uploaded {printable(name)} to CDNetworks" in everything_said()


def test_a_video_above_the_storages_limit_is_refused_with_advice_to_pull_it(
    upload_video: Any, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cdnetworks, "LARGEST_UPLOAD", 1000)
    with pytest.raises(InvalidRequest, match=r"larger than 500 MB; CDNetworks has to pull it"):
        upload_video(clip)


def test_a_storage_that_fails_is_worth_a_retry_and_no_token_is_shown(
    sandbox: Any, upload_video: Any, clip: Path, everything_said: Any
) -> None:
    sandbox.fault(vendor="cdnetworks", call="upload", kind="http_500")
    with pytest.raises(VendorUnavailable, match=r"a clip\.mp4 was refused by the vendor's storage: HTTP 500"):
        upload_video(clip)
    assert "uploadToken" not in everything_said()


@pytest.mark.parametrize("code_type", [None, 0, "4", 6])
def test_a_trim_published_with_urls_has_one(cases: Any, task: Any, code_type: object) -> None:
    result = task(cases["cdnetworks_trim"], code_type=code_type).run()
    assert httpx.get(result["media_url"], trust_env=False).status_code == 200


@pytest.mark.parametrize(
    ("code_type", "name"), [(2, "swfCode"), (5, "autoCode"), (7, "tryWatchAutoCode"), (8, "customCode")]
)
def test_a_trim_published_as_code_has_it_in_its_details(cases: Any, task: Any, code_type: int, name: str) -> None:
    result = task(cases["cdnetworks_trim"], code_type=code_type).run()
    assert result["operation"] == "trim"
    assert result["media_url"] is None
    assert "<video" in result["details"][name]


def test_another_code_type_publishes_the_same_job_again(cases: Any, task: Any, bought: Any) -> None:
    case = cases["cdnetworks_trim"]
    first = task(case)
    first.run()
    again = task(case, store=first.store, code_type=5).run()
    assert [again["job_id"]] == bought(case)
    assert again["details"]["autoCode"]


@pytest.mark.parametrize("wrong", [1, 3, 9, "all"])
def test_an_undocumented_code_type_is_refused_when_the_dag_is_parsed(cases: Any, task: Any, wrong: object) -> None:
    with pytest.raises(InvalidRequest, match="code_type: "):
        task(cases["cdnetworks_trim"], code_type=wrong).make()
