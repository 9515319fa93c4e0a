# SPDX-License-Identifier: Apache-2.0
"""What is known when a DAG is parsed, and what is only known when a task runs."""

from __future__ import annotations

from typing import Any, cast

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, XComArg
from airflow.sdk.definitions._internal.types import NOTSET, SET_DURING_EXECUTION
from airflow.sdk.definitions.param import DagParam

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.tasks.template_literals import is_rendered_later


@pytest.mark.parametrize(
    "value",
    [
        "{{ params.url }}",
        "https://host/{{ ds }}.mp4",
        "{% if params.x %}a{% endif %}",
        "{# why #}",
        ["plain", "{{ ds }}"],
        ("{{ ds }}",),
        {"Speed": "{{ params.speed }}"},
        [{"box": ["{{ params.x }}"]}],
        NOTSET,
        SET_DURING_EXECUTION,
    ],
    # A name of each: Airflow 3.1 shows its marks with an address, which differs between processes.
    ids=lambda value: type(value).__name__ if type(value).__module__.startswith("airflow") else repr(value),
)
def test_a_template_is_rendered_later(value: Any) -> None:
    assert is_rendered_later(value)


@pytest.mark.parametrize("value", ["plain", "{single}", 7, None, 1.5, True, ["a", 1], {"a": {"b": "c"}}, set(), b"{{"])
def test_a_literal_is_known(value: Any) -> None:
    assert not is_rendered_later(value)


def test_a_reference_to_a_task_or_a_parameter_is_rendered_later() -> None:
    with DAG("pipeline", schedule=None, params={"url": "x"}) as dag:
        source = EmptyOperator(task_id="source")
    assert is_rendered_later(source.output)
    assert is_rendered_later(cast(Any, source.output)["media_url"])
    assert is_rendered_later([XComArg(source)])
    assert is_rendered_later(DagParam(dag, "url", "x"))


def itself() -> list[Any]:
    endless: list[Any] = []
    endless.append(endless)
    return endless


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("value", [itself(), {"a": itself()}, nested(100_000)], ids=["itself", "within", "deep"])
def test_value_that_cannot_be_searched_is_refused_by_name(value: Any) -> None:
    with pytest.raises(InvalidRequest, match="holds itself, or is nested too deep"):
        is_rendered_later(value)
