# SPDX-License-Identifier: Apache-2.0
"""Where tasks of the same run keep a job's result: what the transfers of this package return of it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from airflow_provider_videoai.files.locations import redacted_path
from airflow_provider_videoai.jobs.job_reference import JobReference
from airflow_provider_videoai.plugin.wording import shown

__all__ = ["MOST_COPIES", "copies_of"]

MOST_COPIES = 10
"""Of a job."""


def copies_of(reference: JobReference, stored: Iterable[tuple[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the copies of jobs' results, by job id.

    :param reference: what the task stored of its jobs.
    :param stored: tasks of its run, by id, and what they returned; JSON values of any kind.
    :returns: ``path``, ``bytes`` and ``task_id`` of each copy.
    """
    wanted = set(reference.job_ids)
    found: dict[str, list[dict[str, Any]]] = {}
    for task_id, returned in stored:
        for each in returned if isinstance(returned, list) else [returned]:
            if isinstance(each, dict) and each.get("vendor") == reference.vendor and isinstance(each.get("path"), str):
                job_id = each.get("job_id")
                if isinstance(job_id, str) and job_id in wanted:
                    found.setdefault(job_id, []).append(_copy(task_id, each))
    return {job_id: list(islice(copies, MOST_COPIES)) for job_id, copies in found.items()}


def _copy(task_id: str, stored: dict[str, Any]) -> dict[str, Any]:
    size = stored.get("bytes")
    known = isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**53
    return {"path": shown(redacted_path(stored["path"])), "bytes": size if known else None, "task_id": shown(task_id)}
