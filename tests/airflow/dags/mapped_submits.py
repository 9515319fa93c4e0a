# SPDX-License-Identifier: Apache-2.0
"""A mapped task submits one job per clip and returns at once; one sensor waits for all of them."""

from __future__ import annotations

import os
from typing import Any

from airflow.sdk import DAG, Param, task

from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator
from airflow_provider_videoai.sensors.viitor import ViiTorTextRemovalSensor

SAMPLE_CLIP = os.environ.get("VIDEOAI_SAMPLE_CLIP", "https://example.com/clip.mp4")

with DAG(
    "mapped_submits",
    schedule=None,
    params={
        "clips": Param([SAMPLE_CLIP] * 3, type="array", items={"type": "string"}, title="Clips"),
        "caption_region": Param(
            [0, 270, 640, 350],
            type="array",
            items={"type": "number"},
            minItems=4,
            maxItems=4,
            title="Region of the burnt-in text",
            description="x1, y1, x2, y2",
        ),
    },
) as dag:

    @task
    def clips(params: dict[str, Any] | None = None) -> list[str]:
        """Return the list to map over."""
        return list((params or {})["clips"])

    submitted = ViiTorTextRemovalOperator.partial(
        task_id="submit",
        task_name="clip {{ ti.map_index }}",
        full_erase_roi="[{{ params.caption_region }}]",
        wait_for_completion=False,
    ).expand(url=clips())

    ViiTorTextRemovalSensor(task_id="wait_for_all", job_id=submitted.output)
