# SPDX-License-Identifier: Apache-2.0
"""What Airflow's components load of the page, and when there is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from typing import Any

import pytest
from airflow.api_fastapi.core_api.datamodels.plugins import ExternalViewResponse

from airflow_provider_videoai.decorators.batch import _VideoBatchDecoratedOperator
from airflow_provider_videoai.operators.batch import VideoBatchOperator
from airflow_provider_videoai.plugin import airflow_plugin
from tests.support.cases import CASES

WITH_A_PAGE = (
    *(task for case in CASES.values() for task in (case.operator, case.sensor)),
    VideoBatchOperator,
    _VideoBatchDecoratedOperator,
)
PROBE = """
import json, sys
{first}
import airflow.plugins_manager
before = set(sys.modules)
from airflow_provider_videoai.plugin.airflow_plugin import VideoAIPlugin
loaded = sorted({{name.partition(".")[0] for name in set(sys.modules) - before}})
print(json.dumps([loaded, len(VideoAIPlugin.fastapi_apps), [view["href"] for view in VideoAIPlugin.external_views]]))
"""
WITHOUT_API_SERVER = """
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "fastapi" or name.startswith("airflow.api_fastapi"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
"""


def loaded(first: str = "", **environment: str) -> Any:
    probe = subprocess.run(
        [sys.executable, "-c", PROBE.format(first=first)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    return json.loads(probe.stdout.splitlines()[-1])


def test_airflow_finds_the_page_as_a_plugin() -> None:
    (found,) = metadata.distribution("airflow-provider-videoai").entry_points.select(group="airflow.plugins")
    assert found.load() is airflow_plugin.VideoAIPlugin


def test_a_component_that_loads_plugins_loads_no_library_because_of_this_one() -> None:
    modules, apps, views = loaded()
    assert set(modules) - {"airflow", "airflow_provider_videoai"} - sys.stdlib_module_names == set()
    assert (apps, views[0]) == (1, "/video-jobs/")
    assert len(views) == 1 + airflow_plugin._can_limit_tabs()


def test_a_worker_without_the_api_server_loads_the_plugin_all_the_same() -> None:
    assert loaded(WITHOUT_API_SERVER)[1] == 1


def test_the_page_can_be_switched_off() -> None:
    assert loaded(AIRFLOW__VIDEOAI__UI="False")[1:] == [0, []]


def test_the_page_is_found_where_airflow_lives_under_a_path() -> None:
    assert loaded(AIRFLOW__API__BASE_URL="https://example.com/airflow/")[2][0] == "/airflow/video-jobs/"


def test_airflow_understands_the_navigation_entry() -> None:
    view, *tabs = (ExternalViewResponse.model_validate(view) for view in airflow_plugin.VideoAIPlugin.external_views)
    assert [tab.destination for tab in tabs] == ["task_instance"] * airflow_plugin._can_limit_tabs()
    assert (view.destination, view.nav_top_level, view.url_route) == ("nav", True, "video-jobs")


def test_a_tab_is_offered_only_if_airflow_can_limit_it_to_tasks_of_this_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(airflow_plugin, "_can_limit_tabs", lambda: False)
    assert [view["destination"] for view in airflow_plugin._views()] == ["nav"]
    monkeypatch.setattr(airflow_plugin, "_can_limit_tabs", lambda: True)
    tab = airflow_plugin._views()[1]
    assert tab["destination"] == "task_instance"
    (modules,) = tab["applies_to"].values()
    assert set(modules) == {each.__module__ for each in WITH_A_PAGE}
