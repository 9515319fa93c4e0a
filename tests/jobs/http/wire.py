# SPDX-License-Identifier: Apache-2.0
"""A loopback server whose every byte a test decides."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Sequence

PIECE = 65536
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


class Wire:
    """One accepted connection."""

    def __init__(self, server: RawServer, connection: socket.socket) -> None:
        self.server = server
        self._connection = connection
        self._unread = b""
        self.head = ""

    def read(self) -> str:
        """Read one whole request, note it, and return its first line; raise ``EOFError`` if none comes."""
        while b"\r\n\r\n" not in self._unread:
            self._receive()
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        self.head = head.decode("latin-1")
        lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
        length = int(lengths[0]) if lengths else 0
        while len(self._unread) < length:
            self._receive()
        self._unread = self._unread[length:]
        first_line = head.split(b"\r\n")[0].decode()
        self.server.requests.append(first_line)
        return first_line

    def _receive(self) -> None:
        received = self._connection.recv(65536)
        if not received:
            raise EOFError
        self._unread += received

    def wait_for_bytes(self) -> None:
        """Wait until something of a request has arrived, without reading it."""
        self._connection.recv(1, socket.MSG_PEEK)

    def send(self, content: bytes) -> None:
        self._connection.sendall(content)

    def answer(self, body: bytes, status: int = 200, headers: Sequence[str] = ()) -> None:
        lines = [f"HTTP/1.1 {status} Because", f"Content-Length: {len(body)}", *headers, "", ""]
        self.send("\r\n".join(lines).encode() + body)

    def reset(self) -> None:
        """Close so that the peer gets a reset, not an orderly end."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


Behaviour = Callable[[Wire], None]


class RawServer:
    """A loopback server; ``behave`` is called with each connection and may do anything to it."""

    def __init__(self, port: int = 0) -> None:
        self.requests: list[str] = []
        self.connections = 0
        self.stopping = threading.Event()
        self.behave: Behaviour = Wire.reset
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self._listener.settimeout(0.02)
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while not self.stopping.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = self._listener.accept()
                connection.settimeout(5)
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(Wire(self, connection),))
                self._threads.append(thread)
                thread.start()

    def _serve(self, wire: Wire) -> None:
        # The peer may leave at any time: that is what these tests are about.
        with contextlib.suppress(OSError, EOFError):
            self.behave(wire)
        wire.close()

    def stop(self) -> None:
        self.stopping.set()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()
