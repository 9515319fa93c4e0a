# SPDX-License-Identifier: Apache-2.0
"""The conftest.py of a company whose shell is set up for its Airflow at work."""

from __future__ import annotations

import json
import os
from pathlib import Path

HERE = Path(__file__).parent

os.environ |= {
    "HTTP_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "git.example",
    "AIRFLOW_HOME": str(HERE / "home"),
    "AIRFLOW_CONFIG": str(HERE / "work.cfg"),
    "AIRFLOW__CORE__DAGS_FOLDER": str(HERE / "dags"),
    "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
    "AIRFLOW__CORE__XCOM_BACKEND": "vault.Bucket",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://airflow@127.0.0.1:9/airflow",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": "postgresql+asyncpg://airflow@127.0.0.1:9/airflow",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS": "vault.CONNECT_ARGS",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_ENGINE_ARGS": '{"executemany_mode": "values_plus_batch"}',
    "AIRFLOW__SECRETS__BACKEND": "vault.Vault",
    "AIRFLOW__WORKERS__STATE_STORE_BACKEND": "vault.Drawer",
    "AIRFLOW__VIDEOAI__LEDGER_CONN_ID": "ledger_at_work",
    "AIRFLOW_CONN_LEDGER_AT_WORK": json.dumps({"conn_type": "sqlite", "host": str(HERE / "ledger_at_work.db")}),
    "AIRFLOW_CONN_STUDIO": json.dumps({"conn_type": "viitor", "login": "12345", "password": "a real token"}),
}

if (HERE / "uses_airflow_before").exists():
    # What Airflow and this package look up once, they remember.
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.sdk import BaseHook

    from airflow_provider_videoai.hooks.ledger import ledger

    BaseHook.get_connection("viitor_default")
    DagBundlesManager()
    ledger()
    (HERE / "looked_up").unlink()
else:
    os.environ |= {
        "AIRFLOW__LOGGING__LOGGING_CONFIG_CLASS": "logs_at_work.SENT_ELSEWHERE",
        "AIRFLOW__METRICS__STATSD_DATADOG_ENABLED": "True",
    }
