# SPDX-License-Identifier: Apache-2.0
"""The addresses behind the buttons "Job" and "Result"."""

from __future__ import annotations

from types import SimpleNamespace
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.links import (
    VideoJobLink,
    VideoResultLink,
    job_url,
    result_link,
    result_url,
    ui_is_on,
)
from airflow_provider_videoai.sensors.viitor import ViiTorTextRemovalSensor

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
    *parts, last = address.path.removeprefix("/team/video-jobs/api/jobs/").split("/")
    assert [unquote(part) for part in parts] == [str(value) for value in vars(TASK).values()]
    assert last == "result"


def test_both_addresses_are_the_plugins() -> None:
    from airflow_provider_videoai.plugin.airflow_plugin import VideoAIPlugin  # noqa: PLC0415 - it reads the base URL
    from airflow_provider_videoai.plugin.web import app  # noqa: PLC0415 - only an API server needs it

    assert VideoAIPlugin.external_views[0]["url_route"] == urlsplit(job_url(TASK)).path.rpartition("/plugin/")[2]
    (mounted,) = VideoAIPlugin.fastapi_apps
    path = unquote(urlsplit(result_url(TASK)).path.partition(mounted["url_prefix"])[2])
    met = [
        route for route in app.routes if route.matches({"type": "http", "path": path, "method": "GET"})[0].value == 2
    ]
    assert getattr(met[0], "name", None) == "result"


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


@given(st.text(), st.text(), st.text(), st.integers())
def test_any_ids_come_through_both_addresses(dag_id: str, run_id: str, task_id: str, map_index: int) -> None:
    task = SimpleNamespace(dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=map_index)
    ids = [dag_id, run_id, task_id, str(map_index)]
    assert [value for _, value in parse_qsl(urlsplit(job_url(task)).query, keep_blank_values=True)] == ids
    path = urlsplit(result_url(task)).path.removeprefix("/team/video-jobs/api/jobs/").removesuffix("/result")
    assert [unquote(part) for part in path.split("/")] == ids
    assert not {"+", " "} & {*job_url(task), *result_url(task)}


def test_an_id_that_no_encoding_takes_harms_no_link() -> None:
    task = SimpleNamespace(dag_id="\ud800", run_id="r", task_id="t", map_index=-1)
    assert "dag_id=%3F&" in job_url(task)
    assert "/%3F/" in result_url(task)


def test_an_iteration_of_a_loop_leads_to_the_row_that_the_database_has_of_it() -> None:
    iteration = SimpleNamespace(**vars(TASK) | {"map_index": -1, "region_id": UUID(int=7), "region_index": 2})
    region = {"region_id": [str(UUID(int=7))], "region_index": ["2"]}
    assert parse_qs(urlsplit(job_url(iteration)).query).items() >= ({"map_index": ["2"]} | region).items()
    result = urlsplit(result_url(iteration))
    assert result.path.endswith("/group.make/2/result")
    assert parse_qs(result.query) == region


@pytest.mark.parametrize("region", [{"region_id": UUID(int=0), "region_index": -1}, {"region_id": None}, {}], ids=str)
def test_a_task_in_no_loop_is_named_as_ever(region: dict[str, object]) -> None:
    task = SimpleNamespace(**vars(TASK) | {"map_index": -1} | region)
    assert "region" not in job_url(task)
    assert result_url(task).endswith("/group.make/-1/result")


def test_a_mapped_task_whose_arguments_were_never_rendered_has_no_button_and_no_error() -> None:
    mapped = ViiTorTextRemovalSensor.partial(task_id="wait").expand(job_id=["ViiTor_AI1"])
    assert not isinstance(mapped, ViiTorTextRemovalSensor)
    for link in (VideoJobLink(), VideoResultLink()):
        assert link.get_link(mapped, ti_key=TASK) == ""
        assert link.get_link(object(), ti_key=object()) == ""
