# SPDX-License-Identifier: Apache-2.0
"""The site that `make docs` built, as a person reads it: from the disk, without a network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.support.chromium import PATIENCE, running_chromium

pytestmark = [pytest.mark.airflow, pytest.mark.ui]

SITE = Path(__file__).resolve().parents[2] / "docs/_build/html"
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
FITS = "() => document.documentElement.scrollWidth <= window.innerWidth"
FOLDER = os.environ.get("VIDEOAI_PICTURES")
PAGES = (
    "index.html",
    "tutorial/first-dag.html",
    "how-to/many-videos.html",
    "reference/api/hooks.viitor.html",
    "reference/errors.html",
)
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 860}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 860}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}
SHEET_WIDTH = 2400
GAP = 12


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert (SITE / "index.html").is_file(), "these tests read the site: make docs"
    with running_chromium() as running:
        yield running


def opened(browser: Browser, look: str, name: str) -> Page:
    page = browser.new_context(**LOOKS[look]).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto((SITE / name).as_uri())
    return page


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_and_has_nothing_that_axe_objects_to(browser: Browser, name: str, look: str) -> None:
    page = opened(browser, look, name)
    page.evaluate(AXE)
    found = page.evaluate("() => axe.run()")
    assert found["passes"], "axe saw the page"
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == []
    assert page.evaluate(FITS)
    page.context.close()


def test_an_error_is_found_by_the_search(browser: Browser) -> None:
    page = opened(browser, "light", "index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("SubmitUncertain")
    page.keyboard.press("Enter")
    found = page.locator("#search-results")
    expect(found.get_by_role("link", name="Troubleshooting").first).to_be_visible()
    found.get_by_role("link", name="SubmitUncertain", exact=False).first.click()
    expect(page.locator("h1").first).to_be_visible()
    assert "SubmitUncertain" in page.content()
    page.context.close()


@pytest.mark.skipif(not FOLDER, reason="a picture is wanted only by make pictures")
def test_picture_of_the_site(browser: Browser) -> None:
    rows = []
    for look in LOOKS:
        shots = []
        for name in PAGES:
            page = opened(browser, look, name)
            shots.append(Image.open(BytesIO(page.screenshot())).convert("RGB"))
            page.context.close()
        width = (SHEET_WIDTH - GAP * (len(PAGES) - 1)) // len(PAGES)
        rows.append([shot.resize((width, width * shot.height // shot.width)) for shot in shots])
    sheet = Image.new("RGB", (SHEET_WIDTH, sum(row[0].height + GAP for row in rows) - GAP), "#888")
    top = 0
    for row in rows:
        for column, shot in enumerate(row):
            sheet.paste(shot, (column * (shot.width + GAP), top))
        top += row[0].height + GAP
    sheet.save(Path(str(FOLDER)) / "site.webp", quality=75, method=6)
