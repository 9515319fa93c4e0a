# SPDX-License-Identifier: Apache-2.0
"""Responses that no well-behaved server sends: connections reset, dropped, or cut within the body."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, cast

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

TRANSPORT = "sandbox.transport"


class ExposedProtocol(H11Protocol):
    """uvicorn's h11 protocol, with the raw transport put into every request's scope."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wrap the application of this one connection.

        :param transport: of the connection; the responses below close or abort it.
        """
        super().connection_made(transport)
        # ASGI has no way to reset a connection, so the raw transport travels in the scope. The wrapper is made per
        # connection: one for all would need to know which connection a request came by.
        application = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope[TRANSPORT] = transport
            await application(scope, receive, send)

        self.app = with_transport


async def _until_gone(receive: Receive) -> None:
    # uvicorn would send a 500 for an application that returns silently while the connection still counts as open.
    while (await receive())["type"] != "http.disconnect":
        pass


class ResetConnection(Response):
    """Ends the connection with a TCP RST instead of a response."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - nothing is sent
        """Abort the connection: the client sees "connection reset by peer"."""
        transport = cast("asyncio.Transport", scope[TRANSPORT])
        raw = transport.get_extra_info("socket")
        # Linger time zero turns the close into a reset (socket(7)): the kernel discards unsent data and sends RST.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        await _until_gone(receive)


class DropConnection(Response):
    """Closes the connection in good order, but without a response."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - nothing is sent
        """Close the connection: end of file is all that the client reads."""
        cast("asyncio.Transport", scope[TRANSPORT]).close()
        await _until_gone(receive)


class CutBody(Response):
    """Another response, of which only some bytes are sent before the connection is closed.

    :param whole: the response to cut.
    :param after: how many bytes of the body are sent; ``None``: half of those announced.
    :param missing: sends the whole body, and announces so many bytes more than there are.
    :param pause: seconds without data before the connection is closed.
    """

    def __init__(
        self, whole: Response, *, after: int | None = None, missing: int | None = None, pause: float = 0.0
    ) -> None:
        super().__init__()
        self._whole = whole
        self._after = after
        self._missing = missing
        self._pause = pause

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send less than the announced length."""
        left = 0

        async def cutting(message: Message) -> None:
            nonlocal left
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                announced = int(headers["content-length"])
                if self._missing is not None:
                    headers["content-length"] = str(announced + self._missing)
                left = self._due(announced)
                await send(message)
                return
            piece = message["body"][:left]
            left -= len(piece)
            # more_body stays true, else uvicorn would check the length sent against the one announced, and log an
            # error.
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            if not left:
                await asyncio.sleep(self._pause)
                cast("asyncio.Transport", scope[TRANSPORT]).close()
                await _until_gone(receive)

        # The whole response decides about status, ranges and headers itself: a cut 206 is announced as that range.
        await self._whole(scope, receive, cutting)

    def _due(self, announced: int) -> int:
        if self._missing is not None:
            return announced
        return announced // 2 if self._after is None else self._after
