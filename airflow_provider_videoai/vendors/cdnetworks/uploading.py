# SPDX-License-Identifier: Apache-2.0
"""Upload a file of the user's into Cloud VoD.

That ``getUploadToken`` answers with ``uploadUrl``, ``fileKey``, ``videoId`` and ``uploadToken`` is documented there;
how the bytes then go to the address is not. It is one of the vendor's object storage (the answer names the bucket), so
it is used as that storage's page "Normal Upload" (16033/20614) and the vendor's own SDKs for it do: POST
``/file/upload``, a form with ``token``, ``key`` and ``file``, at most 500 MB. Not tried on a real account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_videoai.jobs.protocol.json_values import text, url

__all__ = ["LARGEST_UPLOAD", "Upload", "upload_of"]

LARGEST_UPLOAD = 500 * 1024 * 1024
"""Bytes; the storage takes larger files in parts only."""
_FORM_PATH = "/file/upload"


@dataclass(frozen=True, slots=True)
class Upload:
    """Where the bytes of a video go: a form is posted to ``url``, with these fields before the file."""

    video_id: str
    url: str
    form: Mapping[str, str] = field(repr=False)


def upload_of(data: Mapping[str, Any]) -> Upload | None:
    """Read the answer of getUploadToken; ``None`` if it lacks what an upload needs.

    :param data: the answer's ``data``.
    """
    address, token = url(data.get("uploadUrl")), text(data.get("uploadToken"))
    video_id, key = text(data.get("videoId")), text(data.get("fileKey"))
    if address is None or token is None or video_id is None:
        return None
    form = {"token": token} | ({"key": key} if key else {})
    parts = urlsplit(address)
    # Whether uploadUrl has a path, the page does not say; a bare host is given the one of "Normal Upload" (inferred).
    whole = address if parts.path.strip("/") else parts._replace(path=_FORM_PATH).geturl()
    return Upload(video_id, whole, form)
