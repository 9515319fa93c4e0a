# SPDX-License-Identifier: Apache-2.0
"""What a user writes into a DAG: results in every form, paths with fields, outlets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.sdk import DAG, Asset, AssetAlias
from airflow.sdk.execution_time.context import OutletEventAccessors

from airflow_provider_videoai.files.locations import asset_uri
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.model import JobResult, JobState
from airflow_provider_videoai.jobs.values.outputs import Output, OutputKind
from airflow_provider_videoai.jobs.values.usage import Usage
from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator
from airflow_provider_videoai.transfers.destination import paths_for, results_of
from airflow_provider_videoai.transfers.media import VideoResultToObjectStorageOperator
from airflow_provider_videoai.transfers.subtitles import WordTimesToSubtitlesOperator
from tests.support.tasks import execute

RESULT = {
    "vendor": "cdnetworks",
    "operation": "trim",
    "job_id": "j1",
    "state": "succeeded",
    "media_url": "https://example.com/a.mp4?sig=secret",
    "media_id": "M1",
}


def keep(destination: str, **arguments: Any) -> VideoResultToObjectStorageOperator:
    return VideoResultToObjectStorageOperator(task_id="keep", result=RESULT, destination=destination, **arguments)


@pytest.mark.parametrize("given", [RESULT, json.dumps(RESULT), repr({**RESULT, "duration_ms": None})])
def test_one_result_is_parsed_in_every_form(given: Any) -> None:
    results, many = results_of(given)
    assert ([result.job_id for result in results], many) == (["j1"], False)


def test_a_result_is_read_back_as_its_task_returned_it() -> None:
    result = JobResult(
        vendor="topview",
        operation="video_avatar",
        job_id="j1",
        state=JobState.SUCCEEDED,
        outputs=(Output(OutputKind.VIDEO, "https://example.com/a.mp4"), Output(OutputKind.SUBTITLES, "https://s.srt")),
        usage=Usage(credits=2.5),
        finished_at="2026-05-11T08:04:10+00:00",
        details={"taskId": "j1"},
    )
    handed_on = json.loads(json.dumps(result.to_dict()))
    assert results_of(handed_on).results == [result]
    assert results_of(handed_on | {"of_a_later_version": 1}).results == [result]


@pytest.mark.parametrize("given", [[RESULT], (RESULT,), json.dumps([RESULT]), str([RESULT]), iter([RESULT])])
def test_a_list_is_a_list_also_of_one(given: Any) -> None:
    results, many = results_of(given)
    assert ([result.job_id for result in results], many) == (["j1"], True)


@pytest.mark.parametrize(
    "given",
    [None, 7, [], "", "{{", "https://example.com/?sig=secret", {"job_id": "secret"}, {**RESULT, "state": "secret"}]
    + [{**RESULT, name: ["secret"]} for name in ("media_url", "outputs", "details", "submitted_at")],
)
def test_anything_else_is_refused_without_showing_it(given: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"^result: ") as refused:
        results_of(given)
    assert "secret" not in str(refused.value)


def test_a_path_is_filled_from_the_result() -> None:
    (result,), _ = results_of(RESULT)
    template = "s3://c@b/{vendor}/{operation}/{job_id}-{media_id}-{{x}}.mp4"
    assert paths_for("destination", template, [result], many=False) == ["s3://c@b/cdnetworks/trim/j1-M1-{x}.mp4"]


@pytest.mark.parametrize("job_id", ["../up", "a/b", "a\\b", "..", ".", "a\nb"])
def test_a_vendors_text_cannot_traverse_paths(job_id: str) -> None:
    result = JobResult(**{**RESULT, "job_id": job_id})  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest, match="not allowed in file names"):
        paths_for("destination", "file:///out/{job_id}", [result], many=False)


def test_a_field_that_the_result_lacks_is_named() -> None:
    result = JobResult(**{**RESULT, "media_id": None})  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest, match="job j1 has no media_id"):
        paths_for("destination", "file:///out/{media_id}.mp4", [result], many=False)


def test_results_that_would_overwrite_each_other_are_refused() -> None:
    result = JobResult(**RESULT)  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest, match="several results would have the same path"):
        paths_for("destination", "file:///{media_id}.mp4", [result, result], many=True)
    with pytest.raises(InvalidRequest, match=r"must hold \{job_id\} or \{media_id\}"):
        paths_for("destination", "file:///out.mp4", [result], many=True)


@pytest.mark.parametrize(
    ("destination", "complaint"),
    [
        ("file:///out/{job}.mp4", r"there is no field \{job\}; there are vendor"),
        ("file:///out/{job_id.__class__}.mp4", "there is no field"),
        ("file:///out/{job_id!r}.mp4", "there is no field"),
        ("file:///out/{}.mp4", "there is no field"),
        ("file:///out/{job_id.mp4", "destination: "),
        ("out.mp4", "must be the URL of a file"),
        ("s3://bucket/folder/", "must be the URL of a file"),
        ("", "must be the URL of a file"),
    ],
)
def test_an_invalid_path_is_refused_when_the_dag_is_parsed(destination: str, complaint: str) -> None:
    with pytest.raises(InvalidRequest, match=complaint):
        keep(destination)


@pytest.mark.parametrize(
    "arguments",
    [
        {"max_bytes": 0},
        {"max_bytes": True},
        {"max_bytes": "9"},
        {"subtitles_destination": "file:///a.ass"},
        {"overwrite": "no"},
        {"overwrite": "{{ params.overwrite }}"},
        {"overwrite": None},
        {"verify": "off"},
    ],
)
def test_a_wrong_argument_is_named_when_the_dag_is_parsed(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=next(iter(arguments))):
        keep("file:///out.mp4", **arguments)


@pytest.mark.parametrize("kind", [VideoResultToObjectStorageOperator, WordTimesToSubtitlesOperator])
@pytest.mark.parametrize(("given", "meant"), [("False", False), ("true", True), (True, True)])
def test_a_text_that_says_no_replaces_no_file(kind: Any, given: Any, meant: bool) -> None:
    assert kind(task_id="keep", result=RESULT, destination="file:///a.srt", overwrite=given).overwrite is meant


def test_a_task_whose_result_is_used_becomes_upstream() -> None:
    with DAG("pipeline", schedule=None):
        made = ViiTorTextRemovalOperator(
            task_id="make", url="https://example.com/a.mp4", task_name="a", full_erase_roi=[[0, 0, 1, 1]]
        )
        kept = VideoResultToObjectStorageOperator(
            task_id="keep", result=made.output, destination="s3://b/{{ ds }}/{job_id}.mp4"
        )
    assert kept.upstream_task_ids == {"make"}
    assert {"result", "destination", "subtitles_destination"} <= set(kept.template_fields)


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("s3://conn@bucket/a/b.mp4", "s3://bucket/a/b.mp4"),
        ("s3://bucket/a.mp4", "s3://bucket/a.mp4"),
        ("file:///a/b.mp4", "file:///a/b.mp4"),
        ("abfs://conn@container/a.mp4", "abfs://container/a.mp4"),
    ],
)
def test_an_asset_does_not_name_the_connection(path: str, uri: str) -> None:
    assert Asset(uri=asset_uri(path)).uri == uri


def test_a_path_that_never_changes_is_the_tasks_outlet() -> None:
    assert keep("s3://conn@bucket/latest.mp4").outlets == [Asset(uri="s3://bucket/latest.mp4")]


@pytest.mark.parametrize("destination", ["s3://conn@bucket/{job_id}.mp4", "s3://conn@bucket/{{ ds }}.mp4"])
def test_a_path_that_changes_is_no_outlet(destination: str) -> None:
    assert keep(destination).outlets == []


def test_the_users_outlets_are_left_as_they_are() -> None:
    mine = Asset("mine")
    assert keep("s3://conn@bucket/latest.mp4", outlets=[mine]).outlets == [mine]


@pytest.fixture
def clip(sandbox: Any, result_at: Any) -> dict[str, Any]:
    found: dict[str, Any] = result_at(f"{sandbox.url}/sample/clip.mp4")
    return found


def test_a_mapped_destination_has_no_outlet_and_the_log_says_how_to_get_events(
    file_store: Any, clip: dict[str, Any], everything_said: Any
) -> None:
    destinations = [f"{file_store.root}/{name}.mp4" for name in "ab"]

    def made(**arguments: Any) -> VideoResultToObjectStorageOperator:
        with DAG("pipeline", schedule=None) as dag:
            partial = VideoResultToObjectStorageOperator.partial(task_id="keep", result=clip, **arguments)
            partial.expand(destination=destinations)
        unmapped: Any = dag.get_task("keep")
        return unmapped.unmap({"destination": destinations[0]})

    alias = AssetAlias("clips")
    assert made(outlets=[alias]).outlets == [alias]
    bare = made()
    assert bare.outlets == []
    execute(bare, outlet_events=OutletEventAccessors())
    assert "No asset event is emitted: the destination of a mapped task" in everything_said()


@pytest.mark.parametrize("native", [False, True])
def test_text_is_rendered_to_text_and_a_result_to_a_result(native: bool) -> None:
    with DAG("pipeline", schedule=None, render_template_as_native_obj=native):
        task = VideoResultToObjectStorageOperator(
            task_id="keep",
            result="{{ params.result }}",
            destination="{{ params.folder }}/{job_id}.mp4",
            vendor_conn_id="{{ params.account }}",
        )
    context: Any = {"params": {"result": RESULT, "folder": "s3://b", "account": "1e5"}}
    task.render_template_fields(context)
    assert (task.destination, task.vendor_conn_id) == ("s3://b/{job_id}.mp4", "1e5")
    assert results_of(task.result) == results_of(RESULT)
    assert isinstance(task.result, dict) is native


def test_outlets_get_what_was_stored(file_store: Any, transfer: Any, clip: dict[str, Any]) -> None:
    asset, alias, events = Asset("clips"), AssetAlias("new-clips"), OutletEventAccessors()
    kept = transfer(clip, f"{file_store.root}/{{job_id}}.mp4", outlets=[asset, alias], events=events)
    assert events[asset].extra == kept
    (event,) = events[alias].asset_alias_events
    assert (event.dest_asset_key.uri, event.extra) == (asset_uri(kept["path"]), kept)
    assert json.loads(json.dumps(kept)) == kept


def test_outlets_get_all_results_of_a_list(file_store: Any, transfer: Any, clip: dict[str, Any]) -> None:
    asset, alias, events = Asset("clips"), AssetAlias("new-clips"), OutletEventAccessors()
    results = [clip, {**clip, "job_id": "ViiTor_AI_2"}]
    kept = transfer(results, f"{file_store.root}/{{job_id}}.mp4", outlets=[asset, alias], events=events)
    assert events[asset].extra == {"videos": kept}
    assert [event.extra["job_id"] for event in events[alias].asset_alias_events] == ["ViiTor_AI_1", "ViiTor_AI_2"]
