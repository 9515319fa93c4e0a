# SPDX-License-Identifier: Apache-2.0
"""An Airflow of the test session's own: home, database, logs, and a DAG bundle that is empty."""

from __future__ import annotations

import json
import logging
import os
import secrets
import sys
from pathlib import Path

import pytest

__all__ = ["BUNDLE", "NO_ARGUMENTS", "forget_bundles", "leave", "prepare", "set_home"]

BUNDLE = "videoai-tests"
"""The DAG bundle that tested DAGs are registered in."""


NO_ARGUMENTS: dict[str, object] = {}
"""What the drivers of the session's database are given, in place of arguments for that of the environment."""


def set_home(home: Path, patch: pytest.MonkeyPatch) -> None:
    """Have Airflow put its configuration into a folder, unless it has a home, or one was chosen for it.

    :param home: the folder.
    :param patch: sets environment variables, and restores them.
    """
    if "airflow" not in sys.modules and "AIRFLOW_HOME" not in os.environ:
        patch.setenv("AIRFLOW_HOME", str(home))


def prepare(home: Path, patch: pytest.MonkeyPatch) -> None:
    """Give this process a database of its own, whatever Airflow it was set up for.

    An Airflow at work would run the triggers that a test leaves in its database. Nor does anything that Airflow sends
    elsewhere by itself leave a test: logs, metrics, traces, errors, lineage.

    :param home: a folder without these names.
    :param patch: sets environment variables, and restores them.
    """
    bundle = home / "dags"
    bundle.mkdir()
    classpath = "airflow.dag_processing.bundles.local.LocalDagBundle"
    settings = {
        "CORE__LOAD_EXAMPLES": "False",
        # `dag.test()` of Airflow 3.2 starts no task without one.
        "API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(
            [{"name": BUNDLE, "classpath": classpath, "kwargs": {"path": str(bundle)}}]
        ),
        "CORE__EXECUTOR": "LocalExecutor",
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "DATABASE__SQL_ALCHEMY_CONN_ASYNC": f"sqlite+aiosqlite:///{home / 'airflow.db'}",
        # Those of another database's driver would fail.
        "DATABASE__SQL_ALCHEMY_CONNECT_ARGS": f"{__name__}.NO_ARGUMENTS",
        "DATABASE__SQL_ALCHEMY_CONNECT_ARGS_ASYNC": f"{__name__}.NO_ARGUMENTS",
        "DATABASE__SQL_ALCHEMY_ENGINE_ARGS": "{}",
        "DATABASE__SQL_ALCHEMY_SCHEMA": "",
        "LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "LOGGING__REMOTE_LOGGING": "False",
        "LOGGING__LOGGING_CONFIG_CLASS": "",
        "CORE__XCOM_BACKEND": "airflow.sdk.bases.xcom.BaseXCom",
        "WORKERS__STATE_STORE_BACKEND": "",
        "METRICS__STATSD_ON": "False",
        "METRICS__STATSD_DATADOG_ENABLED": "False",
        "METRICS__OTEL_ON": "False",
        "TRACES__OTEL_ON": "False",
        "SENTRY__SENTRY_ON": "False",
        "OPENLINEAGE__DISABLED": "True",
    }
    for name, value in settings.items():
        patch.setenv(f"AIRFLOW__{name}", value)
    if "airflow" in sys.modules:
        # Its home was read when a test module imported it, and the address of its database.
        _connect_again()
        forget_bundles()
    else:
        patch.setenv("AIRFLOW_HOME", str(home))
        patch.setenv("AIRFLOW_CONFIG", str(home / "airflow.cfg"))
    _create_tables()


def forget_bundles() -> None:
    """Have Airflow read again which DAG bundles are configured: from 3.4 on it remembers the first answer."""
    from airflow.dag_processing.bundles import manager

    if (remembered := getattr(manager, "_load_bundle_config_snapshot", None)) is not None:
        remembered.cache_clear()


def leave() -> None:
    """Give up the asynchronous connections, as Airflow does in a process that it forks, and forget the bundle.

    When Python ends, Airflow closes them without their event loop. SQLAlchemy 2.1 logs a traceback of that, when pytest
    has closed the stream that it would go to.
    """
    from airflow import settings

    forget_bundles()
    if (engine := getattr(settings, "async_engine", None)) is not None:
        engine.sync_engine.dispose(close=False)


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
