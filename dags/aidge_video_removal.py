# SPDX-License-Identifier: Apache-2.0
"""Alibaba Aidge: remove text from one clip, submitted by one task and waited for by another."""

from __future__ import annotations

import os

from airflow.sdk import DAG, Param

from airflow_provider_videoai.operators.aidge import AidgeVideoRemovalOperator
from airflow_provider_videoai.sensors.aidge import AidgeVideoRemovalSensor

SAMPLE_CLIP = os.environ.get("VIDEOAI_SAMPLE_CLIP", "https://example.com/clip.mp4")

with DAG(
    "aidge_video_removal",
    schedule=None,
    doc_md=__doc__,
    tags=["videoai", "example"],
    params={
        "video_url": Param(SAMPLE_CLIP, type="string", format="uri", title="Clip"),
        "language": Param("en", type="string", enum=["en", "zh"], title="Language of the text"),
        "remove_audio": Param(False, type="boolean", title="Mute the result"),
    },
) as dag:
    submitted = AidgeVideoRemovalOperator(
        task_id="submit",
        video_url="{{ params.video_url }}",
        language="{{ params.language }}",
        remove_audio="{{ params.remove_audio }}",
        wait_for_completion=False,
    )
    AidgeVideoRemovalSensor(task_id="wait", job_id=submitted.output["job_id"])
