# SPDX-License-Identifier: Apache-2.0
"""A part of a cluster: a process of Airflow's with all its children, that may be killed, frozen and started again."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import psutil
from processes import group, wait_for

_KILL_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Machine:
    """What stands for a machine of its own: a home, an address, ports of its log servers, an environment."""

    name: str
    address: str
    home: Path
    worker_logs: int
    trigger_logs: int
    environment: Mapping[str, str] = field(repr=False)  # has keys and passwords


class Part:
    """A scheduler, a triggerer, a worker and so on.

    :param name: its name in the cluster, also of its log file.
    :param machine: where it runs.
    :param command: the arguments of ``airflow``.
    """

    AIRFLOW: ClassVar[tuple[str, ...]] = (sys.executable, "-m", "airflow")

    def __init__(self, name: str, machine: Machine, command: tuple[str, ...]) -> None:
        self.name = name
        self.machine = machine
        self.log_file = machine.home / f"{name}.log"
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def ended(self) -> bool:
        """Whether it was started and then ended by itself."""
        return self._process is not None and self._process.poll() is not None

    @property
    def running(self) -> bool:
        """Whether its first process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, in a session of its own; its log goes on in the same file."""
        environment = {
            **self.machine.environment,
            # Read by the log servers of the machine; the API server has the common ports.
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(self.machine.worker_logs),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(self.machine.trigger_logs),
        }
        with self.log_file.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(  # noqa: S603 - Airflow's own program
                [*self.AIRFLOW, *self._command],
                env=self.machine.environment if self.name == "api-server" else environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def processes(self) -> list[psutil.Process]:
        """Return its living processes: those of its session, and children that left it, as Airflow's tasks do."""
        if self._process is None:
            return []
        found = dict.fromkeys(group(self._process.pid))
        with contextlib.suppress(psutil.NoSuchProcess):
            found |= dict.fromkeys(psutil.Process(self._process.pid).children(recursive=True))
        return list(found)

    def kill(self) -> None:
        """Kill all its processes at once, as the loss of its machine does."""
        doomed = self.processes()
        self._signal(signal.SIGKILL, doomed)
        wait_for(lambda: not any(map(_alive, doomed)), _KILL_SECONDS, f"{self.name} outlived SIGKILL")
        self._reap()

    def freeze(self) -> None:
        """Stop all its processes where they are; they live, and do nothing."""
        frozen = self.processes()
        self._signal(signal.SIGSTOP, frozen)
        # A process stops when it is next scheduled, which on a full machine is not at once.
        wait_for(lambda: all(map(_still, frozen)), _KILL_SECONDS, f"{self.name} went on after SIGSTOP")

    def thaw(self) -> None:
        """Let its processes go on after :meth:`freeze`."""
        self._signal(signal.SIGCONT, self.processes())

    def terminate(self) -> None:
        """Send SIGTERM to its first process, also if it is frozen."""
        if self._process is not None:
            self.thaw()
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()

    def end(self, seconds: float) -> None:
        """Wait for its end for so many seconds, then kill what is left."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
            self.kill()

    def log_since_start(self) -> str:
        """Return what it logged since it was last started."""
        with self.log_file.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def last_lines(self, count: int = 30) -> str:
        """Return the end of its log."""
        return "\n".join(self.log_since_start().splitlines()[-count:])

    def _reap(self) -> None:
        if self._process is not None:
            self._process.wait(_KILL_SECONDS)
            self._process = None

    @staticmethod
    def _signal(number: signal.Signals, processes: list[psutil.Process]) -> None:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)


def _still(process: psutil.Process) -> bool:
    return not _alive(process) or process.status() == psutil.STATUS_STOPPED


def _alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False
