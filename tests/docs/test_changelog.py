# SPDX-License-Identifier: Apache-2.0
"""The changelog: its sections are the known ones in their order, and nothing stands in it twice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CHANGELOG = (Path(__file__).resolve().parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
SECTIONS = ["Added", "Behaviour changes", "Deprecated", "Removed", "Fixed", "Security"]
VERSIONS = re.split(r"^## ", CHANGELOG, flags=re.MULTILINE)[1:]


def entries(version: str) -> list[str]:
    return [" ".join(entry.split()) for entry in re.findall(r"^\* (.+(?:\n  .+)*)", version, re.MULTILINE)]


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.partition("\n")[0])
def test_a_version_has_the_known_sections_in_their_order(version: str) -> None:
    there = re.findall(r"^### (.+)$", version, re.MULTILINE)
    assert there == [name for name in SECTIONS if name in there]


def test_no_entry_stands_in_the_changelog_twice() -> None:
    beginnings = [entry[:60] for version in VERSIONS for entry in entries(version)]
    assert len(beginnings) > 50
    assert [each for each in beginnings if beginnings.count(each) > 1] == []
