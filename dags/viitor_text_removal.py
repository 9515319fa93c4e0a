# SPDX-License-Identifier: Apache-2.0
"""ViiTor: remove burnt-in text from one clip."""

from __future__ import annotations

import os

from airflow.sdk import DAG, Param

from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator

SAMPLE_CLIP = os.environ.get("VIDEOAI_SAMPLE_CLIP", "https://example.com/clip.mp4")

with DAG(
    "viitor_text_removal",
    schedule=None,
    doc_md=__doc__,
    tags=["videoai", "example"],
    params={
        "url": Param(SAMPLE_CLIP, type="string", format="uri", title="Clip"),
        "region": Param([0, 270, 640, 350], type="array", items={"type": "number"}, title="Region: x1, y1, x2, y2"),
    },
) as dag:
    ViiTorTextRemovalOperator(
        task_id="erase_text",
        url="{{ params.url }}",
        task_name="{{ dag.dag_id }}",
        full_erase_roi="[{{ params.region }}]",
    )
