# SPDX-License-Identifier: Apache-2.0
"""Where a task's buttons "Job" and "Result" lead: to the "Video jobs" page, never to an address that is a secret.

Airflow stores a link as it was when the worker ended. The address of a result opens for whoever holds it, and dies
within days; a link to the page's own route is neither: it asks who the user is, and leads to an address of that moment.

A ``task`` here is anything that has ``dag_id``, ``run_id``, ``task_id`` and ``map_index``, as all of Airflow's have.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from airflow.configuration import conf
from airflow.sdk import BaseOperatorLink
from typing_extensions import override

MOUNT = "/video-jobs"
"""Where the page's own routes are."""
ROUTE = "video-jobs"
"""The page's name in Airflow's frame: it is shown at ``/plugin/video-jobs``."""


def ui_is_on() -> bool:
    """Return whether the page and its links are to be shown: ``[videoai] ui``."""
    return bool(conf.getboolean("videoai", "ui", fallback=True))


def job_url(task: Any) -> str:
    """Return the address of the task's job in Airflow's frame; empty where the page is switched off."""
    where = {"dag_id": task.dag_id, "run_id": task.run_id, "task_id": task.task_id, "map_index": task.map_index}
    return _at(f"/plugin/{ROUTE}?{urlencode(where)}")


def result_url(task: Any) -> str:
    """Return the address that leads to the media of the task's job; empty where the page is switched off."""
    where = "/".join(quote(str(part), safe="") for part in (task.dag_id, task.run_id, task.task_id, task.map_index))
    return _at(f"{MOUNT}/api/jobs/{where}/result")


def _at(path: str) -> str:
    # Without a base_url the path alone is right, unless a proxy serves Airflow below a path of its own.
    return f"{conf.get('api', 'base_url', fallback='').rstrip('/')}{path}" if ui_is_on() else ""


class VideoJobLink(BaseOperatorLink):
    """Leads to the task's job, from the moment that there is one."""

    name = "Job"

    @override
    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        return job_url(ti_key) if operator.has_job else ""


class VideoResultLink(BaseOperatorLink):
    """Leads to the media; where there are several, to the page that shows them."""

    name = "Result"

    @override
    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        return result_link(ti_key, operator.media_count)


def result_link(task: Any, media_count: int) -> str:
    """Return the link "Result" of a task whose jobs made so many media."""
    if media_count > 1:
        return job_url(task)
    return result_url(task) if media_count else ""


JOB_LINK = VideoJobLink()
RESULT_LINK = VideoResultLink()
