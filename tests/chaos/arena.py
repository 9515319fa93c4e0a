# SPDX-License-Identifier: Apache-2.0
"""A real Airflow whose parts can be killed and started again."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys

import psutil
from processes import command_of, end_group, group, wait_for
from standalone import Standalone

from tests.chaos.patient import Patient

_TITLES = {"triggerer": "airflow triggerer", "api-server": "api_server", "scheduler": "airflow scheduler"}


class Arena(Patient, Standalone):
    """Airflow under fire."""

    _parts: tuple[subprocess.Popen[bytes], ...] = ()

    # -- violence ------------------------------------------------------------------------------------------

    def kill_part(self, part: str) -> None:
        """Kill one part, with all its processes, at once."""
        heads = [process for process in self._everything() if _TITLES[part] in command_of(process)]
        if not heads:
            raise RuntimeError(f"there is no {part} to kill")
        _kill({process for head in heads for process in (head, *_descendants(head.pid))})

    def start_part(self, part: str) -> None:
        """Start a part that was killed, and wait until Airflow is healthy again."""
        with (self.home / f"{part}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "airflow", part],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._parts = (*self._parts, process)
        wait_for(lambda: self._runs(part), 60, f"the {part} did not come back")

    def crash(self) -> None:
        """Kill everything at once, as a power cut does."""
        _kill(self._everything())
        self._reap()

    def shut_down(self) -> None:
        """End everything politely, as a deployment does; :meth:`start` starts it again."""
        for leader in self._leaders():
            end_group(leader)
        self._reap()

    def stop(self) -> None:
        """End everything for good."""
        self.shut_down()
        super().stop()

    def _runs(self, part: str) -> bool:
        if part == "api-server":
            return self._healthy()
        return len([p for p in self._everything() if _TITLES[part] in command_of(p)]) > 1

    def _leaders(self) -> list[int]:
        return [leader for leader in (self.pid, *(part.pid for part in self._parts)) if leader is not None]

    def _everything(self) -> set[psutil.Process]:
        return {each for leader in self._leaders() for each in (*group(leader), *_descendants(leader))}

    def _reap(self) -> None:
        for part in (self._process, *self._parts):
            if part is not None:
                part.wait(20)
        self._process, self._parts = None, ()


def _descendants(leader: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(leader).children(recursive=True)
    return []


def _kill(processes: set[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
    wait_for(lambda: not any(map(_alive, processes)), 10, "processes outlived SIGKILL")


def _alive(process: psutil.Process) -> bool:
    # `airflow standalone` does not reap its dead children.
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False
