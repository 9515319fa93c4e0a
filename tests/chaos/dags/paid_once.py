# SPDX-License-Identifier: Apache-2.0
"""DAGs per vendor, of a job and of a batch, whose task dies at a step that the run names; and quick mapped jobs."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import kill_steps
from airflow.sdk import DAG, Param, task

from airflow_provider_videoai.operators.aidge import AidgeVideoRemovalOperator
from airflow_provider_videoai.operators.batch import VideoBatchOperator
from airflow_provider_videoai.operators.cdnetworks import CDNetworksTrimOperator
from airflow_provider_videoai.operators.job import VideoJobOperator
from airflow_provider_videoai.operators.tencent_ivh import TencentVideoMakeOperator
from airflow_provider_videoai.operators.topview import TopviewVideoAvatarOperator
from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator

CLIP = os.environ["VIDEOAI_SAMPLE_CLIP"]
MARKERS = Path(os.environ["CHAOS_MARKERS"])
RETRY_DELAY = timedelta(seconds=float(os.environ.get("VIDEOAI_CHAOS_RETRY_SECONDS", "1")))
ROUND = "{{ params.round }}"
ERASED = [[0, 270, 640, 350]]

REQUESTS: dict[type[VideoJobOperator], dict[str, Any]] = {
    ViiTorTextRemovalOperator: {"url": CLIP, "task_name": ROUND, "full_erase_roi": ERASED},
    AidgeVideoRemovalOperator: {"video_url": f"{CLIP}#{ROUND}", "language": "en"},
    CDNetworksTrimOperator: {
        "video_id": "5A4DB0C51190000000000000000C11B1",
        "seek_start": 0,
        "duration": 1,
        "filename": ROUND,
    },
    TopviewVideoAvatarOperator: {
        "avatar_source_from": "1",
        "ai_avatar_id": "sandbox-avatar-anna",
        "audio_source_from": "1",
        "tts_text": ROUND,
    },
    TencentVideoMakeOperator: {
        "virtualman_key": "sandbox-virtualman",
        "input_ssml": f"<speak>{ROUND}</speak>",
        "video_param": {"Format": "Mp4"},
    },
}


def doomed(operator: type[VideoJobOperator]) -> type[VideoJobOperator]:
    """Return the operator, with a step at which its process dies, and settings that come with the run."""

    class Doomed(operator):  # type: ignore[valid-type,misc]
        def execute(self, context: Any) -> Any:
            self._prepare(context, first=True)
            return super().execute(context)

        def execute_complete(self, context: Any, event: Any = None) -> Any:
            self._prepare(context, first=False)
            return super().execute_complete(context, event)

        def _prepare(self, context: Any, *, first: bool) -> None:
            params = context["params"]
            self.conn_id = f"{self.hook_class.vendor_class.key}_{params['account']}"
            self.finish_in_triggerer = params["finish_in_triggerer"]
            self.on_finished_job = params["on_finished_job"]
            self.on_uncertain_submit = params["on_uncertain_submit"]
            if (params["step"] not in kill_steps.RESUMED_STEPS) == first:
                marker = MARKERS / params["round"]
                kill_steps.arm(params["step"], marker, evict=params["evict"], hold=params["hold"])

    Doomed.__name__ = operator.__name__
    return Doomed


for operator, request in REQUESTS.items():
    vendor = operator.hook_class.vendor_class.key
    with DAG(
        f"paid_once_{vendor}",
        schedule=None,
        max_active_runs=1000,
        default_args={"retries": 3, "retry_delay": RETRY_DELAY},
        params={
            "round": Param(type="string"),
            "step": "none",
            "evict": False,
            "hold": False,
            "account": "default",
            "finish_in_triggerer": False,
            "on_finished_job": "reuse",
            "on_uncertain_submit": "fail",
        },
    ) as dag:
        doomed(operator)(task_id="make", job_timeout=600, **request)
    globals()[dag.dag_id] = dag


class DoomedBatch(VideoBatchOperator):
    """A batch, with a step at which its process dies, and settings that come with the run."""

    def execute(self, context: Any) -> Any:
        self._prepare(context, first=True)
        return super().execute(context)

    def go_on(self, context: Any, event: Any = None, pause: Any = None) -> Any:
        self._prepare(context, first=False)
        return super().go_on(context, event, pause)

    def _prepare(self, context: Any, *, first: bool) -> None:
        params = context["params"]
        self.on_uncertain_submit = params["on_uncertain_submit"]
        if (params["resumed"] or params["step"] in kill_steps.RESUMED_STEPS) != first:
            marker = MARKERS / params["round"]
            kill_steps.arm(params["step"], marker, evict=params["evict"], hold=False, at=params["at"])


for operator, request in REQUESTS.items():
    vendor = operator.hook_class.vendor_class.key
    with DAG(
        f"batch_{vendor}",
        schedule=None,
        max_active_runs=1000,
        default_args={"retries": 2, "retry_delay": RETRY_DELAY},
        params={
            "round": Param(type="string"),
            "step": "none",
            "evict": False,
            "at": 1,
            "resumed": False,
            "on_uncertain_submit": "fail",
        },
    ) as dag:
        DoomedBatch(
            task_id="make",
            vendor=vendor,
            operation=operator.request_class.operation,
            requests=f"file://{MARKERS}/{ROUND}.requests.jsonl",
            common={name: value for name, value in request.items() if ROUND not in str(value)},
            max_in_flight=4,
            destination=f"file://{MARKERS}/kept/{{item_id}}.mp4",
            manifest=f"file://{MARKERS}/{ROUND}.manifest.jsonl",
            verify=False,
            job_timeout=600,
        )
    globals()[dag.dag_id] = dag


def quick_jobs(dag_id: str, **settings: Any) -> DAG:
    """Return a DAG of many mapped jobs that end within seconds, 60 at a time, none of which may be retried."""
    with DAG(
        dag_id,
        schedule=None,
        params={"count": Param(600, type="integer")},
        max_active_tasks=60,
        default_args={"retries": 0},
    ) as quick:

        @task
        def names(params: Any = None) -> list[str]:  # Airflow fills in what its context names
            return [f"{dag_id}-{number}" for number in range(params["count"])]

        make = ViiTorTextRemovalOperator.partial(task_id="make", url=CLIP, full_erase_roi=ERASED, **settings)
        make.expand(task_name=names())
    return quick


quick_on_workers = quick_jobs("quick_on_workers")
quick_in_triggerer = quick_jobs("quick_in_triggerer", finish_in_triggerer=True)
