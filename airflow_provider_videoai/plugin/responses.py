# SPDX-License-Identifier: Apache-2.0
"""What every response of the page has in common: its headers, and that nothing of the inside leaves with an error."""

from __future__ import annotations

import logging
import traceback

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from airflow_provider_videoai.plugin.vendor_calls import ClientGone, Unavailable
from airflow_provider_videoai.plugin.wording import shown

__all__ = ["ResponseMiddleware", "add_error_handlers", "log"]

log = logging.getLogger(__name__)

# Media may be at any host: vendors keep it at hosts that nobody can list. All else is the page's own.
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' http: https:; media-src 'self' http: https:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_HEADERS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    # Airflow's address is no business of a media server.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_CLIENT_CLOSED_REQUEST = 499


class ResponseMiddleware:
    """ASGI middleware: sets the security headers of each response, and makes a plain 500 of an unexpected error.

    :param app: the application that it wraps.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request (ASGI)."""
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as failure:
            if started:
                raise  # the status has left; the server can only cut the response off
            _log(scope, failure)
            answer = JSONResponse({"detail": "Something went wrong. The API server's log says more."}, 500)
            await answer(scope, receive, send_with_headers)


def _log(scope: Scope, failure: Exception) -> None:
    # Not logged as it is: its text may hold the values of a query, or a signed URL.
    where = "".join(traceback.format_tb(failure.__traceback__))
    route = getattr(scope.get("route"), "path", "a request")
    log.error("Video jobs: %s failed: %s: %s\n%s", route, type(failure).__name__, shown(str(failure)), where)


def add_error_handlers(app: FastAPI) -> None:
    """Give the app its headers, and its responses to what its routes raise.

    :param app: the page.
    """
    app.add_middleware(ResponseMiddleware)

    @app.exception_handler(Unavailable)
    async def unavailable(_: Request, failure: Unavailable) -> JSONResponse:
        return _refusal(failure.status, failure.reason, failure.retry_after)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, failure: RequestValidationError) -> JSONResponse:
        # FastAPI's own response repeats the input, and not all of it can be written as JSON.
        return _refusal(422, "; ".join(f"{error['loc'][-1]}: {error['msg']}" for error in failure.errors()))

    @app.exception_handler(ClientGone)
    async def gone(_: Request, _failure: ClientGone) -> Response:
        return Response(status_code=_CLIENT_CLOSED_REQUEST)


def _refusal(status: int, detail: str, retry_after: int | None = None) -> JSONResponse:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return JSONResponse({"detail": detail}, status, headers)
