# SPDX-License-Identifier: Apache-2.0
"""Subtitles for a browser: it plays WebVTT from this site only, and vendors give SubRip from elsewhere."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool

from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.media.addresses import AddressRefused
from airflow_provider_videoai.media.small_file import fetch_small
from airflow_provider_videoai.media.subtitles import NoCues, to_vtt
from airflow_provider_videoai.media.web import Unreachable

__all__ = ["MOST_BYTES", "NoSubtitles", "fetch"]

MOST_BYTES = 1_000_000
_TIMEOUT = 10.0


class NoSubtitles(ValueError):
    """What was found is no subtitles."""


async def fetch(url: str, *, allow_private: bool) -> str:
    """Fetch subtitles; raise :class:`NoSubtitles` for what cannot be had, is too long, or is none.

    They are fetched from the public internet, and from a private network only with ``allow_private``. Only what reads
    as subtitles leaves this function, so it cannot be used to look at other servers.
    """
    try:
        content = await fetch_small(url, allow_private=allow_private, max_bytes=MOST_BYTES, seconds=_TIMEOUT)
    except (AddressRefused, Unreachable, VideoAIError) as failure:  # the last: of an environment variable
        raise NoSubtitles(f"they cannot be fetched: {failure}") from failure
    try:
        return await run_in_threadpool(to_vtt, content.decode("utf-8", errors="replace"))
    except NoCues as failure:
        raise NoSubtitles(str(failure)) from failure
