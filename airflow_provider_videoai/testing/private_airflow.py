# SPDX-License-Identifier: Apache-2.0
"""An Airflow of the test session's own: home, database, logs, and a DAG bundle that is empty."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import pytest

__all__ = ["BUNDLE", "prepare"]

BUNDLE = "videoai-tests"
"""The DAG bundle that tested DAGs are registered in."""


def prepare(home: Path, patch: pytest.MonkeyPatch) -> None:
    """Give this process a database of its own, whatever Airflow it was set up for.

    An Airflow at work would run the triggers that a test leaves in its database.

    :param home: an empty folder.
    :param patch: sets environment variables, and restores them.
    """
    bundle = home / "dags"
    bundle.mkdir()
    classpath = "airflow.dag_processing.bundles.local.LocalDagBundle"
    settings = {
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_FOLDER": str(bundle),
        "DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(
            [{"name": BUNDLE, "classpath": classpath, "kwargs": {"path": str(bundle)}}]
        ),
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "LOGGING__REMOTE_LOGGING": "False",
        # Connections come from the environment: a secrets backend's would be found first, and are not the sandbox's.
        "SECRETS__BACKEND": "",
        "WORKERS__SECRETS_BACKEND": "",
        "VIDEOAI__LEDGER_CONN_ID": "videoai_tests_ledger",
    }
    for name, value in settings.items():
        patch.setenv(f"AIRFLOW__{name}", value)
    ledger = {"conn_type": "sqlite", "host": str(home / "ledger.db")}
    patch.setenv("AIRFLOW_CONN_VIDEOAI_TESTS_LEDGER", json.dumps(ledger))
    if "airflow" in sys.modules:
        # Its home was read when a test module imported it, and the address of its database.
        _connect_again()
    else:
        patch.setenv("AIRFLOW_HOME", str(home))
    _create_tables()


def _connect_again() -> None:
    from airflow import settings

    settings.dispose_orm(do_log=False)
    settings.configure_vars()  # type: ignore[no-untyped-call]
    settings.configure_orm()  # type: ignore[no-untyped-call]


def _create_tables() -> None:
    import airflow.models.taskinstance  # noqa: F401 - with all that Airflow's own tables need
    from airflow.utils.db import initdb

    noisy = logging.getLogger("alembic")
    before = noisy.level
    noisy.setLevel(logging.WARNING)
    try:
        initdb()
    finally:
        noisy.setLevel(before)
