# SPDX-License-Identifier: Apache-2.0
"""The pages as a whole: links lead somewhere, here and on a code host, and each folder's index names its pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SITE = [path for path in sorted((ROOT / "docs").rglob("*.md")) if "_build" not in path.parts]
PAGES = {
    str(path.relative_to(ROOT)): path for path in [*SITE, *sorted(ROOT.glob("*.md")), ROOT / "benchmarks/README.md"]
}
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")


def slugs(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as code hosts and the site make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    page = PAGES[name]
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), target
        assert not anchor or anchor in slugs(file), f"{target}#{anchor}"


def test_an_index_names_each_page_of_its_folder() -> None:
    for index in (path for path in SITE if path.name == "index.md" and path.parent.name != "docs"):
        named = {target for target, _ in LINK.findall(index.read_text(encoding="utf-8"))}
        assert {path.name for path in index.parent.glob("*.md")} - named == {"index.md"}
