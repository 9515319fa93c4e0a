# SPDX-License-Identifier: Apache-2.0
"""Tencent IVH: make speech of a text to review it, then the digital human's video of the same text."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from airflow_provider_videoai.operators.tencent_ivh import TencentTtsOperator, TencentVideoMakeOperator

with DAG(
    "tencent_narrator",
    schedule=None,
    doc_md=__doc__,
    tags=["videoai", "example"],
    params={
        "virtualman": Param("sandbox-virtualman", type="string", title="Digital human"),
        "text": Param("Hello from Airflow.", type="string", minLength=1, title="What it says"),
        "speed": Param(1.0, type="number", minimum=0.5, maximum=1.5, title="Speed"),
    },
) as dag:
    speech = TencentTtsOperator(
        task_id="speech",
        virtualman_key="{{ params.virtualman }}",
        input_ssml="<speak>{{ params.text }}</speak>",
        speed="{{ params.speed }}",
    )
    video = TencentVideoMakeOperator(
        task_id="video",
        virtualman_key="{{ params.virtualman }}",
        input_ssml="<speak>{{ params.text }}</speak>",
        speech_param={"Speed": "{{ params.speed }}"},
        video_param={"Format": "Mp4"},
    )
    speech >> video
