# SPDX-License-Identifier: Apache-2.0
"""Look at what was fetched before it is published: an error page that was saved as a video is none."""

from __future__ import annotations

from typing import BinaryIO

from airflow_provider_videoai.jobs.errors import ResultUnavailable
from airflow_provider_videoai.media.extra import import_optional
from airflow_provider_videoai.media.probe import NotMedia, probe
from airflow_provider_videoai.media.subtitles import parse

__all__ = ["check_media_file", "check_subtitles", "require_library", "skip_check"]

_ENOUGH = 64 * 1024
"""Bytes of subtitles in which the first cue must be."""


def require_library() -> None:
    """Raise ``InvalidRequest`` where media cannot be looked at, before any of it is fetched."""
    import_optional("av", "verify: to look at media (verify=False does not)")


def check_media_file(file: BinaryIO) -> int | None:
    """Return how long it plays, in milliseconds; raise ``ResultUnavailable`` for what is no media."""
    try:
        return probe(file).duration_ms
    except NotMedia as failure:
        raise ResultUnavailable(f"what came is no media ({failure}): nothing was published") from failure


def check_subtitles(file: BinaryIO) -> None:
    """Raise ``ResultUnavailable`` for what are no subtitles."""
    if not parse(file.read(_ENOUGH).decode("utf-8", errors="replace")):
        raise ResultUnavailable("the file is not subtitles: nothing was published")


def skip_check(file: BinaryIO) -> None:
    """Let everything pass."""
