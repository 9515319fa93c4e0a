# SPDX-License-Identifier: Apache-2.0
"""A server in front of the sandbox, with a port per case: it forwards requests, and spoils the answers of one stage."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

import httpx

from tests.hostile.deeds import Deed, Send

_SUBMITS = ("/add", "/removal", "/videoClip", "/submit", "/videomake", "/tts")
_RESULTS = ("/getPublishCode",)


class Stage(StrEnum):
    """When in a job's life the vendor is hostile."""

    SUBMIT = "submit"
    POLL = "poll"
    RESULT = "result"


@dataclass(slots=True)
class Case:
    """One account of one vendor, whose answers are spoilt at one stage; ``struck`` counts them."""

    name: str
    vendor: str
    stage: Stage
    mode: str
    deed: Deed
    port: int = 0
    struck: int = field(default=0, compare=False)


@contextmanager
def gateway(upstream: str, cases: Sequence[Case]) -> Iterator[None]:
    """Serve every case on a port of its own, in a thread, until the context ends."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    thread = threading.Thread(target=_serve, args=(loop, upstream, cases, ready), name="gateway")
    thread.start()
    try:
        if not ready.wait(30):
            raise TimeoutError("the gateway did not start")
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def _serve(loop: asyncio.AbstractEventLoop, upstream: str, cases: Sequence[Case], ready: threading.Event) -> None:
    client = httpx.AsyncClient(base_url=upstream, timeout=60, trust_env=False, limits=httpx.Limits(max_connections=50))
    for case in cases:
        server = loop.run_until_complete(asyncio.start_server(_Connection(case, client).serve, "127.0.0.1", 0))
        case.port = server.sockets[0].getsockname()[1]
    ready.set()
    loop.run_forever()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks))
    loop.run_until_complete(client.aclose())
    loop.close()


class _Connection:
    """Answers the requests to one case's port, each over a connection of its own."""

    def __init__(self, case: Case, client: httpx.AsyncClient) -> None:
        self._case = case
        self._client = client

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def send(piece: bytes) -> None:
            writer.write(piece)
            await writer.drain()

        # The client leaves in the middle of an answer that never ends: that is what is waited for.
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._answer(reader, send)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, send: Send) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = [tuple(line.split(": ", 1)) for line in head[1:] if line]
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        request = self._client.build_request(
            method, target, headers=[(name, value) for name, value in headers], content=await reader.readexactly(length)
        )
        answer = await self._client.send(request)
        if self._strikes(target, answer):
            self._case.struck += 1
            await self._case.deed(send, answer.content)
        else:
            await send(b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\n" % (answer.status_code, len(answer.content)))
            await send(b"Connection: close\r\n\r\n" + answer.content)

    def _strikes(self, target: str, answer: httpx.Response) -> bool:
        path = target.partition("?")[0]
        if path.endswith(_SUBMITS):
            return self._case.stage is Stage.SUBMIT
        # The answer that reports the end is the one with a URL of media; some vendors have a call for it.
        if path.endswith(_RESULTS):
            return self._case.stage is Stage.RESULT
        if b"http" in answer.content and self._case.stage is Stage.POLL:
            # On a loaded machine the first poll may come after the job's end: then it is the one to spoil.
            return not self._case.struck
        return self._case.stage is (Stage.RESULT if b"http" in answer.content else Stage.POLL)
