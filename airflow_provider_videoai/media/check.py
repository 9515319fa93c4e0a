# SPDX-License-Identifier: Apache-2.0
"""Check a downloaded file before it is published: an error page must not be stored as a video."""

from __future__ import annotations

from typing import BinaryIO

from airflow_provider_videoai.jobs.errors import ResultUnavailable
from airflow_provider_videoai.media.extra import import_optional
from airflow_provider_videoai.media.probe import NotMedia, probe
from airflow_provider_videoai.media.subtitles import parse

__all__ = ["check_media_file", "check_subtitles", "require_library", "skip_check"]

_ENOUGH = 64 * 1024
"""The first cue must be within so many bytes."""


def require_library() -> None:
    """Check that PyAV is installed, so that a task fails before the download and not after it.

    :raises InvalidRequest: if it is missing.
    """
    import_optional("av", "verify: to check media (verify=False does not)")


def check_media_file(file: BinaryIO) -> int | None:
    """Check that a file is video or audio.

    :param file: seekable, at its start.
    :returns: its duration in milliseconds, ``None`` if unknown.
    :raises ResultUnavailable: if it is neither.
    """
    try:
        return probe(file).duration_ms
    except NotMedia as failure:
        raise ResultUnavailable(f"the file is not media ({failure}): nothing was published") from failure


def check_subtitles(file: BinaryIO) -> None:
    """Check that a file is subtitles.

    :param file: at its start; only its beginning is read.
    :raises ResultUnavailable: if there is no cue in it.
    """
    # Replaced, not strict: the cut after _ENOUGH bytes may fall within a character.
    if not parse(file.read(_ENOUGH).decode("utf-8", errors="replace")):
        raise ResultUnavailable("the file is not subtitles: nothing was published")


def skip_check(file: BinaryIO) -> None:
    """Accept any file."""
