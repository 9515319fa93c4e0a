# SPDX-License-Identifier: Apache-2.0
"""DAG files of users: every operator, sensor and transfer with the values that are sensible for it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from airflow.sdk import DAG, ObjectStoragePath, dag, task

from airflow_provider_videoai.operators.aidge import AidgeVideoRemovalOperator
from airflow_provider_videoai.operators.cdnetworks import (
    CDNetworksPullVideoOperator,
    CDNetworksTrimOperator,
    CDNetworksUploadVideoOperator,
)
from airflow_provider_videoai.operators.tencent_ivh import TencentTtsOperator, TencentVideoMakeOperator
from airflow_provider_videoai.operators.topview import TopviewUploadOperator, TopviewVideoAvatarOperator
from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator
from airflow_provider_videoai.sensors.aidge import AidgeVideoRemovalSensor
from airflow_provider_videoai.sensors.cdnetworks import CDNetworksPullVideoSensor, CDNetworksTrimSensor
from airflow_provider_videoai.sensors.tencent_ivh import TencentProductionSensor
from airflow_provider_videoai.sensors.topview import TopviewVideoAvatarSensor
from airflow_provider_videoai.sensors.viitor import ViiTorTextRemovalSensor
from airflow_provider_videoai.transfers.media import VideoResultToObjectStorageOperator
from airflow_provider_videoai.transfers.subtitles import WordTimesToSubtitlesOperator

CLIP = "https://example.com/clip.mp4"


@task
def urls() -> list[str]:
    """Return clips to map over."""
    return [CLIP]


@task
def region() -> list[list[int]]:
    """Return a region that another task computed."""
    return [[0, 600, 1280, 700]]


def clean_and_cut() -> DAG:
    """Return the README's DAG, kept in a store of the user's own, with regions in every form."""
    with DAG("clean_and_cut", schedule=None, params={"url": CLIP}) as built:  # pyright: ignore[reportArgumentType] - Airflow names the class that it makes of a dict
        clean = ViiTorTextRemovalOperator(
            task_id="clean", url="{{ params.url }}", task_name="clip", full_erase_roi=[[0, 600, 1280, 700]]
        )
        pull = CDNetworksPullVideoOperator(task_id="pull", fetch_url=clean.output["media_url"], filename="clip.mp4")
        CDNetworksTrimOperator(
            task_id="cut", video_id=pull.output["media_id"], seek_start=0, duration=30, filename="cut"
        )
        keep = VideoResultToObjectStorageOperator(
            task_id="keep", result=clean.output, destination="s3://conn@bucket/{job_id}.mp4", max_bytes=10**9
        )
        AidgeVideoRemovalOperator(task_id="kept", video_url=keep.output["path"], language="en", input_conn_id="conn")
        ViiTorTextRemovalOperator(
            task_id="tuples", url=CLIP, task_name="clip", text_detect_roi=((0, 0.5, 10, 10.5),), full_erase_roi=region()
        )
        chosen = [(0, 600, 1280, 700)]
        ViiTorTextRemovalOperator(task_id="list", url=CLIP, task_name="clip", full_erase_roi=chosen)
        ViiTorTextRemovalOperator(
            task_id="param", url=built.param("url"), task_name="clip", full_erase_roi="{{ params.region }}"
        )
    return built


def every_vendor() -> DAG:
    """Return a DAG with the other operators, and the arguments that all have."""
    with DAG("every_vendor", schedule=None) as built:
        AidgeVideoRemovalOperator(
            task_id="aidge",
            video_url=CLIP,
            language="en",
            artificial_text_only=False,
            remove_audio="{{ params.mute }}",
            inpainting_boxes=({"timestamp": (0, 1.5), "box": (0, 0, 0.5, 1)},),
            poll_interval=30,
            job_timeout=timedelta(hours=2),
            quota_timeout=600.0,
            on_uncertain_submit="resubmit",
            on_finished_job="resubmit",
            finish_in_triggerer=True,
        )
        CDNetworksUploadVideoOperator(task_id="upload", source=Path("/clips/clip.mp4"))
        stored = CDNetworksUploadVideoOperator(task_id="stored", source=ObjectStoragePath("s3://conn@bucket/clip.mp4"))
        CDNetworksTrimOperator(
            task_id="cut", video_id=stored.output["media_id"], seek_start="{{ params.start }}", duration=5, filename="c"
        )
        photo = TopviewUploadOperator(task_id="photo", source="s3://conn@bucket/photo.png")
        TopviewVideoAvatarOperator(
            task_id="photo_avatar",
            avatar_source_from=3,
            audio_source_from="1",
            image_file_id=photo.output,
            tts_text="Hello",
            voiceover_id="voice",
            voice_speed=1,
        )
        TopviewVideoAvatarOperator(
            task_id="own_files",
            avatar_source_from="0",
            audio_source_from="0",
            video_file=Path("/clips/presenter.mp4"),
            audio_file="s3://conn@bucket/{{ ds }}.mp3",
        )
        speech = TencentTtsOperator(task_id="speech", input_ssml="Hello", timbre_key="voice", speed=1, volume=5)
        TencentVideoMakeOperator(
            task_id="speaks",
            virtualman_key="person",
            input_audio_url=speech.output["media_url"],
            speech_param={"Speed": 1.2},
            video_param={"Format": "TransparentMov"},
        )
        subtitles = WordTimesToSubtitlesOperator(
            task_id="subtitles",
            result=[speech.output],
            destination="file:///subtitles/{job_id}.vtt",
            layout={"characters_per_line": 37, "lines_per_cue": 1},
        )
        TopviewUploadOperator(task_id="written", source=subtitles.output["path"])
    return built


def waiting() -> DAG:
    """Return a DAG with every sensor, with ids in every form."""
    with DAG("waiting", schedule=None) as built:
        submitted = AidgeVideoRemovalOperator(
            task_id="submit", video_url=CLIP, language="zh", wait_for_completion=False, deferrable=False
        )
        done = AidgeVideoRemovalSensor(task_id="aidge", job_id=submitted.output["job_id"], timeout=timedelta(days=1))
        VideoResultToObjectStorageOperator(
            task_id="keep",
            result=done.output,
            destination="s3://conn@bucket/{job_id}.mp4",
            subtitles_destination="s3://conn@bucket/{job_id}.srt",
        )
        CDNetworksTrimSensor(task_id="trim", job_id="cut-1", poll_interval=60, soft_fail=True)
        CDNetworksPullVideoSensor(task_id="pull", job_id=["cut-1", "cut-2"], mode="reschedule", deferrable=False)
        TopviewVideoAvatarSensor(task_id="avatar", job_id="{{ params.job_id }}", poke_interval=30.0)
        TencentProductionSensor(task_id="speech", job_id=submitted.output)
        ViiTorTextRemovalSensor(task_id="text", job_id=("ViiTor_AI-12", "ViiTor_AI-13"), viitor_conn_id="other")
        CDNetworksTrimSensor(task_id="chosen", job_id="cut-1", cdnetworks_conn_id=built.param("account"))
        TopviewUploadOperator(task_id="uploaded", source="/clips/a.mp4", topview_conn_id=done.output["media_id"])
        CDNetworksPullVideoOperator(task_id="on", fetch_url=done.output["media_url"], filename="clip.mp4")
    return built


@dag(schedule=None)
def mapped() -> None:
    """Map an operator over clips, wait for all of its jobs with one sensor, and keep the results."""
    submitted = ViiTorTextRemovalOperator.partial(
        task_id="submit",
        task_name="clip {{ ti.map_index }}",
        full_erase_roi=[[0, 270, 640, 350]],
        wait_for_completion=False,
    ).expand(url=urls())
    finished = ViiTorTextRemovalSensor(task_id="wait", job_id=submitted.output)
    VideoResultToObjectStorageOperator.partial(task_id="keep", destination="s3://conn@bucket/{job_id}.mp4").expand(
        result=finished.output
    )
