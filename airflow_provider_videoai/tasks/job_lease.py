# SPDX-License-Identifier: Apache-2.0
"""The lease of a task's job, under a name that each attempt of the task shares."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Context

from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.in_flight.leases import JobLease, leases_for
from airflow_provider_videoai.jobs.ledger.lease import LeaseRequest, lease_of_task

__all__ = ["job_lease_of"]


def job_lease_of(
    context: Context, transport: Transport, operation: str, priority: int, item_id: str | None = None
) -> JobLease | None:
    """Return the lease that the task has to take before it submits; ``None`` if nothing limits its jobs.

    :param context: Airflow's, of the running task.
    :param transport: of the account.
    :param operation: what is about to be submitted.
    :param priority: the task's priority weight.
    :param item_id: of the item of a batch, which has many jobs.
    """
    leases = leases_for(transport, operation)
    if leases is None:
        return None
    task = context["ti"]
    # Of the task instance, not of the attempt: a retry takes its own lease up again instead of a second one.
    item = [] if item_id is None else [item_id]
    # Two deployments of one repository have the same ids. Airflow keeps a run's start until the run has ended.
    began = getattr(context.get("dag_run"), "start_date", None)
    name = lease_of_task(task.dag_id, task.run_id, task.task_id, task.map_index, began, *_region(task), *item)
    return JobLease(leases, LeaseRequest(name, priority))


def _region(task: Any) -> list[object]:
    """Return what tells the iterations of one of Airflow 3.4's loops apart: they share one map index, -1."""
    region = getattr(task, "region_id", None), getattr(task, "region_index", None)
    return [] if None in region else [*region]
