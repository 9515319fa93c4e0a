# SPDX-License-Identifier: Apache-2.0
"""What the Airflow of a chaos run is set to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_provider_videoai.sandbox.running import Sandbox
from tests.chaos.kinds import ANSWER_TIMEOUT

DAGS = Path(__file__).parent / "dags"
QUEUE_SECONDS, RUN_SECONDS = 1.0, 8.0
ACCOUNT = {"timeout": ANSWER_TIMEOUT, "max_requests_per_minute": 6000}
LIMIT = 20
"""Requests per minute that the connections ``<vendor>_limited`` allow."""
IN_FLIGHT = 5
"""Jobs in flight that the connections ``<vendor>_few`` allow: what Tencent IVH documents for videos."""
NOTICED_SOON = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "20",
}
"""A worker that is lost is noticed in half a minute instead of five, and so is a task that a killed scheduler had
queued: a scheduler that is back within half a minute takes its predecessor for alive, and looks again five minutes
later."""


def environment(sandbox: Sandbox, markers: Path) -> dict[str, str]:
    """Return Airflow's settings; the limits of the default connections do not bind."""
    connections = {name: json.loads(value) for name, value in sandbox.connections().items()}
    for connection in connections.values():
        connection["extra"] = {**(connection.get("extra") or {}), **ACCOUNT}
    return {
        **{name: json.dumps(connection) for name, connection in connections.items()},
        **_bound(connections, "LIMITED", max_requests_per_minute=LIMIT),
        **_bound(connections, "FEW", max_jobs_in_flight=IN_FLIGHT),
        "VIDEOAI_SAMPLE_CLIP": f"{sandbox.url}/sample/clip.mp4",
        "CHAOS_MARKERS": str(markers),
        "AIRFLOW__API__MAXIMUM_PAGE_LIMIT": "2000",
        "AIRFLOW__CORE__PARALLELISM": "32",
        "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": "100",
    }


def _bound(connections: Mapping[str, Any], suffix: str, **limit: int) -> dict[str, str]:
    """Return further connections to the same accounts, with a limit that binds."""
    return {
        f"{name.removesuffix('DEFAULT')}{suffix}": json.dumps({**each, "extra": {**each["extra"], **limit}})
        for name, each in connections.items()
    }
