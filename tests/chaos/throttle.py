# SPDX-License-Identifier: Apache-2.0
"""A vendor's gateway before the sandbox, which itself never throttles: whatever is over a limit gets 429."""

from __future__ import annotations

import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import httpx

_HOP = {
    "connection",
    "transfer-encoding",
    "content-length",
    "content-encoding",
    "host",
    "accept-encoding",
    "date",
    "server",
}


class Throttle:
    """Passes at most ``limit`` requests in any 60 s on, and refuses the others.

    :param target: the sandbox's URL.
    :param limit: requests per minute.
    """

    def __init__(self, target: str, limit: int) -> None:
        self.seen: list[tuple[float, bool]] = []
        """Each request: epoch seconds, and whether it was refused."""
        self._limit = limit
        self._passed: deque[float] = deque()
        self._lock = threading.Lock()
        self._client = httpx.Client(base_url=target, timeout=30, trust_env=False)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, name="throttle", daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._client.close()

    def refuses(self) -> bool:
        """Count a request, and return whether it is one too many."""
        now = time.time()
        with self._lock:
            while self._passed and now - self._passed[0] >= 60.0:
                self._passed.popleft()
            refused = len(self._passed) >= self._limit
            if not refused:
                self._passed.append(now)
            self.seen.append((now, refused))
            return refused

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        throttle = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if throttle.refuses():
                    self._answer(429, {"Content-Type": "application/json"}, b'{"message": "too many requests"}')
                    return
                headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
                answer = throttle._client.request(self.command, self.path, content=body, headers=headers)
                kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
                self._answer(answer.status_code, kept, answer.content)

            do_GET = do_POST = do_PUT = _serve  # noqa: N815 - the names of the base class

            def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
