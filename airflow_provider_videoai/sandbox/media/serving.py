# SPDX-License-Identifier: Apache-2.0
"""Serve files as a storage service does: ranges, ETags, HEAD, and URLs that expire."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from airflow_provider_videoai.sandbox.endpoints import general_fault
from airflow_provider_videoai.sandbox.faults import (
    MEDIA_FAULTS,
    REPLACING_FAULTS,
    RESPONSE_FAULTS,
    CallKind,
    Fault,
    FaultKind,
    request_text,
)
from airflow_provider_videoai.sandbox.transport import CutBody

if TYPE_CHECKING:
    from starlette.requests import Request

    from airflow_provider_videoai.sandbox.media.rendered import Media
    from airflow_provider_videoai.sandbox.state import SandboxState

# Storage services differ in what they send for an expired URL.
_EXPIRED = {
    403: ("AccessDenied", "Request has expired"),
    404: ("NoSuchKey", "The specified key does not exist."),
    410: ("Gone", "The file has been removed."),
}


def storage_error(status: int, code: str, message: str) -> Response:
    """Return an error in the XML form that S3-compatible storage uses.

    :param status: of HTTP.
    :param code: for ``<Code>``.
    :param message: for ``<Message>``.
    """
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Response(text, status, media_type="application/xml")


async def serve(state: SandboxState, vendor: str, media: Media | None, request: Request) -> Response:
    """Serve one file, unless a fault fires.

    :param vendor: whose file it is: media faults are injected by vendor.
    :param media: ``None``: 404.
    :param request: for its range, and for the URL that may have expired.
    """
    url = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    # Before any fault: an expired URL stays expired, and must not use up a fault that is meant for another request.
    if status := state.store.expired_status(url):
        return storage_error(status, *_EXPIRED[status])
    # A GET has no body: a "match" of a media fault is compared with the URL.
    request_text.set(url)
    fault = state.faults.claim(vendor, CallKind.MEDIA, REPLACING_FAULTS | RESPONSE_FAULTS | MEDIA_FAULTS)
    if fault is not None and (refusal := _refused(state, url, fault)):
        return refusal
    if media is None:
        return storage_error(404, *_EXPIRED[404])
    return _served(media) if fault is None else await _spoilt(media, fault)


def _refused(state: SandboxState, url: str, fault: Fault) -> Response | None:
    """Return a fault's response in the file's place, if it has one."""
    match fault.kind:
        case FaultKind.EXPIRE_MEDIA:
            status = fault.code if fault.code in _EXPIRED else 403
            state.store.expire(url, int(status))
            return storage_error(int(status), *_EXPIRED[int(status)])
        case FaultKind.AUTH_FAILED:
            return storage_error(403, *_EXPIRED[403])
        case FaultKind.QUOTA_FULL:
            # The error of S3 for too many requests.
            return storage_error(503, "SlowDown", "Please reduce your request rate.")
        case FaultKind.HTML_PAGE:
            return HTMLResponse("<html><head><title>Welcome</title></head><body>Please log in.</body></html>")
        case kind:
            return general_fault(fault) if kind in REPLACING_FAULTS else None


async def _spoilt(media: Media, fault: Fault) -> Response:
    """Serve the file as far as the fault allows."""
    match fault.kind:
        case FaultKind.STALL:
            await asyncio.sleep(fault.seconds)
        case FaultKind.REPLACE_MEDIA:
            # The ETag is made of date and size: another date is another version of the file to a client.
            changed = media.path.stat().st_mtime - 60
            os.utime(media.path, (changed, changed))
        case FaultKind.TRUNCATED:
            return CutBody(_served(media))
        case FaultKind.CUT_MEDIA:
            return CutBody(_served(media), after=fault.bytes, pause=fault.pause)
        case FaultKind.WRONG_LENGTH:
            return CutBody(_served(media), missing=fault.bytes)
    return _served(media)


def _served(media: Media) -> Response:
    return FileResponse(media.path, media_type=media.content_type)


def media_route(state: SandboxState) -> Route:
    """Return the route of all results but Topview's, whose URLs are signed.

    :param state: where the files and faults are.
    """

    async def endpoint(request: Request) -> Response:
        where = request.path_params
        media = state.store.find(where["vendor"], where["token"], where["name"])
        return await serve(state, where["vendor"], media, request)

    return Route("/media/{vendor}/{token}/{name}", endpoint, methods=["GET"])
