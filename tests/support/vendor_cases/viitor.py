# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator
from airflow_provider_videoai.sensors.viitor import ViiTorTextRemovalSensor
from tests.support.case import CLIP, Case

CASES = (
    Case(
        "viitor",
        ViiTorTextRemovalOperator,
        ViiTorTextRemovalSensor,
        {"url": CLIP, "task_name": "clip", "full_erase_roi": [[60, 288, 580, 336]]},
        {"task_name": "another"},
        absent_id="ViiTor_AI_19990101",
    ),
)
