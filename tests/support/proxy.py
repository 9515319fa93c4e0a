# SPDX-License-Identifier: Apache-2.0
"""A real HTTP proxy on the loopback interface: tunnels by CONNECT, and plain requests in absolute form."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit


class Proxy:
    """``requests`` are the first lines of what it was sent. Names in ``hosts`` it alone can resolve, to loopback."""

    def __init__(self, *, login: str | None = None, hosts: tuple[str, ...] = (), refuses: int | None = None) -> None:
        self.requests: list[str] = []
        self._hosts = hosts
        self._login = login
        self._refuses = refuses
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.02)
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def url(self) -> str:
        return f"http://{self._login}@{self.place}" if self._login else f"http://{self.place}"

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                client, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(client,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            client.settimeout(5)
            received = b""
            while b"\r\n\r\n" not in received:
                if not (piece := client.recv(65536)):
                    return
                received += piece
            head, _, rest = received.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            self.requests.append(first)
            method, target, _ = first.split(" ")
            if status := self._refusal(lines):
                client.sendall(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())
            elif method == "CONNECT":
                host, _, port = target.rpartition(":")
                with self._connected(host.strip("[]"), int(port)) as server:
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    self._relay(client, server)
            else:
                self._forward(client, f"{method} {{}} HTTP/1.1", target, lines, rest)

    def _refusal(self, lines: list[str]) -> int | None:
        given = {line.partition(": ")[2] for line in lines if line.lower().startswith("proxy-authorization:")}
        if self._login and given != {"Basic " + base64.b64encode(self._login.encode()).decode()}:
            return 407
        return self._refuses

    def _connected(self, host: str, port: int) -> socket.socket:
        return socket.create_connection(("127.0.0.1" if host in self._hosts else host, port), 5)

    def _forward(self, client: socket.socket, first: str, target: str, lines: list[str], rest: bytes) -> None:
        url = urlsplit(target)
        kept = [line for line in lines if not line.lower().startswith(("proxy-", "connection:"))]
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        head = "\r\n".join([first.format(path), *kept, "Connection: close", "", ""])
        with self._connected(url.hostname or "", url.port or 80) as server:
            server.sendall(head.encode("latin-1") + rest)
            self._relay(client, server)

    def _relay(self, client: socket.socket, server: socket.socket) -> None:
        upwards = threading.Thread(target=_pump, args=(client, server))
        upwards.start()
        _pump(server, client)
        upwards.join(5)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    for side in (source, target):
        with contextlib.suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)


@contextmanager
def running_proxy(
    *, login: str | None = None, hosts: tuple[str, ...] = (), refuses: int | None = None
) -> Iterator[Proxy]:
    """Run a proxy: ``login`` as ``name:password`` that it demands, ``refuses`` the status that it answers to all."""
    proxy = Proxy(login=login, hosts=hosts, refuses=refuses)
    try:
        yield proxy
    finally:
        proxy.stop()
