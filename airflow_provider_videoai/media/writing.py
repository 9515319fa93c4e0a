# SPDX-License-Identifier: Apache-2.0
"""Store content that is small enough to be held in memory."""

from __future__ import annotations

import hashlib
import io

from airflow_provider_videoai.jobs.errors import ResultUnavailable
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.media.body import Body
from airflow_provider_videoai.media.download import Rules
from airflow_provider_videoai.media.small_file import MemorySink
from airflow_provider_videoai.media.storage import Destination, DifferentContent, Draft
from airflow_provider_videoai.media.subtitles import NoCues, to_vtt
from airflow_provider_videoai.media.transfer import Check, Source, Stored, fetch

__all__ = ["store_bytes", "transfer_as_vtt"]


def store_bytes(
    content: bytes, destination: Destination, *, overwrite: bool, content_type: str | None = None
) -> Stored:
    """Store bytes at a destination. A file with the same content stays as it is.

    :param overwrite: replace a file with different content.
    :returns: what is at the destination.
    :raises DifferentContent: if a file with different content is there and ``overwrite`` is false.
    """
    # Compared first, so that a retry neither rewrites the file nor fails because it is there.
    digest = hashlib.sha256(content).hexdigest()
    there = destination.size()
    if there != len(content) or destination.sha256() != digest:
        if there is not None and not overwrite:
            raise DifferentContent("its content differs")
        with Draft(destination) as draft:
            draft.begin(Body(length=len(content), content_type=content_type))
            draft.write(content)
            draft.close()
            draft.publish()
    return Stored(bytes=len(content), sha256=digest, content_type=content_type, duration_ms=None)


def transfer_as_vtt(
    source: Source, destination: Destination, *, rules: Rules, check: Check, overwrite: bool, log: Log
) -> Stored:
    """Download SRT and store it as WebVTT; raises as ``transfer`` does.

    :param check: as for ``transfer``; it sees the file as it was downloaded.
    :param overwrite: replace a file with different content.
    :raises ResultUnavailable: also for a file that is not subtitles in UTF-8.
    """
    memory = MemorySink()
    fetch(source, memory, rules, log)
    check(io.BytesIO(memory.content))
    try:
        vtt = to_vtt(memory.content.decode("utf-8-sig"))
    except UnicodeDecodeError as failure:
        raise ResultUnavailable("the file is not subtitles in UTF-8: nothing was published") from failure
    except NoCues as failure:
        raise ResultUnavailable("the file is not subtitles: nothing was published") from failure
    return store_bytes(vtt.encode(), destination, overwrite=overwrite, content_type="text/vtt")
