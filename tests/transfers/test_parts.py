# SPDX-License-Identifier: Apache-2.0
"""What a transfer stored is handed on in parts: a part is an XCom of its own if another task takes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.execution_time.context import OutletEventAccessors

from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator
from airflow_provider_videoai.transfers.media import VideoResultToObjectStorageOperator
from airflow_provider_videoai.transfers.subtitles import WordTimesToSubtitlesOperator
from tests.support.spoken import said
from tests.support.stores import Store
from tests.support.tasks import TaskInstance, execute


@pytest.fixture
def pushed(xcoms: dict[tuple[str, int, str], str]) -> Callable[..., dict[str, Any]]:
    """Run a transfer in a DAG whose other task takes some of its parts; return the XComs that it pushed itself."""

    def pushed(make: Callable[[], Any], *parts: str) -> dict[str, Any]:
        with DAG("pipeline", schedule=None):
            keep = make()
            for part in parts:
                region = [[0, 0, 9, 9]]
                ViiTorTextRemovalOperator(task_id=part, url=keep.output[part], task_name="clip", full_erase_roi=region)
        ti = TaskInstance(xcoms, "manual", task_id=keep.task_id)
        returned = execute(keep, ti=ti, outlet_events=OutletEventAccessors())
        own = {key: json.loads(value) for (task, _, key), value in xcoms.items() if task == keep.task_id}
        if not isinstance(returned, list):
            assert own == {key: returned[key] for key in own}
        return own

    return pushed


@pytest.fixture
def keep(file_store: Store, result_at: Any, serve: Any) -> Callable[..., Any]:
    """Make a task that keeps a file."""

    def keep(*, many: bool = False, **arguments: Any) -> Any:
        result = result_at(serve(b"a video"))
        return VideoResultToObjectStorageOperator(
            task_id="keep",
            result=[result] if many else result,
            destination=f"{file_store.root}/{{job_id}}.mp4",
            verify=False,
            vendor_conn_id="viitor_default",
            **arguments,
        )

    return keep


def test_the_path_is_handed_on(keep: Any, pushed: Any, file_store: Store) -> None:
    assert pushed(keep, "path") == {"path": f"{file_store.root}/ViiTor_AI_1.mp4"}


def test_a_part_that_is_null_is_handed_on_as_well(keep: Any, pushed: Any) -> None:
    assert pushed(keep, "path", "media_id").keys() == {"path", "media_id"}


def test_nothing_is_written_that_nobody_takes(keep: Any, pushed: Any) -> None:
    assert pushed(keep) == {}


def test_airflow_pushes_all_parts_if_it_is_told_to(keep: Any, pushed: Any) -> None:
    assert pushed(lambda: keep(multiple_outputs=True), "path") == {}


def test_a_list_has_no_parts(keep: Any, pushed: Any) -> None:
    assert pushed(lambda: keep(many=True), "path") == {}


def test_the_path_of_subtitles_is_handed_on(pushed: Any, file_store: Store) -> None:
    speech = {"vendor": "tencent_ivh", "operation": "tts", "job_id": "a1", "state": "succeeded"}
    result = {**speech, "details": {"TextTimestampResult": said("Hello there.")}}
    destination = f"{file_store.root}/{{job_id}}.srt"
    path = pushed(lambda: WordTimesToSubtitlesOperator(task_id="srt", result=result, destination=destination), "path")
    assert path == {"path": f"{file_store.root}/a1.srt"}
