# SPDX-License-Identifier: Apache-2.0
"""What must not type-check. Both checkers report an "ignore" that is not needed, so each line fails if it is accepted.

Never run: most of it raises ``InvalidRequest``.
"""

from __future__ import annotations

from airflow_provider_videoai.hooks.topview import TopviewHook
from airflow_provider_videoai.hooks.viitor import ViiTorHook
from airflow_provider_videoai.operators.aidge import AidgeVideoRemovalOperator
from airflow_provider_videoai.operators.cdnetworks import CDNetworksTrimOperator
from airflow_provider_videoai.operators.tencent_ivh import TencentTtsOperator
from airflow_provider_videoai.operators.topview import TopviewUploadOperator
from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator
from airflow_provider_videoai.sensors.viitor import ViiTorTextRemovalSensor
from airflow_provider_videoai.transfers.media import VideoResultToObjectStorageOperator

CLIP = "https://example.com/clip.mp4"
KEEP = "s3://conn@bucket/{job_id}.mp4"


def operators() -> None:
    ViiTorTextRemovalOperator(task_id="a", url=CLIP)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ViiTorTextRemovalOperator(task_id="a", url=b"clip", task_name="clip")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ViiTorTextRemovalOperator(task_id="a", url=CLIP, task_name="clip", full_erase_roi=[0, 600, 1280, 700])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    ViiTorTextRemovalOperator(task_id="a", url=CLIP, task_name="clip", full_erase_roi=[["0", "6", "1", "7"]])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    AidgeVideoRemovalOperator(task_id="a", video_url=CLIP, language="en", inpainting_boxes={"box": [0, 0, 1, 1]})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    CDNetworksTrimOperator(task_id="a", video_id="1", seek_start=0.5, duration=30, filename="cut")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    TencentTtsOperator(task_id="a", input_ssml="Hello", speed=[1])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    TopviewUploadOperator(task_id="a", source=12)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    clean = ViiTorTextRemovalOperator(task_id="a", url=CLIP, task_name="clip")
    ViiTorTextRemovalOperator(task_id="a", url=clean, task_name="clip")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ViiTorTextRemovalOperator(task_id="a", url=clean.output[0], task_name="clip")  # type: ignore[index]  # pyright: ignore[reportArgumentType]


def sensors_and_transfers() -> None:
    ViiTorTextRemovalSensor(task_id="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ViiTorTextRemovalSensor(task_id="a", job_id=12)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ViiTorTextRemovalSensor(task_id="a", job_id={"12", "13"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    VideoResultToObjectStorageOperator(task_id="a", result=12, destination=KEEP)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    VideoResultToObjectStorageOperator(task_id="a", result={}, destination=KEEP, max_bytes="1 GB")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def hooks() -> None:
    ViiTorHook().submit(CLIP)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ViiTorHook().statuses(12)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    TopviewHook().upload(b"photo")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    _ = ViiTorHook().result("12").url  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
