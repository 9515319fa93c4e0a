# SPDX-License-Identifier: Apache-2.0
"""The DAGs that users copy: they load, explain themselves, and have a form."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from airflow.sdk import DAG

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
