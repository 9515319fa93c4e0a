# SPDX-License-Identifier: Apache-2.0
"""Remove burnt-in text from a whole list of clips: one task, a job per clip.

At most 100 jobs are in flight, results are kept as they end, and the manifest lists what became of each clip. Up to a
tenth of the clips may fail; cleared, the task tries only those. The next run buys nothing for clips that are kept.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

from airflow.sdk import DAG, Param, task

from airflow_provider_videoai.operators.batch import VideoBatchOperator

SAMPLE_CLIP = os.environ.get("VIDEOAI_SAMPLE_CLIP", "https://example.com/clip.mp4")
STORAGE = os.environ.get("VIDEOAI_STORAGE", f"file://{tempfile.gettempdir()}/videoai")

with DAG(
    "remove_text_from_many",
    schedule=None,
    description="One task, a job per clip",
    doc_md=__doc__,
    tags=["videoai", "example"],
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
        "storage": Param(STORAGE, type="string", format="uri", title="Folder for the results"),
    },
) as dag:

    @task
    def requests(params: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return a request per clip; the id names its file, and finds its job again."""
        clips = (params or {})["clips"]
        return [
            {"item_id": f"clip-{number}", "url": clip, "task_name": f"clip {number}"}
            for number, clip in enumerate(clips, 1)
        ]

    clean = VideoBatchOperator(
        task_id="clean",
        vendor="viitor",
        requests=requests(),
        common={"full_erase_roi": "[{{ params.caption_region }}]"},
        tolerate="10%",
        destination="{{ params.storage }}/clean/{item_id}.mp4",
        manifest="{{ params.storage }}/clean/{{ run_id | replace(':', '') | replace('+', '-') }}.jsonl",
    )

    @task
    def summary(batch: Any) -> str:
        """Say what became of the clips."""
        return f"{batch['succeeded']} clean, {batch['skipped']} were, {batch['failed']} failed: {batch['manifest']}"

    summary(clean.output)
