# SPDX-License-Identifier: Apache-2.0
"""Tasks in many processes, all of one account, whose connection allows ten requests a minute."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_videoai.operators.topview import TopviewVideoAvatarOperator

with DAG("rate_limit", schedule=None):
    for number in range(8):
        TopviewVideoAvatarOperator(
            task_id=f"make_{number}",
            topview_conn_id="topview_limited",
            avatar_source_from="1",
            ai_avatar_id="sandbox-avatar-anna",
            audio_source_from="1",
            tts_text=f"Within the limit {number}.",
            poll_interval=15,
            deferrable=number % 4 != 0,
        )
