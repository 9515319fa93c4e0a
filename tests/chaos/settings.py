# SPDX-License-Identifier: Apache-2.0
"""What the Airflow of a chaos run is set to."""

from __future__ import annotations

import json
from pathlib import Path

from airflow_provider_videoai.sandbox.running import Sandbox
from tests.chaos.kinds import ANSWER_TIMEOUT

DAGS = Path(__file__).parent / "dags"
QUEUE_SECONDS, RUN_SECONDS = 1.0, 8.0
ACCOUNT = {"timeout": ANSWER_TIMEOUT, "max_requests_per_minute": 6000}
NOTICED_SOON = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
}
"""A worker that is lost is noticed in half a minute instead of five: the rounds would take too long."""


def environment(sandbox: Sandbox, markers: Path) -> dict[str, str]:
    """Return Airflow's settings; the accounts' limits do not bind."""
    connections = {name: json.loads(value) for name, value in sandbox.connections().items()}
    for connection in connections.values():
        connection["extra"] = {**(connection.get("extra") or {}), **ACCOUNT}
    return {
        **{name: json.dumps(connection) for name, connection in connections.items()},
        "VIDEOAI_SAMPLE_CLIP": f"{sandbox.url}/sample/clip.mp4",
        "CHAOS_MARKERS": str(markers),
        "AIRFLOW__API__MAXIMUM_PAGE_LIMIT": "2000",
        "AIRFLOW__CORE__PARALLELISM": "32",
        "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": "100",
    }
