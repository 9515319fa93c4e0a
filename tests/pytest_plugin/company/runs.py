# SPDX-License-Identifier: Apache-2.0
"""Tests of a company; ``tests/pytest_plugin/test_apart.py`` runs them, and looks at what they left."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.testing import assert_paid_once

REQUEST = {"task_name": "clip", "full_erase_roi": [[60, 288, 580, 336]]}


def test_a_dag(videoai_dag_run: Any, videoai_sandbox: Any) -> None:
    run = videoai_dag_run("one", {"url": videoai_sandbox.sample()})
    assert run.states == {"clean": "success"}
    assert_paid_once(run)


@pytest.mark.usefixtures("videoai_dag_run")
def test_both_engines_are_of_the_sessions_own_database() -> None:
    from airflow import settings  # noqa: PLC0415

    assert settings.engine is not None
    assert settings.async_engine is not None
    urls = [settings.engine.url, settings.async_engine.url]
    assert [url.get_backend_name() for url in urls] == ["sqlite", "sqlite"]
    assert len({url.database for url in urls}) == 1


@pytest.mark.usefixtures("videoai_dag_run")
def test_metrics_and_logs_are_sent_nowhere() -> None:
    from airflow.configuration import conf  # noqa: PLC0415

    assert not conf.getboolean("metrics", "statsd_datadog_enabled")
    assert not conf.get("logging", "logging_config_class")


def test_a_hook_of_a_test_itself(videoai_connections: Any, videoai_sandbox: Any) -> None:
    from airflow_provider_videoai.hooks.viitor import ViiTorHook  # noqa: PLC0415 - not before a fixture is used

    assert videoai_connections
    job_id = ViiTorHook().submit(REQUEST | {"url": videoai_sandbox.sample()})
    assert [each["job_id"] for each in videoai_sandbox.charges] == [job_id]


@pytest.mark.usefixtures("videoai_connections")
def test_a_hook_with_a_real_account() -> None:
    from airflow_provider_videoai.hooks.viitor import ViiTorHook  # noqa: PLC0415
    from airflow_provider_videoai.jobs.errors import InvalidRequest  # noqa: PLC0415

    with pytest.raises(InvalidRequest, match=r"connection 'studio': host is https://video-.*Nothing was sent"):
        ViiTorHook("studio").submit(REQUEST | {"url": "https://media.example/in.mp4"})


def test_a_test_of_all_dags_finds_them_after_a_run_as_well() -> None:
    from airflow import settings  # noqa: PLC0415 - what DagBag() reads

    assert Path(settings.DAGS_FOLDER) == Path(__file__).parent / "dags"


def test_the_shell_is_restored() -> None:
    assert os.environ["AIRFLOW__SECRETS__BACKEND"] == "vault.Vault"
    assert os.environ["NO_PROXY"] == "git.example"
    assert "AIRFLOW_CONN_TOPVIEW_DEFAULT" not in os.environ
