# SPDX-License-Identifier: Apache-2.0
"""Pictures of a run in the README, taken by `make pictures`: its graph, its jobs as they go on, one looked at."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page
from standalone import Standalone

from airflow_provider_videoai.sandbox.running import Sandbox
from tests.ui.test_video_jobs import open_job, until_playable

FOLDER = os.environ.get("VIDEOAI_PICTURES")
SIZE = {"width": 1280, "height": 800}
SHOWN = (1000, 625)
"""Pixels of a page, and of a frame."""
FRAME_MS = 250
OF_RUN, OF_PLAY, OF_WIPE = 44, 16, 20
"""So many frames show the run, the playing and the wipe: 20 seconds in all."""

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.ui,
    pytest.mark.skipif(not FOLDER, reason="a picture is wanted only by make pictures"),
]


class Film:
    """Takes frames of a page."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.frames: list[Image.Image] = []

    def take(self) -> None:
        with Image.open(io.BytesIO(self._page.screenshot())) as shot:
            self.frames.append(shot.convert("RGB").resize(SHOWN, Image.Resampling.LANCZOS))


def thinned(frames: list[Image.Image], most: int) -> list[Image.Image]:
    """Return so many frames at equal distances, with the first and the last."""
    if len(frames) <= most:
        return frames
    return [frames[round(number * (len(frames) - 1) / (most - 1))] for number in range(most)]


def test_a_run_and_one_of_its_jobs_as_a_moving_picture(
    done: Any, airflow: Standalone, sandbox: Sandbox, log_in: Any
) -> None:
    sandbox.clock(queue_seconds=3, run_seconds=9)
    page = log_in(viewport=SIZE)
    run_id = airflow.trigger(done.dag_id)
    page.goto(f"/plugin/video-jobs?dag_id={done.dag_id}&run_id={run_id}")
    page.frame_locator("iframe").locator("table.jobs tbody tr").nth(3).wait_for(timeout=60_000)
    run = Film(page)
    while airflow.api("GET", f"/dags/{done.dag_id}/dagRuns/{run_id}")["state"] not in ("success", "failed"):
        run.take()
        page.wait_for_timeout(500)
    page.wait_for_timeout(4000)  # the list shows the last job's end within three seconds
    run.take()

    frame = open_job(page, done, "erase_text")
    until_playable(frame.locator("video"))
    played = Film(page)
    frame.get_by_role("button", name="Play", exact=True).click()
    for _ in range(OF_PLAY):
        played.take()
        page.wait_for_timeout(FRAME_MS)
    frame.get_by_role("button", name="Pause", exact=True).click()
    frame.get_by_label("Wipe").check()
    edge = frame.get_by_role("slider", name="Edge")
    wiped = Film(page)
    for number in range(OF_WIPE):
        edge.fill(str(round(100 * abs(1 - 2 * number / (OF_WIPE - 1)))))
        wiped.take()

    frames = [*thinned(run.frames, OF_RUN), *played.frames, *wiped.frames]
    path = Path(str(FOLDER)) / "video-jobs.webp"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=FRAME_MS, loop=0, quality=60, method=6)
    assert len(frames) > OF_PLAY + OF_WIPE + 10, "the run was seen to go on"
    assert path.stat().st_size < 3_000_000


def test_the_pipeline_as_airflow_draws_it(done: Any, airflow: Standalone, sandbox: Sandbox, log_in: Any) -> None:
    sandbox.clock(queue_seconds=3, run_seconds=9)
    run_id = airflow.trigger(done.dag_id)
    page = log_in(viewport={"width": 1440, "height": 820})
    page.goto(f"/dags/{done.dag_id}/runs/{run_id}")
    page.get_by_label("Show Graph (Press g)").click()
    # The step after the first has begun: each of the pipeline's branches shows how far it is.
    page.locator('[data-testid="rf__node-pull_into_vod"]').get_by_text("deferred").wait_for(timeout=120_000)
    path = Path(str(FOLDER)) / "localize-clip.png"
    page.screenshot(path=path)
    with Image.open(path) as shot:
        shot.convert("RGB").save(path, optimize=True)
