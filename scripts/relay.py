# SPDX-License-Identifier: Apache-2.0
"""Let a server of the loopback interface be reached at another address of this machine.

Airflow's log server listens on all addresses, and the API server looks for it on the same port of every machine. So on
a cluster of one machine each has a port of its own, and the common port of each one's address leads to it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self

_CHUNK = 1 << 16


class Relay:
    """Passes connections on from one address to another.

    :param address: the address and port to listen on.
    :param port: the port of the loopback interface that they are passed on to.
    """

    def __init__(self, address: tuple[str, int], port: int) -> None:
        self._port = port
        self._listener = socket.create_server(address)
        threading.Thread(target=self._accept, daemon=True, name=f"relay {address}").start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Listen no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(caller,), daemon=True).start()

    def _connect(self, caller: socket.socket) -> None:
        with caller:
            try:
                server = socket.create_connection(("127.0.0.1", self._port), timeout=30)
            except OSError:
                return  # a dead machine: the caller sees its connection closed
            with server:
                back = threading.Thread(target=_copy, args=(server, caller), daemon=True)
                back.start()
                _copy(caller, server)
                back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(_CHUNK):
            target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
