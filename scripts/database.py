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
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from processes import free_ports, wait_for

_DEBIAN = Path("/usr/lib/postgresql")
_STOP_SECONDS = 20


class Postgres:
    """A server of our own on a free port, with an empty database; may be away for a while."""

    def __init__(self) -> None:
        self._port = free_ports(1)[0]
        # PostgreSQL refuses to run as root; Debian's package brings a user of its own.
        self._user = "postgres" if os.geteuid() == 0 else getpass.getuser()
        self._home = Path(tempfile.mkdtemp(prefix="videoai-postgres-"))
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Who logs in where, to which database: what a URL has after its scheme."""
        return f"airflow@127.0.0.1:{self._port}/airflow"

    @property
    def pid(self) -> int | None:
        """The server's first process, if it runs."""
        return self._server.pid if self._server else None

    def create(self) -> None:
        """Make the data folder and the database, and start the server."""
        shutil.chown(self._home, self._user)
        data = str(self._home / "data")
        _run("initdb", "--pgdata", data, "--auth=trust", "--username=airflow", "--no-sync", user=self._user)
        self.start()
        _run("createdb", *self._server_address, "airflow", user=self._user)

    def start(self) -> None:
        """Start the server, also again, and wait until it answers."""
        # Nothing in it outlives the run, so nothing waits for the disk.
        command = [_program("postgres"), "-D", str(self._home / "data"), "-p", str(self._port), "-k", str(self._home)]
        command += ["-F", "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=300"]
        with (self._home / "server.log").open("ab") as log:
            self._server = subprocess.Popen(  # noqa: S603 - PostgreSQL's own program, here and below
                command, user=self._user, cwd=self._home, stdout=log, stderr=log, start_new_session=True
            )
        wait_for(lambda: _answers(*self._server_address, user=self._user), 30, "PostgreSQL did not answer")

    def stop(self) -> None:
        """End the server and every session; its data stay."""
        if self._server is not None:
            self.thaw()
            self._server.send_signal(signal.SIGINT)  # ends sessions, too
            self._server.wait(_STOP_SECONDS)
            self._server = None

    def freeze(self) -> None:
        """Stop it where it is: who connects gets no answer, as from a server behind a broken network."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on after :meth:`freeze`."""
        self._signal(signal.SIGCONT)

    def remove(self) -> None:
        """End the server and remove its data."""
        try:
            self.stop()
        finally:
            shutil.rmtree(self._home)

    def _signal(self, number: signal.Signals) -> None:
        if self._server is not None:
            first = psutil.Process(self._server.pid)
            for process in (first, *first.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(number)

    @property
    def _server_address(self) -> tuple[str, ...]:
        return "--host=127.0.0.1", f"--port={self._port}", "--username=airflow"


@contextmanager
def running_postgres() -> Iterator[str]:
    """Start a server of our own on a free port, with an empty database; yield its SQLAlchemy URL, then remove all."""
    server = Postgres()
    try:
        server.create()
        yield f"postgresql+psycopg2://{server.address}"
    finally:
        server.remove()


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
