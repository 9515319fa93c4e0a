# SPDX-License-Identifier: Apache-2.0
"""Answers that no well-behaved server gives: connections reset, dropped, or cut in mid-body."""

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
        """Wrap the application of this one connection."""
        super().connection_made(transport)
        application = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope[TRANSPORT] = transport
            await application(scope, receive, send)

        self.app = with_transport


async def _until_gone(receive: Receive) -> None:
    # uvicorn would answer 500 for an application that returns silently while the connection still counts as open.
    while (await receive())["type"] != "http.disconnect":
        pass


class ResetConnection(Response):
    """Ends the connection with a TCP RST instead of an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - nothing is sent
        """Linger time zero turns the close into a reset."""
        transport = cast("asyncio.Transport", scope[TRANSPORT])
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        await _until_gone(receive)


class DropConnection(Response):
    """Closes the connection in good order, but without an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - nothing is sent
        """End of file is all that the client reads."""
        cast("asyncio.Transport", scope[TRANSPORT]).close()
        await _until_gone(receive)


class CutBody(Response):
    """Another answer, of which only some bytes come before the connection is closed.

    ``after`` is how many (``None``: half of those announced), or ``missing`` how many are announced beyond those that
    there are. ``pause`` is the silence before the close, in seconds.
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
        """Leave the announced length unmet."""
        left = 0

        async def cutting(message: Message) -> None:
            nonlocal left
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                announced = int(headers["content-length"])
                if self._missing is not None:
                    headers["content-length"] = str(announced + self._missing)
                left = (
                    announced if self._missing is not None else announced // 2 if self._after is None else self._after
                )
                await send(message)
                return
            piece = message["body"][:left]
            left -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            if not left:
                await asyncio.sleep(self._pause)
                cast("asyncio.Transport", scope[TRANSPORT]).close()
                await _until_gone(receive)

        await self._whole(scope, receive, cutting)

    def _due(self, announced: int) -> int:
        if self._missing is not None:
            return announced
        return announced // 2 if self._after is None else self._after
