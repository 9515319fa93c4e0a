# SPDX-License-Identifier: Apache-2.0
"""The page "Video jobs", as a person sees it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import FloatRect, Frame, FrameLocator, Locator, Page, expect
from standalone import Standalone

from airflow_provider_videoai.sandbox.running import Sandbox

pytestmark = [pytest.mark.airflow, pytest.mark.ui, pytest.mark.usefixtures("done")]

PLAYABLE = "v => v.readyState >= 3"
FITS = "() => document.documentElement.scrollWidth <= window.innerWidth"
OUR_COLOURS = "() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
AIRFLOWS_COLOURS = OUR_COLOURS.replace("document.body", "document.documentElement")


def inner(page: Page) -> Frame:
    """Return our page within Airflow's, to run scripts in."""
    return next(frame for frame in page.frames if frame.parent_frame and "/video-jobs/" in frame.url)


def box_of(shown: Locator) -> FloatRect:
    box = shown.bounding_box()
    assert box is not None, "nothing is shown"
    return box


def follow_link(page: Page, run: Any, task_id: str) -> FrameLocator:
    """Open a job's page as a person does: with the button "Job" on its task."""
    page.goto(f"/dags/{run.dag_id}/runs/{quote(run.run_id)}/tasks/{task_id}")
    page.get_by_role("link", name="Details", exact=True).click()
    page.get_by_role("link", name="Job", exact=True).click()
    return shown_job(page)


def open_job(page: Page, run: Any, task_id: str) -> FrameLocator:
    """Open a job's page at the address of that button."""
    page.goto(f"/plugin/video-jobs?{run.query(task_id)}")
    return shown_job(page)


def shown_job(page: Page) -> FrameLocator:
    frame = page.frame_locator("iframe")
    frame.locator(".timeline").wait_for()
    return frame


def open_list(page: Page) -> FrameLocator:
    page.goto("/")
    page.get_by_role("link", name="Video jobs").click()
    frame = page.frame_locator("iframe")
    frame.locator("table.jobs").wait_for()
    return frame


def line(page: Page, task_id: str) -> Locator:
    """Return the newest job of a task."""
    rows = page.frame_locator("iframe").locator(f'table.jobs tbody tr:has(td.task a:text-is("{task_id}"))')
    return rows.first


def until_playable(videos: Locator) -> None:
    """Wait until each player shows a frame."""
    for video in videos.all():
        inner(video.page).wait_for_function(PLAYABLE, arg=video.element_handle())


def plays(video: Locator) -> bool:
    """Press Play, and return whether a player plays."""
    video.page.frame_locator("iframe").get_by_role("button", name="Play", exact=True).click()
    return advances(video)


def advances(video: Locator) -> bool:
    """Return whether a player's time advances."""
    before = video.evaluate("v => v.currentTime")
    inner(video.page).wait_for_function("([v, t]) => v.currentTime > t + 0.5", arg=[video.element_handle(), before])
    return True


@pytest.mark.usefixtures("under_way")
def test_the_bar_of_a_running_job_moves_by_itself(log_in: Any, sandbox: Sandbox) -> None:
    page = log_in()
    open_list(page)
    expect(line(page, "erase_text").locator(".badge")).to_have_text("Running")
    bar = line(page, "erase_text").locator("progress")
    expect(bar).to_have_attribute("value", re.compile(r"^[1-9]"))
    sandbox.clock(advance=150)
    # Progress is written after 15 seconds of waiting, and then after 75.
    inner(page).wait_for_function("bar => bar.value > 35", arg=bar.element_handle(), timeout=120_000)


def test_a_waiting_task_leads_to_its_job_with_its_course_and_its_input(
    under_way: Any, log_in: Any, sandbox: Sandbox
) -> None:
    page = log_in()
    loads: list[str] = []
    page.on("request", lambda request: loads.append(request.url) if request.url.endswith("/source") else None)
    frame = follow_link(page, under_way, "erase_with_aidge")
    expect(frame.locator("h1")).to_contain_text("Video removal")
    expect(frame.locator(".timeline li").first).to_contain_text(re.compile(r"Submitted.*:\d\d"))
    expect(frame.locator("figure").nth(1)).to_contain_text("It appears here when the job is done.")
    assert plays(frame.locator("figure").first.locator("video"))
    sandbox.clock(vendor="aidge", advance=400)
    expect(frame.locator("figure").nth(1).locator("video")).to_be_visible()
    assert len(loads) <= 3, "the page refreshes, its players do not"


def test_the_list_leads_to_a_job_and_back_to_the_task(done: Any, log_in: Any) -> None:
    page = log_in()
    frame = open_list(page)
    frame.get_by_label("DAG").select_option(done.dag_id)
    line(page, "erase_text").click()
    frame.locator(".timeline").wait_for()
    frame.get_by_role("link", name="Open task").click()
    page.wait_for_url(f"**/dags/{done.dag_id}/runs/*/tasks/erase_text**")


def test_a_task_that_is_done_leads_to_input_and_result_that_play_side_by_side(
    done: Any, log_in: Any, picture: Any
) -> None:
    page = log_in()
    frame = follow_link(page, done, "erase_text")
    players = frame.locator("video")
    expect(players).to_have_count(2)
    until_playable(players)
    picture(page, "job")
    frame.get_by_label("Wipe").check()
    picture(page, "job-wipe")
    frame.get_by_label("Wipe").uncheck()
    assert plays(players.nth(0))
    assert advances(players.nth(1))
    left, right = (box_of(players.nth(number)) for number in (0, 1))
    assert (left["y"], left["width"]) == (right["y"], right["width"])


def test_subtitles_are_a_track_of_the_player(done: Any, log_in: Any) -> None:
    frame = open_job(log_in(), done, "narrator")
    video = frame.locator("figure").nth(1).locator("video")
    assert plays(video)
    assert video.evaluate("v => v.textTracks[0].mode") == "showing"
    assert video.evaluate("v => [...v.textTracks[0].cues].map(cue => cue.text).join(' ')").startswith("Welcome.")
    expect(frame.locator("figure").first).to_contain_text("Welcome. This clip was cleaned")


def test_the_media_opens_in_a_tab_beside_airflow(done: Any, log_in: Any) -> None:
    page = log_in()
    frame = open_job(page, done, "trim")
    with page.context.expect_page() as opened:
        frame.get_by_role("link", name="Open in a new tab").click()
    opened.value.wait_for_url("**.mp4**")
    expect(frame.locator(".timeline")).to_be_visible()


def test_the_job_id_is_copied(done: Any, log_in: Any, airflow: Standalone) -> None:
    page = log_in(permissions=["clipboard-read", "clipboard-write"])
    frame = open_job(page, done, "trim")
    frame.get_by_role("button", name="Copy job id").click()
    expect(frame.get_by_role("button", name="Copy job id")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == airflow.xcom(done.dag_id, done.run_id, "trim", "job_id")


def test_media_whose_url_was_refused_is_queried_again_and_plays(done: Any, log_in: Any, sandbox: Sandbox) -> None:
    sandbox.fault(vendor="topview", call="media", kind="expire_media", times=1)
    frame = open_job(log_in(), done, "avatar")
    video = frame.locator("figure").nth(1).locator("video")
    # Of a run older than five minutes the page has queried the vendor just now: the player waits until it may again.
    expect(video).to_have_attribute("src", re.compile("refused=true"))
    until_playable(video)
    expect(frame.locator("figure").nth(1).get_by_role("status")).to_have_text("")
    assert plays(video)
    assert [fault["fired"] for fault in sandbox.faults()] in ([1], [])
    sandbox.clear_faults()


def test_the_filters_show_what_they_say(log_in: Any) -> None:
    page = log_in()
    frame = open_list(page)
    frame.get_by_label("Vendor").select_option("CDNetworks Cloud VoD")
    expect(line(page, "erase_text")).to_have_count(0)
    assert set(frame.locator("td.vendor").all_inner_texts()) == {"CDNetworks Cloud VoD"}
    frame.get_by_label("Search").fill("no such job")
    expect(frame.locator(".notice")).to_contain_text("No job matches")


def test_the_page_polls_only_while_it_is_visible(log_in: Any) -> None:
    page = log_in()
    polls: list[str] = []
    page.on("request", lambda request: polls.append(request.url) if "/video-jobs/api/jobs?" in request.url else None)
    frame = open_list(page)
    with page.expect_request("**/video-jobs/api/jobs?*"):
        pass
    ours = inner(page)
    ours.evaluate("""() => {
        Object.defineProperty(document, "hidden", { value: true, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }""")
    hidden = len(polls)
    page.wait_for_timeout(7000)  # that nothing happens can only be seen by letting time pass
    assert len(polls) - hidden <= 1, "one may have been in flight"
    ours.evaluate("() => { delete document.hidden; document.dispatchEvent(new Event('visibilitychange')); }")
    with page.expect_request("**/video-jobs/api/jobs?*"):
        pass
    expect(frame.locator("table.jobs")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_looks_as_airflow_looks(scheme: str, done: Any, log_in: Any, picture: Any) -> None:
    page = log_in(color_scheme=scheme)
    frame = open_job(page, done, "narrator")
    until_playable(frame.locator("video"))
    assert inner(page).evaluate(OUR_COLOURS) == page.evaluate(AIRFLOWS_COLOURS)
    assert frame.locator("html").get_attribute("data-theme") == scheme
    if scheme == "dark":
        picture(page, "job-dark")


def test_the_page_follows_a_change_of_the_colour_scheme(done: Any, log_in: Any) -> None:
    page = log_in(color_scheme="light")
    frame = open_job(page, done, "narrator")
    page.emulate_media(color_scheme="dark")
    expect(frame.locator("html")).to_have_attribute("data-theme", "dark")


def test_nothing_is_cut_off_on_a_phone(log_in: Any, picture: Any) -> None:
    page = log_in(viewport={"width": 390, "height": 844})
    page.goto("/plugin/video-jobs")
    frame = page.frame_locator("iframe")
    line(page, "erase_text").wait_for()
    assert inner(page).evaluate(FITS)
    line(page, "erase_text").click()
    frame.locator(".timeline").wait_for()
    assert inner(page).evaluate(FITS)
    top, bottom = (frame.locator("figure").nth(number).bounding_box()["y"] for number in (0, 1))
    assert bottom > top, "the players are one below the other"
    until_playable(frame.locator("video"))
    picture(page, "job-phone")


@pytest.fixture
def pretend(done: Any, airflow: Standalone) -> Iterator[Callable[..., None]]:
    """Give the task `gather`, which has no job, a reference of one."""
    path = f"/dags/{done.dag_id}/dagRuns/{done.run_id}/taskInstances/gather/xcomEntries"

    def pretend(**reference: Any) -> None:
        airflow.api("POST", path, json={"key": "video_job", "value": reference})

    yield pretend
    airflow.api("DELETE", f"{path}/video_job")


def test_what_a_vendor_says_is_text_and_never_markup(done: Any, log_in: Any, pretend: Any) -> None:
    markup = "<img src=x onerror='parent.attacked = true'>"
    words = ("vendor", "operation", "polled_as", "conn_id", "source")
    pretend(**dict.fromkeys(words, markup), job_ids=[markup])
    page = log_in()
    frame = open_job(page, done, "gather")
    expect(frame.locator("code").first).to_have_text(markup)
    expect(frame.locator("img")).to_have_count(0)
    listed = open_list(page)
    expect(line(page, "gather")).to_contain_text(markup)
    expect(listed.locator("img")).to_have_count(0)
    assert page.evaluate("window.attacked") is None


def test_each_of_several_jobs_has_its_result_beside_what_is_known_of_it(done: Any, log_in: Any, pretend: Any) -> None:
    names = {"vendor": "viitor", "operation": "text_removal", "polled_as": "text_removal", "conn_id": "viitor_default"}
    pretend(**names, job_ids=["first", "second"])
    frame = open_job(log_in(), done, "gather")
    jobs = frame.locator("section.media")
    expect(jobs).to_have_count(2)
    for job, job_id in zip(jobs.all(), ("first", "second"), strict=True):
        expect(job.locator("code").first).to_have_text(job_id)
        result, facts = (box_of(job.locator(part)) for part in ("figure", ".card"))
        assert result["x"] + result["width"] < facts["x"]
        assert result["y"] < facts["y"] < result["y"] + result["height"]
