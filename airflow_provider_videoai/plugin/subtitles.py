# SPDX-License-Identifier: Apache-2.0
"""Subtitles for a browser: it plays WebVTT from this site only, and vendors give SubRip from elsewhere."""

from __future__ import annotations

import re

from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.runner import run
from airflow_provider_videoai.media.addresses import AddressRefused
from airflow_provider_videoai.media.small import fetch_small
from airflow_provider_videoai.media.web import Unreachable

MOST_BYTES = 1_000_000
_TIMEOUT = 10.0
_TIME = r"(?:\d{1,2}:)?\d{1,2}:\d{2}[,.]\d{1,3}"
_CUE = re.compile(rf"^(?P<start>{_TIME})\s+-->\s+(?P<end>{_TIME})[^\n]*\n(?P<text>(?:[^\n]+\n?)+)", re.MULTILINE)


class NoSubtitles(ValueError):
    """What was found is no subtitles."""


def to_vtt(text: str) -> str:
    """Turn SubRip or WebVTT into plain WebVTT: cues only, and no markup. Raise :class:`NoSubtitles` without a cue."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    cues = [
        f"{_vtt_time(cue['start'])} --> {_vtt_time(cue['end'])}\n{_plain(cue['text'])}\n" for cue in _CUE.finditer(text)
    ]
    if not cues:
        raise NoSubtitles("there is no cue in it")
    return "\n".join(["WEBVTT\n", *cues])


def fetch(url: str, *, allow_private: bool) -> str:
    """Fetch subtitles; raise :class:`NoSubtitles` for what cannot be had, is too long, or is none.

    They are fetched from the public internet, and from a private network only with ``allow_private``. Only what reads
    as subtitles leaves this function, so it cannot be used to look at other servers.
    """
    try:
        content = run(fetch_small(url, allow_private=allow_private, most_bytes=MOST_BYTES, seconds=_TIMEOUT))
    except (AddressRefused, Unreachable, VideoAIError) as failure:  # the last: of an environment variable
        raise NoSubtitles(f"they cannot be fetched: {failure}") from failure
    return to_vtt(content.decode("utf-8", errors="replace"))


def _vtt_time(time: str) -> str:
    clock, _, fraction = time.replace(",", ".").partition(".")
    parts = [int(part) for part in clock.split(":")]
    hours, minutes, seconds = [0] * (3 - len(parts)) + parts
    return f"{hours:02}:{minutes:02}:{seconds:02}.{fraction:<03}"


def _plain(text: str) -> str:
    without_tags = re.sub(r"</?[a-zA-Z][^>\n]*>", "", text.strip())
    return without_tags.replace("&", "&amp;").replace("<", "&lt;").replace("-->", "--&gt;")
