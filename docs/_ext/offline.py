# SPDX-License-Identifier: Apache-2.0
"""Warn of a page that loads anything from another host: the site works without a network, and calls nobody."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_LOADED = {
    "audio": "src",
    "iframe": "src",
    "img": "src",
    "link": "href",
    "script": "src",
    "source": "src",
    "video": "src",
}
_LINKS_ONLY = {"alternate", "author", "canonical", "help", "index", "license", "next", "prev", "search"}


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("build-finished", _check)
    return {"parallel_read_safe": True}


def _check(app: Any, failure: Exception | None) -> None:
    if failure or app.builder.format != "html":
        return
    from sphinx.util import logging  # noqa: PLC0415 - the tests of this file have no Sphinx

    for page in sorted(Path(app.outdir).rglob("*.html")):
        for address in loaded(page.read_text(encoding="utf-8")):
            logging.getLogger(__name__).warning("%s loads %s", page.relative_to(app.outdir), address)


def loaded(html: str) -> list[str]:
    """Return the addresses at other hosts that a page loads without a click.

    :param html: the page.
    """
    reader = _Reader()
    reader.feed(html)
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        address = given.get(_LOADED.get(tag, "")) or ""
        if urlsplit(address).netloc and not (tag == "link" and given.get("rel") in _LINKS_ONLY):
            self.found.append(address)
