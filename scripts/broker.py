# SPDX-License-Identifier: Apache-2.0
"""A private Redis: the broker between Celery's workers and Airflow's schedulers."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from processes import free_ports, wait_for

_STOP_SECONDS = 20


class Redis:
    """A server of our own on a free port; may be away for a while and then still has its messages."""

    def __init__(self) -> None:
        self._port = free_ports(1)[0]
        self._home = Path(tempfile.mkdtemp(prefix="videoai-redis-"))
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where Celery finds it."""
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start the server, also again, and wait until it answers; raise ``FileNotFoundError`` if it is missing."""
        program = shutil.which("redis-server")
        if program is None:
            raise FileNotFoundError(
                "redis-server is missing: install Redis, on Debian with `apt-get install redis-server`"
            )
        command = [program, "--bind", "127.0.0.1", "--port", str(self._port), "--dir", str(self._home)]
        # Kept as a production broker keeps them: without, a restart would lose the queued tasks.
        command += ["--appendonly", "yes", "--save", ""]
        with (self._home / "server.log").open("ab") as log:
            self._server = subprocess.Popen(  # noqa: S603 - Redis' own program
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        wait_for(self._answers, 30, "Redis did not answer")

    def stop(self) -> None:
        """End the server; its messages stay."""
        if self._server is not None:
            self._server.terminate()
            self._server.wait(_STOP_SECONDS)
            self._server = None

    def remove(self) -> None:
        """End the server and remove its messages."""
        try:
            self.stop()
        finally:
            shutil.rmtree(self._home)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False
