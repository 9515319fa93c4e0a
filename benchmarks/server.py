# SPDX-License-Identifier: Apache-2.0
"""One fast HTTP server for all providers: every response takes the same time, and everything is counted.

``python -m benchmarks.server`` prints its two addresses as one line of JSON, over plain HTTP and over TLS, and serves
until its standard input closes. It is a bare :class:`asyncio.Protocol`: a framework would cost more than what is
measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import ssl
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from benchmarks.responses import Response, respond_to
from benchmarks.schedule import Schedule

_CONTENT_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)


@dataclass
class Tally:
    """What the server saw of one run."""

    requests: int = 0
    job_polls: int = 0
    """Jobs whose status was requested, each as often as it was."""
    largest_batch: int = 0
    connections: int = 0
    open_sockets: int = 0
    most_sockets: int = 0
    known: int = 0
    """How many different jobs were polled."""
    _numbers: set[int] = field(default_factory=set, repr=False)
    detected: dict[int, float] = field(default_factory=dict, repr=False)
    """Seconds from a job's end to the poll that detected it, by the job's number."""

    def connected(self) -> None:
        """Count a connection at its first status request."""
        self.connections += 1
        self.open_sockets += 1
        self.most_sockets = max(self.most_sockets, self.open_sockets)

    def polled(self, numbers: list[int]) -> None:
        """Count a status request for these jobs."""
        self.requests += 1
        self.job_polls += len(numbers)
        self.largest_batch = max(self.largest_batch, len(numbers))
        self._numbers.update(numbers)
        self.known = len(self._numbers)

    def counts(self) -> dict[str, int]:
        """Return all counts."""
        return {name: count for name, count in asdict(self).items() if isinstance(count, int)}


@dataclass
class Vendors:
    """What all connections share: the jobs of the current run, and its counts."""

    schedule: Schedule = field(default_factory=lambda: Schedule(float("inf"), 0.0))
    tally: Tally = field(default_factory=Tally)

    def respond(self, target: str, body: bytes) -> Response:
        """Respond to a provider, or to the process that controls the run (``/run/...``)."""
        url = urlsplit(target)
        if url.path == "/run/begin":
            (first_end,), (span,) = parse_qs(url.query)["first_end"], parse_qs(url.query)["span"]
            self.schedule, self.tally = Schedule(float(first_end), float(span)), Tally()
        if url.path == "/run/detected":
            return Response([], {"seconds": list(self.tally.detected.values())})
        if url.path.startswith("/run/"):
            return Response([], self.tally.counts())
        return respond_to(target, body, self._over)

    def _over(self, number: int) -> bool:
        late = time.time() - self.schedule.end_of(number)
        if late >= 0:
            self.tally.detected.setdefault(number, late)
        return late >= 0


class Connection(asyncio.Protocol):
    """One connection: HTTP/1.1, kept alive, one request at a time."""

    def __init__(self, vendors: Vendors, latency: float) -> None:
        self._vendors = vendors
        self._latency = latency
        self._received = b""
        self._transport: asyncio.WriteTransport | None = None
        self._counted_in: Tally | None = None

    def connection_made(self, transport: Any) -> None:
        """Keep the transport for the responses."""
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio calls it so
        """Count the socket as closed, in the run that opened it."""
        self._transport = None
        if self._counted_in is not None:
            self._counted_in.open_sockets -= 1

    def data_received(self, data: bytes) -> None:
        """Buffer bytes; respond to the request once it is complete."""
        self._received += data
        head, separator, rest = self._received.partition(b"\r\n\r\n")
        length = int(found[1]) if (found := _CONTENT_LENGTH.search(head)) else 0
        if separator and len(rest) >= length:
            self._received = rest[length:]
            self._respond(head.split(b" ", 2)[1].decode(), rest[:length])

    def _respond(self, target: str, body: bytes) -> None:
        try:
            numbers, content = self._vendors.respond(target, body)
            status = "200 OK"
        except LookupError:
            numbers, content, status = [], {"unknown": target}, "404 Not Found"
        if numbers:
            self._count(numbers)
        encoded = json.dumps(content).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(encoded)}\r\n\r\n"
        asyncio.get_running_loop().call_later(self._latency if numbers else 0, self._write, head.encode() + encoded)

    def _count(self, numbers: list[int]) -> None:
        if self._counted_in is not self._vendors.tally:
            self._counted_in = self._vendors.tally
            self._counted_in.connected()
        self._counted_in.polled(numbers)

    def _write(self, content: bytes) -> None:
        if self._transport is not None:
            self._transport.write(content)


async def serve(latency: float, context: ssl.SSLContext) -> None:
    """Serve until standard input closes."""
    loop, vendors, addresses = asyncio.get_running_loop(), Vendors(), {}
    for scheme, tls in (("http", None), ("https", context)):
        listener = await loop.create_server(lambda: Connection(vendors, latency), "127.0.0.1", 0, ssl=tls, backlog=4096)
        addresses[scheme] = f"{scheme}://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    print(json.dumps(addresses), flush=True)
    await asyncio.to_thread(sys.stdin.read)


def main() -> None:
    """Run the server; see the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, required=True, help="seconds that every response takes")
    parser.add_argument("--certificate", required=True, help="PEM file with certificate and key")
    options = parser.parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate)
    asyncio.run(serve(options.latency, context))


if __name__ == "__main__":
    main()
