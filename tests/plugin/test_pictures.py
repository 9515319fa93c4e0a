# SPDX-License-Identifier: Apache-2.0
"""The pictures of the list and of a batch in the documentation, taken if their folder is named (`make pictures`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from PIL import Image
from playwright.sync_api import Browser, FrameLocator, Page

from airflow_provider_videoai.hooks.viitor import ViiTorHook
from airflow_provider_videoai.sandbox.running import running_sandbox
from tests.support.api_server import ApiServer
from tests.support.batches import AT, COUNTS, REFERENCE, ended, line, submitted, written
from tests.support.chromium import PATIENCE
from tests.support.which_airflow import needs_airflow_3_3

FOLDER = os.environ.get("VIDEOAI_PICTURES")

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.ui,
    needs_airflow_3_3("the task state store"),
    pytest.mark.skipif(not FOLDER, reason="a picture is wanted only by make pictures"),
]

FAILED, SKIPPED = range(47, 8_647, 200), range(90, 8_490, 400)
ENDED, RUNNING, ITEMS = range(1, 8_661), range(8_661, 8_761), range(1, 10_001)
MANY = {
    "items": len(ITEMS),
    "queued": len(ITEMS) - len(ENDED) - len(RUNNING),
    "running": len(RUNNING),
    "succeeded": len(ENDED) - len(FAILED) - len(SKIPPED),
    "failed": len(FAILED),
    "skipped": len(SKIPPED),
}
REGIONS = [[0, 270, 640, 350]]
PART = 60
"""So many items are in one value of the state store."""
MAPPED = 993
"""So many tasks make a list of 1,000 rows, with the others."""
NOW = datetime.fromtimestamp(AT + 720, UTC)
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


def state_of(number: int) -> str:
    if number in FAILED:
        return "failed"
    if number in SKIPPED:
        return "skipped"
    return "succeeded" if number in ENDED else "running" if number in RUNNING else "queued"


def job_of(number: int) -> str:
    return f"{7_301_442_000 + number * 37}"


def entry_of(number: int) -> dict[str, Any]:
    """Return what the state store has of an item that was submitted."""
    if number in RUNNING:
        return submitted(job_of(number))
    error = {"type": "JobFailed", "message": ERRORS[number % 3], "code": "1042"}
    end: Any = {"error": error} if number in FAILED else {"sha256": "0" * 64, "duration_ms": 8000}
    return ended(state_of(number), job_of(number), **end) | submitted(job_of(number))


def line_of(number: int, clip: str, cleaned: str) -> dict[str, Any]:
    """Return an item's line of the manifest."""
    state, job = state_of(number), None if state_of(number) == "queued" else job_of(number)
    made = line(f"clip-{number:05}", state, job, url=cleaned if state in ("succeeded", "skipped") else None)
    made["request"] |= {"url": clip, "full_erase_roi": REGIONS}
    return made


@pytest.fixture
def videos(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """The URL of a clip, and of the same without its caption."""
    with running_sandbox() as sandbox:
        for name, value in sandbox.connections().items():
            monkeypatch.setenv(name, value)
        clip = sandbox.sample("clip")
        hook = ViiTorHook()
        job_id = hook.submit({"url": clip, "task_name": "clip", "full_erase_roi": REGIONS})
        sandbox.clock(advance=3600, await_media=True)
        polls = (hook.result(job_id).media_url for _ in range(2))  # the first that says "done" has no URL yet
        yield clip, next(url for url in polls if url)


@pytest.fixture
def tasks(api_server: ApiServer, videos: tuple[str, str], tmp_path: Path) -> None:
    """A batch of 10,000 items in flight with a manifest, one that is done, single jobs, and mapped ones: 1,000 rows."""
    run = "scheduled__2026-05-11T06:00:00+00:00"
    for number in range(MAPPED):
        status = {"jobs": [{"job_id": "j", "state": "failed" if number % 100 == 47 else "succeeded"}]}
        card = card_of("viitor", "text_removal", AT - 3600 - number)
        mapped: Any = {"task_state": "success", "video_job": card, "status": status}
        api_server.task("remove_text_from_each", run, "remove_text", number, **mapped)
    file = tmp_path / "2026-05-11.jsonl"
    at: dict[str, Any] = {"dag_id": "clean_archive", "run_id": run, "task_id": "clean"}
    done: Any = {"video_batch": REFERENCE, "batch": COUNTS | DONE, "task_state": "success"}
    api_server.task("trailers", run, "shorten", **done)
    for task_id, (vendor, operation, xcoms) in JOBS.items():
        card = card_of(vendor, operation, AT)
        api_server.task("localize_clip", "manual__2026-05-11T08:00:07+00:00", task_id, video_job=card, **xcoms)
    rendered = {"manifest": f"file://{file}", "destination": "s3://archive@videos/clean/{item_id}.mp4"}
    api_server.task(**at, video_batch=REFERENCE | NAMES, batch=COUNTS | MANY, rendered=rendered)
    for part, first in enumerate(range(1, RUNNING.stop, PART)):
        items = {f"clip-{number:05}": entry_of(number) for number in range(first, min(first + PART, RUNNING.stop))}
        api_server.states(f"videoai_batch_{part}", {"version": 1, "items": items}, **at)
    written(file, *(line_of(number, *videos) for number in ITEMS))


def card_of(vendor: str, operation: str, submitted_at: float) -> dict[str, Any]:
    names = {"vendor": vendor, "operation": operation, "polled_as": operation, "conn_id": f"{vendor}_default"}
    return names | {"job_ids": ["j"], "submitted_at": submitted_at}


@pytest.fixture
def page(browser: Browser, api_server: ApiServer) -> Iterator[Page]:
    context = browser.new_context(base_url=api_server.url, viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(PATIENCE)
    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="admin", role="admin"))
    context.add_cookies([{"name": "_token", "value": token, "url": api_server.url}])
    page = context.new_page()
    page.clock.set_fixed_time(NOW)  # ages as on that day, whenever the pictures are taken
    yield page
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
    frame = opened(page)
    frame.get_by_text("of 1,000").wait_for()
    taken(page, "jobs")
    key = "dag_id=clean_archive&run_id=scheduled__2026-05-11T06:00:00%2B00:00&task_id=clean&map_index=-1"
    frame = opened(page, f"?{key}")
    frame.get_by_role("row", name="clip-00047").get_by_text("clip.mp4").wait_for()
    taken(page, "batch")
    frame.get_by_role("button", name="Succeeded").click()
    frame.locator(".thumbnail video").nth(2).wait_for()
    frame.get_by_role("link", name="clip-00002", exact=True).click()
    frame.locator(".item video").nth(1).wait_for()
    taken(page, "batch-item")
    page.emulate_media(color_scheme="dark")
    taken(page, "batch-dark")
    opened(page)
    taken(page, "jobs-dark")
    page.set_viewport_size({"width": 390, "height": 844})
    opened(page)
    taken(page, "jobs-phone")
    opened(page, f"?{key}")
    taken(page, "batch-phone")
