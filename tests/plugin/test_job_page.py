# SPDX-License-Identifier: Apache-2.0
"""The page of a job, as a person sees and uses it.

In a real browser, at a real API server whose tasks have only what they stored; the media is the sandbox's.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import pytest
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from playwright.sync_api import Browser, FloatRect, Locator, Page, expect

from airflow_provider_videoai.plugin import web
from airflow_provider_videoai.plugin.media import MediaUnavailable, MediaUrls
from tests.plugin.test_api_server import CARD
from tests.support.api_server import ApiServer
from tests.support.chromium import PATIENCE

pytestmark = [pytest.mark.airflow, pytest.mark.ui]

AXE = files("axe_playwright_python").joinpath("axe.min.js")
FITS = "() => document.documentElement.scrollWidth <= window.innerWidth"
TIMES = "[...document.querySelectorAll('video')].map(v => v.currentTime)"
LENGTH = 8.0
"""Seconds of the sandbox's clip."""

Open = Callable[..., Page]


@pytest.fixture
def open_job(browser: Browser, api_server: ApiServer, samples: str) -> Iterator[Open]:
    """Store a job that is done, and open its page; an error of our scripts fails the test."""
    contexts = []
    errors: list[str] = []
    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="viewer", role="viewer"))

    def open_job(
        source: str | None = "clip.mp4", media: str = "clip.mp4", rendered: Any = None, /, **options: Any
    ) -> Page:
        url = None if source is None else f"{samples}/{source}" if source.endswith(("mp4", "mp3")) else source
        done = {"job_id": "j1", "state": "succeeded", "media_url": f"{samples}/{media}"}
        api_server.task(
            task_state="success",
            rendered=rendered,
            video_job=CARD | {"source": url} | options.pop("reference", {}),
            status={"observed_at": time.time(), "jobs": [done]},
            return_value=done | {"finished_at": datetime.now(UTC).isoformat()} | options.pop("result", {}),
        )
        context = browser.new_context(
            base_url=api_server.url, **({"viewport": {"width": 1280, "height": 1000}} | options)
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.add_cookies([{"name": "_token", "value": token, "url": api_server.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error.stack)))
        page.goto("/video-jobs/job?dag_id=dag&run_id=run&task_id=task&map_index=-1")
        page.locator(".timeline").wait_for()
        return page

    yield open_job
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def both(open_job: Open) -> Page:
    """The page of a job with two videos, both ready to play."""
    return until_playable(open_job())


def until_playable(page: Page) -> Page:
    page.wait_for_function("() => [...document.querySelectorAll('video, audio')].every(media => media.readyState >= 3)")
    return page


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def box_of(shown: Locator) -> FloatRect:
    box = shown.bounding_box()
    assert box is not None, "nothing is shown"
    return box


def until_times_are(page: Page, test: str) -> list[float]:
    """Wait until the times of the two videos pass a test in JavaScript, and return them."""
    found = page.wait_for_function(f"() => {{ const [a, b] = {TIMES}; return {test} && [a, b]; }}")
    times: list[float] = found.json_value()
    return times


def test_a_frame_of_the_middle_stands_for_the_video_until_it_plays_from_the_start(both: Page) -> None:
    until_times_are(both, f"a === {LENGTH / 2} && a === b")
    button(both, "Play").click()
    until_times_are(both, f"a > 0.1 && a < {LENGTH / 2}")


def test_input_and_result_play_pause_and_seek_as_one(both: Page) -> None:
    button(both, "Play").click()
    until_times_are(both, f"a > 0.5 && a < {LENGTH / 2} && Math.abs(a - b) < 0.1")
    button(both, "Pause").click()
    assert both.evaluate("() => [...document.querySelectorAll('video')].every(v => v.paused)")
    both.get_by_label("Position").fill("1")
    until_times_are(both, "a === 1 && b === 1")
    expect(both.locator("output")).to_have_text("0:01.00 / 0:08.00")


@pytest.mark.parametrize("by", ["buttons", "keys"])
def test_a_step_shows_the_next_frame_of_both(both: Page, by: str) -> None:
    button(both, "Play").click()  # the browser learns from playing how long a frame is
    until_times_are(both, "a > 0.5 && b > 0.5")
    button(both, "Pause").click()
    both.get_by_label("Position").fill("1")
    until_times_are(both, "a === 1 && b === 1")
    for name, key, test in (("Next frame", "ArrowRight", "a > 1"), ("Previous frame", "ArrowLeft", "a < 1.04")):
        if by == "buttons":
            button(both, name).click()
        else:
            both.get_by_label("Position").press(key)
        after, beside = until_times_are(both, f"{test} && a === b")
        assert after == beside
        assert abs(after - 1) < 0.07, "one frame, and the middle of it"


def test_a_drift_between_input_and_result_is_made_up(both: Page) -> None:
    button(both, "Play").click()
    both.locator("video").last.evaluate("v => { v.currentTime += 2; }")
    until_times_are(both, f"a > 0.3 && a < {LENGTH / 2} && Math.abs(a - b) < 0.1")


def test_the_keys_play_and_pause_without_a_look_for_the_button(both: Page) -> None:
    both.locator("h1").click()
    both.keyboard.press(" ")
    until_times_are(both, f"a > 0.1 && a < {LENGTH / 2} && b > 0.1")
    both.keyboard.press(" ")
    expect(button(both, "Play")).to_be_visible()
    before = until_times_are(both, "true")
    both.keyboard.press("Shift+ArrowRight")
    assert until_times_are(both, f"a > {before[0]}")[0] == pytest.approx(before[0] + 1, abs=0.1)


def test_media_that_cannot_be_played_says_so_and_leaves_no_controls(open_job: Open) -> None:
    page = open_job(None, "none.mp4")
    expect(page.locator(".unplayable")).to_contain_text("This cannot be played")
    expect(page.locator(".controls")).to_be_hidden()


class Given(MediaUrls):
    """Leads to whatever a test says."""

    now: str | MediaUnavailable

    async def address(self, *_: Any, **__: Any) -> str:
        if isinstance(self.now, MediaUnavailable):
            raise self.now
        return self.now


@pytest.fixture
def given(api_server: ApiServer, samples: str, monkeypatch: pytest.MonkeyPatch) -> Given:
    """Where the page finds media: a video."""
    assert api_server.url, "it sets what this replaces"
    given = Given()
    given.now = f"{samples}/clip.mp4"
    monkeypatch.setattr(web, "media_urls", given)
    return given


def test_media_that_is_gone_leaves_the_vendors_words_and_a_button_that_tries_again(
    given: Given, open_job: Open, samples: str
) -> None:
    given.now = MediaUnavailable(410, "ViiTor gives no address: the job is unknown")
    page = open_job(None, "clip.mp4", None, result={"finished_at": None})
    shown = page.locator("figure").last.get_by_role("status")
    expect(shown).to_have_text("This cannot be played. ViiTor gives no address: the job is unknown.")
    expect(page.locator(".controls")).to_be_hidden()
    page.keyboard.press(" ")  # of controls that are not there
    given.now = f"{samples}/clip.mp4"
    button(page, "Try again: Result").click()
    page.wait_for_function("() => document.querySelector('video')?.readyState >= 3")
    expect(shown).to_have_text("")
    expect(button(page, "Play")).to_be_visible()


@pytest.mark.parametrize("plays", [False, True])
@pytest.mark.parametrize("which", ["first", "last"])
@pytest.mark.usefixtures("given")
def test_media_that_is_requested_again_goes_on_where_it_was_beside_the_other(
    both: Page, which: str, plays: bool
) -> None:
    both.get_by_label("Wipe").check()
    both.get_by_label("Position").fill("3")
    until_times_are(both, "a === 3 && b === 3")
    if plays:
        both.get_by_label("Speed").select_option("0.25")  # so that a busy browser is not too late for it
        button(both, "Play").click()
    video = getattr(both.locator("video"), which)
    # As the browser does when a seek or the rest of a video is refused.
    video.evaluate("v => v.dispatchEvent(new Event('error'))")
    if which == "last":
        expect(video).to_have_attribute("src", re.compile("refused=true"))
    else:
        button(both, "Try again: Input").click()
    until_times_are(both, "a > 3 && b > 3 && Math.abs(a - b) < 0.3" if plays else "a === 3 && b === 3")
    expect(both.get_by_label("Wipe")).to_be_checked()
    expect(button(both, "Pause" if plays else "Play")).to_be_visible()


def test_a_video_that_ended_plays_on_after_a_seek(both: Page) -> None:
    both.get_by_label("Position").fill("7.5")
    button(both, "Play").click()
    expect(button(both, "Play")).to_be_visible()  # both ended
    both.get_by_label("Position").fill("2")
    button(both, "Play").click()
    until_times_are(both, "a > 2.2 && b > 2.2 && a < 6")


def test_one_of_them_is_heard(both: Page) -> None:
    for choice, muted in (("Result", [True, False]), ("Input", [False, True]), ("", [True, True])):
        both.get_by_label("Sound").select_option(choice)
        assert both.locator("video").evaluate_all("videos => videos.map(v => v.muted)") == muted


def test_nothing_lies_over_the_lower_part_of_a_picture(both: Page) -> None:
    controls = box_of(both.locator(".controls"))
    for video in both.locator("video").all():
        assert box_of(video)["y"] + box_of(video)["height"] <= controls["y"]
        assert not video.evaluate("v => v.controls")


def test_the_edge_of_the_wipe_cuts_the_result_where_its_slider_is(both: Page) -> None:
    left, right = both.locator(".frame").all()
    assert box_of(left)["x"] < box_of(right)["x"]
    both.get_by_label("Wipe").check()
    assert box_of(left) == box_of(right)
    both.get_by_label("Edge").fill("30")
    assert right.evaluate("frame => getComputedStyle(frame).clipPath") == "inset(0px 0px 0px 30%)"
    expect(both.get_by_label("Edge")).to_have_attribute("aria-valuetext", "input 30 %, result 70 %")
    both.get_by_label("Wipe").uncheck()
    assert box_of(left)["x"] < box_of(right)["x"]


def test_a_result_of_sound_only_has_a_player_with_its_length(open_job: Open) -> None:
    page = until_playable(open_job("Hello.", "speech.mp3"))
    expect(page.locator(".frame.sound")).to_contain_text("Sound, ")
    button(page, "Play").click()
    page.wait_for_function("() => document.querySelector('audio').currentTime > 0.1")
    expect(page.get_by_label("Wipe")).to_be_hidden()


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
@pytest.mark.parametrize("media", ["clip.mp4", "speech.mp3"])
def test_a_jobs_page_has_nothing_that_axe_objects_to(open_job: Open, look: str, media: str) -> None:
    options: dict[str, Any] = {"viewport": {"width": 390, "height": 844}} if look == "phone" else {}
    rendered = {"task_name": "clip", "full_erase_roi": [[0, 270, 640, 350]]}
    page = until_playable(
        open_job("clip.mp4", media, rendered, color_scheme="dark" if look == "dark" else "light", **options)
    )
    if media == "clip.mp4":
        page.get_by_label("Wipe").check()
    page.evaluate(AXE.read_text())
    found = page.evaluate("() => axe.run()")
    assert found["passes"], "axe saw the page"
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == []
    assert page.evaluate(FITS)


@pytest.mark.parametrize(
    ("stored", "browsers", "shown"),
    [
        ('"Asia/Tokyo"', "Europe/Berlin", "2026-05-11 17:00:00 GMT+9"),
        ('"UTC"', "Europe/Berlin", "2026-05-11 08:00:00 UTC"),
        (None, "Europe/Berlin", "2026-05-11 10:00:00 CEST"),
        ('"Mars/Olympus"', "Europe/Berlin", "2026-05-11 10:00:00 CEST"),
        ("no JSON", "America/New_York", "2026-05-11 04:00:00 GMT\N{MINUS SIGN}4"),
    ],
)
def test_times_are_in_the_zone_that_airflow_was_given(
    open_job: Open, stored: str | None, browsers: str, shown: str
) -> None:
    details = {"details": {"updateTime": 1_778_486_400_000, "note": "2026-05-11T08:00:00"}}
    page = open_job("clip.mp4", "clip.mp4", timezone_id=browsers, locale="en-US", result=details)
    if stored is not None:
        page.evaluate("zone => localStorage.setItem('timezone', zone)", stored)
        page.reload()
    expect(page.get_by_role("row", name="updateTime").locator("td")).to_have_text(shown)
    expect(page.get_by_role("row", name="note").locator("td")).to_have_text("2026-05-11T08:00:00")
    expect(page.locator(".timeline time").first).to_have_attribute("title", shown)
    expect(page.locator(".timeline time").first).to_have_text(shown.rpartition(" ")[0])


def test_a_change_of_the_zone_reaches_an_open_page(open_job: Open) -> None:
    page = open_job("clip.mp4", "clip.mp4", timezone_id="Europe/Berlin")
    expect(page.locator(".timeline time").first).to_have_text("2026-05-11 10:00:00")
    window = page.context.new_page()  # as Airflow's window is to this page, another document of the same origin
    window.goto("/video-jobs/static/icon.svg")
    window.evaluate("localStorage.setItem('timezone', '\"Asia/Tokyo\"')")
    expect(page.locator(".timeline time").first).to_have_text("2026-05-11 17:00:00")


def test_of_ssml_a_person_sees_the_words(open_job: Open) -> None:
    page = open_job("<speak>One &amp; <break time='1s'/>two</speak>")
    expect(page.locator("figure").first).to_contain_text("One & two")


CORNERS = "rect => ['x', 'y', 'width', 'height'].map(name => Number(rect.getAttribute(name)))"


@pytest.mark.parametrize(
    ("region", "corners"), [([0, 270, 640, 350], [0, 270, 640, 80]), ([0.5, 0.75, 1, 1], [320, 270, 320, 90])]
)
def test_the_regions_of_a_request_are_drawn_over_its_input(
    open_job: Open, region: list[float], corners: list[float]
) -> None:
    rendered = {"full_erase_roi": [region], "task_name": "clip"}
    page = until_playable(open_job("clip.mp4", "clip.mp4", rendered))
    left, right = page.locator(".frame").all()
    expect(right.locator(".regions")).to_have_count(0)
    assert left.locator("rect").evaluate(CORNERS) == corners  # of 640 x 360
    assert box_of(left.locator("svg")) == box_of(left.locator("video"))
    expect(left.get_by_role("img")).to_have_accessible_name(re.compile(r"^Regions .*Full erase roi: 0"))
    page.get_by_role("checkbox", name="Regions").uncheck()
    expect(left.locator(".regions")).to_be_hidden()
    expect(page.get_by_role("row", name="Task name")).to_contain_text("clip")


def test_of_a_trim_it_is_shown_which_part_was_kept(open_job: Open) -> None:
    names = {"vendor": "cdnetworks", "operation": "trim", "polled_as": "trim"}
    rendered = {"video_id": "v", "seek_start": "2", "duration": "6", "filename": "cut"}
    page = open_job("v", "clip.mp4", rendered, reference=names)
    kept = page.get_by_role("row", name="Kept of the input")
    expect(kept).to_contain_text("0:02.00 to 0:08.00, 6 s")
    expect(page.get_by_role("row", name="Filename")).to_contain_text("cut")
    whole, part = (box_of(kept.locator(f"rect.{name}")) for name in ("all", "kept"))
    assert part["x"] - whole["x"] == pytest.approx(whole["width"] * 0.2, abs=1)
    assert part["width"] == pytest.approx(whole["width"] * 0.6, abs=1)


def test_the_media_opens_in_a_new_tab_and_its_link_is_copied(open_job: Open, api_server: ApiServer) -> None:
    page = open_job(permissions=["clipboard-read", "clipboard-write"])
    row = page.get_by_role("row", name="Media")
    with page.context.expect_page() as opened:
        row.get_by_role("link", name="Open in a new tab").click()
    opened.value.wait_for_url("**/sample/clip.mp4")
    row.get_by_role("button", name="Copy link").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"{api_server.url}/video-jobs/api/jobs/dag/run/task/-1/result?job=0"


def test_kept_copies_are_listed_with_their_paths(open_job: Open, api_server: ApiServer) -> None:
    kept = {"vendor": "viitor", "job_id": "j1", "path": "s3://c@b/j1.mp4", "bytes": 1_234_567, "sha256": "0"}
    api_server.task(task_id="keep", return_value=kept)
    page = open_job()
    row = page.get_by_role("row", name="Kept copies")
    expect(row.locator("code")).to_have_text("s3://c@b/j1.mp4")
    expect(row).to_contain_text("1.23 MB, by keep")
    expect(row.get_by_role("button", name="Copy path")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_long_run_id_stays_within_the_button_that_takes_it_back(open_job: Open, width: int) -> None:
    page = open_job(viewport={"width": width, "height": 800})
    page.goto(f"/video-jobs/?run_id=manual__{'r' * 200}")
    chip = page.locator("#narrowed button")
    chip.wait_for()
    assert chip.evaluate("chip => chip.scrollWidth <= chip.clientWidth && chip.scrollHeight <= chip.clientHeight")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    chip.click()
    page.locator("table.jobs").wait_for()
