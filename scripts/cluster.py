# SPDX-License-Identifier: Apache-2.0
"""A real Airflow cluster on this machine: CeleryExecutor, Redis, PostgreSQL, and two of each part that may be two."""

from __future__ import annotations

import base64
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from airflow_api import AirflowApi, settings_of
from broker import Redis
from cluster_part import Machine, Part
from database import Postgres
from processes import clean_environment, end_home, free_ports, wait_for
from relay import Relay

START_SECONDS = 240
REPLY_SECONDS = 60
CONNECTIONS = "50"
"""Airflow's API server answers 40 requests at a time and checks a user's token on its event loop. With fewer
connections to the database it stands still for 30 s as soon as all are taken, and tasks fail."""
_MACHINES = Path(__file__).parent / "machines"
_JOB_TYPES = {"scheduler": "SchedulerJob", "triggerer": "TriggererJob", "dag-processor": "DagProcessorJob"}
_PARTS = (
    ("api-server", "control-1", ("api-server",)),
    ("scheduler-1", "control-1", ("scheduler",)),
    ("dag-processor", "control-1", ("dag-processor",)),
    ("scheduler-2", "control-2", ("scheduler",)),
    ("triggerer-1", "machine-1", ("triggerer",)),
    ("worker-1", "machine-1", ("celery", "worker", "--celery-hostname", "machine-1")),
    ("triggerer-2", "machine-2", ("triggerer",)),
    ("worker-2", "machine-2", ("celery", "worker", "--celery-hostname", "machine-2")),
)


class Cluster(AirflowApi):
    """Starts a cluster, hands out its parts, and leaves no process behind.

    A machine has an ``AIRFLOW_HOME``, a log folder and an address of its own; nothing is shared but the database, the
    broker, the DAGs and the keys.

    :param home: the folder of the machines' homes.
    :param dags_folder: where the DAGs are.
    :param env: further environment of Airflow, connections say.
    """

    def __init__(self, home: Path, dags_folder: Path, env: Mapping[str, str]) -> None:
        self.folder = home.resolve()
        port, self._worker_logs, self._triggerer_logs = free_ports(3)
        super().__init__(self.folder / "control-1", port)
        self.postgres = Postgres()
        self.ledger = Postgres()  # a server of its own, so that it alone may be away
        self.redis = Redis()
        self._opened = ExitStack()
        self._settings = {**clean_environment(), **settings_of(self.url, dags_folder), **self._shared(), **env}
        names = dict.fromkeys(machine for _, machine, _ in _PARTS)
        self.machines = {name: self._machine(name, number) for number, name in enumerate(names, 11)}
        self.parts = {name: Part(name, self.machines[machine], command) for name, machine, command in _PARTS}

    def start(self) -> None:
        """Start everything and wait until each part works; raise ``RuntimeError`` with the log of one that ended."""
        self.postgres.create()
        self.ledger.create()
        self.redis.start()
        self._migrate()
        for machine in self.machines.values():
            for common, own in ((self._worker_logs, machine.worker_logs), (self._triggerer_logs, machine.trigger_logs)):
                self._opened.enter_context(Relay((machine.address, common), own))
        self.parts["api-server"].start()
        wait_for(self._answers, START_SECONDS, "the API server did not answer", self._check_alive)
        self._log_in()
        others = [name for name in self.parts if name != "api-server"]
        self.start_parts(*others)

    def stop(self) -> None:
        """End every process of the cluster, and remove its databases and its broker."""
        with ExitStack() as rest:  # all of it, whatever fails
            for server in (self.postgres, self.ledger, self.redis):
                rest.callback(server.remove)
            rest.callback(self._client.close)
            rest.callback(self._opened.close)
            self._end_parts()

    def start_parts(self, *names: str) -> None:
        """Start parts that do not run, and wait until each works."""
        began = datetime.now(UTC)
        for name in names:
            self.parts[name].start()
        for name in names:
            complaint = f"{name} did not get ready"
            wait_for(lambda name=name: self._ready(name, began), START_SECONDS, complaint, self._check_alive)

    def revive(self) -> list[str]:
        """Start the parts that ended by themselves, as a process manager does, and return their names."""
        ended = [name for name, part in self.parts.items() if part.ended]
        for name in ended:
            self.parts[name].kill()  # what its first process left behind
        self.start_parts(*ended)
        return ended

    def consume(self, machine: str, *, wanted: bool) -> None:
        """Let the worker of a machine take tasks, or none any more; raise ``TimeoutError`` if it does not reply."""
        verb = "add_consumer" if wanted else "cancel_consumer"
        command = [sys.executable, "-m", "celery", "--broker", self.redis.url, "control"]
        command += ["--timeout", "10", "--destination", f"celery@{machine}", verb, "default"]
        environment, output = self.machines[machine].environment, b""

        def replied() -> bool:
            nonlocal output
            # A worker that connects to Redis again may miss a command, and a command that comes twice does no harm.
            try:
                done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=REPLY_SECONDS)  # noqa: S603 - Celery's own
            except subprocess.TimeoutExpired as hung:  # while it waits for Redis
                output = hung.stderr or b""
                return False
            output = done.stdout + done.stderr
            return done.returncode == 0

        try:
            wait_for(replied, REPLY_SECONDS, f"the worker of {machine} did not reply to {verb}")
        except TimeoutError as late:
            raise TimeoutError(f"{late}:\n{output.decode(errors='replace')}") from None

    def jobs(self, job_type: str) -> list[dict[str, Any]]:
        """Return the living jobs of a type (``SchedulerJob``, ``TriggererJob``), which is one for each part."""
        found = self.api("GET", "/jobs", params={"job_type": job_type, "is_alive": True, "limit": 100})
        return list(found["jobs"])

    def machine_of(self, address: str | None) -> str | None:
        """Return the name of the machine at an address, or ``None``."""
        return next((each.name for each in self.machines.values() if each.address == address), None)

    # -- settings ------------------------------------------------------------------------------------------

    def _shared(self) -> dict[str, str]:
        return {
            "PYTHONPATH": str(_MACHINES),
            "AIRFLOW_CONN_VIDEOAI_LEDGER": f"postgres://{self.ledger.address}",
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "machine_name.address",
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__CELERY__BROKER_URL": self.redis.url,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+postgresql+psycopg2://{self.postgres.address}",
            "AIRFLOW__CELERY__WORKER_CONCURRENCY": "8",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{self.postgres.address}",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE": CONNECTIONS,
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(self._worker_logs),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(self._triggerer_logs),
            "AIRFLOW__VIDEOAI__LEDGER_CONN_ID": "videoai_ledger",
        }

    def _machine(self, name: str, number: int) -> Machine:
        worker_logs, trigger_logs = free_ports(2)
        home, address = self.folder / name, f"127.0.0.{number}"
        own = {
            "AIRFLOW_HOME": str(home),
            "VIDEOAI_MACHINE_ADDRESS": address,
        }
        return Machine(name, address, home, worker_logs, trigger_logs, {**self._settings, **own})

    def _migrate(self) -> None:
        for machine in self.machines.values():
            machine.home.mkdir(parents=True, exist_ok=True)
        control = self.machines["control-1"]
        with (control.home / "migrate.log").open("wb") as log:
            command = [*Part.AIRFLOW, "db", "migrate"]
            subprocess.run(command, env=control.environment, stdout=log, stderr=log, check=True)  # noqa: S603 - Airflow's own

    # -- health --------------------------------------------------------------------------------------------

    def _answers(self) -> bool:
        try:
            return self._client.get("/api/v2/monitor/health").is_success
        except httpx.TransportError:
            return False

    def _ready(self, name: str, began: datetime) -> bool:
        part = self.parts[name]
        kind = name.rstrip("-12")
        if kind == "api-server":
            return self._answers()
        if kind == "worker":
            return " ready." in part.log_since_start()
        try:
            jobs = self.jobs(_JOB_TYPES[kind])
        except httpx.HTTPError:
            return False
        mine = (job for job in jobs if job["hostname"] == part.machine.address)
        return any(datetime.fromisoformat(job["start_date"]) >= began for job in mine)

    def _check_alive(self) -> None:
        for part in self.parts.values():
            if part.ended:
                raise RuntimeError(f"{part.name} ended:\n{part.last_lines()}")

    def _end_parts(self) -> None:
        for part in self.parts.values():
            part.terminate()
        deadline = time.monotonic() + 20
        for part in self.parts.values():
            part.end(max(deadline - time.monotonic(), 0))
        for machine in self.machines.values():
            end_home(machine.home)
