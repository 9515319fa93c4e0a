# SPDX-License-Identifier: Apache-2.0
"""Topview: make a video of a public avatar that speaks a text."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from airflow_provider_videoai.operators.topview import TopviewVideoAvatarOperator

with DAG(
    "topview_video_avatar",
    schedule=None,
    doc_md=__doc__,
    tags=["videoai", "example"],
    params={
        "avatar": Param("sandbox-avatar-anna", type="string", title="Public avatar"),
        "text": Param("Hello from Airflow.", type="string", minLength=1, title="What it says"),
    },
) as dag:
    TopviewVideoAvatarOperator(
        task_id="avatar",
        avatar_source_from="1",
        ai_avatar_id="{{ params.avatar }}",
        audio_source_from="1",
        tts_text="{{ params.text }}",
    )
