# SPDX-License-Identifier: Apache-2.0
"""Where a task's buttons "Job" and "Result" lead: to the "Video jobs" page, never to a signed URL.

Airflow stores a link as it was when the worker ended. The URL of a result opens for whoever holds it, and expires
within days. A link to the page's own route does neither: it checks the user, and redirects to a URL of that moment.

A ``task`` here is anything that has ``dag_id``, ``run_id``, ``task_id`` and ``map_index``, as all of Airflow's have; in
an iteration of one of Airflow 3.4's task loops also ``region_id`` and ``region_index``.

Airflow logs an error for a link that fails, and its tasks are not always whole: one whose arguments could not be
rendered is still a mapped operator. So nothing here relies on an operator of this package.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from airflow.configuration import conf
from airflow.sdk import BaseOperatorLink
from typing_extensions import override

__all__ = [
    "JOB_LINK",
    "MOUNT",
    "RESULT_LINK",
    "ROUTE",
    "VideoJobLink",
    "VideoResultLink",
    "job_url",
    "result_link",
    "result_url",
    "ui_is_on",
]

MOUNT = "/video-jobs"
"""The path of the page's own routes."""
ROUTE = "video-jobs"
"""The page's name in Airflow's frame: it is shown at ``/plugin/video-jobs``."""


def ui_is_on() -> bool:
    """Return whether the page and its links are to be shown: ``[videoai] ui``."""
    return bool(conf.getboolean("videoai", "ui", fallback=True))


def job_url(task: Any) -> str:
    """Return the URL of the task's job in Airflow's frame; empty if the page is switched off.

    :param task: a task instance, or its key.
    """
    where = dict(zip(("dag_id", "run_id", "task_id", "map_index"), _where(task), strict=True))
    return _at(f"/plugin/{ROUTE}?{_query(where | _region(task))}")


def result_url(task: Any) -> str:
    """Return the URL that redirects to the media of the task's job; empty if the page is switched off.

    :param task: a task instance, or its key.
    """
    # safe="": a run id may hold slashes, which would be further parts of the path.
    path = "/".join(quote(part, safe="", errors="replace") for part in _where(task))
    region = _region(task)
    return _at(f"{MOUNT}/api/jobs/{path}/result{'?' if region else ''}{_query(region)}")


def _where(task: Any) -> list[str]:
    # In a task loop the database numbers the iterations, but the task itself says that it is not mapped.
    index = _iteration(task)
    if index is None:
        index = getattr(task, "map_index", -1)
    ids = [str(getattr(task, name, "")) for name in ("dag_id", "run_id", "task_id")]
    return [*ids, str(index)]


def _iteration(task: Any) -> int | None:
    """Return which iteration of a loop the task is; ``None`` for a task in none, or that is mapped in it."""
    index = getattr(task, "region_index", None)
    in_loop = getattr(task, "region_id", None) is not None and isinstance(index, int) and index >= 0
    return index if in_loop and getattr(task, "map_index", -1) == -1 else None


def _region(task: Any) -> dict[str, str]:
    iteration = _iteration(task)
    return {} if iteration is None else {"region_id": str(task.region_id), "region_index": str(iteration)}


def _query(values: Mapping[str, str]) -> str:
    return urlencode(values, quote_via=quote, safe="", errors="replace")


def _at(path: str) -> str:
    # Without a base_url the path alone is right, unless a proxy serves Airflow below a path of its own.
    return f"{conf.get('api', 'base_url', fallback='').rstrip('/')}{path}" if ui_is_on() else ""


class VideoJobLink(BaseOperatorLink):
    """Leads to the task's job, as soon as there is one."""

    name = "Job"  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride] - Airflow declares a property

    @override
    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        return job_url(ti_key) if getattr(operator, "has_job", False) else ""


class VideoResultLink(BaseOperatorLink):
    """Leads to the media; if there are several, to the page that shows them."""

    name = "Result"  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride] - as above

    @override
    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        return result_link(ti_key, getattr(operator, "media_count", 0))


def result_link(task: Any, media_count: int) -> str:
    """Return the link "Result" of a task whose jobs made so many media.

    :param task: a task instance, or its key.
    :param media_count: with several, the link leads to the job's page.
    """
    if media_count > 1:
        return job_url(task)
    return result_url(task) if media_count else ""


JOB_LINK = VideoJobLink()
RESULT_LINK = VideoResultLink()
