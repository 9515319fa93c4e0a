# SPDX-License-Identifier: Apache-2.0
"""A task for each case of the file that ``HOSTILE_CASES`` names, and one DAG of tasks at healthy vendors."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, get_parsing_context

from airflow_provider_videoai.operators.aidge import AidgeVideoRemovalOperator
from airflow_provider_videoai.operators.cdnetworks import CDNetworksTrimOperator
from airflow_provider_videoai.operators.job import VideoJobOperator
from airflow_provider_videoai.operators.tencent_ivh import TencentVideoMakeOperator
from airflow_provider_videoai.operators.topview import TopviewVideoAvatarOperator
from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator

CLIP = os.environ["VIDEOAI_SAMPLE_CLIP"]
REQUESTS: dict[str, tuple[type[VideoJobOperator], dict[str, Any]]] = {
    "viitor": (ViiTorTextRemovalOperator, {"url": CLIP, "task_name": "clip", "full_erase_roi": [[0, 270, 640, 350]]}),
    "aidge": (AidgeVideoRemovalOperator, {"video_url": CLIP, "language": "en"}),
    "cdnetworks": (
        CDNetworksTrimOperator,
        {"video_id": "5A4DB0C51190000000000000000C11B1", "seek_start": 0, "duration": 1, "filename": "cut"},
    ),
    "topview": (
        TopviewVideoAvatarOperator,
        {
            "avatar_source_from": "1",
            "ai_avatar_id": "sandbox-avatar-anna",
            "audio_source_from": "1",
            "tts_text": "Hi.",
        },
    ),
    "tencent_ivh": (
        TencentVideoMakeOperator,
        {"virtualman_key": "sandbox-virtualman", "input_ssml": "Hi.", "video_param": {"Format": "Mp4"}},
    ),
}
MODES: dict[str, dict[str, Any]] = {
    "deferred": {},
    "in_triggerer": {"finish_in_triggerer": True},
    "blocking": {"deferrable": False},
}


def make(task_id: str, vendor: str, conn_id: str, mode: str, poll_interval: float) -> None:
    """Add the task of a case to the DAG at hand; a worker needs no other than the one that it runs."""
    if get_parsing_context().task_id not in (None, task_id):
        return
    operator, request = REQUESTS[vendor]
    connection: dict[str, Any] = {operator.hook_class.conn_name_attr: conn_id}
    operator(task_id=task_id, poll_interval=poll_interval, job_timeout=300, **request, **connection, **MODES[mode])


with DAG("hostile", schedule=None, max_active_tasks=1000):
    for case in json.loads(Path(os.environ["HOSTILE_CASES"]).read_text()):
        make(case["name"], case["vendor"], f"hostile_{case['name']}", case["mode"], 5)

with DAG("healthy", schedule=None, max_active_tasks=1000, max_active_runs=20):
    for vendor in REQUESTS:
        for mode in MODES:
            make(f"{vendor}_{mode}", vendor, f"{vendor}_default", mode, float(os.environ["HEALTHY_POLL_INTERVAL"]))
