# SPDX-License-Identifier: Apache-2.0
"""A cleared sensor that starts in the triggerer shows, and gives to others, nothing of its last attempt."""

from __future__ import annotations

import pytest
from processes import wait_for
from standalone import Standalone

from airflow_provider_videoai.jobs.job_reference import JOB_REFERENCE_KEY
from airflow_provider_videoai.sandbox.running import Sandbox
from tests.support.which_airflow import needs_airflow_3_3

pytestmark = [pytest.mark.airflow, needs_airflow_3_3("tasks that start in the triggerer")]

DAG = "waiting_forms"
SENSORS = ("from_result", "from_key")
OLD = ("return_value", "media_url", "media_id", "state", "finished_at", "status")


def test_no_result_of_the_last_attempt_can_be_read_while_a_cleared_sensor_waits(
    airflow: Standalone, sandbox: Sandbox
) -> None:
    run_id = airflow.trigger(DAG)
    assert airflow.finish(DAG, run_id, 240) == "success"
    assert all(airflow.xcom(DAG, run_id, task_id)["media_url"] for task_id in SENSORS)
    assert airflow.xcom(DAG, run_id, "from_key", "media_url"), "what ended in the triggerer pushed its parts"

    def waits(task_id: str) -> bool:
        (task,) = [each for each in airflow.tasks(DAG, run_id) if each["task_id"] == task_id]
        return (task["state"], task["try_number"]) == ("deferred", 2)

    def left(task_id: str) -> list[str]:
        return [key for key in OLD if airflow.xcom(DAG, run_id, task_id, key) is not None]

    fault = sandbox.fault(vendor="viitor", call="query", kind="http_500")["id"]

    def polled() -> bool:
        return any(each["id"] == fault and each["fired"] for each in sandbox.faults())

    try:
        which = {"task_ids": SENSORS, "dag_run_id": run_id, "only_failed": False, "reset_dag_runs": True}
        airflow.api("POST", f"/dags/{DAG}/clearTaskInstances", json={"dry_run": False, **which})
        for task_id in SENSORS:
            wait_for(lambda name=task_id: waits(name) and not left(name), 60, f"{task_id} waits beside an old result")
        wait_for(polled, 60, "the cleared sensors do not poll")
        for task_id in SENSORS:
            assert (waits(task_id), left(task_id)) == (True, [])
            progress = airflow.xcom(DAG, run_id, task_id, "progress") or {"state": None}
            assert progress["state"] is None, "nothing is known of the job in this attempt"
            wait_for(
                lambda name=task_id: airflow.xcom(DAG, run_id, name, JOB_REFERENCE_KEY), 30, f"{task_id}: no reference"
            )
    finally:
        sandbox.clear_faults()
    assert airflow.finish(DAG, run_id, 240) == "success"
    assert all(airflow.xcom(DAG, run_id, task_id)["media_url"] for task_id in SENSORS)
