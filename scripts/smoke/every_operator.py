# SPDX-License-Identifier: Apache-2.0
"""Every operator, a sensor, a batch and the transfers, once: what an installation without extras must be able to run.

`scripts/smoke_run.py` runs it against the sandbox, whose URL and a folder for results are in the environment.
"""

from __future__ import annotations

import os

from airflow.sdk import DAG

from airflow_provider_videoai.operators.aidge import AidgeVideoRemovalOperator
from airflow_provider_videoai.operators.batch import VideoBatchOperator
from airflow_provider_videoai.operators.cdnetworks import (
    CDNetworksPullVideoOperator,
    CDNetworksTrimOperator,
    CDNetworksUploadVideoOperator,
)
from airflow_provider_videoai.operators.tencent_ivh import TencentTtsOperator, TencentVideoMakeOperator
from airflow_provider_videoai.operators.topview import TopviewUploadOperator, TopviewVideoAvatarOperator
from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator
from airflow_provider_videoai.sensors.viitor import ViiTorTextRemovalSensor
from airflow_provider_videoai.transfers.media import VideoResultToObjectStorageOperator
from airflow_provider_videoai.transfers.subtitles import WordTimesToSubtitlesOperator

CLIP = f"{os.environ['VIDEOAI_SANDBOX']}/sample/clip.mp4"
FOLDER = os.environ["VIDEOAI_STORAGE"]
CAPTIONS = [[60, 288, 580, 336]]

with DAG("every_operator", schedule=None) as dag:
    clean = ViiTorTextRemovalOperator(task_id="viitor", url=CLIP, task_name="clip", full_erase_roi=CAPTIONS)
    keep = VideoResultToObjectStorageOperator(
        task_id="keep", result=clean.output, destination=f"file://{FOLDER}/{{job_id}}.mp4", verify=False
    )
    submitted = ViiTorTextRemovalOperator(
        task_id="submitted", url=CLIP, task_name="waited", full_erase_roi=CAPTIONS, wait_for_completion=False
    )
    ViiTorTextRemovalSensor(task_id="sensor", job_id=submitted.output["job_id"])
    AidgeVideoRemovalOperator(task_id="aidge", video_url=CLIP, language="en", check_inputs=True)
    pull = CDNetworksPullVideoOperator(
        task_id="cdnetworks_pull", fetch_url=clean.output["media_url"], filename="clip.mp4"
    )
    CDNetworksTrimOperator(
        task_id="cdnetworks_trim", video_id=pull.output["media_id"], seek_start=1, duration=1, filename="piece"
    )
    CDNetworksUploadVideoOperator(task_id="cdnetworks_upload", source=keep.output["path"], filename="kept.mp4")
    TopviewUploadOperator(task_id="topview_upload", source=keep.output["path"])
    TopviewVideoAvatarOperator(
        task_id="topview",
        avatar_source_from="1",
        ai_avatar_id="sandbox-avatar-anna",
        audio_source_from="1",
        tts_text="Hi.",
    )
    TencentVideoMakeOperator(
        task_id="tencent_video",
        virtualman_key="sandbox-virtualman",
        input_ssml="<speak>Hi.</speak>",
        video_param={"Format": "Mp4"},
    )
    speech = TencentTtsOperator(task_id="tencent_tts", input_ssml="Hi there.", timbre_key="sandbox-timbre")
    WordTimesToSubtitlesOperator(task_id="subtitles", result=speech.output, destination=f"file://{FOLDER}/speech.srt")
    VideoBatchOperator(
        task_id="batch",
        vendor="viitor",
        requests=[{"item_id": name, "task_name": name} for name in ("one", "two", "three")],
        common={"url": CLIP, "full_erase_roi": CAPTIONS},
        destination=f"file://{FOLDER}/batch/{{item_id}}.mp4",
        manifest=f"file://{FOLDER}/batch/all.jsonl",
        verify=False,
    )
