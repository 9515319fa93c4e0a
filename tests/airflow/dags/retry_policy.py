# SPDX-License-Identifier: Apache-2.0
"""A task whose job fails, and which may not pay again by itself."""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.sdk import DAG

from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator
from airflow_provider_videoai.policies.retry import VideoAIRetryPolicy

with DAG("vendor_fails_with_policy", schedule=None):
    ViiTorTextRemovalOperator(
        task_id="fails",
        url=os.environ["VIDEOAI_SAMPLE_CLIP"],
        task_name="fails",
        full_erase_roi=[[0, 270, 640, 350]],
        retries=3,
        retry_delay=timedelta(seconds=1),
        retry_policy=VideoAIRetryPolicy(),
    )
