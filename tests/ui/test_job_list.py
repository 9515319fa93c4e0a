# SPDX-License-Identifier: Apache-2.0
"""The list of "Video jobs" in Airflow's frame, with many jobs: its address, its pages, its links."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect

from tests.support.api_server import ApiServer, running_api_server

pytestmark = [pytest.mark.airflow, pytest.mark.ui]

COUNT = 130
REFERENCE = {
    "vendor": "viitor",
    "operation": "text_removal",
    "polled_as": "text_removal",
    "conn_id": "viitor_default",
    "submitted_at": 1_778_486_400.0,
}


@pytest.fixture(scope="module")
def api_server() -> Iterator[ApiServer]:
    """An API server where anyone may see all: 130 mapped tasks in two runs, every tenth failed; another DAG's task."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        environment.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "x" * 64)
        environment.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", "True")
        with running_api_server() as running:
            running.forget()
            for number in range(COUNT):
                reference = REFERENCE | {"job_ids": [f"job-{number:04}"]}
                ended: Any = {"status": {"jobs": [{"job_id": "j", "state": "failed"}]}} if number % 10 == 0 else {}
                running.task("clips", f"run/{number % 2}", "cut", number, video_job=reference, **ended)
            running.task("other", video_job=REFERENCE | {"vendor": "aidge", "job_ids": ["elsewhere"]})
            yield running
            running.forget()


@pytest.fixture
def page(browser: Browser, api_server: ApiServer) -> Iterator[Page]:
    """A browser's page within Airflow; an error of our scripts fails the test."""
    context = browser.new_context(base_url=api_server.url, viewport={"width": 1280, "height": 800})
    errors: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error.stack)))
    page.goto("/")
    page.get_by_role("link", name="Video jobs").wait_for()
    yield page
    context.close()
    assert [error for error in errors if "/video-jobs/" in error] == []


def opened(page: Page, query: str = "") -> FrameLocator:
    """Open the list within Airflow, as a link that someone sent does."""
    page.goto(f"/plugin/video-jobs{query}")
    return page.frame_locator("iframe")


def rows(frame: FrameLocator) -> Locator:
    return frame.locator("table.jobs tbody tr")


def says(frame: FrameLocator, words: str) -> None:
    expect(frame.get_by_role("status")).to_have_text(words)


def test_what_is_chosen_is_in_the_address_and_survives_a_reload(page: Page) -> None:
    frame = opened(page)
    says(frame, "1 to 50 of 131")
    frame.get_by_label("DAG").select_option("clips")
    frame.get_by_label("Vendor").select_option("ViiTor")
    frame.get_by_label("Order").select_option("Oldest first")
    frame.get_by_role("button", name="Failed").click()
    frame.get_by_label("Search").fill("job-00")
    says(frame, "1 to 10 of 10")
    page.reload()
    says(frame, "1 to 10 of 10")
    expect(frame.get_by_label("Search")).to_have_value("job-00")
    expect(frame.get_by_label("Vendor")).to_have_value("viitor")
    expect(frame.get_by_role("button", name="Failed")).to_have_attribute("aria-pressed", "true")
    expect(rows(frame).first).to_contain_text("[0]")
    shared = page.context.new_page()
    shared.goto(page.url)
    says(shared.frame_locator("iframe"), "1 to 10 of 10")


def test_a_list_of_many_jobs_has_pages_and_counts_of_all_of_them(page: Page) -> None:
    frame = opened(page, "?dag_id=clips")
    says(frame, "1 to 50 of 130")
    expect(frame.get_by_role("button", name="Failed")).to_have_text("Failed13")
    frame.get_by_role("button", name="Next").click()
    frame.get_by_role("button", name="Next").click()
    says(frame, "101 to 130 of 130")
    expect(frame.get_by_role("button", name="Next")).to_be_disabled()
    page.reload()
    says(frame, "101 to 130 of 130")
    frame.get_by_role("button", name="Failed").click()
    says(frame, "1 to 13 of 13")


def test_failed_ones_can_come_first(page: Page) -> None:
    frame = opened(page, "?sort=failed")
    says(frame, "1 to 50 of 131")
    assert frame.locator(".badge").all_inner_texts()[:14] == ["Failed"] * 13 + ["Queued"]


def test_an_address_can_name_a_run_and_a_task(page: Page) -> None:
    frame = opened(page, "?dag_id=clips&run_id=run/1&task_id=cut")
    says(frame, "1 to 50 of 65")
    frame.get_by_role("button", name="Run run/1").click()
    says(frame, "1 to 50 of 130")
    expect(frame.get_by_role("button", name="Run run/1")).to_have_count(0)


def test_a_dag_that_is_not_there_is_said_to_be_missing(page: Page) -> None:
    frame = opened(page, "?dag_id=nothing")
    expect(frame.locator(".notice")).to_contain_text("There is no DAG “nothing”")
    frame.get_by_label("DAG").select_option("other")
    says(frame, "1 to 1 of 1")


def test_dag_and_run_lead_to_airflows_own_pages(page: Page) -> None:
    frame = opened(page, "?search=elsewhere")
    rows(frame).get_by_role("link", name="run").click()
    page.wait_for_url("**/dags/other/runs/run**")
    frame = opened(page, "?search=elsewhere")
    rows(frame).get_by_role("link", name="other").click()
    page.wait_for_url(lambda url: url.partition("?")[0].endswith("/dags/other"))


def test_the_way_back_from_a_job_keeps_what_was_chosen(page: Page) -> None:
    frame = opened(page, "?dag_id=clips")
    frame.get_by_label("Search").fill("job-0042")
    says(frame, "1 to 1 of 1")
    rows(frame).first.click()
    frame.locator(".timeline").wait_for()
    page.go_back()
    says(frame, "1 to 1 of 1")
