# SPDX-License-Identifier: Apache-2.0
"""Sensors that wait for one job each without a worker; few in a DAG, as Airflow hands a whole DAG to each trigger."""

from __future__ import annotations

import os

from airflow.sdk import DAG

from airflow_provider_videoai.sensors.topview import TopviewVideoAvatarSensor
from airflow_provider_videoai.sensors.viitor import ViiTorTextRemovalSensor
from benchmarks.responses import VIITOR_PREFIX

INTERVAL = float(os.environ["BENCH_INTERVAL"])
IN_A_DAG = int(os.environ["BENCH_IN_A_DAG"])

for dag_number in range(int(os.environ["BENCH_JOBS"]) // IN_A_DAG):
    numbers = range(dag_number * IN_A_DAG, (dag_number + 1) * IN_A_DAG)
    with DAG(f"viitor_{dag_number}", schedule=None) as dag:
        for number in numbers:
            ViiTorTextRemovalSensor(
                task_id=f"job_{number}",
                job_id=f"{VIITOR_PREFIX}{number}",
                poll_interval=INTERVAL,
                finish_in_triggerer=True,
            )
    globals()[dag.dag_id] = dag
    with DAG(f"topview_{dag_number}", schedule=None) as dag:
        for number in numbers:
            TopviewVideoAvatarSensor(
                task_id=f"job_{number}", job_id=str(number), poll_interval=INTERVAL, finish_in_triggerer=True
            )
    globals()[dag.dag_id] = dag
