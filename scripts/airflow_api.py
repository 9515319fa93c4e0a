# SPDX-License-Identifier: Apache-2.0
"""Call the public API of an Airflow of our own."""

from __future__ import annotations

import json
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from processes import wait_for

_TRIES = 4
"""How often a run is started, in all, if the API server answers with an error of its own."""


def settings_of(url: str, dags_folder: Path) -> dict[str, str]:
    """Return what every Airflow of ours is set to, as environment variables.

    :param url: where its API server listens: ``http://127.0.0.1:<port>``.
    :param dags_folder: where the DAGs are.
    """
    return {
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags_folder.resolve()),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": url.rsplit(":", 1)[1],
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        "NO_PROXY": "127.0.0.1,localhost",
    }


class AirflowApi(ABC):
    """An Airflow that is started, called as the user ``admin``, and ended.

    :param home: the ``AIRFLOW_HOME`` of its API server, where the generated password is.
    :param port: where the API server listens on the loopback interface.
    """

    def __init__(self, home: Path, port: int) -> None:
        self.home = home.resolve()
        self.url = f"http://127.0.0.1:{port}"
        self._client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @abstractmethod
    def start(self) -> None:
        """Start Airflow and wait until every component is healthy; raise ``RuntimeError`` with its last log lines."""

    @abstractmethod
    def stop(self) -> None:
        """End every process of this Airflow."""

    @property
    def password(self) -> str:
        """The generated password of the user ``admin``."""
        stored = self.home / "simple_auth_manager_passwords.json.generated"
        return str(json.loads(stored.read_text())["admin"])

    def api(self, method: str, path: str, **options: Any) -> Any:
        """Call Airflow's public API under ``/api/v2`` and return the JSON of its response."""
        response = self._client.request(method, f"/api/v2{path}", **options)
        response.raise_for_status()
        return response.json() if response.content else None

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run of a DAG, once the DAG is known, and return the run's id."""
        self.wait_for_dag(dag_id)
        # Named here, so that it can be repeated: on SQLite the API server answers 500 if it loses a race for the lock.
        run_id = f"manual__{uuid.uuid4().hex}"
        values = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf or {})}
        for left in reversed(range(_TRIES)):
            response = self._client.post(f"/api/v2/dags/{dag_id}/dagRuns", json=values)
            if response.is_success or (response.status_code == httpx.codes.CONFLICT and left < _TRIES - 1):
                return run_id
            if not response.is_server_error or not left:
                break
            time.sleep(1.0)
        raise RuntimeError(f"POST dagRuns of {dag_id}: {response.status_code} {response.text[:2000]}")

    def wait_for_dag(self, dag_id: str) -> None:
        """Wait until Airflow knows a DAG; raise ``RuntimeError`` with the trace of a file that cannot be imported."""
        wait_for(lambda: self._knows(dag_id), 120, f"Airflow does not know the DAG {dag_id!r}", self._check_alive)

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a run."""
        return str(self.api("GET", f"/dags/{dag_id}/dagRuns/{run_id}")["state"])

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the task instances of a run."""
        return list(self.api("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"])

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        """Return an XCom's value, or ``None`` if there is none."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}"
        response = self._client.get(f"/api/v2{path}", params={"map_index": map_index, "deserialize": False})
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        response.raise_for_status()
        value = response.json()["value"]
        return _json_or_text(value)

    def links(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> dict[str, str | None]:
        """Return a task's extra links by name; ``None`` if the UI shows no button."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/links"
        return dict(self.api("GET", path, params={"map_index": map_index})["extra_links"])

    def finish(self, dag_id: str, run_id: str, seconds: float) -> str:
        """Wait for the end of a run and return its state."""
        ended = ("success", "failed")
        wait_for(
            lambda: self.run_state(dag_id, run_id) in ended, seconds, f"run {run_id} did not end", self._check_alive
        )
        return self.run_state(dag_id, run_id)

    def task_log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1, map_index: int = -1) -> str:
        """Return the log of a task's try: a line per event, with its exception if there is one."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}"
        answer = self.api("GET", path, params={"map_index": map_index, "full_content": True})
        return "\n".join(_log_line(entry) for entry in answer["content"])

    def _knows(self, dag_id: str) -> bool:
        if self._client.get(f"/api/v2/dags/{dag_id}").status_code == httpx.codes.OK:
            return True
        for broken in self.api("GET", "/importErrors")["import_errors"]:
            raise RuntimeError(f"Airflow cannot import {broken['filename']}:\n{broken['stack_trace']}")
        return False

    def _log_in(self) -> None:
        answer = self._client.post("/auth/token", json={"username": "admin", "password": self.password})
        answer.raise_for_status()
        self._client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def _healthy(self) -> bool:
        try:
            health = self._client.get("/api/v2/monitor/health").json()
        except (httpx.TransportError, ValueError):
            return False
        parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
        return all((health.get(part) or {}).get("status") == "healthy" for part in parts)

    @abstractmethod
    def _check_alive(self) -> None:
        """Raise ``RuntimeError`` if Airflow ended."""


def _log_line(entry: Any) -> str:
    if not isinstance(entry, dict):
        return str(entry)
    errors = (f"{error['exc_type']}: {error['exc_value']}" for error in entry.get("error_detail") or [])
    return " ".join([str(entry.get("event", "")), *errors])


def _json_or_text(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
