# SPDX-License-Identifier: Apache-2.0
"""What a person sees who stops `make demo`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.airflow

ROOT = Path(__file__).resolve().parents[2]


def at(folder: Path) -> list[psutil.Process]:
    """Return the processes that were started in a folder."""
    return [process for process in psutil.process_iter(["cwd"]) if process.info["cwd"] == str(folder)]


def test_ctrl_c_ends_the_demo_with_all_that_it_started_and_without_a_traceback(tmp_path: Path) -> None:
    for folder in ("scripts", "dags"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    with subprocess.Popen(
        [sys.executable, "scripts/demo.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as demo:
        assert demo.stdout is not None
        next(line for line in demo.stdout if line.startswith("Airflow UI"))
        assert len(at(tmp_path)) > 2
        for _ in range(2):
            os.killpg(demo.pid, signal.SIGINT)
        said = demo.communicate(timeout=60)[0]

    assert demo.returncode == 128 + signal.SIGINT
    assert "Traceback" not in said
    assert not at(tmp_path)
