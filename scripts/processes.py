# SPDX-License-Identifier: Apache-2.0
"""Processes of an Airflow of our own: wait for them, find them, end them as a whole."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil

STOP_SECONDS = 20


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


def port_near(wanted: int) -> int:
    """Return this port of the loopback interface if nobody uses it, else a free one."""
    with socket.socket() as probe:
        # A server that has just ended leaves connections behind, and they do not keep the next one from its port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return free_ports(1)[0]
    return wanted


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


def clean_environment() -> dict[str, str]:
    """Leave out what belongs to another Airflow; ours must not touch it, nor be touched."""
    mine = {key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "PYTHONPATH"))}
    mine["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), mine.get("PATH", "")])
    return mine
