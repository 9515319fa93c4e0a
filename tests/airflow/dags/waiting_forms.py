# SPDX-License-Identifier: Apache-2.0
"""The forms of waiting that the example DAGs do not show."""

from __future__ import annotations

import os

from airflow.sdk import DAG

from airflow_provider_videoai.operators.aidge import AidgeVideoRemovalOperator
from airflow_provider_videoai.operators.topview import TopviewVideoAvatarOperator
from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator
from airflow_provider_videoai.sensors.viitor import ViiTorTextRemovalSensor

CLIP = os.environ["VIDEOAI_SAMPLE_CLIP"]
ROI = [[0, 270, 640, 350]]

with DAG("waiting_forms", schedule=None):
    submit = ViiTorTextRemovalOperator(
        task_id="submit", url=CLIP, task_name="forms", full_erase_roi=ROI, wait_for_completion=False
    )
    ViiTorTextRemovalSensor(task_id="from_result", job_id=submit.output)
    ViiTorTextRemovalSensor(task_id="from_key", job_id=submit.output["job_id"], finish_in_triggerer=True)
    ViiTorTextRemovalSensor(
        task_id="from_template", job_id="{{ ti.xcom_pull(task_ids='submit')['job_id'] }}"
    ).set_upstream(submit)
    ViiTorTextRemovalSensor(
        task_id="poking", job_id=submit.output["job_id"], deferrable=False, poke_interval=15, mode="reschedule"
    )
    TopviewVideoAvatarOperator(
        task_id="ends_in_triggerer",
        avatar_source_from="1",
        ai_avatar_id="sandbox-avatar-anna",
        audio_source_from="1",
        tts_text="Hello.",
        finish_in_triggerer=True,
    )
    AidgeVideoRemovalOperator(task_id="blocking", video_url=CLIP, language="en", deferrable=False)

with DAG("wrong_password", schedule=None):
    TopviewVideoAvatarOperator(
        task_id="refused",
        avatar_source_from="1",
        ai_avatar_id="sandbox-avatar-anna",
        audio_source_from="1",
        tts_text="Hello.",
        topview_conn_id="topview_wrong",
        retries=3,
    )

with DAG("vendor_fails", schedule=None):
    for task_id, deferrable in (("fails", True), ("fails_on_a_worker", False)):
        ViiTorTextRemovalOperator(
            task_id=task_id, url=CLIP, task_name=task_id, full_erase_roi=ROI, deferrable=deferrable
        )
