# SPDX-License-Identifier: Apache-2.0
"""Make the site's navigation of the index pages, which are plain Markdown so that code hosts show them as well.

The pages that an index links are its children, in the order in which it links them. Other pages of its folder follow
under a heading of their own: a page is never lost because nobody listed it.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Any

from repository_files import FOLDER

_LINK = re.compile(r"\[([^]]*)\]\(([^)#:\s]+)\.md\)")


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", _read, priority=600)  # after the links into the repository were made pages' links
    return {"parallel_read_safe": True}


def _read(app: Any, docname: str, source: list[str]) -> None:
    index = PurePosixPath(docname)
    if index.name == "index":
        source[0] += toctrees(index, source[0], sorted(app.env.found_docs))


def toctrees(index: PurePosixPath, text: str, pages: list[str]) -> str:
    """Return the toctrees of an index page.

    :param index: the page's name, ``how-to/index`` say.
    :param text: its Markdown.
    :param pages: the names of all pages.
    """
    linked = {normpath(index.parent / target): title for title, target in _LINK.findall(text)}
    named = {page: title for page, title in linked.items() if _is_child(PurePosixPath(page), index)}
    # A file of the repository is called what the index calls it; a page has a title.
    entries = [f"{title} </{page}>" if page.startswith(f"{FOLDER}/") else f"/{page}" for page, title in named.items()]
    others = [page for page in pages if PurePosixPath(page).parent == index.parent and page not in (*named, str(index))]
    more = f"\n## More\n{_toctree([f'/{page}' for page in others], 'maxdepth: 1')}" if others else ""
    return _toctree(entries, "hidden:") + more


def _is_child(page: PurePosixPath, index: PurePosixPath) -> bool:
    if page.name == "index":
        return page.parent.parent == index.parent and page != index
    return page.parent == index.parent or page.parts[0] == FOLDER


def _toctree(entries: list[str], option: str) -> str:
    lines = "\n".join(entries)
    return f"\n```{{toctree}}\n:{option}\n\n{lines}\n```\n"
