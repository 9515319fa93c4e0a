# SPDX-License-Identifier: Apache-2.0
"""Airflow's own task instance, as a worker has it, says what the attempt before left, under no public name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from airflow.sdk.api.datamodels._generated import TIRunContext
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

from airflow_provider_videoai.tasks.earlier_attempts import nobody_had_a_result


def context(*, try_number: int, max_tries: int, retries: int = 0, pushes: bool = True, **server: Any) -> dict[str, Any]:
    ti = cast(Any, RuntimeTaskInstance).model_construct(
        try_number=try_number,
        max_tries=max_tries,
        _ti_context_from_server=TIRunContext.model_construct(max_tries=max_tries, task_reschedule_count=0, **server),
    )
    return {"ti": ti, "task": SimpleNamespace(retries=retries, do_xcom_push=pushes)}


@pytest.mark.parametrize(
    ("given", "nobody"),
    [
        (context(try_number=2, max_tries=2, retries=2, xcom_keys_to_clear=["return_value"]), True),
        (context(try_number=2, max_tries=1, xcom_keys_to_clear=["job_id", "return_value"]), False),
        (context(try_number=2, max_tries=1, xcom_keys_to_clear=["job_id", "video_job"]), True),
        (context(try_number=2, max_tries=1, xcom_keys_to_clear=["job_id"], pushes=False), False),
        (context(try_number=2, max_tries=1, xcom_keys_to_clear=[], next_method="submit_again"), False),
        (context(try_number=2, max_tries=1), False),
    ],
    ids=["retry", "success cleared", "failure cleared", "pushes nothing", "goes on", "not known"],
)
def test_a_result_that_nobody_had_is_told_from_one_that_somebody_may_have_had(
    given: dict[str, Any], *, nobody: bool
) -> None:
    assert nobody_had_a_result(given) is nobody


def test_airflow_names_what_is_read_of_it() -> None:
    assert {"xcom_keys_to_clear", "next_method", "task_reschedule_count"} <= set(TIRunContext.model_fields)
