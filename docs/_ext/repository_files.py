# SPDX-License-Identifier: Apache-2.0
"""Show files of the repository that the pages link: examples, tests, the changelog.

A page links them by their path, as code hosts want it. On the site each such file is a page, and the link leads there.
"""

from __future__ import annotations

import ast
import re
from os.path import relpath
from pathlib import Path
from typing import Any

FOLDER = "repository"
"""Where the pages of the files are, below the documentation."""
# Or a block of code, in which nothing is a link.
_LINK = re.compile(
    r"^(?P<fence>`{3,}).*?^(?P=fence)$|(?<=\]\()(?!\w+:)(?P<target>[^)#\s]+)(?=[)#])", re.MULTILINE | re.DOTALL
)
_LANGUAGES = {".py": "python", ".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".sh": "sh", ".sql": "sql"}
_SHOWN = {*_LANGUAGES, ".md", ".txt", ""}
"""Suffixes of the files that are shown; a picture, say, is left to Sphinx."""


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", _write, priority=100)
    app.connect("source-read", _read)
    return {"parallel_read_safe": True}


def _write(app: Any) -> None:
    docs = Path(app.srcdir)
    files: list[Path] = []
    for page in pages(docs):
        _add(files, outside(page.read_text(encoding="utf-8"), page, docs))
    for file in files:  # what a file links in its turn is shown as well
        _add(files, outside(file.read_text(encoding="utf-8"), file, docs) if file.suffix == ".md" else _files(file))
        page, text = page_of(file, docs), shown(file, docs)
        page.parent.mkdir(parents=True, exist_ok=True)
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")
    for page in (docs / FOLDER).rglob("*.md"):
        if page not in {page_of(file, docs) for file in files}:
            page.unlink()


def _add(files: list[Path], more: list[Path]) -> None:
    files += [each for each in dict.fromkeys(more) if each not in files]


def _read(app: Any, docname: str, source: list[str]) -> None:
    docs = Path(app.srcdir)
    page = docs / f"{docname}.md"
    if page.exists() and not docname.startswith(f"{FOLDER}/"):
        source[0] = linked(source[0], page, page, docs)


def pages(docs: Path) -> list[Path]:
    """Return the Markdown pages that a person wrote.

    :param docs: the documentation's folder.
    """
    return [page for page in sorted(docs.rglob("*.md")) if page.relative_to(docs).parts[0] not in (FOLDER, "_build")]


def outside(text: str, file: Path, docs: Path) -> list[Path]:
    """Return the files and folders of the repository that a Markdown text links, outside of the documentation.

    :param text: the Markdown.
    :param file: the file that it is in.
    :param docs: the documentation's folder.
    """
    found = (each["target"] for each in _LINK.finditer(text))
    targets = [(file.parent / target).resolve() for target in found if target]
    return [target for target in targets if target.exists() and _is_outside(target, docs)]


def linked(text: str, file: Path, page: Path, docs: Path) -> str:
    """Return a Markdown text with its relative links as the site needs them.

    :param text: the Markdown.
    :param file: the file that it is in.
    :param page: the page that it becomes; the file itself, if it is one.
    :param docs: the documentation's folder.
    """

    def lead(found: re.Match[str]) -> str:
        target = (file.parent / (found["target"] or "")).resolve()
        if found["fence"] or not target.exists():
            return found[0]
        return relpath(page_of(target, docs) if _is_outside(target, docs) else target, page.parent)

    return _LINK.sub(lead, text)


def shown(file: Path, docs: Path) -> str:
    """Return the page, in Markdown, that shows a file or the list of a folder's files.

    :param file: the file or folder.
    :param docs: the documentation's folder.
    """
    page, name = page_of(file, docs), file.relative_to(docs.parent)
    orphan = "---\norphan: true\n---\n\n"
    if file.is_dir():
        rows = (
            f"* [{each.name}]({relpath(page_of(each, docs), page.parent)}){_about(each)}\n" for each in _files(file)
        )
        return f"{orphan}# {name}/\n\n{''.join(rows)}"
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".md":
        return orphan + linked(text, file, page, docs)
    return f"{orphan}# {name}\n\n````{_LANGUAGES.get(file.suffix, 'text')}\n{text.rstrip()}\n````\n"


def page_of(file: Path, docs: Path) -> Path:
    """Return the page of a file outside of the documentation.

    :param file: the file or folder.
    :param docs: the documentation's folder.
    """
    name = file.relative_to(docs.parent).with_suffix("" if file.suffix == ".md" else file.suffix)
    return docs / FOLDER / name.with_name(f"{name.name}.md")


def _is_outside(target: Path, docs: Path) -> bool:
    is_shown = target.is_dir() or target.suffix in _SHOWN
    return is_shown and target.is_relative_to(docs.parent) and not target.is_relative_to(docs)


def _about(file: Path) -> str:
    said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) if file.suffix == ".py" else None
    return f": {said.partition(chr(10))[0]}" if said else ""


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_file() and path.suffix in _SHOWN and path.name[0] != ".")
