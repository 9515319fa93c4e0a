# SPDX-License-Identifier: Apache-2.0
"""The page in a real API server of Airflow: whatever tasks stored and whoever requests what, it responds."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videoai.plugin import records
from tests.support.api_server import API, HIDDEN, ApiServer, Stored
from tests.support.batches import REFERENCE

CARD = {
    "vendor": "viitor",
    "operation": "text_removal",
    "polled_as": "text_removal",
    "conn_id": "viitor_default",
    "job_ids": ["j1"],
    "submitted_at": 1_778_486_400.0,
    "source": "https://media.example/in.mp4",
}


def states(api_server: ApiServer, **query: Any) -> dict[str, str]:
    with api_server.client() as client:
        answer = client.get(API, params=query)
        assert answer.status_code == 200, answer.text
        return {job["task_id"]: job["state"] for job in answer.json()["jobs"]}


def listed(api_server: ApiServer, **query: Any) -> dict[str, Any]:
    with api_server.client() as client:
        answer = client.get(API, params=query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def test_a_list_of_many_tasks_comes_in_pages_with_the_counts_of_all(api_server: ApiServer) -> None:
    for number in range(130):
        ended: Any = {"status": {"jobs": [{"job_id": "j1", "state": "failed"}]}} if number % 10 == 0 else {}
        api_server.task(task_id="cut", map_index=number, video_job=CARD, **ended)
    first, last = listed(api_server), listed(api_server, page=3)
    assert [len(each["jobs"]) for each in (first, last)] == [50, 30]
    assert [each["map_index"] for each in first["jobs"]][:2] == [129, 128]
    for each in (first, last):
        assert (each["total"], each["pages"], each["states"]) == (130, 3, {"queued": 117, "failed": 13})
    failed = listed(api_server, sort="failed", limit=13)["jobs"]
    assert {each["state"] for each in failed} == {"failed"}


def test_a_run_and_a_task_can_be_chosen(api_server: ApiServer) -> None:
    for run_id in ("r1", "r/2"):
        for task_id in ("cut", "clean"):
            api_server.task(run_id=run_id, task_id=task_id, video_job=CARD)
    chosen = listed(api_server, run_id="r/2", task_id="cut")["jobs"]
    assert [(each["run_id"], each["task_id"]) for each in chosen] == [("r/2", "cut")]
    assert listed(api_server, run_id="R1")["jobs"] == []


def test_a_list_says_if_there_are_tasks_that_it_does_not_look_at(
    api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        api_server.task(task_id=f"t{number}", video_job=CARD)
    monkeypatch.setattr("airflow_provider_videoai.plugin.web.SCAN", 2)
    assert (listed(api_server)["more"], listed(api_server)["total"]) == (2, 2)
    monkeypatch.setattr("airflow_provider_videoai.plugin.web.SCAN", 3)
    assert (listed(api_server)["more"], listed(api_server)["total"]) == (None, 3)


def test_a_task_with_two_references_hides_no_other_that_is_not_looked_at(
    api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    api_server.task(task_id="old", video_job=CARD)
    api_server.task(task_id="twice", video_batch=REFERENCE, video_job=CARD)
    monkeypatch.setattr("airflow_provider_videoai.plugin.web.SCAN", 1)
    assert (listed(api_server)["more"], [each["task_id"] for each in listed(api_server)["jobs"]]) == (1, ["twice"])


def test_a_dag_that_is_not_there_is_said_to_be_unknown(api_server: ApiServer) -> None:
    api_server.task("dag", video_job=CARD)
    assert listed(api_server, dag_id="dag")["known"]
    unknown = listed(api_server, dag_id="other")
    assert (unknown["known"], unknown["jobs"], unknown["dag_ids"]) == (False, [], ["dag"])


def test_what_airflow_has_not_changed_is_not_read_again(api_server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    stored = records.stored

    def counted(entries: Any) -> Any:
        read.append(len(entries))
        return stored(entries)

    monkeypatch.setattr(records, "stored", counted)
    for number in range(3):
        api_server.task(task_id=f"t{number}", video_job=CARD)
    assert len(listed(api_server)["jobs"]) == len(listed(api_server, search="t")["jobs"]) == 3
    assert read == [3]
    api_server.store(task_id="t1", progress={"state": "running", "progress": 40})
    assert {each["task_id"]: each["progress"] for each in listed(api_server)["jobs"]} == {
        "t0": None,
        "t1": 40,
        "t2": None,
    }
    api_server.end(task_id="t2", state="failed")
    assert listed(api_server)["states"] == {"queued": 1, "running": 1, "unwatched": 1}
    assert read == [3, 1, 1]


def test_a_submitted_job_leads_to_the_sensor_that_watches_it(api_server: ApiServer) -> None:
    path = api_server.task(task_id="submit", task_state="success", video_job=CARD)
    waiting: Any = {"progress": {"state": "running", "progress": 40}}
    api_server.task(task_id="wait", video_job=CARD | {"submitted_at": None}, **waiting)
    key = {"dag_id": "dag", "run_id": "run", "task_id": "wait", "map_index": -1}
    with api_server.client() as client:
        for shown in (listed(api_server, task_id="submit", state="running")["jobs"][0], client.get(path).json()):
            assert (shown["state"], shown["progress"], shown["watched_by"]) == ("running", 40, key)


def test_a_sensor_that_a_user_may_not_read_says_nothing_of_a_job(api_server: ApiServer) -> None:
    path = api_server.task(task_id="submit", task_state="success", video_job=CARD)
    api_server.task(f"{HIDDEN}.dag", task_id="wait", video_job=CARD | {"submitted_at": None})
    with api_server.client() as client:
        for shown in (listed(api_server)["jobs"][0], client.get(path).json()):
            assert (shown["state"], shown["watched_by"]) == ("unwatched", None)


UNREADABLE = {
    "an absurd time": CARD | {"submitted_at": 1e300},
    "no finite time": CARD | {"submitted_at": float("nan")},
    "a time before time": CARD | {"submitted_at": -1},
    "deep text": "[" * 200_000,
    "deep": Stored("[" * 100_000 + "]" * 100_000),
    "no JSON": Stored("{"),
    "a long number": Stored("9" * 10_000),
    "another provider's": {"id": 5},
    "null": None,
    "a list": [CARD],
    "no job": CARD | {"job_ids": []},
    "odd jobs": CARD | {"job_ids": [1, None]},
    "a surrogate": CARD | {"job_ids": ["\ud800"]},
    "a long id": CARD | {"job_ids": ["x" * 10_000]},
    "a control character": CARD | {"conn_id": "a\x00b"},
    "too many jobs": CARD | {"job_ids": ["j"] * 60_000},
}


@pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_card_that_cannot_be_read_is_shown_as_that_and_harms_no_other(value: Any, api_server: ApiServer) -> None:
    api_server.task(task_id="good", video_job=CARD)
    path = api_server.task(task_id="bad", video_job=value)
    assert states(api_server) == {"good": "queued", "bad": "unreadable"}
    assert states(api_server, vendor="viitor") == {"good": "queued"}
    assert states(api_server, state="unreadable") == {"bad": "unreadable"}
    with api_server.client() as client:
        page = client.get(path)
        assert (page.status_code, page.json()["state"], page.json()["results"]) == (200, "unreadable", [])
        assert {what: client.get(f"{path}/{what}").status_code for what in ("source", "result", "subtitles")} == (
            dict.fromkeys(("source", "result", "subtitles"), 404)
        )


@pytest.mark.parametrize("key", ["progress", "state", "finished_at", "status", "return_value"])
@pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_whatever_else_a_task_stored_its_job_is_shown(key: str, value: Any, api_server: ApiServer) -> None:
    path = api_server.task(video_job=CARD, **{key: value})
    assert states(api_server) == {"task": "queued"}
    with api_server.client() as client:
        assert client.get(path).json()["results"][0]["job_id"] == "j1"


def test_a_run_whose_id_holds_what_a_path_may_not_has_its_page(api_server: ApiServer) -> None:
    api_server.task(run_id="a/b c+d%25é", video_job=CARD)
    with api_server.client() as client:
        for what, status in (("", 200), ("/source", 307), ("/result", 404), ("/subtitles", 404)):
            assert client.get(f"{API}/dag/a%2Fb%20c%2Bd%2525%C3%A9/task/-1{what}").status_code == status, what


def test_a_loop_is_no_matter_to_an_airflow_without_loops(api_server: ApiServer) -> None:
    path = api_server.task(map_index=2, video_job=CARD)
    region = "region_id=00000000-0000-0000-0000-000000000007&region_index=2"
    with api_server.client() as client:
        assert client.get(f"{path}?{region}").json()["map_index"] == 2
        assert client.get(f"{path}/source?{region}").status_code == 307


def test_the_request_is_shown_from_the_arguments_that_airflow_keeps(api_server: ApiServer) -> None:
    path = api_server.task(video_job=CARD, rendered={"url": CARD["source"], "full_erase_roi": "[[0, 0, 9, 9]]"})
    other = api_server.task(task_id="Task", video_job=CARD)
    with api_server.client() as client:
        assert client.get(path).json()["request"]["regions"][0]["box"] == [0, 0, 9, 9]
        assert client.get(other).json()["request"] == {"rows": [], "regions": [], "cut": None}


@pytest.mark.parametrize(
    "rendered", [Stored("{"), Stored("[" * 100_000), [CARD], "text"], ids=["no JSON", "deep", "a list", "a text"]
)
def test_whatever_arguments_airflow_keeps_the_job_is_shown(rendered: Any, api_server: ApiServer) -> None:
    path = api_server.task(video_job=CARD, rendered=rendered)
    with api_server.client() as client:
        assert client.get(path).json()["request"]["rows"] == []


BAD_PATHS = [
    f"{API}/d%00/run/task/-1",
    f"{API}/dag/r%00/task/-1/result",
    f"{API}/dag/run/t%00/-1/source",
    f"{API}/dag/run/task/%00",
    f"{API}/dag/%ED%A0%80/task/-1",
    f"{API}/{'d' * 10_000}/run/task/-1",
    f"{API}/dag/{'r' * 10_000}/task/-1/subtitles",
    f"{API}/dag/run/task/-2",
    f"{API}/dag/run/task/{2**31}",
    f"{API}/dag/run/task/{2**63}",
    f"{API}/dag/run/task/{'9' * 5000}",
    f"{API}/dag/run/task/1e3",
    f"{API}/dag/run/task/-1/result?job=-1",
    f"{API}/dag/run/task/-1/result?job={'9' * 5000}",
    f"{API}/dag/run/task/-1/result?refused=%00",
    f"{API}/dag/run/task/-1/result?output=-1",
    f"{API}/dag/run/task/-1/result?output=100",
    f"{API}/dag/run/task/-1/result?output={'9' * 5000}",
    f"{API}/dag/run/task/-1?region_id={'x' * 100}",
    f"{API}?dag_id=%00",
    f"{API}?dag_id=dag&dag_id=%00",
    f"{API}?dag_id={'d' * 10_000}",
    f"{API}?vendor=%00",
    f"{API}?vendor=%ED%A0%80",
    f"{API}?state=%00",
    f"{API}?run_id=%00",
    f"{API}?page=0",
    f"{API}?page={'9' * 5000}",
    f"{API}?sort=odd",
    f"{API}?search={'x' * 5000}",
    f"{API}?limit=-1",
    f"{API}?limit={'9' * 5000}",
    f"{API}?limit=50&limit=x",
    "/video-jobs/%00",
    "/video-jobs/static/%00",
    "/video-jobs/static/..%2F..%2Fetc",
]


@pytest.mark.parametrize("path", BAD_PATHS, ids=[path[:60] for path in BAD_PATHS])
def test_what_cannot_be_there_is_refused_in_json(path: str, api_server: ApiServer) -> None:
    with api_server.client() as client:
        answer = client.get(path)
    assert answer.status_code in (404, 422)
    assert isinstance(answer.json()["detail"], str)


def test_of_a_repeated_parameter_the_last_counts_for_both_access_and_answer(api_server: ApiServer) -> None:
    api_server.task("dag", video_job=CARD)
    api_server.task(f"{HIDDEN}.dag", task_id="other", video_job=CARD)
    with api_server.client() as client:
        assert client.get(f"{API}?dag_id=dag&dag_id={HIDDEN}.dag").status_code == 403
        mine = client.get(f"{API}?dag_id={HIDDEN}.dag&dag_id=dag").json()
        assert [job["dag_id"] for job in mine["jobs"]] == ["dag"]


def test_a_dag_that_a_user_may_not_read_looks_like_one_that_is_not_there(api_server: ApiServer) -> None:
    there = api_server.task(f"{HIDDEN}.a", video_job=CARD)
    absent = there.replace(f"{HIDDEN}.a", f"{HIDDEN}.b")
    assert states(api_server) == {}
    with api_server.client() as client:
        assert client.get(API).json()["dag_ids"] == []
        for what in ("", "/source", "/result", "/subtitles"):
            found, missing = (client.get(path + what) for path in (there, absent))
            assert (found.status_code, found.text) == (missing.status_code, missing.text) == (403, found.text)


@pytest.mark.parametrize("path", ["", "/dag/run/task/-1", "/dag/run/task/-1/result", "/dag/%00/task/-1", "/d/r/t/x"])
def test_without_a_login_every_route_answers_401(path: str, api_server: ApiServer) -> None:
    api_server.task(video_job=CARD)
    with api_server.client(None) as nobody:
        assert nobody.get(API + path).status_code == 401


def test_an_error_that_nobody_expected_shows_nothing_of_the_inside_and_is_logged_once(
    api_server: ApiServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, everything_said: Any
) -> None:
    text = "no address https://media.example/in/out.mp4?sign=secret"

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError(text)

    api_server.task(video_job=CARD)
    monkeypatch.setattr("airflow_provider_videoai.plugin.view.page", fail)
    with api_server.client() as client:
        answer = client.get(f"{API}/dag/run/task/-1")
    assert (answer.status_code, answer.json()) == (
        500,
        {"detail": "Something went wrong. The API server's log says more."},
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    (logged,) = (record.getMessage() for record in caplog.records if record.levelname == "ERROR")
    assert logged.startswith("Video jobs: ")
    assert "RuntimeError: no address https://media.example/…/out.mp4" in logged
    assert "test_api_server.py" in logged
    assert "secret" not in everything_said()
