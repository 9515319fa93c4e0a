# SPDX-License-Identifier: Apache-2.0
"""A private PostgreSQL: Airflow's SQLite locks up under dozens of tasks at once."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from processes import free_ports, wait_for

_DEBIAN = Path("/usr/lib/postgresql")
_STOP_SECONDS = 20


@contextmanager
def running_postgres() -> Iterator[str]:
    """Start a server of our own on a free port, with an empty database; yield its SQLAlchemy URL, then remove all."""
    port = free_ports(1)[0]
    # PostgreSQL refuses to run as root; Debian's package brings a user of its own.
    user = "postgres" if os.geteuid() == 0 else getpass.getuser()
    home = Path(tempfile.mkdtemp(prefix="videoai-postgres-"))
    try:
        shutil.chown(home, user)
        _run("initdb", "--pgdata", str(home / "data"), "--auth=trust", "--username=airflow", "--no-sync", user=user)
        # Nothing in it outlives the run, so nothing waits for the disk.
        command = [_program("postgres"), "-D", str(home / "data"), "-p", str(port), "-k", str(home), "-F"]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=300"]
        with (home / "server.log").open("wb") as log:
            server = subprocess.Popen(  # noqa: S603 - PostgreSQL's own program, here and below
                command, user=user, cwd=home, stdout=log, stderr=log, start_new_session=True
            )
        try:
            server_address = ("--host=127.0.0.1", f"--port={port}", "--username=airflow")
            wait_for(lambda: _answers(*server_address, user=user), 30, "PostgreSQL did not answer")
            _run("createdb", *server_address, "airflow", user=user)
            yield f"postgresql+psycopg2://airflow@127.0.0.1:{port}/airflow"
        finally:
            server.send_signal(signal.SIGINT)  # ends sessions, too
            server.wait(_STOP_SECONDS)
    finally:
        shutil.rmtree(home)


def _program(name: str) -> str:
    found = shutil.which(name) or next((str(path) for path in sorted(_DEBIAN.glob(f"*/bin/{name}"))), None)
    if found is None:
        raise FileNotFoundError(f"{name} is missing: install PostgreSQL, on Debian with `apt-get install postgresql`")
    return found


def _run(name: str, *arguments: str, user: str) -> None:
    _call(name, *arguments, user=user).check_returncode()


def _answers(*address: str, user: str) -> bool:
    return _call("pg_isready", *address, user=user).returncode == 0


def _call(name: str, *arguments: str, user: str) -> subprocess.CompletedProcess[bytes]:
    # Not from our own folder: the other user may not be allowed into it.
    command = [_program(name), *arguments]
    return subprocess.run(command, user=user, cwd="/", stdout=subprocess.DEVNULL, check=False)  # noqa: S603
