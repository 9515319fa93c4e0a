# SPDX-License-Identifier: Apache-2.0
"""Subtitles for a browser: it plays WebVTT from this site only, and vendors give SubRip from elsewhere."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool

from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.media.addresses import AddressRefused
from airflow_provider_videoai.media.small_file import fetch_small
from airflow_provider_videoai.media.subtitles import NoCues, to_vtt
from airflow_provider_videoai.media.web import Unreachable

__all__ = ["MAX_BYTES", "NoSubtitles", "fetch"]

MAX_BYTES = 1_000_000
_TIMEOUT = 10.0
"""Seconds."""


class NoSubtitles(ValueError):
    """There are no subtitles to be had at the URL."""


async def fetch(url: str, *, allow_private: bool) -> str:
    """Fetch subtitles and return them as WebVTT.

    Only what reads as subtitles leaves this function, so it cannot be used to look at other servers.

    :param url: where the vendor keeps them, as SubRip or WebVTT.
    :param allow_private: fetch them from a private network as well, not from the public internet only.
    :raises NoSubtitles: if they cannot be fetched, are longer than :data:`MAX_BYTES`, or are no subtitles.
    """
    try:
        content = await fetch_small(url, allow_private=allow_private, max_bytes=MAX_BYTES, seconds=_TIMEOUT)
    except (AddressRefused, Unreachable, VideoAIError) as failure:  # the last: of an environment variable
        raise NoSubtitles(f"they cannot be fetched: {failure}") from failure
    try:
        # In a thread: parsing a megabyte would block the API server's event loop.
        return await run_in_threadpool(to_vtt, content.decode("utf-8", errors="replace"))
    except NoCues as failure:
        raise NoSubtitles(str(failure)) from failure
