# SPDX-License-Identifier: Apache-2.0
"""DAGs that the plugin's tests run: each way in which a task of this package may wait."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, task

from airflow_provider_videoai.operators.batch import VideoBatchOperator
from airflow_provider_videoai.operators.cdnetworks import CDNetworksPullVideoOperator, CDNetworksTrimOperator
from airflow_provider_videoai.operators.tencent_ivh import TencentTtsOperator
from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator
from airflow_provider_videoai.sensors.viitor import ViiTorTextRemovalSensor

CLIP: dict[str, Any] = {
    "url": "{{ dag_run.conf['url'] }}",
    "task_name": "clip",
    "full_erase_roi": [[60, 288, 580, 336]],
}

with DAG("one", schedule=None):
    ViiTorTextRemovalOperator(task_id="clean", **CLIP)

with DAG("retried", schedule=None):
    # A test that waited for it would not end in time.
    ViiTorTextRemovalOperator(task_id="clean", retries=2, retry_delay=timedelta(hours=1), job_timeout=7200, **CLIP)

with DAG("mapped", schedule=None):

    @task
    def urls(dag_run: Any = None) -> list[str]:
        """Give the clip of the run twice."""
        return [dag_run.conf["url"]] * 2

    ViiTorTextRemovalOperator.partial(task_id="clean", task_name="clip", full_erase_roi=CLIP["full_erase_roi"]).expand(
        url=urls()
    )

with DAG("batch", schedule=None):
    VideoBatchOperator(
        task_id="clean",
        vendor="viitor",
        requests=[{"item_id": f"item-{number}", "task_name": f"clip {number}"} for number in range(3)],
        common={"url": CLIP["url"], "full_erase_roi": CLIP["full_erase_roi"]},
        quota_timeout=600,
    )

with DAG("trim", schedule=None):
    pull = CDNetworksPullVideoOperator(task_id="pull", fetch_url=CLIP["url"], filename="clip.mp4")
    CDNetworksTrimOperator(task_id="trim", video_id=pull.output["media_id"], seek_start=0, duration=1, filename="cut")

with DAG("waits", schedule=None):
    submitted = ViiTorTextRemovalOperator(task_id="submit", wait_for_completion=False, **CLIP)
    ViiTorTextRemovalSensor(task_id="sensor", job_id=submitted.output)
    ViiTorTextRemovalOperator(task_id="on_worker", deferrable=False, **CLIP)
    ViiTorTextRemovalOperator(task_id="ends_in_triggerer", finish_in_triggerer=True, **CLIP)

with DAG("speech", schedule=None):
    # One audio job may be in flight.
    TencentTtsOperator(task_id="speak", input_ssml="<speak>Good morning</speak>", timbre_key="sandbox-timbre")

with DAG("other_account", schedule=None):
    ViiTorTextRemovalOperator(task_id="clean", viitor_conn_id="studio", **CLIP)

with DAG("bought_by_hand", schedule=None):

    @task
    def buy(url: str) -> list[str]:
        """Submit one request twice."""
        from airflow_provider_videoai.hooks.viitor import ViiTorHook  # noqa: PLC0415 - DAG files are parsed often

        request = {"url": url, "task_name": "clip", "full_erase_roi": [[60, 288, 580, 336]]}
        return [ViiTorHook().submit(request) for _ in range(2)]

    buy(url=CLIP["url"])
