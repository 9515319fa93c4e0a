# SPDX-License-Identifier: Apache-2.0
"""A guide as a list of steps: its blocks of code, in the order in which a reader takes them.

A block with a language is code. A block of ``text`` is what the reader sees: right after a block of ``sh`` it has to be
in that block's output, line by line, with ``...`` for anything. Above a block may stand a comment of HTML:
``not executed: why``, or ``the run fails: why``.

`python -m tests.docs.guide` counts what is executed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).resolve().parents[2] / "docs"
_ELSEWHERE = ("add-a-vendor.md", "test-a-vendor.md", "test-a-dag.md")
"""Pages whose blocks a test of their own executes."""
GUIDES = sorted(
    page
    for page in (*DOCS.glob("tutorial/*.md"), *DOCS.glob("how-to/*.md"), DOCS / "operations" / "troubleshooting.md")
    if page.name not in _ELSEWHERE
)

_FENCE = re.compile(r"^ *(`{3,})(\w*)\n(.*?)^ *\1$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"<!-- (not executed|the run fails): ([^\n]+) -->\n\Z")
_FILE = re.compile(r"^`([\w./-]+)`[^\n]*:\n\n\Z", re.MULTILINE)


class Step(NamedTuple):
    """One block of code. ``path`` is of the reader's file that it is, ``shown`` the output that the page shows."""

    line: int
    language: str
    text: str
    path: str
    mark: str
    reason: str
    shown: str

    @property
    def executed(self) -> bool:
        """Whether a test executes it."""
        return self.mark != "not executed"


def name(page: Path) -> str:
    """Return a page's path below the documentation."""
    return page.relative_to(DOCS).as_posix()


def steps(page: Path) -> Iterator[Step]:
    """Read the blocks of code of a page, from its top to its end."""
    text = page.read_text(encoding="utf-8")
    fences = list(_FENCE.finditer(text))
    for number, fence in enumerate(fences):
        if fence[2] in ("", "text"):
            continue
        before = text[: fence.start()]
        mark = _MARK.search(before)
        file = _FILE.search(_MARK.sub("", before))
        after = fences[number + 1] if number + 1 < len(fences) else None
        # The output stands below its command, with at most a paragraph between them.
        near = after is not None and after[2] == "text" and text[fence.end() : after.start()].count("\n\n") <= 2
        yield Step(
            line=before.count("\n") + 1,
            language=fence[2],
            text=fence[3],
            path=file[1] if file else "",
            mark=mark[1] if mark else "",
            reason=mark[2] if mark else "",
            shown=after[3] if after and near and fence[2] == "sh" else "",
        )


def bare(page: Path) -> list[int]:
    """Return the lines at which blocks without a language begin."""
    text = page.read_text(encoding="utf-8")
    return [text[: fence.start()].count("\n") + 1 for fence in _FENCE.finditer(text) if not fence[2]]


def seen(shown: str, output: str) -> bool:
    """Whether all lines that a page shows are in an output, in this order."""
    lines = ["[^\n]*".join(map(re.escape, line.strip().split("..."))) for line in shown.strip().splitlines()]
    return re.search(".*?".join(lines), output, re.DOTALL) is not None


def counts() -> Iterator[str]:
    """Say how many blocks of code of each page are executed, and why the others are not."""
    executed, left = 0, 0
    for page in GUIDES:
        found = list(steps(page))
        reasons = [f"    line {step.line}: {step.reason}" for step in found if not step.executed]
        executed, left = executed + len(found) - len(reasons), left + len(reasons)
        yield f"{name(page):40} {len(found) - len(reasons):3} executed {len(reasons):3} not"
        yield from reasons
    yield f"{'all':40} {executed:3} executed {left:3} not"


if __name__ == "__main__":
    print("\n".join(counts()))  # noqa: T201 - this is the output
