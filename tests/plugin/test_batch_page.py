# SPDX-License-Identifier: Apache-2.0
"""A batch in the page: its row in the list, its items from records and manifest, whatever is stored there."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.batches.manifest import lines_of
from airflow_provider_videoai.plugin import manifests, task_states
from tests.support.api_server import API, HIDDEN, ApiServer, Stored
from tests.support.batches import COUNTS, REFERENCE, ended, line, submitted, written
from tests.support.which_airflow import needs_airflow_3_3

pytestmark = needs_airflow_3_3("the task state store")

ITEMS = {
    "a": ended("succeeded", "job-a", sha256="0" * 64, duration_ms=8000),
    "b": ended("failed", "job-b", error={"type": "JobFailed", "message": "no text found", "code": "1042"}),
    "c": submitted("job-c"),
    "d": {"submission": {"phase": "failed"}},
    "e": ended("skipped", "job-of-before", sha256="1" * 64),
}


def of(api_server: ApiServer, path: str, **query: Any) -> dict[str, Any]:
    with api_server.client() as client:
        answer = client.get(path.replace("/jobs/", "/batches/"), params=query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def states(shown: dict[str, Any]) -> list[tuple[str, str]]:
    return [(item["label"], item["state"]) for item in shown["items"]]


@pytest.fixture
def batch(api_server: ApiServer) -> str:
    """The path of a batch with five items."""
    path = api_server.task(video_batch=REFERENCE, batch=COUNTS)
    api_server.states("videoai_batch", {"version": 1, "parts": 1})
    api_server.states("videoai_batch_0", {"version": 1, "items": ITEMS})
    return path


def test_a_batch_is_one_row_of_the_list_with_the_counts_of_its_items(api_server: ApiServer, batch: str) -> None:
    with api_server.client() as client:
        listed = client.get(API).json()
        (row,) = listed["jobs"]
        assert client.get(batch).json()["batch"] == row["batch"]
    assert row["batch"] == COUNTS | {"at": "2026-05-11T08:00:00+00:00"}
    assert (row["state"], row["progress"], row["jobs"]) == ("running", 30, 10)
    assert (row["vendor_name"], row["operation"], listed["dag_ids"]) == ("ViiTor", "text_removal", ["dag"])


def test_a_batch_that_did_not_begin_is_listed_as_rejected_with_its_reason(api_server: ApiServer) -> None:
    refusal = {"error": "InvalidRequest", "message": "requests: row 1: task_name: is missing"}
    path = api_server.task(video_batch=REFERENCE | {"max_in_flight": None, "refusal": refusal})
    with api_server.client() as client:
        (row,) = client.get(API).json()["jobs"]
    assert (row["state"], row["reason"], row["jobs"]) == ("rejected", refusal["message"], 0)
    shown = of(api_server, path)
    assert (shown["reason"], shown["max_in_flight"], shown["items"]) == (refusal["message"], None, [])


def test_what_failed_comes_first_and_each_item_has_its_state(api_server: ApiServer, batch: str) -> None:
    shown = of(api_server, batch)
    assert states(shown) == [
        ("b", "failed"),
        ("c", "running"),
        ("d", "queued"),
        ("a", "succeeded"),
        ("e", "skipped"),
    ]
    failed = shown["items"][0]
    assert (failed["job_id"], failed["error"]) == ("job-b", "JobFailed: no text found (code 1042)")
    assert (shown["max_in_flight"], shown["total"], shown["states"]["failed"]) == (100, 5, 1)


def test_items_are_found_by_state_and_text_and_come_in_pages(api_server: ApiServer) -> None:
    path = api_server.task(video_batch=REFERENCE, batch=COUNTS)
    for part in range(3):
        items = {f"clip-{number}": submitted(f"job-{number}") for number in range(part * 60, part * 60 + 60)}
        api_server.states(f"videoai_batch_{part}", {"version": 1, "items": items})
    last = of(api_server, path, sort="item", page=4)
    assert (last["total"], last["pages"], len(last["items"])) == (180, 4, 30)
    assert last["items"][-1]["item_id"] == "clip-179"
    assert [item["item_id"] for item in of(api_server, path, search="JOB-17", state="running")["items"]] == [
        "clip-17",
        *(f"clip-17{digit}" for digit in range(10)),
    ]
    assert of(api_server, path, state="failed")["items"] == []


def test_a_job_in_place_of_a_failed_one_is_in_flight(api_server: ApiServer) -> None:
    path = api_server.task(video_batch=REFERENCE)
    entry = ended("failed", "first", error={"type": "JobFailed", "message": "no", "code": None}) | submitted("second")
    api_server.states("videoai_batch_0", {"version": 1, "items": {"a": entry}})
    (item,) = of(api_server, path)["items"]
    assert (item["state"], item["job_id"], item["error"]) == ("running", "second", None)


UNREADABLE_PARTS = {
    "no JSON": Stored("{"),
    "deep": Stored("[" * 100_000),
    "a list": [1],
    "null": None,
    "another version": {"version": 2, "items": {}},
    "no items": {"version": 1},
    "a reference to another storage": {"__reference__": "s3://bucket/key"},
    "too long": Stored(json.dumps({"version": 1, "items": {"x": "y" * task_states.LONGEST_PART}})),
}


@pytest.mark.parametrize("value", UNREADABLE_PARTS.values(), ids=UNREADABLE_PARTS.keys())
def test_a_part_that_cannot_be_read_is_one_row_and_harms_no_other(value: Any, api_server: ApiServer) -> None:
    path = api_server.task(video_batch=REFERENCE)
    good = {"version": 1, "items": {"a": submitted("job-a")}}
    for name, stored in (("0", value), ("1", good), ("x", value)):
        api_server.states(f"videoai_batch_{name}", stored)
    assert states(of(api_server, path)) == [("videoai_batch_0", "unreadable"), ("a", "running")]


UNREADABLE_ENTRIES = {
    "a text": "edited",
    "an odd phase": {"submission": {"phase": "odd"}},
    "a surrogate": {"submission": {"phase": "submitted", "job_id": "\ud800"}},
    "a long id": {"submission": {"phase": "submitted", "job_id": "x" * 5000}},
}


@pytest.mark.parametrize("entry", UNREADABLE_ENTRIES.values(), ids=UNREADABLE_ENTRIES.keys())
def test_an_item_that_a_person_broke_is_a_row_that_says_so(entry: Any, api_server: ApiServer) -> None:
    path = api_server.task(video_batch=REFERENCE)
    api_server.states("videoai_batch_0", {"version": 1, "items": {"bad": entry, "a": submitted("job-a")}})
    shown = of(api_server, path)
    assert states(shown) == [("bad", "unreadable"), ("a", "running")]
    assert shown["items"][0]["place"] == "videoai_batch_0"


@pytest.mark.parametrize("item_id", ["", "\ud800", "x" * 300, "a\nb"], ids=repr)
def test_an_id_that_no_item_can_have_is_shown_as_unreadable(item_id: str, api_server: ApiServer) -> None:
    path = api_server.task(video_batch=REFERENCE)
    api_server.states("videoai_batch_0", {"version": 1, "items": {item_id: submitted("j")}})
    (item,) = of(api_server, path)["items"]
    assert (item["item_id"], item["state"]) == (None, "unreadable")


@pytest.mark.parametrize("at", [1e300, -5, float("inf"), "now", None], ids=repr)
def test_odd_times_and_counts_are_left_out(at: Any, api_server: ApiServer) -> None:
    path = api_server.task(video_batch=REFERENCE, batch=COUNTS | {"at": at})
    api_server.states("videoai_batch_0", {"version": 1, "items": {"a": ended("succeeded", "j", at=at)}})
    shown = of(api_server, path)
    assert shown["batch"]["at"] is None
    assert shown["items"][0]["ended_at"] is None
    other = api_server.task(task_id="other", video_batch=REFERENCE, batch={"failed": -1})
    assert of(api_server, other)["batch"] == {}


@pytest.mark.parametrize("value", ["text", [REFERENCE], REFERENCE | {"vendor": ""}, {"vendor": "viitor"}], ids=repr)
def test_a_reference_that_cannot_be_read_is_an_unreadable_row(value: Any, api_server: ApiServer) -> None:
    path = api_server.task(video_batch=value, batch=COUNTS)
    with api_server.client() as client:
        assert [job["state"] for job in client.get(API).json()["jobs"]] == ["unreadable"]
        answer = client.get(path.replace("/jobs/", "/batches/"))
        assert (answer.status_code, client.get(path).status_code) == (404, 200)


@pytest.mark.parametrize(
    ("task_state", "counts", "state"),
    [
        ("running", {"queued": 10, "running": 0, "succeeded": 0, "failed": 0, "skipped": 0}, "queued"),
        ("deferred", COUNTS, "running"),
        ("failed", COUNTS, "unwatched"),
        ("failed", {"queued": 0, "running": 0, "succeeded": 5, "failed": 5, "skipped": 0}, "failed"),
        ("success", {"queued": 0, "running": 0, "succeeded": 9, "failed": 1, "skipped": 0}, "succeeded"),
    ],
)
def test_a_batch_has_the_state_that_its_task_and_its_items_give(
    task_state: str, counts: Any, state: str, api_server: ApiServer
) -> None:
    api_server.task(task_state=task_state, video_batch=REFERENCE, batch=counts)
    with api_server.client() as client:
        assert client.get(API).json()["jobs"][0]["state"] == state


def test_who_may_not_read_a_dag_sees_no_batch_of_it(api_server: ApiServer) -> None:
    path = api_server.task(f"{HIDDEN}.dag", video_batch=REFERENCE).replace("/jobs/", "/batches/")
    with api_server.client() as client, api_server.client(None) as nobody:
        for what in ("", "/item?item_id=a", "/media?item_id=a", "/source?item_id=a"):
            assert (client.get(path + what).status_code, nobody.get(path + what).status_code) == (403, 401)
        assert client.get(API).json()["jobs"] == []


def test_a_task_with_one_job_is_no_batch(api_server: ApiServer, batch: str) -> None:
    from tests.plugin.test_api_server import CARD  # noqa: PLC0415 - its table is long

    path = api_server.task(task_id="single", video_job=CARD).replace("/jobs/", "/batches/")
    with api_server.client() as client:
        assert client.get(path).json()["detail"] == "This task is no batch."
        missing = client.get(f"{batch.replace('/jobs/', '/batches/')}/item?item_id=zz")
        assert missing.status_code == 404


# -- the manifest ---------------------------------------------------------------------------------------------------


@pytest.fixture
def with_manifest(api_server: ApiServer, tmp_path: Path) -> tuple[str, Path]:
    """The path of the batch, whose task names a manifest and a destination; and the manifest."""
    file = tmp_path / "all.jsonl"
    rendered = {"manifest": f"file://{file}", "destination": f"file://{tmp_path}/{{item_id}}.mp4", "requests": "..."}
    path = api_server.task(video_batch=REFERENCE, batch=COUNTS, rendered=rendered)
    api_server.states("videoai_batch_0", {"version": 1, "items": ITEMS})
    return path, file


def test_a_manifest_says_what_was_requested_and_which_items_have_no_record_yet(
    api_server: ApiServer, with_manifest: tuple[str, Path]
) -> None:
    path, file = with_manifest
    written(
        file, line("a", "succeeded", "job-a"), line("c", "running", "job-c"), line("z", "succeeded", "of-yesterday")
    )
    shown = of(api_server, path, sort="item")
    assert [(item["item_id"], item["state"]) for item in shown["items"]][-1] == ("z", "queued")
    first = shown["items"][0]
    assert (first["source"], first["path"]) == ("https://media.example/…/a.mp4", f"file://{file.parent}/a.mp4")
    assert [item["item_id"] for item in of(api_server, path, search="/A.MP4")["items"]] == ["a"]
    assert all(item["source"] is None for item in of(api_server, path, manifest=False)["items"])
    detail = of(api_server, f"{path}/item", item_id="a")
    assert dict(detail["request"]["rows"])["task_name"] == "a"
    assert detail["request"]["regions"][0]["box"] == [0, 0, 9, 9]
    assert detail["source_media"] == "video"


def test_no_response_holds_an_address_of_media(api_server: ApiServer, with_manifest: tuple[str, Path]) -> None:
    path, file = with_manifest
    written(file, line("a", "succeeded", "job-a", url="https://cdn.example/x/secret.mp4?sign=secret"))
    with api_server.client() as client:
        there = path.replace("/jobs/", "/batches/")
        for response in (client.get(there), client.get(f"{there}/item?item_id=a")):
            assert response.status_code == 200
            assert "secret" not in response.text
            assert "cdn.example" not in response.text


def test_lines_that_a_person_broke_are_rows_that_say_so(api_server: ApiServer, with_manifest: tuple[str, Path]) -> None:
    path, file = with_manifest
    broken = ["{", "[1]", json.dumps(line("x", "odd", None)), json.dumps(line("a\nb", "queued", None)), "\x00"]
    file.write_text("\n".join([json.dumps(line("a", "succeeded", "job-a")), *broken]) + "\n")
    shown = of(api_server, path, state="unreadable")
    assert [item["label"] for item in shown["items"]] == [f"line {number} of the manifest" for number in range(2, 7)]


def test_a_manifest_says_in_full_why_an_item_failed(api_server: ApiServer, with_manifest: tuple[str, Path]) -> None:
    path, file = with_manifest
    message = f"the answer was lost. {'x' * 600} and clear the task: it attaches"
    failed = line("b", "failed", "job-b") | {"error": {"type": "SubmitUncertain", "message": message, "code": None}}
    written(file, failed, line("a", "failed", "of-yesterday") | {"error": failed["error"]})
    by_id = {item["item_id"]: item for item in of(api_server, path)["items"]}
    assert by_id["b"]["error"].startswith("SubmitUncertain: the answer was lost. x")
    assert len(by_id["b"]["error"]) < 410
    assert by_id["a"]["error"] is None
    assert of(api_server, f"{path}/item", item_id="b")["error"] == f"SubmitUncertain: {message}"


@pytest.mark.parametrize("path", ["file:///no/such.jsonl", "odd://x/y.jsonl", "file:///etc/passwd", "x", 5], ids=repr)
def test_a_manifest_that_cannot_be_read_is_said_and_the_records_are_shown(path: Any, api_server: ApiServer) -> None:
    there = api_server.task(video_batch=REFERENCE, rendered={"manifest": path})
    api_server.states("videoai_batch_0", {"version": 1, "items": {"a": submitted("j")}})
    shown = of(api_server, there)
    assert states(shown) == [("a", "running")]
    assert (shown["note"] or "").startswith("manifest: ") is isinstance(path, str)


def test_an_xcom_names_no_file_that_is_read(api_server: ApiServer, tmp_path: Path) -> None:
    written(tmp_path / "other.jsonl", line("a", "succeeded", "j"))
    named = REFERENCE | {"manifest": f"file://{tmp_path}/other.jsonl"}
    shown = of(api_server, api_server.task(video_batch=named))
    assert (shown["items"], shown["manifest_readable"]) == ([], False)


def test_a_manifest_is_read_again_only_if_it_has_changed(
    api_server: ApiServer, with_manifest: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, file = with_manifest
    read: list[int] = []

    def counted(*given: Any) -> Any:
        read.append(1)
        return lines_of(*given)

    monkeypatch.setattr(manifests, "lines_of", counted)
    monkeypatch.setattr(manifests, "LOOK_AGAIN", 0.0)
    written(file, line("z", "queued", None))
    assert [of(api_server, path)["known"] for _ in range(3)] == [6, 6, 6]
    assert len(read) == 1
    written(file, line("y", "queued", None), line("z", "queued", None))
    assert (of(api_server, path)["known"], len(read)) == (7, 2)


def test_of_a_manifest_without_end_only_the_beginning_is_read(
    api_server: ApiServer, with_manifest: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, file = with_manifest
    monkeypatch.setattr(manifests, "LONGEST_FILE", 1_500_000)
    one = json.dumps(line("z", "queued", None) | {"request": {"task_name": "x" * 1000}})
    file.write_text("\n".join([one] * 5000))
    shown = of(api_server, path, state="unreadable")
    assert (shown["total"], shown["states"]["queued"]) == (1, 2)


# -- media ----------------------------------------------------------------------------------------------------------


def test_media_that_the_manifest_names_is_had_without_the_vendor(
    api_server: ApiServer, with_manifest: tuple[str, Path]
) -> None:
    path, file = with_manifest
    url = "https://cdn.example/x/a.mp4?sign=1"
    written(file, line("a", "succeeded", "job-a", url=url), line("e", "skipped", "another job", url=url))
    shown = {item["item_id"]: item for item in of(api_server, path)["items"]}
    assert (shown["a"]["thumbnail"], shown["a"]["media"], shown["e"]["thumbnail"]) == (True, "video", False)
    with api_server.client() as client:
        there = path.replace("/jobs/", "/batches/")
        answer = client.get(f"{there}/media?item_id=a&stored=true")
        assert (answer.status_code, answer.headers["location"]) == (307, url)
        assert client.get(f"{there}/source?item_id=a").headers["location"] == "https://media.example/in/a.mp4"
        for query in ("item_id=e&stored=true", "item_id=b", "item_id=c", "item_id=d"):
            assert client.get(f"{there}/media?{query}").status_code == 404, query
        # No connection of that name: nobody's secrets are sent anywhere.
        assert client.get(f"{there}/media?item_id=e").status_code == 404


def test_of_a_copy_that_no_url_can_be_signed_for_the_manifest_has_another(
    api_server: ApiServer, tmp_path: Path
) -> None:
    written(tmp_path / "all.jsonl", line("a", "succeeded", "job-a", url="https://cdn.example/a.mp4"))
    rendered = {"manifest": f"file://{tmp_path}/all.jsonl", "destination": "s3://no_conn@b/{item_id}.mp4"}
    path = api_server.task(video_batch=REFERENCE, rendered=rendered)
    api_server.states("videoai_batch_0", {"version": 1, "items": ITEMS})
    with api_server.client() as client:
        there = path.replace("/jobs/", "/batches/")
        answer = client.get(f"{there}/media?item_id=a&stored=true")
        assert answer.headers["location"] == "https://cdn.example/a.mp4"
        assert client.get(f"{there}/media?item_id=e&stored=true").status_code == 404


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc/passwd", "https://"], ids=repr)
def test_a_browser_is_sent_to_no_odd_address(url: str, api_server: ApiServer, with_manifest: tuple[str, Path]) -> None:
    path, file = with_manifest
    hostile = line("a", "succeeded", "job-a", url=url)
    hostile["request"]["url"] = url
    written(file, hostile)
    assert not of(api_server, path, search="a.mp4")["items"]
    with api_server.client() as client:
        there = path.replace("/jobs/", "/batches/")
        for query in ("/media?item_id=a&stored=true", "/source?item_id=a"):
            assert client.get(f"{there}{query}").status_code == 404


# -- ten thousand ---------------------------------------------------------------------------------------------------


def test_ten_thousand_items_are_there_within_a_second(api_server: ApiServer, tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    path = api_server.task(video_batch=REFERENCE, batch=COUNTS, rendered={"manifest": f"file://{file}"})
    error = {"type": "JobFailed", "message": "x" * 150, "code": "1042"}
    for part in range(167):
        items: dict[str, Any] = {
            f"clip-{number}": ended("failed" if number % 20 == 0 else "succeeded", f"job-{number}", sha256="0" * 64)
            | submitted(f"job-{number}")
            for number in range(part * 60, part * 60 + 60)
        }
        items[f"clip-{part * 60}"]["end"]["error"] = error
        api_server.states(f"videoai_batch_{part}", {"version": 1, "items": items})
    written(file, *(line(f"clip-{number}", "succeeded", f"job-{number}") for number in range(10_020)))
    took = []
    for query in ({"manifest": False}, {}, {"search": "clip-99"}):
        began = time.monotonic()
        assert of(api_server, path, **query)["known"] == 10_020
        took.append(round(time.monotonic() - began, 2))
    # Of records alone, which the page shows first; with the manifest, read for the first time; both remembered.
    assert took[0] < 1, took
    assert took[2] < 1, took
