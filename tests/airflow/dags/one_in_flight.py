# SPDX-License-Identifier: Apache-2.0
"""Two tasks of one account, whose connection allows one job in flight."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_videoai.operators.tencent_ivh import TencentVideoMakeOperator

with DAG("one_in_flight", schedule=None):
    for number in range(2):
        TencentVideoMakeOperator(
            task_id=f"make_{number}",
            tencent_ivh_conn_id="tencent_ivh_one",
            virtualman_key="sandbox-virtualman",
            input_ssml=f"<speak>One after the other {number}.</speak>",
            video_param={"Format": "Mp4"},
            poll_interval=2,
        )
