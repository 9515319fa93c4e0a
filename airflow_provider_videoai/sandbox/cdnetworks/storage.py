# SPDX-License-Identifier: Apache-2.0
"""The object storage that videos are uploaded to, as its page "Normal Upload" (16033/20614) describes it."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from airflow_provider_videoai.sandbox.cdnetworks.videos import SOURCE_UPLOADED, VideoLibrary
from airflow_provider_videoai.sandbox.endpoints import general_fault
from airflow_provider_videoai.sandbox.faults import REPLACING_FAULTS, CallKind
from airflow_provider_videoai.sandbox.media.rendered import RenderingFailed
from airflow_provider_videoai.sandbox.state import SandboxState

# The page "Normal Upload": files of more than 500 MB need the multipart upload in blocks.
LARGEST_UPLOAD = 500 * 1024 * 1024
# No page says how long a token is valid.
TOKEN_LIFETIME_SECONDS = 3600
_CHUNK = 1024 * 1024


@dataclass(frozen=True)
class _UploadToken:
    video_id: str
    name: str
    key: str
    until: float


class Storage:
    """Accepts a file for each token that was handed out, and adds it to the library.

    :param state: where the files and faults are.
    :param library: what the videos are added to.
    """

    def __init__(self, state: SandboxState, library: VideoLibrary) -> None:
        self._state = state
        self._library = library
        self.clear()

    def clear(self) -> None:
        """Forget all tokens."""
        self._grants: dict[str, _UploadToken] = {}

    def grant(self, name: str, base_url: str) -> dict[str, Any]:
        """Return the data of getUploadToken.

        :param name: of the file, with its extension.
        :param base_url: becomes the upload URL, which has no path: an upload domain.
        """
        video_id, token = secrets.token_hex(16).upper(), secrets.token_urlsafe(48)
        key = f"{video_id}/{secrets.token_hex(4)}.{name.rpartition('.')[2]}"
        self._grants[token] = _UploadToken(video_id, name, key, time.time() + TOKEN_LIFETIME_SECONDS)
        return {
            "uploadUrl": base_url,
            "fileKey": key,
            "videoId": video_id,
            "uploadToken": token,
            "bucketName": "sandbox-vod",
        }

    def route(self) -> Route:
        """Return the route of the upload."""
        return Route("/file/upload", self._upload, methods=["POST"])

    async def _upload(self, request: Request) -> Response:
        fault = self._state.faults.claim("cdnetworks", CallKind.UPLOAD, REPLACING_FAULTS)
        if fault is not None:
            return general_fault(fault)
        length = request.headers.get("content-length", "")
        # Refused before the body is read, as the size decides which kind of upload is needed.
        if not length.isdigit():
            return _refused(411, "Content-Length is required")
        if int(length) > LARGEST_UPLOAD:
            return _refused(413, "use multipart upload for more than 500 MB")
        if not request.headers.get("content-type", "").startswith("multipart/form-data; boundary="):
            return _refused(400, "Content-Type must be multipart/form-data")
        # One file per request, as the page "Normal Upload" has it.
        async with request.form(max_files=1, max_fields=10) as form:
            grant = self._grants.get(str(form.get("token")))
            if grant is None or time.time() > grant.until:
                return _refused(401, "invalid token")
            # A token is for one key, the one that getUploadToken returned with it.
            if form.get("key", grant.key) != grant.key:
                return _refused(403, "the key is not the token's")
            file = form.get("file")
            if not isinstance(file, UploadFile):
                return _refused(400, "file is required")
            return await self._store(grant, file)

    async def _store(self, grant: _UploadToken, file: UploadFile) -> Response:
        media = self._state.store.add("cdnetworks", grant.name)
        digest = hashlib.sha1(usedforsecurity=False)
        with media.path.open("wb") as out:
            while chunk := await file.read(_CHUNK):
                digest.update(chunk)
                out.write(chunk)
        # The storage accepts any bytes; what cannot be decoded never becomes a video, and its id stays unknown.
        with suppress(RenderingFailed):
            await asyncio.to_thread(self._library.add, media, grant.name, SOURCE_UPLOADED, grant.video_id)
        return JSONResponse({"key": grant.key, "hash": digest.hexdigest()})


def _refused(status: int, message: str) -> Response:
    return JSONResponse({"code": status, "message": message}, status)
