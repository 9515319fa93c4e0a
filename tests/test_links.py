# SPDX-License-Identifier: Apache-2.0
"""The addresses behind the buttons "Job" and "Result"."""

from __future__ import annotations

from types import SimpleNamespace
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from airflow_provider_videoai.links import (
    VideoJobLink,
    VideoResultLink,
    job_url,
    result_link,
    result_url,
    ui_is_on,
)

TASK = SimpleNamespace(dag_id="my.dag", run_id="manual__2026-11-21T10:12:25.7+00:00", task_id="group.make", map_index=3)


@pytest.fixture(autouse=True)
def base_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com/team/")


def test_the_job_is_shown_in_airflows_frame() -> None:
    address = urlsplit(job_url(TASK))
    assert (address.netloc, address.path) == ("airflow.example.com", "/team/plugin/video-jobs")
    assert parse_qs(address.query) == {name: [str(value)] for name, value in vars(TASK).items()}


def test_the_result_is_a_route_of_the_page() -> None:
    address = urlsplit(result_url(TASK))
    assert (address.netloc, address.query) == ("airflow.example.com", "")
    *where, last = address.path.removeprefix("/team/video-jobs/api/jobs/").split("/")
    assert [unquote(part) for part in where] == [str(value) for value in vars(TASK).values()]
    assert last == "result"


def test_both_addresses_are_the_plugins() -> None:
    from airflow_provider_videoai.plugin.entry import VideoAIPlugin  # noqa: PLC0415 - it reads the base URL
    from airflow_provider_videoai.plugin.web import app  # noqa: PLC0415 - only an API server needs it

    assert VideoAIPlugin.external_views[0]["url_route"] == urlsplit(job_url(TASK)).path.rpartition("/plugin/")[2]
    (mounted,) = VideoAIPlugin.fastapi_apps
    path = unquote(urlsplit(result_url(TASK)).path.partition(mounted["url_prefix"])[2])
    met = [
        route for route in app.routes if route.matches({"type": "http", "path": path, "method": "GET"})[0].value == 2
    ]
    assert [getattr(route, "name", None) for route in met] == ["result"]


def test_without_a_base_url_the_path_alone_leads_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW__API__BASE_URL")
    assert job_url(TASK).startswith("/plugin/video-jobs?dag_id=my.dag&")
    assert result_url(TASK).startswith("/video-jobs/api/jobs/my.dag/")


@pytest.mark.parametrize(("media", "leads_to"), [(0, ""), (1, result_url), (2, job_url)])
def test_several_results_are_shown_on_the_page(media: int, leads_to: object) -> None:
    assert result_link(TASK, media) == (leads_to(TASK) if callable(leads_to) else leads_to)


def test_no_link_is_shown_where_the_page_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    done = SimpleNamespace(has_job=True, media_count=1)
    assert ui_is_on()
    assert VideoJobLink().get_link(done, ti_key=TASK)
    assert VideoResultLink().get_link(done, ti_key=TASK)
    monkeypatch.setenv("AIRFLOW__VIDEOAI__UI", "False")
    assert not ui_is_on()
    assert VideoJobLink().get_link(done, ti_key=TASK) == VideoResultLink().get_link(done, ti_key=TASK) == ""
