# SPDX-License-Identifier: Apache-2.0
"""Mapped tasks at all five vendors, once with results fetched on a worker and once in the triggerer."""

from __future__ import annotations

import os
from typing import Any

from airflow.sdk import DAG, Param, task

from airflow_provider_videoai.operators.aidge import AidgeVideoRemovalOperator
from airflow_provider_videoai.operators.cdnetworks import CDNetworksTrimOperator
from airflow_provider_videoai.operators.tencent_ivh import TencentVideoMakeOperator
from airflow_provider_videoai.operators.topview import TopviewVideoAvatarOperator
from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator

CLIP = os.environ["VIDEOAI_SAMPLE_CLIP"]
ERASED = [[0, 270, 640, 350]]
TRIMMED: dict[str, Any] = {"video_id": "5A4DB0C51190000000000000000C11B1", "seek_start": 0, "duration": 1}
AVATAR = {"avatar_source_from": "1", "ai_avatar_id": "sandbox-avatar-anna", "audio_source_from": "1"}
AT_ONCE = 5
"""Videos of one avatar that Tencent IVH makes at a time, as documented: more would only wait in its queue."""
CREDITS = 1000
"""What the sandbox's account at Topview has: a video avatar costs one."""
PERSON: dict[str, Any] = {"virtualman_key": "sandbox-virtualman", "video_param": {"Format": "Mp4"}}


def writes(dag_id: str, **settings: Any) -> DAG:
    """Return a DAG with ``count`` mapped tasks at each vendor; none is retried.

    Topview gets no more than its credits pay for, and Tencent IVH no more than it makes at a time.
    """
    with DAG(
        dag_id,
        schedule=None,
        params={"count": Param(6, type="integer")},
        max_active_tasks=1000,
        default_args={"retries": 0},
    ) as dag:

        @task
        def names(params: Any = None) -> list[str]:  # Airflow fills in what its context names
            return [f"{dag_id}-{number}" for number in range(params["count"])]

        @task
        def speeches(params: Any = None) -> list[str]:
            return [f"{dag_id}-{number}" for number in range(min(params["count"], AT_ONCE))]

        @task
        def texts(params: Any = None) -> list[str]:
            return [f"{dag_id}-{number}" for number in range(min(params["count"], CREDITS))]

        @task
        def urls(params: Any = None) -> list[str]:
            return [f"{CLIP}#{dag_id}-{number}" for number in range(params["count"])]

        names_, urls_ = names(), urls()
        ViiTorTextRemovalOperator.partial(task_id="viitor", url=CLIP, full_erase_roi=ERASED, **settings).expand(
            task_name=names_
        )
        AidgeVideoRemovalOperator.partial(task_id="aidge", language="en", **settings).expand(video_url=urls_)
        CDNetworksTrimOperator.partial(task_id="cdnetworks", **TRIMMED, **settings).expand(filename=names_)
        TopviewVideoAvatarOperator.partial(task_id="topview", **AVATAR, **settings).expand(tts_text=texts())
        TencentVideoMakeOperator.partial(task_id="tencent_ivh", **PERSON, **settings).expand(input_ssml=speeches())
    return dag


writes_on_worker = writes("writes_on_worker")
writes_in_triggerer = writes("writes_in_triggerer", finish_in_triggerer=True)
