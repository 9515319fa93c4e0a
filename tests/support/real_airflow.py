# SPDX-License-Identifier: Apache-2.0
"""The real Airflow of the tests: its connections lead to the sandbox, and its Test button is switched on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from database import running_postgres
from standalone import Standalone

from airflow_provider_videoai.sandbox.running import Sandbox

DATABASE = "VIDEOAI_TESTS_DATABASE"
"""Environment variable: which database an Airflow of the tests has, ``sqlite`` or ``postgresql``."""


@contextmanager
def airflow_database() -> Iterator[dict[str, str]]:
    """Yield the environment of an Airflow on the chosen database; a PostgreSQL is a new one, and ends with it."""
    match os.environ.get(DATABASE, "sqlite"):
        case "sqlite":
            yield {}
        case "postgresql":
            with running_postgres() as url:
                yield {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url, "AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE": "50"}
        case other:
            raise ValueError(f"{DATABASE}: must be sqlite or postgresql, not {other!r}")


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
