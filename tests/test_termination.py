# SPDX-License-Identifier: Apache-2.0
"""What happens to a test run that gets a signal to end."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

WAITS = """
import signal

import pytest


@pytest.fixture(scope="session")
def held():
    yield
    print("ended", flush=True)


def test_that_waits(held):
    print("began", flush=True)
    signal.pause()
"""
UNWINDS = """
import signal

from termination import unwind_on

unwind_on(signal.SIGTERM, way_out=KeyboardInterrupt)
"""


def test_a_term_lets_the_fixtures_end_what_they_started(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(UNWINDS)
    (tmp_path / "test_waits.py").write_text(WAITS)
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[1] / "scripts")},
        stdout=subprocess.PIPE,
        text=True,
    ) as tests:
        assert tests.stdout is not None
        next(line for line in tests.stdout if "began" in line)
        for _ in range(2):
            tests.send_signal(signal.SIGTERM)
        assert "ended" in tests.communicate(timeout=60)[0]
