# SPDX-License-Identifier: Apache-2.0
"""A pytest of its own, as a user of this package would start one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

_ENDS = re.compile(r"^(PASSED|FAILED|ERROR) [\w./]+::(\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Ran:
    """What a pytest printed, and how its tests ended, by name."""

    text: str
    ends: dict[str, str]

    def section(self, test: str) -> str:
        """Return what was printed of a test that did not pass."""
        return re.split(rf"^_+ (?:ERROR at setup of )?{test} _+$", self.text, flags=re.MULTILINE)[1].split("\n____")[0]


@pytest.fixture(scope="session")
def run_pytest() -> Callable[..., Ran]:
    """Run pytest in a folder, without what this repository's tests set up, and with no other plugin than named ones."""

    def run(folder: Path, *arguments: str, plugins: tuple[str, ...] = ()) -> Ran:
        without = [f"-pno:{name}" for name in ("asyncio", "cacheprovider", "xdist") if name not in plugins]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTEST", "CI"))}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-rA", "--strict-config", *without, *arguments],
            cwd=folder,
            env={**kept, "HOME": str(folder), "NO_PROXY": "127.0.0.1"},
            capture_output=True,
            text=True,
            timeout=480,
            check=False,
        )
        text = done.stdout + done.stderr
        # One that is parametrized has passed if each of its copies has.
        ends = sorted(_ENDS.findall(text), key=lambda each: each[0] != "PASSED")
        return Ran(text, {name: end for end, name in ends})

    return run
