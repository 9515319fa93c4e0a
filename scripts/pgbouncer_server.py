# SPDX-License-Identifier: Apache-2.0
"""A private PgBouncer in front of a private PostgreSQL, as many deployments have one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from database import DatabaseServer, Postgres, program
from processes import wait_for


def missing() -> str | None:
    """Return which of its programs is not installed, if any is not."""
    return None if shutil.which("pgbouncer") else "pgbouncer"


class PgBouncer(DatabaseServer):
    """A pool of few server connections, of which each serves another client with every transaction.

    :param server: what it pools.
    """

    def __init__(self, server: Postgres) -> None:
        super().__init__("pgbouncer", "postgres")
        self._behind = server

    def create(self) -> None:
        """Write the settings, and start it."""
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "any",
            "pool_mode": "transaction",
            "default_pool_size": 3,
        }
        lines = [f"{name} = {value}" for name, value in settings.items()]
        behind = f"host=127.0.0.1 port={self._behind.port} dbname=airflow user=airflow"
        file = self._home / "pgbouncer.ini"
        file.write_text("\n".join(["[databases]", f"airflow = {behind}", "[pgbouncer]", *lines, ""]))
        file.chmod(0o644)
        self.start()

    def start(self) -> None:
        """Start it, also again, and wait until it answers."""
        self._start("pgbouncer", str(self._home / "pgbouncer.ini"))
        ready = (program("pg_isready"), "--host=127.0.0.1", f"--port={self.port}", "--dbname=airflow")
        wait_for(lambda: self._answers(*ready), 30, "PgBouncer did not answer")


@contextmanager
def running_pgbouncer() -> Iterator[str]:
    """Start a PgBouncer and a PostgreSQL of our own; yield the pool's SQLAlchemy URL, then remove both."""
    server = Postgres()
    try:
        server.create()
        pool = PgBouncer(server)
        try:
            pool.create()
            yield f"postgresql+psycopg2://{pool.address}"
        finally:
            pool.remove()
    finally:
        server.remove()
