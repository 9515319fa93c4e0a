# SPDX-License-Identifier: Apache-2.0
"""A batch's row and its page, as a person sees and uses them: in a real browser, at a real API server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.api_server import ApiServer
from tests.support.batches import COUNTS, REFERENCE, ended, line, submitted, written
from tests.support.chromium import PATIENCE
from tests.support.which_airflow import needs_airflow_3_3

pytestmark = [pytest.mark.airflow, pytest.mark.ui, needs_airflow_3_3("the task state store")]

AXE = files("axe_playwright_python").joinpath("axe.min.js")
FITS = "() => document.documentElement.scrollWidth <= window.innerWidth"
MANY = {"items": 10_000, "queued": 1_240, "running": 100, "succeeded": 8_596, "failed": 43, "skipped": 21}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}},
}
BATCH = "/video-jobs/batch?dag_id=dag&run_id=run&task_id=task&map_index=-1"

Open = Callable[..., Page]


@pytest.fixture
def clip(samples: str) -> str:
    """The URL of a video."""
    return f"{samples}/clip.mp4"


@pytest.fixture
def batch(api_server: ApiServer, clip: str, tmp_path: Path) -> ApiServer:
    """A batch with records of 130 items: 3 failed, 20 in flight, 2 queued, 1 broken; 4 more are in the manifest."""
    file = tmp_path / "all.jsonl"
    rendered = {"manifest": f"file://{file}", "destination": f"file://{tmp_path}/{{item_id}}.mp4"}
    api_server.task(video_batch=REFERENCE, batch=COUNTS | MANY, rendered=rendered)
    error = {"type": "JobFailed", "message": "the video has no text in this region", "code": "1042"}
    items: dict[str, Any] = {
        f"clip-{number}": ended("succeeded", f"job-{number}", sha256="0" * 64, duration_ms=8000)
        | submitted(f"job-{number}")
        for number in range(104)
    }
    items |= {f"clip-{number}": ended("failed", f"job-{number}", error=error) for number in range(104, 107)}
    items |= {f"clip-{number}": submitted(f"job-{number}") for number in range(107, 127)}
    items |= {"clip-127": {"submission": {"phase": "failed"}}, "clip-128": {}, "clip-129": "edited"}
    for part in range(3):
        some = dict(list(items.items())[part * 60 : part * 60 + 60])
        api_server.states(f"videoai_batch_{part}", {"version": 1, "items": some})
    lines = [line(f"clip-{number}", "succeeded", f"job-{number}", url=clip) for number in range(104)]
    for each in lines:
        each["request"]["url"] = clip
    written(file, *lines, *(line(f"later-{number}", "queued", None) for number in range(4)))
    return api_server


@pytest.fixture
def visit(browser: Browser, api_server: ApiServer) -> Iterator[Open]:
    """Open a page as a user; an error of our scripts fails the test."""
    contexts = []
    errors: list[str] = []
    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="viewer", role="viewer"))

    def visit(address: str, until: str = "table.jobs", **options: Any) -> Page:
        context = browser.new_context(
            base_url=api_server.url, **({"viewport": {"width": 1280, "height": 1000}} | options)
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.add_cookies([{"name": "_token", "value": token, "url": api_server.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error.stack)))
        page.goto(address)
        page.locator(until).first.wait_for()
        return page

    yield visit
    for context in contexts:
        context.close()
    assert errors == []


def rows(page: Page) -> Locator:
    return page.locator("table.jobs tbody tr")


def status(page: Page) -> Locator:
    return page.locator("#pages [role=status]")


def until_manifest_is_read(page: Page) -> Page:
    expect(page.get_by_role("button", name="Queued")).to_have_text("Queued6")
    return page


@pytest.mark.usefixtures("batch")
def test_a_batch_is_a_row_with_a_bar_that_leads_to_its_items(visit: Open) -> None:
    page = visit("/video-jobs/jobs")
    (row,) = rows(page).all()
    expect(row).to_contain_text("8,617 of 10,000 done, 43 failed, 100 running")
    expect(row.get_by_role("img")).to_have_accessible_name(
        "Items: 8,596 succeeded, 21 skipped, 43 failed, 100 running, 1,240 queued"
    )
    row.click()
    expect(rows(page)).to_have_count(50)
    assert page.locator(".badge").all_inner_texts()[1:6] == ["Failed"] * 3 + ["Unreadable", "Running"]


@pytest.mark.usefixtures("batch")
def test_items_are_filtered_and_paged_and_the_address_keeps_it(visit: Open) -> None:
    page = until_manifest_is_read(visit(BATCH))
    expect(status(page)).to_have_text("1 to 50 of 134")
    page.get_by_role("button", name="Succeeded").click()
    expect(status(page)).to_have_text("1 to 50 of 104")
    page.get_by_role("button", name="Next").click()
    expect(status(page)).to_have_text("51 to 100 of 104")  # until then the button leads to the same page
    page.get_by_role("button", name="Next").click()
    expect(status(page)).to_have_text("101 to 104 of 104")
    page.reload()
    expect(status(page)).to_have_text("101 to 104 of 104")
    page.get_by_label("Search").fill("CLIP-10")
    expect(status(page)).to_have_text("1 to 5 of 5")
    page.get_by_role("button", name="All").click()
    page.get_by_label("Search").fill("no text")
    expect(status(page)).to_have_text("1 to 3 of 3")
    expect(rows(page).first).to_contain_text("JobFailed: the video has no text in this region (code 1042)")


@pytest.mark.usefixtures("batch")
def test_an_item_plays_beside_its_input_and_survives_a_reload(visit: Open) -> None:
    page = until_manifest_is_read(visit(f"{BATCH}&state=succeeded&page=2"))
    page.get_by_role("link", name="clip-60", exact=True).click()
    panel = page.get_by_role("region", name="Item clip-60")
    expect(panel.locator("video")).to_have_count(2)
    page.reload()
    expect(status(page)).to_have_text("51 to 100 of 104")
    panel.get_by_role("button", name="Play").click()
    page.wait_for_function("() => [...document.querySelectorAll('.item video')].every(v => v.currentTime > 0.3)")
    expect(panel.locator("svg.regions")).to_have_count(1)
    panel.get_by_role("button", name="Close the item").click()
    expect(panel).to_have_count(0)
    expect(status(page)).to_have_text("51 to 100 of 104")


@pytest.mark.usefixtures("batch")
def test_an_item_that_failed_says_why(visit: Open) -> None:
    page = visit(BATCH)
    page.get_by_role("link", name="clip-105").click()
    panel = page.get_by_role("region", name="Item clip-105")
    expect(panel.locator("figure").last).to_contain_text("the video has no text in this region")
    expect(panel.get_by_role("button", name="Copy job id")).to_be_visible()


@pytest.mark.usefixtures("batch")
def test_an_item_has_a_link_to_its_media_that_does_not_expire(visit: Open) -> None:
    page = until_manifest_is_read(visit(f"{BATCH}&item=clip-7"))
    panel = page.get_by_role("region", name="Item clip-7")
    link = panel.get_by_role("link", name="Open in a new tab")
    assert re.search(r"/video-jobs/api/batches/dag/run/task/-1/media\?item_id=clip-7$", str(link.get_attribute("href")))
    expect(panel.get_by_role("button", name="Copy link")).to_be_visible()


# -- when something is wrong ----------------------------------------------------------------------------------------


def test_the_page_of_a_batch_goes_on_after_its_task_was_cleared(batch: ApiServer, visit: Open) -> None:
    page = visit(BATCH)
    batch.forget()
    expect(page.locator(".notice")).to_contain_text("has no video job yet, or was cleared")
    batch.task(video_batch=REFERENCE, batch=COUNTS)
    batch.states("videoai_batch_0", {"version": 1, "items": {"again": submitted("j")}})
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("again")


def test_the_page_of_a_job_that_failed_goes_on_to_the_one_in_its_place(api_server: ApiServer, visit: Open) -> None:
    reference = REFERENCE | {"job_ids": ["job-1"], "submitted_at": 1_778_486_400.0}
    failed = {"jobs": [{"job_id": "job-1", "state": "failed"}]}
    api_server.task(task_state="up_for_retry", video_job=reference, status=failed)
    page = visit(BATCH.replace("/batch?", "/job?"), until=".timeline")
    expect(page.locator("h1 ~ .badge")).to_have_text("Failed")
    api_server.forget()
    expect(page.locator(".notice")).to_contain_text("has no video job yet, or was cleared")
    api_server.task(video_job=reference | {"job_ids": ["job-2"]})
    expect(page.locator("main")).to_contain_text("job-2")


@pytest.mark.parametrize("status_code", [429, 500, 502, 503, 504])
def test_a_page_that_cannot_be_refreshed_keeps_what_it_shows_and_goes_on(
    status_code: int, batch: ApiServer, visit: Open
) -> None:
    page = visit("/video-jobs/jobs")
    page.route("**/api/jobs*", lambda route: route.fulfill(status=status_code, body="<h1>Bad gateway</h1>"))
    with page.expect_response(lambda response: response.status == status_code):
        pass
    expect(rows(page)).to_have_count(1)
    page.unroute("**/api/jobs*")
    batch.task(task_id="later", video_batch=REFERENCE)
    expect(rows(page)).to_have_count(2)


@pytest.mark.usefixtures("batch")
@pytest.mark.parametrize("address", ["/video-jobs/jobs?", f"{BATCH}&"], ids=["list", "batch"])
@pytest.mark.parametrize("query", ["state=odd", "page=-1", "page=x", f"search={'x' * 1500}"])
def test_a_choice_that_cannot_be_is_taken_back_with_a_button(address: str, query: str, visit: Open) -> None:
    page = visit(address + query, until=".notice")
    page.get_by_role("button", name="Show all").click()
    expect(rows(page).first).to_be_visible()
    expect(page.get_by_label("Search")).to_have_value("")


@pytest.mark.usefixtures("batch")
def test_thumbnails_load_when_they_come_into_view_and_few_at_a_time(visit: Open) -> None:
    page = visit(f"{BATCH}&state=succeeded")
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url) if "stored=true" in request.url else None)
    until_manifest_is_read(page)
    page.wait_for_function("() => document.querySelectorAll('.thumbnail video').length >= 2")
    page.wait_for_timeout(1500)  # that no more come can only be seen by letting time pass
    assert 2 <= len(set(loaded)) < 40, "only those in view, of 50"
    assert page.locator(".thumbnail video").first.evaluate("v => v.currentTime") > 1


@pytest.mark.usefixtures("batch")
def test_the_address_of_a_task_leads_to_its_batch(visit: Open) -> None:
    page = visit(BATCH.replace("/batch?", "/job?"))
    page.wait_for_url(re.compile("/video-jobs/batch"))
    expect(page.locator("h1")).to_contain_text("Text removal")


@pytest.mark.parametrize("look", LOOKS)
def test_neither_the_list_nor_the_page_has_anything_that_axe_objects_to(
    batch: ApiServer, look: str, visit: Open
) -> None:
    batch.task(task_id="one", video_job={"vendor": "aidge"})
    for address in ("/video-jobs/jobs", BATCH):
        page = visit(address, **LOOKS[look])
        if address == BATCH:
            until_manifest_is_read(page)
            page.get_by_role("button", name="Succeeded").click()
            page.get_by_role("link", name="clip-7", exact=True).click()
            page.wait_for_function("() => document.querySelectorAll('.item video').length === 2")
        page.evaluate(AXE.read_text())
        found = page.evaluate("() => axe.run()")
        assert found["passes"], "axe saw the page"
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == []
        assert page.evaluate(FITS), address


def test_ten_thousand_items_are_painted_within_a_second(api_server: ApiServer, visit: Open) -> None:
    api_server.task(video_batch=REFERENCE, batch=COUNTS | MANY)
    for part in range(167):
        items = {f"c{number}": ended("succeeded", f"j{number}") for number in range(part * 60, part * 60 + 60)}
        api_server.states(f"videoai_batch_{part}", {"version": 1, "items": items})
    page = visit(BATCH)
    expect(status(page)).to_have_text("1 to 50 of 10,020")
    page.goto("about:blank")
    page.goto(BATCH)
    expect(rows(page)).to_have_count(50)
    painted = page.evaluate("() => performance.now()")
    assert painted < 1000, painted
