# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from airflow_provider_videoai.operators.cdnetworks import CDNetworksPullVideoOperator, CDNetworksTrimOperator
from airflow_provider_videoai.sensors.cdnetworks import CDNetworksPullVideoSensor, CDNetworksTrimSensor
from tests.support.case import CLIP, Case

LIBRARY_VIDEO = "5A4DB0C51190000000000000000C11B1"

CASES = (
    Case(
        "cdnetworks_pull",
        CDNetworksPullVideoOperator,
        CDNetworksPullVideoSensor,
        {"fetch_url": CLIP, "filename": "clip.mp4"},
        {"filename": "another.mp4"},
        charged=False,
    ),
    Case(
        "cdnetworks_trim",
        CDNetworksTrimOperator,
        CDNetworksTrimSensor,
        {"video_id": LIBRARY_VIDEO, "seek_start": 1, "duration": 1, "filename": "piece"},
        {"seek_start": 2},
    ),
)
