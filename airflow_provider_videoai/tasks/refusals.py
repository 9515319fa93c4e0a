# SPDX-License-Identifier: Apache-2.0
"""Show why a submit gave no job: Airflow keeps no reason of a failure, and the page would know nothing of the task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow_provider_videoai.jobs.errors import InvalidRequest, SubmitRejected, SubmitUncertain
from airflow_provider_videoai.jobs.job_reference import JOB_REFERENCE_KEY, JobReference, Refusal, source_of
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.tasks.xcom import show

__all__ = ["shown_refusals"]


@contextmanager
def shown_refusals(
    task_instance: Any, log: Log, *, vendor: str, operation: str, conn_id: str, source: object
) -> Iterator[None]:
    """Push XCom ``video_job`` with the refusal if the submit within raises one; the error goes on.

    :param task_instance: the running one.
    :param log: the task's.
    :param vendor: the vendor's key.
    :param operation: what was to be submitted.
    :param conn_id: the Airflow connection of the account.
    :param source: what was to be worked on.
    """
    try:
        yield
    except (InvalidRequest, SubmitRejected, SubmitUncertain) as error:
        reference = JobReference(
            vendor=vendor,
            operation=operation,
            polled_as=operation,
            conn_id=str(conn_id),  # one that is wrong must not hide the error
            job_ids=(),
            source=source_of(source),
            refusal=Refusal.of(error),
        )
        show(task_instance, JOB_REFERENCE_KEY, reference.to_json(), log)
        raise
