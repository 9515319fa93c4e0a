# SPDX-License-Identifier: Apache-2.0
"""A server that takes every request and never answers."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class HangingServer:
    """Counts the connections that are open, and the most that ever were."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.open = self.most = 0
        self._changed = threading.Condition()

    def count(self, by: int) -> None:
        with self._changed:
            self.open += by
            self.most = max(self.most, self.open)
            self._changed.notify_all()

    def until_open(self, count: int) -> None:
        """Wait until so many connections are open."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.open == count, timeout=30), f"{self.open} are open"


@contextmanager
def hanging_server() -> Iterator[HangingServer]:
    """Run the server on the loopback interface."""
    ends = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener, selectors.DefaultSelector() as selector:
        server = HangingServer(listener.getsockname()[1])
        selector.register(listener, selectors.EVENT_READ)

        def serve() -> None:
            while not ends.is_set():
                for key, _ in selector.select(timeout=0.05):
                    connection = key.fileobj
                    assert isinstance(connection, socket.socket)
                    if connection is listener:
                        selector.register(listener.accept()[0], selectors.EVENT_READ)
                        server.count(1)
                    elif not _received(connection):
                        selector.unregister(connection)
                        connection.close()
                        server.count(-1)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server
        ends.set()
        thread.join()
        for key in [key for key in selector.get_map().values() if key.fileobj is not listener]:
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except OSError:
        return b""
