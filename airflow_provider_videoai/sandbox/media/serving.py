# SPDX-License-Identifier: Apache-2.0
"""Serving files as a storage service does: ranges, ETags, HEAD, and URLs that expire."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, Response
from starlette.routing import Route

from airflow_provider_videoai.sandbox.desk import general_fault
from airflow_provider_videoai.sandbox.faults import AFTERWARDS, INSTEAD, CallKind, Kind, request_text
from airflow_provider_videoai.sandbox.transport import HalfBody

if TYPE_CHECKING:
    from starlette.requests import Request

    from airflow_provider_videoai.sandbox.media.outcome import Media
    from airflow_provider_videoai.sandbox.world import World


def storage_error(status: int, code: str, message: str) -> Response:
    """Return an error in the XML form that S3-like storage uses."""
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Response(text, status, media_type="application/xml")


async def serve(world: World, vendor: str, media: Media | None, request: Request) -> Response:
    """Serve one file of ``vendor`` (``None``: 404), unless a media fault strikes."""
    url = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if world.store.is_expired(url):
        return storage_error(403, "AccessDenied", "Request has expired")
    request_text.set(url)
    fault = world.faults.claim(vendor, CallKind.MEDIA, INSTEAD | AFTERWARDS | {Kind.EXPIRE_MEDIA})
    kind = fault.kind if fault else None
    if kind is Kind.EXPIRE_MEDIA:
        world.store.expire(url)
    if kind in (Kind.EXPIRE_MEDIA, Kind.AUTH_FAILED):
        return storage_error(403, "AccessDenied", "Request has expired")
    if kind is Kind.QUOTA_FULL:
        return storage_error(503, "SlowDown", "Please reduce your request rate.")
    if fault is not None and kind in INSTEAD:
        return general_fault(fault)
    if media is None:
        return storage_error(404, "NoSuchKey", "The specified key does not exist.")
    if fault is not None and kind is Kind.STALL:
        await asyncio.sleep(fault.seconds)
    if kind is Kind.TRUNCATED:
        return HalfBody(media.path.read_bytes(), media_type=media.content_type)
    return FileResponse(media.path, media_type=media.content_type)


def media_route(world: World) -> Route:
    """Return the route of all results but Topview's, whose URLs are signed."""

    async def endpoint(request: Request) -> Response:
        where = request.path_params
        media = world.store.find(where["vendor"], where["token"], where["name"])
        return await serve(world, where["vendor"], media, request)

    return Route("/media/{vendor}/{token}/{name}", endpoint, methods=["GET"])
