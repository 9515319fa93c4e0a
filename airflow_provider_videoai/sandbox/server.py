# SPDX-License-Identifier: Apache-2.0
"""The sandbox as a server in a thread of this process."""

from __future__ import annotations

import socket
import tempfile
import threading
from importlib import import_module
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from airflow_provider_videoai.sandbox.clock import Durations
from airflow_provider_videoai.sandbox.control import Control
from airflow_provider_videoai.sandbox.credentials import VENDORS
from airflow_provider_videoai.sandbox.endpoints import HasStorage, Vendor, routes_of
from airflow_provider_videoai.sandbox.media.serving import media_route
from airflow_provider_videoai.sandbox.state import SandboxState
from airflow_provider_videoai.sandbox.transport import ExposedProtocol

START_SECONDS = 30


def application(state: SandboxState) -> Starlette:
    """Return all vendors, their storage, the samples and the control API as one ASGI application.

    :param state: what the vendors and the control API share.
    """
    # By name: a vendor is found by its file, and no list has to name it.
    vendors: list[Vendor] = [import_module(f"{__package__}.{key}").SERVICE(state) for key in VENDORS]
    routes = [route for vendor in vendors for route in routes_of(state, vendor)]
    storage = [route for vendor in vendors if isinstance(vendor, HasStorage) for route in vendor.storage_routes()]
    return Starlette(routes=[*routes, *storage, media_route(state), *Control(state, vendors).routes()])


class _Server(uvicorn.Server):
    """A uvicorn server that signals when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


class SandboxServer:
    """A sandbox on one port.

    :meth:`start` returns when it listens; :meth:`stop` ends it and removes every file that it made.

    :param host: the address to listen on.
    :param port: 0 takes a free one; ``url`` says which.
    :param durations: of jobs, until the control API changes them.
    :raises OSError: if the port is taken.
    """

    def __init__(self, host: str, port: int, durations: Durations) -> None:
        # Bound here, not by uvicorn: a taken port raises in the caller's thread, and the URL is known before start().
        self._socket = socket.create_server((host, port), backlog=256)
        # A client cannot connect to the wildcard address itself on every platform.
        shown = "127.0.0.1" if host in ("", "0.0.0.0") else host  # noqa: S104 - the caller's choice
        self.url = f"http://{shown}:{self._socket.getsockname()[1]}"
        self._state = SandboxState(Path(tempfile.mkdtemp(prefix="videoai-sandbox-")), durations)
        config = uvicorn.Config(
            application(self._state),
            # With the raw transport in reach, for faults that reset or cut a connection.
            http=ExposedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            # Clients that poll reuse a connection: uvicorn's default of 5 s would close it between two polls.
            timeout_keep_alive=60,
            # A stalled response must not delay the end of a test.
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config)
        # A daemon: a process that breaks off before it stops the sandbox, a pytest say, would never end.
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="videoai-sandbox", daemon=True
        )

    def start(self) -> None:
        """Serve in a thread, and return once the port accepts connections.

        :raises RuntimeError: if it does not listen after 30 s.
        """
        self._thread.start()
        if not self._server.listening.wait(START_SECONDS):
            self.stop()
            raise RuntimeError("the sandbox did not start to listen")

    def stop(self) -> None:
        """End serving and rendering, and remove all files."""
        self._server.should_exit = True
        self._thread.join()
        # After the server's thread has ended: a request in flight may still read a file.
        self._state.close()
