# SPDX-License-Identifier: Apache-2.0
"""Private database servers; a PostgreSQL, because Airflow's SQLite locks up under dozens of tasks at once."""

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


class DatabaseServer:
    """A server of our own on a free port, with its data in a folder of its own; may be away for a while.

    :param name: of the program, for the folder.
    :param account: the user of Debian's package: these programs refuse to run as root.
    """

    ends_by = signal.SIGTERM
    """The signal that ends the server and every session."""

    def __init__(self, name: str, account: str) -> None:
        self.port = free_ports(1)[0]
        self._user = account if os.geteuid() == 0 else getpass.getuser()
        self._home = Path(tempfile.mkdtemp(prefix=f"videoai-{name}-"))
        shutil.chown(self._home, self._user)
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Who logs in where, to which database: what a URL has after its scheme."""
        return f"airflow@127.0.0.1:{self.port}/airflow"

    @property
    def pid(self) -> int | None:
        """The server's first process, if it runs."""
        return self._server.pid if self._server else None

    def stop(self) -> None:
        """End the server and every session; its data stay."""
        if self._server is not None:
            self.thaw()
            self._server.send_signal(self.ends_by)
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

    def _start(self, *command: str) -> None:
        with (self._home / "server.log").open("ab") as log:
            self._server = subprocess.Popen(  # noqa: S603 - a database's own program, here and below
                command, user=self._user, cwd=self._home, stdout=log, stderr=log, start_new_session=True
            )

    def _run(self, *command: str) -> None:
        self._call(*command).check_returncode()

    def _answers(self, *command: str) -> bool:
        return self._call(*command, errors=subprocess.DEVNULL).returncode == 0

    def _call(self, *command: str, errors: int | None = None) -> subprocess.CompletedProcess[bytes]:
        # Not from our own folder: the other user may not be allowed into it.
        quiet = subprocess.DEVNULL
        return subprocess.run(command, user=self._user, cwd="/", stdout=quiet, stderr=errors, check=False)  # noqa: S603


class Postgres(DatabaseServer):
    """A PostgreSQL with an empty database."""

    ends_by = signal.SIGINT

    def __init__(self) -> None:
        super().__init__("postgres", "postgres")

    def create(self) -> None:
        """Make the data folder and the database, and start the server."""
        data = str(self._home / "data")
        self._run(program("initdb"), "--pgdata", data, "--auth=trust", "--username=airflow", "--no-sync")
        self.start()
        self._run(program("createdb"), *self._server_address, "airflow")

    def start(self) -> None:
        """Start the server, also again, and wait until it answers."""
        # Nothing in it outlives the run, so nothing waits for the disk.
        data, port, folder = str(self._home / "data"), str(self.port), str(self._home)
        settings = ("-F", "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=300")
        self._start(program("postgres"), "-D", data, "-p", port, "-k", folder, *settings)
        ready = (program("pg_isready"), *self._server_address)
        wait_for(lambda: self._answers(*ready), 30, "PostgreSQL did not answer")

    @property
    def _server_address(self) -> tuple[str, ...]:
        return "--host=127.0.0.1", f"--port={self.port}", "--username=airflow"


@contextmanager
def running_postgres() -> Iterator[str]:
    """Start a server of our own on a free port, with an empty database; yield its SQLAlchemy URL, then remove all."""
    server = Postgres()
    try:
        server.create()
        yield f"postgresql+psycopg2://{server.address}"
    finally:
        server.remove()


def program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs.

    :param name: of the program.
    :raises FileNotFoundError: if it is not installed.
    """
    found = shutil.which(name) or next((str(path) for path in sorted(_DEBIAN.glob(f"*/bin/{name}"))), None)
    if found is None:
        raise FileNotFoundError(f"{name} is missing: install PostgreSQL, on Debian with `apt-get install postgresql`")
    return found
