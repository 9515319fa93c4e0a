# SPDX-License-Identifier: Apache-2.0
"""The pictures of the list and of a batch in the documentation, taken if their folder is named (`make pictures`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from PIL import Image
from playwright.sync_api import Browser, FrameLocator, Page

from tests.support.api_server import ApiServer
from tests.support.batches import COUNTS, REFERENCE, ended, line, submitted, written
from tests.support.chromium import PATIENCE
from tests.support.which_airflow import needs_airflow_3_3

FOLDER = os.environ.get("VIDEOAI_PICTURES")

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.ui,
    needs_airflow_3_3("the task state store"),
    pytest.mark.skipif(not FOLDER, reason="a picture is wanted only by make pictures"),
]

MANY = {"items": 10_000, "queued": 1_240, "running": 100, "succeeded": 8_596, "failed": 43, "skipped": 21}
NAMES = {"conn_id": "viitor_default", "manifest": "s3://archive@videos/clean/2026-05-11.jsonl"}
DONE = {"items": 400, "queued": 0, "running": 0, "succeeded": 396, "failed": 4, "skipped": 0}
ERRORS = (
    "the video has no text in this region",
    "the input cannot be decoded",
    "the region lies outside of the picture",
)
JOBS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "erase_text": ("viitor", "text_removal", {"progress": {"state": "running", "progress": 62}}),
    "erase_with_aidge": ("aidge", "video_removal", {"progress": {"state": "running"}}),
    "trim": ("cdnetworks", "trim", {"status": {"jobs": [{"job_id": "j", "state": "succeeded"}]}}),
    "avatar": ("topview", "video_avatar", {"progress": {"state": "queued", "queue_position": 3}}),
    "narrator": ("tencent_ivh", "video_make", {"status": {"jobs": [{"job_id": "j", "state": "failed"}]}}),
}


@pytest.fixture
def tasks(api_server: ApiServer, samples: str, tmp_path: Path) -> None:
    """A batch in flight with a manifest, one that is done, and some single jobs."""
    run = "scheduled__2026-05-11T06:00:00+00:00"
    file = tmp_path / "2026-05-11.jsonl"
    at: dict[str, Any] = {"dag_id": "clean_archive", "run_id": run, "task_id": "clean"}
    done: Any = {"video_batch": REFERENCE, "batch": COUNTS | DONE, "task_state": "success"}
    api_server.task("trailers", run, "shorten", **done)
    for task_id, (vendor, operation, xcoms) in JOBS.items():
        names = {"vendor": vendor, "operation": operation, "polled_as": operation, "conn_id": f"{vendor}_default"}
        card = names | {"job_ids": ["j"], "submitted_at": 1_778_486_400.0}
        api_server.task("localize_clip", "manual__2026-05-11T08:00:07+00:00", task_id, video_job=card, **xcoms)
    rendered = {"manifest": f"file://{file}", "destination": "s3://archive@videos/clean/{item_id}.mp4"}
    api_server.task(**at, video_batch=REFERENCE | NAMES, batch=COUNTS | MANY, rendered=rendered)
    for part in range(3):
        items: dict[str, Any] = {}
        for number in range(part * 60 + 1, part * 60 + 61):
            error = {"type": "JobFailed", "message": ERRORS[number % 3], "code": "1042"}
            end: Any = {"error": error} if number % 47 == 0 else {"sha256": "0" * 64, "duration_ms": 8000}
            state, job = "failed" if number % 47 == 0 else "succeeded", f"{7_301_442_000 + number * 37}"
            items[f"clip-{number:05}"] = submitted(job) if number > 177 else ended(state, job, **end) | submitted(job)
        api_server.states(f"videoai_batch_{part}", {"version": 1, "items": items}, **at)
    url = f"{samples}/clip.mp4"
    lines = [line(f"clip-{n:05}", "succeeded", f"{7_301_442_000 + n * 37}", url=url) for n in range(1, 181)]
    for each in lines:
        each["request"] |= {"url": url, "full_erase_roi": [[0, 270, 640, 350]]}
    written(file, *lines)


@pytest.fixture
def page(browser: Browser, api_server: ApiServer) -> Iterator[Page]:
    context = browser.new_context(base_url=api_server.url, viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(PATIENCE)
    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="admin", role="admin"))
    context.add_cookies([{"name": "_token", "value": token, "url": api_server.url}])
    yield context.new_page()
    context.close()


def taken(page: Page, name: str) -> None:
    page.wait_for_timeout(2000)
    path = Path(str(FOLDER)) / f"{name}.png"
    page.screenshot(path=path)
    with Image.open(path) as shot:
        shot.convert("RGB").save(path, optimize=True)
    assert path.stat().st_size > 10_000, "more than an empty window"


def opened(page: Page, query: str = "") -> FrameLocator:
    page.goto(f"/plugin/video-jobs{query}")
    frame = page.frame_locator("iframe")
    frame.locator("table.jobs").wait_for()
    return frame


@pytest.mark.usefixtures("tasks")
def test_pictures_of_the_list_and_of_a_batch(page: Page) -> None:
    opened(page)
    taken(page, "jobs")
    key = "dag_id=clean_archive&run_id=scheduled__2026-05-11T06:00:00%2B00:00&task_id=clean&map_index=-1"
    frame = opened(page, f"?{key}")
    frame.get_by_role("row", name="clip-00047").get_by_text("clip.mp4").wait_for()
    frame.locator(".thumbnail video").nth(2).wait_for()
    taken(page, "batch")
    frame.get_by_role("button", name="Succeeded").click()
    frame.locator(".thumbnail video").nth(2).wait_for()
    frame.get_by_role("link", name="clip-00002", exact=True).click()
    frame.locator(".item video").nth(1).wait_for()
    taken(page, "batch-item")
    page.emulate_media(color_scheme="dark")
    taken(page, "batch-dark")
    page.set_viewport_size({"width": 390, "height": 844})
    opened(page, f"?{key}")
    taken(page, "batch-phone")
