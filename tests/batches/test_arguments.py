# SPDX-License-Identifier: Apache-2.0
"""Arguments of a batch that are rendered, mapped, or name each other's files."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, Asset, AssetAlias, BaseOperator, task_group
from airflow.sdk.definitions._internal.mixins import ResolveMixin
from airflow.sdk.definitions.mappedoperator import MappedOperator

from airflow_provider_videoai.batches.items import items_of
from airflow_provider_videoai.batches.manifest_place import check_manifest
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.operators.batch import VideoBatchOperator
from airflow_provider_videoai.vendors.viitor import TextRemovalRequest
from tests.support.tasks import TaskInstance

pytestmark = pytest.mark.usefixtures("prompt")

ROI = [[0, 600, 1280, 700]]
ROW = {"item_id": "a", "url": "https://host/a.mp4", "task_name": "clip"}


# -- what came empty ---------------------------------------------------------------------------------------------


class Nothing(ResolveMixin):
    """A reference to a result of a task that pushed none, as Airflow resolves it."""

    def __init__(self, operator: BaseOperator) -> None:
        self._operator = operator

    def resolve(self, _: Any) -> None:
        return None

    def iter_references(self) -> Any:
        yield self._operator, "return_value"


@pytest.mark.parametrize("case", ["viitor"], indirect=True)
@pytest.mark.parametrize("argument", ["destination", "manifest", "common"])
def test_an_argument_that_another_task_did_not_give_buys_nothing(
    case: Any, batch: Any, rows: Any, bought: Any, argument: str
) -> None:
    task = batch(case, rows(case, 2))

    def rendered() -> Any:
        with DAG("pipeline", schedule=None):
            given: Any = {argument: Nothing(BaseOperator(task_id="where"))}
            operator = VideoBatchOperator(task_id="make", vendor="viitor", requests=rows(case, 2), **given)
        operator.render_template_fields({})
        return operator

    task.make = rendered
    with pytest.raises(InvalidRequest, match=f"^{argument}: came empty.*task 'where', XCom 'return_value'"):
        task.run()
    assert bought(case) == []


# -- common ------------------------------------------------------------------------------------------------------


def items(common: Any) -> Any:
    return items_of([ROW], request_class=TextRemovalRequest, vendor="viitor", conn_id="viitor_default", common=common)


@pytest.mark.parametrize("text", [json.dumps({"full_erase_roi": ROI}), str({"full_erase_roi": ROI}) + " "])
def test_common_fields_may_be_the_text_that_a_template_makes(text: str) -> None:
    assert items(text) == items({"full_erase_roi": ROI})


@pytest.mark.parametrize("text", ["", "None", "[1]", "{", "nonsense"])
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="common: must be a mapping of fields"):
        items(text)


# -- templates ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("native", [True, False], ids=["native", "as text"])
def test_every_documented_template_field_is_rendered(native: bool, tmp_path: Path) -> None:
    with DAG("pipeline", schedule=None, render_template_as_native_obj=native):
        made = VideoBatchOperator(
            task_id="make",
            vendor="viitor",
            requests="{{ params.rows }}",
            common="{{ params.common }}",
            destination="{{ params.root }}/{item_id}.mp4",
            manifest="{{ params.root }}/{{ params.number }}.jsonl",
            conn_id="{{ params.number }}",
        )
    params = {"rows": [ROW], "common": {"full_erase_roi": ROI}, "root": f"file://{tmp_path}", "number": "20260511"}
    made.render_template_fields({"params": params})
    given = made._given()
    (item,) = given.items()
    assert isinstance(item.request, TextRemovalRequest)
    assert item.request.full_erase_roi is not None
    assert made.destination == f"file://{tmp_path}/{{item_id}}.mp4"
    assert made.manifest == f"file://{tmp_path}/20260511.jsonl"
    assert given.conn_id == "20260511"


def test_rows_may_hold_templates(tmp_path: Path) -> None:
    with DAG("pipeline", schedule=None):
        made = VideoBatchOperator(
            task_id="make",
            vendor="viitor",
            requests=[{**ROW, "url": "https://host/{{ params.x }}.mp4", "full_erase_roi": ROI}],
            destination=f"file://{tmp_path}/{{item_id}}.mp4",
        )
    made.render_template_fields({"params": {"x": "b"}})
    (item,) = made._given().items()
    assert isinstance(item.request, TextRemovalRequest)
    assert item.request.url == "https://host/b.mp4"


# -- mapping -----------------------------------------------------------------------------------------------------


def mapped(**partial: Any) -> MappedOperator:
    expanded = {name: partial.pop(name) for name in list(partial) if isinstance(partial[name], list)}
    with DAG("pipeline", schedule=None):
        made = VideoBatchOperator.partial(task_id="make", vendor="viitor", common={"full_erase_roi": ROI}, **partial)
        return made.expand(requests=[[ROW], [{**ROW, "item_id": "b"}]], **expanded)


def copy_of(operator: MappedOperator, **resolved: Any) -> Any:
    """Return the operator of one copy, as a worker makes it."""
    return operator.unmap({"requests": [ROW], **resolved})


INSTANCE: Any = SimpleNamespace(map_index=1)


@pytest.mark.parametrize("name", ["all", "{{ ds }}", "{{ dag_run.run_id }}-{{ logical_date.strftime('%Y') }}"])
def test_copies_of_a_mapped_batch_may_not_share_a_manifest(folder: str, name: str) -> None:
    copy = copy_of(mapped(manifest=f"{folder}/{name}.jsonl"))
    with pytest.raises(InvalidRequest, match=r"manifest: all copies .* put \{\{ ti.map_index \}\} into its name"):
        check_manifest(copy, INSTANCE, f"{folder}/all.jsonl", [ROW])


@pytest.mark.parametrize(
    "name", ["{{ ti.map_index }}", "{{ ds }}-{{ params.part }}", "{{ macros.uuid.uuid4() }}", "{% odd %}"]
)
def test_each_copy_may_have_a_manifest_of_its_own(folder: str, name: str) -> None:
    template = copy_of(mapped(manifest=f"{folder}/{name}.jsonl"))
    check_manifest(template, INSTANCE, f"{folder}/1.jsonl", [ROW])
    expanded = [f"{folder}/0.jsonl", f"{folder}/1.jsonl"]
    check_manifest(copy_of(mapped(manifest=expanded), manifest=expanded[1]), INSTANCE, expanded[1], [ROW])


def test_copies_in_a_mapped_group_may_not_share_one_either(folder: str) -> None:
    path = f"{folder}/all.jsonl"

    def batch_in_group(manifest: str) -> BaseOperator:
        with DAG("pipeline", schedule=None) as dag:

            @task_group
            def one(rows: Any) -> None:
                VideoBatchOperator(
                    task_id="make", vendor="viitor", requests=rows, common={"full_erase_roi": ROI}, manifest=manifest
                )

            one.expand(rows=[[ROW], [ROW]])
        found: Any = dag.task_dict["one.make"]
        return found

    with pytest.raises(InvalidRequest, match="manifest: all copies"):
        check_manifest(batch_in_group(path), INSTANCE, path, [ROW])
    with pytest.raises(InvalidRequest, match="manifest: all copies"):
        check_manifest(batch_in_group(folder + "/{{ ds }}.jsonl"), INSTANCE, path, [ROW])
    check_manifest(batch_in_group(folder + "/{{ ti.map_index }}.jsonl"), INSTANCE, f"{folder}/1.jsonl", [ROW])


# -- files and assets --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["viitor"], indirect=True)
@pytest.mark.parametrize("as_url", [True, False])
def test_a_manifest_does_not_replace_the_file_of_the_requests(
    case: Any, batch: Any, rows: Any, bought: Any, tmp_path: Path, as_url: bool
) -> None:
    file = tmp_path / "clips.jsonl"
    text = "".join(json.dumps(row) + "\n" for row in rows(case, 2))
    file.write_text(text, encoding="utf-8")
    task = batch(case, f"file://{file}" if as_url else file, manifest=str(file))
    with pytest.raises(InvalidRequest, match=r"manifest: .* is the file of the requests"):
        task.run()
    assert file.read_text(encoding="utf-8") == text
    assert bought(case) == []
    assert batch(case, file, manifest=f"file://{tmp_path}/made.jsonl").run()["succeeded"] == 2


@pytest.mark.parametrize("case", ["viitor"], indirect=True)
def test_an_alias_of_a_batch_without_a_manifest_gets_no_asset_and_fails_nothing(
    case: Any, batch: Any, rows: Any
) -> None:
    named = Asset("made")
    task = batch(case, rows(case, 1), outlets=[AssetAlias("clips"), named])
    summary = task.run()
    assert list(task.outlet_events) == [named]
    assert task.outlet_events[named].extra == summary | {"path": None}


def test_a_task_instance_that_is_not_mapped_shares_with_nobody(folder: str) -> None:
    check_manifest(copy_of(mapped(manifest=f"{folder}/all.jsonl")), TaskInstance({}, "run"), f"{folder}/all.jsonl", [])
