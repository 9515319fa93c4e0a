# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from airflow_provider_videoai.operators.aidge import AidgeVideoRemovalOperator
from airflow_provider_videoai.sensors.aidge import AidgeVideoRemovalSensor
from tests.support.case import CLIP, Case

CASES = (
    Case(
        "aidge",
        AidgeVideoRemovalOperator,
        AidgeVideoRemovalSensor,
        {"video_url": CLIP, "language": "en"},
        {"language": "zh"},
    ),
)
