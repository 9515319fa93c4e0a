# SPDX-License-Identifier: Apache-2.0
"""The README's DAGs run as they are pasted, against the sandbox: only its port and the results' folder differ."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator

from airflow_provider_videoai.airflow_compat import AIRFLOW_V_3_3_PLUS
from airflow_provider_videoai.transfers.media import VideoResultToObjectStorageOperator
from tests.docs.conftest import Page
from tests.support.tasks import StateStore, Task, TaskInstance, execute

README = Page((Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8"))
BLOCKS = {block.split('DAG("', 1)[1].split('"', 1)[0]: block for block in README.blocks("python")}

pytestmark = pytest.mark.usefixtures("prompt")


class Pulling(TaskInstance):
    """The task instance as a reference to another task's result calls it."""

    def xcom_pull(self, task_ids: str | None = None, **arguments: Any) -> Any:
        default = arguments.pop("default", None)
        value = super().xcom_pull(task_ids, key=arguments.get("key", "return_value"))
        return default if value is None else value


@pytest.fixture
def run(sandbox: Any, xcoms: dict[Any, str], tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """Run a DAG of the page, each segment of a task in a DAG file that is parsed again; returns what tasks returned."""
    run_id = f"manual__{uuid.uuid4().hex}"

    def parsed(name: str) -> DAG:
        source = BLOCKS[name].replace("http://127.0.0.1:8765", sandbox.url).replace("/tmp/videoai", str(tmp_path))  # noqa: S108
        namespace: dict[str, Any] = {}
        exec(compile(source, "README.md", "exec"), namespace)  # noqa: S102 - the page's own code is what is tested
        dag = namespace["dag"]
        assert isinstance(dag, DAG)
        return dag

    def run(name: str) -> dict[str, Any]:
        returned = {}
        for task_id in [task.task_id for task in parsed_in_order(name)]:
            ti = Pulling(xcoms, run_id, task_id=task_id)

            def make(task_id: str = task_id, ti: TaskInstance = ti) -> BaseOperator:
                dag = parsed(name)
                operator: Any = dag.get_task(task_id)
                operator.render_template_fields({"ti": ti, "params": dag.params.dump()})
                return operator

            if isinstance(made := make(), VideoResultToObjectStorageOperator):
                returned[task_id] = execute(made, outlet_events={})
            else:
                returned[task_id] = Task(make, ti, StateStore()).run()
            ti.xcom_push("return_value", returned[task_id])
        return returned

    def parsed_in_order(name: str) -> list[Any]:
        return list(parsed(name).topological_sort())

    return run


def test_the_dags_of_the_page_are_these() -> None:
    assert list(BLOCKS) == ["clean_and_cut", "clean_many", "say_and_keep"]


def test_the_first_dag_cleans_and_cuts(run: Callable[[str], dict[str, Any]], sandbox: Any) -> None:
    returned = run("clean_and_cut")
    assert {task_id: result["state"] for task_id, result in returned.items()} == dict.fromkeys(
        ("clean", "pull", "cut"), "succeeded"
    )
    assert len(sandbox.ledger("viitor")["charges"]) == 1


@pytest.mark.skipif(not AIRFLOW_V_3_3_PLUS, reason="a batch keeps its state in a store that came with 3.3")
def test_the_batch_makes_each_video_and_lists_it(run: Callable[[str], dict[str, Any]], tmp_path: Path) -> None:
    counts = run("clean_many")["clean_all"]
    assert (counts["succeeded"], counts["failed"]) == (3, 0)
    assert sorted(path.name for path in tmp_path.glob("*.mp4")) == [f"clip-{number}.mp4" for number in range(3)]
    assert len((tmp_path / "clean.jsonl").read_text().splitlines()) == 3


def test_what_the_avatar_says_is_kept(run: Callable[[str], dict[str, Any]], tmp_path: Path) -> None:
    kept = run("say_and_keep")["keep"]
    (file,) = tmp_path.glob("*.mp4")
    assert (kept["path"], kept["bytes"]) == (f"file://{file}", file.stat().st_size)


def test_a_region_lies_inside_of_the_samples_picture() -> None:
    assert README.text.count("[[60, 288, 580, 336]]") == 2


def test_extras_are_named_before_they_are_needed() -> None:
    first = README.text.index("'.[media]'")
    assert first < README.text.index("```python")
    assert README.text.index("'.[sandbox]'") < README.text.index("videoai-sandbox --port")
