# SPDX-License-Identifier: Apache-2.0
"""A plugin that pytest loads in every environment with this package does nothing before a fixture of it is used."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

HEAVY = ("airflow", "httpx", "pydantic", "sqlalchemy", "starlette", "structlog", "uvicorn")


def test_pytest_finds_the_plugin() -> None:
    (found,) = entry_points(group="pytest11", name="videoai")
    assert found.value == "airflow_provider_videoai.testing.plugin"


def test_importing_the_plugin_imports_neither_airflow_nor_the_sandbox() -> None:
    program = (
        "import json, sys; import airflow_provider_videoai.testing, airflow_provider_videoai.testing.plugin; "
        "print(json.dumps(list(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    loaded = json.loads(done.stdout)
    assert "airflow_provider_videoai.testing.plugin" in loaded
    assert [name for name in loaded if name.partition(".")[0] in HEAVY] == []
    assert [name for name in loaded if name.startswith("airflow_provider_videoai.sandbox")] == []


def test_a_pytest_without_a_test_for_it_is_left_alone(run_pytest: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text(
        "import os, sys\n\n\n"
        "def test_nothing_is_loaded(pytestconfig):\n"
        "    assert pytestconfig.pluginmanager.hasplugin('videoai')\n"
        f"    assert [name for name in sys.modules if name.partition('.')[0] in {HEAVY!r}] == []\n"
        "    assert [name for name in os.environ if name.startswith('AIRFLOW')] == []\n\n\n"
        "def test_other_comparisons_are_explained_as_ever():\n"
        "    assert {'a': 1} == {'a': 2}\n"
    )
    ran = run_pytest(tmp_path)
    assert ran.ends == {
        "test_nothing_is_loaded": "PASSED",
        "test_other_comparisons_are_explained_as_ever": "FAILED",
    }
    assert "Differing items" in ran.text
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "__pycache__") == ["test_nothing.py"]


def test_without_the_extra_the_error_names_it(run_pytest: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("import sys\n\nsys.modules['uvicorn'] = None\n")
    (tmp_path / "test_a_dag.py").write_text("def test_a_dag(videoai_dag_run):\n    pass\n")
    ran = run_pytest(tmp_path)
    assert ran.ends == {"test_a_dag": "ERROR"}
    assert "pip install 'airflow-provider-videoai[sandbox]'" in ran.section("test_a_dag")
    assert "Traceback" not in ran.text
