# SPDX-License-Identifier: Apache-2.0
"""Airflow's plugin: the "Video jobs" page. Every component of Airflow imports this module, so it must stay light."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

from airflow_provider_videoai.links import MOUNT, ROUTE, ui_is_on
from airflow_provider_videoai.registry import VENDORS, module_of

__all__ = ["VideoAIPlugin", "video_jobs"]


async def video_jobs(
    scope: MutableMapping[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """Serve the page (ASGI). Only a request imports FastAPI: scheduler, workers and DAG parsing never do.

    :param scope: the connection, as ASGI describes it; ``receive`` and ``send`` are ASGI's channels.
    """
    from airflow_provider_videoai.plugin.batch_web import app

    await app(scope, receive, send)


def _views() -> list[dict[str, Any]]:
    address = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/") + MOUNT
    # Airflow's UI takes the addresses as they are: the path that Airflow is served below has to be part of them.
    icons = {
        "icon": f"{address}/static/icon.svg",
        "icon_dark_mode": f"{address}/static/icon-dark.svg",
    }
    page = {
        "name": "Video jobs",
        "href": f"{address}/",
        "destination": "nav",
        "nav_top_level": True,
        "url_route": ROUTE,
        **icons,
    }
    tab = {
        "name": "Video job",
        # Airflow's UI fills these placeholders in, in the browser.
        "href": f"{address}/job?dag_id={{DAG_ID}}&run_id={{RUN_ID}}&task_id={{TASK_ID}}&map_index={{MAP_INDEX}}",
        "destination": "task_instance",
        "url_route": "video-job",
        "applies_to": {"task.class_ref.module_path": _task_modules()},
        **icons,
    }
    # Before 3.4 Airflow cannot limit a tab to some tasks, and would show it on every task there is.
    return [page, tab] if _can_limit_tabs() else [page]


def _task_modules() -> list[str]:
    """Return the modules of this package's tasks that have a page: operators, sensors and batches."""
    batches = [module_of(layer, "batch") for layer in ("operators", "decorators")]
    return batches + [module_of(layer, vendor) for layer in ("operators", "sensors") for vendor in VENDORS]


def _can_limit_tabs() -> bool:
    from airflow import __version__  # Airflow itself resolves it lazily

    return tuple(map(int, __version__.split(".")[:2])) >= (3, 4)


class VideoAIPlugin(AirflowPlugin):
    """The page, if it is switched on."""

    name = "videoai"

    fastapi_apps = [{"app": video_jobs, "url_prefix": MOUNT, "name": "Video jobs"}] if ui_is_on() else []
    external_views = _views() if ui_is_on() else []
