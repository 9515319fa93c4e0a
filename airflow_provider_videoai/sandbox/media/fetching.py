# SPDX-License-Identifier: Apache-2.0
"""Fetch inputs over HTTP, and deliver results to storage of the caller."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

from airflow_provider_videoai.sandbox.media.rendered import RenderingFailed, Stop

LARGEST_INPUT = 256 * 1024 * 1024
# Reading waits longer: the first request for a sample is served once it is drawn, which takes a loaded machine 10 s.
TIMEOUT = httpx.Timeout(10.0, read=60.0)


@dataclass(frozen=True)
class Fetched:
    """An input on disk.

    :param size: bytes.
    :param md5: lower-case hex.
    """

    path: Path
    size: int
    md5: str


@cache
def _tls() -> ssl.SSLContext:
    # Once: reading all authorities takes longer than fetching a clip from loopback.
    return httpx.create_ssl_context(trust_env=False)


def file_name_of(url: str) -> str:
    """Return the last part of a URL's path, decoded.

    :param url: the URL.
    """
    return unquote(urlsplit(url).path.rpartition("/")[2])


def fetch(url: str, target: Path, stop: Stop, largest: int = LARGEST_INPUT) -> Fetched:
    """Fetch a file.

    :param url: the input; redirects are followed.
    :param target: the file that it is written to.
    :param stop: ends the rendering early.
    :param largest: bytes that it may have.
    :raises RenderingFailed: ``fetch`` (no response, or another than 200) or ``size``.
    """
    # MD5 because CDNetworks' pullVideo has one per file; it also identifies equal inputs.
    digest = hashlib.md5(usedforsecurity=False)
    size = 0
    try:
        with (
            httpx.Client(timeout=TIMEOUT, follow_redirects=True, trust_env=False, verify=_tls()) as client,
            client.stream("GET", url) as response,
            target.open("wb") as file,
        ):
            if response.status_code != httpx.codes.OK:
                raise RenderingFailed("fetch", f"the input URL responded with {response.status_code}")
            for chunk in response.iter_bytes(256 * 1024):
                stop.check()
                # Counted here: Content-Length may be absent, or wrong.
                size += len(chunk)
                if size > largest:
                    raise RenderingFailed("size", f"the input is larger than {largest} bytes")
                digest.update(chunk)
                file.write(chunk)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # The type only: the message of an exception may have the URL, and a signed URL is a secret.
        raise RenderingFailed("fetch", f"the input cannot be fetched: {type(error).__name__}") from error
    return Fetched(target, size, digest.hexdigest())


def deliver(path: Path, url: str) -> str:
    """PUT a file to a pre-authorised URL.

    :param path: the file.
    :param url: with its authorisation in the query.
    :returns: the URL without its query, which must not get into a response.
    :raises RenderingFailed: ``store`` if the storage does not accept it.
    """
    try:
        with path.open("rb") as file:
            response = httpx.put(url, content=file, timeout=TIMEOUT, trust_env=False, verify=_tls())
    except httpx.HTTPError as error:
        raise RenderingFailed("store", f"the storage URL failed: {type(error).__name__}") from error
    if not response.is_success:
        raise RenderingFailed("store", f"the storage URL responded with {response.status_code}")
    return url.partition("?")[0]
