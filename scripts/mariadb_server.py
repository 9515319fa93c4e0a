# SPDX-License-Identifier: Apache-2.0
"""A private MariaDB, which speaks MySQL's protocol: the ledger's other kind of server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from database import DatabaseServer
from processes import wait_for

_PROGRAMS = ("mariadbd", "mariadb-install-db", "mariadb-admin")


def missing() -> str | None:
    """Return which of its programs is not installed, if any is not."""
    return next((name for name in _PROGRAMS if shutil.which(name) is None), None)


class MariaDB(DatabaseServer):
    """A MariaDB with an empty database."""

    def __init__(self) -> None:
        super().__init__("mariadb", "mysql")

    def create(self) -> None:
        """Make the data folder and the database, and start the server."""
        data = f"--datadir={self._home / 'data'}"
        login = "--auth-root-authentication-method=normal"
        self._run("mariadb-install-db", "--no-defaults", data, login, "--skip-test-db")
        statements = self._home / "init.sql"
        statements.write_text(
            "CREATE DATABASE IF NOT EXISTS airflow;\n"
            "CREATE USER IF NOT EXISTS airflow@127.0.0.1;\n"
            "GRANT ALL ON airflow.* TO airflow@127.0.0.1;\n"
        )
        statements.chmod(0o644)
        self.start()

    def start(self) -> None:
        """Start the server, also again, and wait until it answers."""
        paths = {"datadir": "data", "socket": "socket", "pid-file": "pid", "init-file": "init.sql"}
        arguments = [f"--{name}={self._home / path}" for name, path in paths.items()]
        # Nothing in it outlives the run, so nothing waits for the disk. Clusters refuse tables without a primary key,
        # and a time zone with daylight saving has an hour twice.
        arguments += [
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-force-primary-key",
            "--default-time-zone=-05:00",
        ]
        self._start("mariadbd", "--no-defaults", *arguments)
        ping = ("mariadb-admin", "--no-defaults", "--host=127.0.0.1", f"--port={self.port}", "--user=airflow", "ping")
        wait_for(lambda: self._answers(*ping), 30, "MariaDB did not answer")


@contextmanager
def running_mariadb() -> Iterator[str]:
    """Start a server of our own on a free port, with an empty database; yield its SQLAlchemy URL, then remove all."""
    server = MariaDB()
    try:
        server.create()
        yield f"mysql+pymysql://{server.address}"
    finally:
        server.remove()
