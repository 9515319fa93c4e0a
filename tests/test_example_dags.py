# SPDX-License-Identifier: Apache-2.0
"""The DAGs that users copy: they load, explain themselves, and have a form."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, Asset

from airflow_provider_videoai import registry

FILES = sorted((Path(__file__).parents[1] / "dags").glob("*.py"))


def loaded(file: Path) -> DAG:
    (dag,) = (value for value in runpy.run_path(str(file)).values() if isinstance(value, DAG))
    return dag


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_example_loads_under_its_file_name_and_explains_itself(file: Path) -> None:
    dag = loaded(file)
    assert dag.dag_id == file.stem
    assert dag.doc_md
    assert dag.tasks
    dag.validate()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_field_of_the_form_has_a_title_and_a_valid_default(file: Path) -> None:
    params = loaded(file).params
    assert params
    for name in params:
        assert params.get_param(name).schema.get("title"), name
    params.validate()


def test_there_is_an_example_for_every_vendor() -> None:
    operators = {type(task).__module__.rpartition(".")[2] for file in FILES for task in loaded(file).tasks}
    assert set(registry.VENDORS) <= operators


@pytest.mark.parametrize("runs", [[2], [1, 1]], ids=["events of several tasks in one run", "a run per event"])
def test_new_video_writes_the_same_manifests_however_airflow_groups_events(runs: list[int], tmp_path: Path) -> None:
    write: Any = loaded(next(file for file in FILES if file.stem == "new_video")).get_task("manifest")
    stored = [
        {"path": f"file://{tmp_path}/run-{number}/clip.mp4", "bytes": 9, "duration_ms": 1000} for number in range(2)
    ]
    for video in stored:
        Path(str(video["path"]).removeprefix("file://")).parent.mkdir()
    events = [SimpleNamespace(extra={"videos": [video]}) for video in stored]
    written: list[str] = []
    for count in runs:
        triggering = {Asset("new_videos"): [events.pop(0) for _ in range(count)]}
        written += write.python_callable(triggering_asset_events=triggering, params={"manifest": "manifest.json"})
    manifests = [json.loads(Path(each.removeprefix("file://")).read_text()) for each in written]
    assert manifests == [[video] for video in stored]
