# SPDX-License-Identifier: Apache-2.0
"""A real `airflow standalone` in a private home, on ports of its own, ended as a whole."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from airflow_api import AirflowApi, settings_of
from processes import STOP_SECONDS, clean_environment, end_group, end_home, free_ports, wait_for

START_SECONDS = 180


class Standalone(AirflowApi):
    """Starts Airflow, calls its public API, and leaves no process behind.

    :param home: the private ``AIRFLOW_HOME``; kept between starts.
    :param dags_folder: where the DAGs are.
    :param env: further environment variables of Airflow, such as connections.
    :param port: of its API server; ``None``: any that is free.
    """

    def __init__(self, home: Path, dags_folder: Path, env: Mapping[str, str], port: int | None = None) -> None:
        api, triggerer_logs, worker_logs = free_ports(3)
        super().__init__(home, port or api)
        self.log_file = self.home / "standalone.log"
        self.environment = {
            **clean_environment(),
            **settings_of(self.url, dags_folder),
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__PARALLELISM": "8",
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(triggerer_logs),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(worker_logs),
            **env,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process that leads the group."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start Airflow and wait until every component is healthy; raise ``RuntimeError`` with its last log lines."""
        self.home.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "airflow", "standalone"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_for(self._healthy, START_SECONDS, "Airflow did not become healthy", self._check_alive)
        self._log_in()

    def stop(self) -> None:
        """End every process of this Airflow."""
        if self._process is not None:
            end_group(self._process.pid)
            self._process.wait(STOP_SECONDS)
            self._process = None
        end_home(self.home)
        self._client.close()

    def _check_alive(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f"Airflow ended with status {self._process.returncode}:\n{self.last_lines()}")

    def last_lines(self, count: int = 30) -> str:
        """Return the end of Airflow's own log."""
        lines = self.log_file.read_text(errors="replace").splitlines() if self.log_file.exists() else []
        return "\n".join(lines[-count:])
