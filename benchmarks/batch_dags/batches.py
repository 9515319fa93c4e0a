# SPDX-License-Identifier: Apache-2.0
"""One task for all jobs, and a mapped task for each, at one vendor; nothing is retried."""

from __future__ import annotations

import os
from typing import Any

from airflow.sdk import DAG, Param, task

from airflow_provider_videoai.operators.batch import VideoBatchOperator
from airflow_provider_videoai.operators.topview import TopviewVideoAvatarOperator
from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator

VENDOR = os.environ["VIDEOAI_BENCH_VENDOR"]
CLIP = os.environ["VIDEOAI_SAMPLE_CLIP"]
OPERATORS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "viitor": (ViiTorTextRemovalOperator, {"url": CLIP, "full_erase_roi": [[0, 270, 640, 350]]}, "task_name"),
    "topview": (
        TopviewVideoAvatarOperator,
        {"avatar_source_from": "1", "ai_avatar_id": "sandbox-avatar-anna", "audio_source_from": "1"},
        "tts_text",
    ),
}
"""By vendor: the operator of a single job, what all requests share, and the field in which they differ."""
OPERATOR, COMMON, VARIED = OPERATORS[VENDOR]
MAX_IN_FLIGHT = int(os.environ["VIDEOAI_BENCH_MAX_IN_FLIGHT"])
SETTINGS: dict[str, Any] = {"max_active_tasks": 1000, "default_args": {"retries": 0}}

with DAG("batch", schedule=None, **SETTINGS) as batch:
    VideoBatchOperator(
        task_id="make",
        vendor=VENDOR,
        requests=os.environ["VIDEOAI_BENCH_REQUESTS"],
        common=COMMON,
        max_in_flight=MAX_IN_FLIGHT or None,
        manifest=os.environ["VIDEOAI_BENCH_MANIFEST"],
    )


def mapped(dag_id: str, **settings: Any) -> DAG:
    """Return a DAG with a single operator for each of ``count`` jobs."""
    with DAG(dag_id, schedule=None, params={"count": Param(6, type="integer")}, **SETTINGS) as dag:

        @task
        def names(params: Any = None) -> list[str]:  # Airflow fills in what its context names
            return [f"{dag_id} {number}" for number in range(params["count"])]

        OPERATOR.partial(task_id="make", **COMMON, **settings).expand(**{VARIED: names()})
    return dag


mapped_on_worker = mapped("mapped_on_worker")
mapped_in_triggerer = mapped("mapped_in_triggerer", finish_in_triggerer=True)
