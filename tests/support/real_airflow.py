# SPDX-License-Identifier: Apache-2.0
"""The real Airflow of the tests: its connections lead to the sandbox, and its Test button is switched on."""

from __future__ import annotations

from pathlib import Path

from standalone import Standalone

from airflow_provider_videoai.sandbox.running import Sandbox


def airflow_at(sandbox: Sandbox, home: Path, dags: Path, **environment: str) -> Standalone:
    """Return an Airflow that is not started yet; ``environment`` adds to what each test needs."""
    return Standalone(
        home,
        dags,
        {
            **sandbox.connections(),
            "VIDEOAI_SAMPLE_CLIP": f"{sandbox.url}/sample/clip.mp4",
            "VIDEOAI_STORAGE": f"file://{home}/storage",
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            **environment,
        },
    )
