# SPDX-License-Identifier: Apache-2.0
"""CDNetworks Cloud VoD: pull a clip from a URL, then trim it."""

from __future__ import annotations

import os

from airflow.sdk import DAG, Param

from airflow_provider_videoai.operators.cdnetworks import CDNetworksPullVideoOperator, CDNetworksTrimOperator

SAMPLE_CLIP = os.environ.get("VIDEOAI_SAMPLE_CLIP", "https://example.com/clip.mp4")

with DAG(
    "cdnetworks_trim",
    schedule=None,
    doc_md=__doc__,
    tags=["videoai", "example"],
    params={
        "url": Param(SAMPLE_CLIP, type="string", format="uri", title="Clip"),
        "start": Param(0, type="integer", minimum=0, title="Start (s)"),
        "seconds": Param(3, type="integer", minimum=1, title="Length (s)"),
    },
) as dag:
    pulled = CDNetworksPullVideoOperator(task_id="pull", fetch_url="{{ params.url }}", filename="clip.mp4")
    CDNetworksTrimOperator(
        task_id="trim",
        video_id=pulled.output["media_id"],
        seek_start="{{ params.start }}",
        duration="{{ params.seconds }}",
        filename="piece",
    )
