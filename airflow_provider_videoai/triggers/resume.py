# SPDX-License-Identifier: Apache-2.0
"""Go on where the trigger ended: check its event, then take the result from its last word or ask the vendor."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from airflow_provider_videoai.hooks.waiting import Jobs
from airflow_provider_videoai.jobs.model import JobResult, JobStatus
from airflow_provider_videoai.jobs.watch import Outcome
from airflow_provider_videoai.triggers.event import outcome_of

FRESH = 300.0
"""Seconds for which a status that the trigger pushed is used without asking the vendor again."""


def results_after(event: object, jobs: Jobs, task_instance: Any) -> list[JobResult]:
    """Return the results of jobs that the trigger saw end; raise the typed error of any other end."""
    outcome = outcome_of(event)
    details: Mapping[str, Any] = event if isinstance(event, Mapping) else {}
    if outcome is not Outcome.ENDED:
        job_id = str(details.get("job_id") or jobs.job_ids[0])
        raise jobs.error_of(outcome, job_id, str(details.get("said") or ""), details.get("refusal"))
    statuses = _last_word(task_instance, jobs)
    return jobs.completed(statuses) if statuses else jobs.wait(ask_at_once=True)


def _last_word(task_instance: Any, jobs: Jobs) -> list[JobStatus]:
    """Return the fresh terminal statuses that the trigger pushed for exactly these jobs, else nothing."""
    pushed = task_instance.xcom_pull(key="status", task_ids=task_instance.task_id, map_indexes=task_instance.map_index)
    if not isinstance(pushed, Mapping):
        return []
    try:
        statuses = [JobStatus.from_json(stored) for stored in pushed["jobs"]]
        fresh = time.time() - pushed["observed_at"] < FRESH
    except (TypeError, KeyError, ValueError, AttributeError):
        jobs.log.info("The trigger's last status cannot be read: asking the vendor")
        return []
    complete = [status.job_id for status in statuses] == list(jobs.job_ids)
    return statuses if fresh and complete and all(status.state.terminal for status in statuses) else []
