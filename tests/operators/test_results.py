# SPDX-License-Identifier: Apache-2.0
"""What a task returns: the same however it waits, and media that play."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import av
import httpx
import pytest

from tests.support.cases import RESULT_KEYS

pytestmark = pytest.mark.usefixtures("prompt")


def shape(result: dict[str, Any]) -> dict[str, Any]:
    """Keep what two jobs of one request have in common: not ids, times and addresses, but whether they are there."""
    same = {name: result[name] for name in ("vendor", "operation", "state", "duration_ms")}
    present = {name: result[name] is not None for name in RESULT_KEYS - same.keys()}
    return same | present | {"details": sorted(result["details"])}


def test_however_the_task_waits_its_result_is_the_same(case: Any, task: Any) -> None:
    deferred = task(case).run()
    on_a_worker = task(case, map_index=1, deferrable=False).start()
    ended_in_the_triggerer = task(case, map_index=2, finish_in_triggerer=True).run()
    assert shape(deferred) == shape(on_a_worker) == shape(ended_in_the_triggerer)
    assert len({deferred["job_id"], on_a_worker["job_id"], ended_in_the_triggerer["job_id"]}) == 3


def test_the_result_has_the_keys_of_the_contract_and_media_that_play(case: Any, task: Any) -> None:
    result = task(case).run()
    assert result.keys() == RESULT_KEYS
    assert json.loads(json.dumps(result)) == result
    assert (result["vendor"], result["operation"], result["state"]) == (case.vendor, case.operation, "succeeded")
    answer = httpx.get(result["media_url"], trust_env=False)
    assert answer.status_code == httpx.codes.OK
    with av.open(io.BytesIO(answer.content), "r") as container:
        assert next(container.decode(**{case.makes: 0})) is not None


def test_usage_is_what_the_vendor_took_for_the_job(task: Any, cases: Any, sandbox: Any) -> None:
    result = task(cases["topview"]).run()
    assert result["usage"] == {"credits": 1, "seconds": None, "jobs": None, "source": "vendor"}
    assert [charge["job_id"] for charge in sandbox.ledger("topview")["charges"]] == [result["job_id"]]


def test_the_times_of_a_result_are_iso_8601_in_utc(task: Any, cases: Any) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    result = task(cases["topview"]).run()
    submitted, finished = (datetime.fromisoformat(result[name]) for name in ("submitted_at", "finished_at"))
    assert submitted.utcoffset() == timedelta(0)
    assert before <= submitted <= finished <= datetime.now(UTC)
