# SPDX-License-Identifier: Apache-2.0
"""Fetching inputs over HTTP, and delivering results to storage that the caller gave."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

from airflow_provider_videoai.sandbox.media.rendered import RenderingFailed, Stop

LARGEST_INPUT = 256 * 1024 * 1024
TIMEOUT = httpx.Timeout(10.0)


@dataclass(frozen=True)
class Fetched:
    """An input on disk, with the MD5 of its bytes in lower-case hex."""

    path: Path
    size: int
    md5: str


def file_name_of(url: str) -> str:
    """Return the last part of a URL's path."""
    return unquote(urlsplit(url).path.rpartition("/")[2])


def fetch(url: str, target: Path, stop: Stop, largest: int = LARGEST_INPUT) -> Fetched:
    """Fetch ``url`` to ``target``, at most ``largest`` bytes.

    Raises :class:`RenderingFailed` for reason ``fetch`` (no answer, or none with 200) or ``size``.
    """
    digest = hashlib.md5(usedforsecurity=False)
    size = 0
    try:
        with (
            httpx.Client(timeout=TIMEOUT, follow_redirects=True, trust_env=False) as client,
            client.stream("GET", url) as response,
            target.open("wb") as file,
        ):
            if response.status_code != httpx.codes.OK:
                raise RenderingFailed("fetch", f"the input URL answered {response.status_code}")
            for chunk in response.iter_bytes(256 * 1024):
                stop.check()
                size += len(chunk)
                if size > largest:
                    raise RenderingFailed("size", f"the input is larger than {largest} bytes")
                digest.update(chunk)
                file.write(chunk)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise RenderingFailed("fetch", f"the input cannot be fetched: {type(error).__name__}") from error
    return Fetched(target, size, digest.hexdigest())


def deliver(path: Path, url: str) -> str:
    """PUT a file to a pre-authorised URL; returns that URL without its query, which is the authority.

    Raises :class:`RenderingFailed` for reason ``store``.
    """
    try:
        with path.open("rb") as file:
            response = httpx.put(url, content=file, timeout=TIMEOUT, trust_env=False)
    except httpx.HTTPError as error:
        raise RenderingFailed("store", f"the storage URL failed: {type(error).__name__}") from error
    if not response.is_success:
        raise RenderingFailed("store", f"the storage URL answered {response.status_code}")
    return url.partition("?")[0]
