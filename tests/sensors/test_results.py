# SPDX-License-Identifier: Apache-2.0
"""What a sensor returns, however it waits."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from airflow_provider_videoai.jobs.model import JobResult

pytestmark = pytest.mark.usefixtures("prompt")

ON_A_WORKER = {"deferrable": False, "poke_interval": 0.05}
SEVERAL_AT_A_TIME = ["viitor", "aidge", "cdnetworks_pull", "cdnetworks_trim", "topview", "tencent_video"]
"""Tencent makes one speech at a time."""


def test_one_id_yields_one_result(case: Any, submitted: Any, sensor: Any) -> None:
    job_id = submitted(case)
    result = sensor(case, job_id).run()
    assert result.keys() == JobResult.__dataclass_fields__.keys()
    assert (result["vendor"], result["job_id"], result["state"]) == (case.vendor, job_id, "succeeded")
    assert json.loads(json.dumps(result)) == result
    assert httpx.get(result["media_url"], trust_env=False).content


@pytest.mark.parametrize("arguments", [{}, ON_A_WORKER])
def test_no_part_of_one_result_that_nobody_uses_is_an_xcom_of_its_own(
    arguments: dict[str, Any], cases: Any, submitted: Any, sensor: Any
) -> None:
    waiting = sensor(cases["viitor"], submitted(cases["viitor"]), **arguments)
    result = waiting.run()
    pushed = {name: waiting.ti.xcom_pull(key=name) for name in result}
    assert pushed == dict.fromkeys(result)
    assert result["media_url"]


def test_waiting_deferred_and_poking_return_the_same(case: Any, submitted: Any, sensor: Any) -> None:
    job_id = submitted(case)
    poked = sensor(case, job_id, **ON_A_WORKER).start()
    deferred = sensor(case, job_id).run()
    assert stable(poked) == stable(deferred)


def stable(result: dict[str, Any]) -> dict[str, Any]:
    """Leave out what differs from one look at a job to the next: its times, and addresses signed afresh."""
    unsigned = [each | {"url": each["url"].partition("?")[0]} for each in result["outputs"]]
    media_url = result["media_url"].partition("?")[0]
    varying = ("finished_at", "media_url", "outputs", "details")
    rest = {name: value for name, value in result.items() if name not in varying}
    return rest | {"media_url": media_url, "outputs": unsigned, "details": sorted(result["details"])}


@pytest.mark.parametrize(
    ("case", "arguments"),
    [(name, {}) for name in SEVERAL_AT_A_TIME]
    + [(name, way) for name in ("viitor", "topview") for way in (ON_A_WORKER, {"finish_in_triggerer": True})],
    indirect=["case"],
)
def test_a_list_yields_a_list_in_the_same_order(
    arguments: dict[str, Any], case: Any, submitted: Any, sensor: Any
) -> None:
    job_ids = [submitted(case) for _ in range(3)][::-1]
    results = sensor(case, job_ids, **arguments).run()
    assert [result["job_id"] for result in results] == job_ids
    assert {result["state"] for result in results} == {"succeeded"}


@pytest.mark.parametrize("arguments", [{}, ON_A_WORKER, {"finish_in_triggerer": True}])
def test_a_list_of_one_yields_a_list_of_one(arguments: dict[str, Any], cases: Any, submitted: Any, sensor: Any) -> None:
    job_id = submitted(cases["topview"])
    (result,) = sensor(cases["topview"], [job_id], **arguments).run()
    assert result["job_id"] == job_id


def test_an_operators_result_stands_for_its_job(case: Any, task: Any, sensor: Any) -> None:
    handed_over = task(case, wait_for_completion=False).start()
    assert sensor(case, handed_over).run()["job_id"] == handed_over["job_id"]
    assert sensor(case, [handed_over]).run()[0]["job_id"] == handed_over["job_id"]


@pytest.mark.parametrize("form", ['["{0}"]', "['{0}']"])
def test_a_list_may_be_rendered_as_text(form: str, cases: Any, submitted: Any, sensor: Any) -> None:
    job_id = submitted(cases["topview"])
    (result,) = sensor(cases["topview"], form.format(job_id)).run()
    assert result["job_id"] == job_id


def test_the_same_id_twice_is_polled_once_and_returned_twice(
    cases: Any, submitted: Any, sensor: Any, sandbox: Any, settled: Any
) -> None:
    case = cases["viitor"]
    job_id = submitted(case)
    settled(case)
    sandbox.clear_ledger()
    results = sensor(case, [job_id, job_id], **ON_A_WORKER).run()
    assert [result["job_id"] for result in results] == [job_id] * 2
    assert {tuple(poll["job_ids"]) for poll in sandbox.ledger("viitor")["polls"]} == {(job_id,)}


def test_many_jobs_share_a_request_where_the_vendor_allows_it(
    cases: Any, submitted: Any, sensor: Any, sandbox: Any
) -> None:
    job_ids = [submitted(cases["viitor"], task_name=f"clip {number}") for number in range(4)]
    sandbox.clear_ledger()
    sensor(cases["viitor"], job_ids).run()
    assert sorted(sandbox.ledger("viitor")["polls"][0]["job_ids"]) == sorted(job_ids)


def test_a_result_that_ended_in_the_triggerer_is_pushed_from_there(case: Any, submitted: Any, sensor: Any) -> None:
    waiting = sensor(case, submitted(case), finish_in_triggerer=True)
    result = waiting.run()
    assert waiting.ti.xcom_pull(key="return_value") == result
