# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from standalone import Standalone

from airflow_provider_videoai.airflow_compat import AIRFLOW_V_3_3_PLUS
from airflow_provider_videoai.sandbox import running_sandbox
from airflow_provider_videoai.sandbox.running import Sandbox
from tests.support.real_airflow import airflow_at, airflow_database

ROOT = Path(__file__).resolve().parents[2]
TOO_NEW = None if AIRFLOW_V_3_3_PLUS else shutil.ignore_patterns("retry_policy.py")
REQUESTS_PER_MINUTE = 10
"""What the connection ``topview_limited`` allows."""
WRONG_PASSWORD = "wrong-password-that-must-not-be-seen"


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(queue_seconds=0.5, run_seconds=3.0) as running:
        yield running


@pytest.fixture(scope="session")
def airflow(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """One real Airflow for all tests: scheduler, triggerer, API server, the example DAGs and the tests' own."""
    home = tmp_path_factory.mktemp("airflow")
    dags = home / "dags"
    for folder in (ROOT / "dags", Path(__file__).parent / "dags"):
        shutil.copytree(folder, dags, dirs_exist_ok=True, ignore=TOO_NEW)
    wrong = json.loads(sandbox.connections()["AIRFLOW_CONN_TOPVIEW_DEFAULT"]) | {"password": WRONG_PASSWORD}
    limited = json.loads(sandbox.connections()["AIRFLOW_CONN_TOPVIEW_DEFAULT"])
    limited["extra"] = {**(limited.get("extra") or {}), "max_requests_per_minute": REQUESTS_PER_MINUTE}
    one = json.loads(sandbox.connections()["AIRFLOW_CONN_TENCENT_IVH_DEFAULT"])
    one["extra"] = {**(one.get("extra") or {}), "max_jobs_in_flight": 1}
    more = {
        "AIRFLOW_CONN_TOPVIEW_WRONG": json.dumps(wrong),
        "AIRFLOW_CONN_TOPVIEW_LIMITED": json.dumps(limited),
        "AIRFLOW_CONN_TENCENT_IVH_ONE": json.dumps(one),
    }
    with airflow_database() as database, airflow_at(sandbox, home, dags, **more, **database) as running:
        yield running
