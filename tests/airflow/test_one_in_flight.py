# SPDX-License-Identifier: Apache-2.0
"""An account that may have one job in flight: the second task waits in the triggerer until the first job has ended."""

from __future__ import annotations

import time

import pytest
from processes import wait_for
from standalone import Standalone

from airflow_provider_videoai.sandbox.running import Sandbox
from airflow_provider_videoai.triggers.job import VideoJobTrigger
from airflow_provider_videoai.triggers.lease import LeaseTrigger

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]

DAG = "one_in_flight"
VENDOR = "tencent_ivh"
NEVER = 100_000.0


def test_the_second_task_waits_in_the_triggerer_and_submits_after_the_first_job_ended(
    airflow: Standalone, sandbox: Sandbox
) -> None:
    usual = sandbox.clock()[VENDOR]["run_seconds"]
    before = {key: len(entries) for key, entries in sandbox.ledger(VENDOR).items() if isinstance(entries, list)}
    sandbox.clock(vendor=VENDOR, run_seconds=NEVER)
    try:
        run_id = airflow.trigger(DAG)
        triggers = {f"{each.__module__}.{each.__name__}" for each in (VideoJobTrigger, LeaseTrigger)}
        wait_for(
            lambda: {(each["trigger"] or {}).get("classpath") for each in airflow.tasks(DAG, run_id)} == triggers,
            240,
            "one task waits for its job, the other one for a lease: this did not come about",
        )
        (first,) = sandbox.ledger(VENDOR)["submissions"][before["submissions"] :]
    finally:
        sandbox.clock(vendor=VENDOR, run_seconds=usual)
    released = time.time()
    sandbox.clock(vendor=VENDOR, advance=NEVER)
    assert airflow.finish(DAG, run_id, 240) == "success"
    after = {key: entries[before[key] :] for key, entries in sandbox.ledger(VENDOR).items() if key in before}
    assert [each["job_id"] for each in after["submissions"][:-1]] == [first["job_id"]]
    ended = min(each["at"] for each in after["polls"] if first["job_id"] in each["job_ids"] and each["at"] > released)
    assert after["submissions"][1]["at"] > ended, "two jobs were in flight"
    assert after["refused"] == []
