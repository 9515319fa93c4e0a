# SPDX-License-Identifier: Apache-2.0
"""A real `airflow standalone` in a private home, on ports of its own, ended as a whole."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psutil

START_SECONDS = 180
STOP_SECONDS = 20


class Standalone:
    """Starts Airflow, calls its public API, and leaves no process behind.

    :param home: the private ``AIRFLOW_HOME``; kept between starts.
    :param dags_folder: where the DAGs are.
    :param env: further environment variables of Airflow, such as connections.
    """

    def __init__(self, home: Path, dags_folder: Path, env: Mapping[str, str]) -> None:
        self.home = home.resolve()
        self.log_file = self.home / "standalone.log"
        api, triggerer_logs, worker_logs = free_ports(3)
        self.url = f"http://127.0.0.1:{api}"
        self.environment = _clean_environment() | {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags_folder.resolve()),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__PARALLELISM": "8",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(api),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(triggerer_logs),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(worker_logs),
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            **env,
        }
        self._process: subprocess.Popen[bytes] | None = None
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

    @property
    def pid(self) -> int | None:
        """The process that leads the group."""
        return self._process.pid if self._process else None

    @property
    def password(self) -> str:
        """The generated password of the user ``admin``."""
        stored = self.home / "simple_auth_manager_passwords.json.generated"
        return str(json.loads(stored.read_text())["admin"])

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

    def api(self, method: str, path: str, **options: Any) -> Any:
        """Call Airflow's public API under ``/api/v2`` and return the JSON of its response."""
        response = self._client.request(method, f"/api/v2{path}", **options)
        response.raise_for_status()
        return response.json() if response.content else None

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run of a DAG, once the DAG is known, and return the run's id."""
        self.wait_for_dag(dag_id)
        run = self.api("POST", f"/dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": dict(conf or {})})
        return str(run["dag_run_id"])

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

    def _check_alive(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f"Airflow ended with status {self._process.returncode}:\n{self.last_lines()}")

    def last_lines(self, count: int = 30) -> str:
        """Return the end of Airflow's own log."""
        lines = self.log_file.read_text(errors="replace").splitlines() if self.log_file.exists() else []
        return "\n".join(lines[-count:])


def wait_for(
    condition: Any, seconds: float, complaint: str, check: Any = lambda: None, *, interval: float = 0.25
) -> None:
    """Check ``condition`` every ``interval`` seconds until it is true; raise ``TimeoutError`` after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"{complaint} within {seconds:.0f} s")
        time.sleep(interval)


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback interface that nobody uses."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def end_group(leader: int) -> None:
    """End a session: first its leader's group politely, then whoever is left for good."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGTERM)
    psutil.wait_procs(group(leader), timeout=STOP_SECONDS)
    for stray in group(leader):
        with contextlib.suppress(psutil.NoSuchProcess):
            stray.kill()
    psutil.wait_procs(group(leader), timeout=5)


def end_home(home: Path) -> None:
    """End what still runs for an ``AIRFLOW_HOME``, also in a group of its own."""
    strays = [process for process in psutil.process_iter() if _home_of(process) == str(home)]
    for process in strays:
        process.kill()
    psutil.wait_procs(strays, timeout=5)


def group(leader: int) -> list[psutil.Process]:
    """Return the living processes of a session; Airflow's workers are in groups of their own within it."""
    members = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                members.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return members


def command_of(process: psutil.Process) -> str:
    """Return the command line of a process, empty if it has ended since it was listed."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _home_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("AIRFLOW_HOME") if process.pid != os.getpid() else None
    except (psutil.Error, OSError):
        return None


def _clean_environment() -> dict[str, str]:
    """Leave out what belongs to another Airflow; ours must not touch it, nor be touched."""
    mine = {key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "PYTHONPATH"))}
    mine["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), mine.get("PATH", "")])
    return mine


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
