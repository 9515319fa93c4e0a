# SPDX-License-Identifier: Apache-2.0
"""Python tasks of users: hooks, and the fields of what they return."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import assert_type

from airflow.sdk import ObjectStoragePath

from airflow_provider_videoai.hooks.aidge import AidgeHook
from airflow_provider_videoai.hooks.cdnetworks import CDNetworksHook
from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.hooks.tencent_ivh import TencentIVHHook
from airflow_provider_videoai.hooks.topview import TopviewHook
from airflow_provider_videoai.hooks.viitor import ViiTorHook
from airflow_provider_videoai.jobs.errors import JobFailed, VideoAIError
from airflow_provider_videoai.jobs.model import JobResult, JobState, JobStatus


def every_hook() -> list[VideoJobHook]:
    """Make the hooks, with the default connection and with one of the user's."""
    return [
        AidgeHook(),
        CDNetworksHook(cdnetworks_conn_id="cloud_vod"),
        TencentIVHHook("tencent"),
        TopviewHook(),
        ViiTorHook(viitor_conn_id="viitor"),
    ]


def follow(hook: VideoJobHook, job_ids: tuple[str, ...]) -> str | None:
    """Submit a job, query the status of many, and read a result."""
    job_id = hook.submit({"url": "https://example.com/clip.mp4", "task_name": "clip"}, "text_removal")
    assert_type(job_id, str)
    for status in hook.statuses((*job_ids, job_id)).values():
        assert_type(status, JobStatus)
        assert_type(status.state, JobState)
        assert_type(status.progress, int | None)
    result = hook.result(job_id)
    assert_type(result.media_url, str | None)
    assert_type(result.duration_ms, int | None)
    assert_type(result.state, JobState)
    if result.finished_at is not None:
        datetime.fromisoformat(result.finished_at)
    working, message = hook.test_connection()
    assert_type(working, bool)
    return result.media_url or message


async def follow_async(hook: VideoJobHook, job_ids: list[str]) -> JobResult:
    """Do the same in an event loop."""
    job_id = await hook.asubmit({"url": "https://example.com/clip.mp4"})
    assert_type(await hook.astatus(job_id), JobStatus)
    assert_type(await hook.astatuses(job_ids), dict[str, JobStatus])
    try:
        return await hook.aresult(job_id, operation="text_removal")
    except JobFailed as failure:
        assert_type(failure.job_id, str | None)
        raise
    except VideoAIError as failure:
        assert_type(failure.message, str)
        raise


async def upload() -> tuple[str, str, str]:
    """Upload files of a user's own: by path, by URL and from a store."""
    photo = TopviewHook().upload(Path("/clips/photo.png"))
    clip = CDNetworksHook().upload(ObjectStoragePath("s3://conn@bucket/clip.mp4"), filename="clip.mp4")
    return photo, clip, await TopviewHook().aupload("s3://conn@bucket/speech.mp3")
