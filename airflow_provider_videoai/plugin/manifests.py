# SPDX-License-Identifier: Apache-2.0
"""Read the manifest of a batch for its page: what was requested of each item, and the URLs of what was made.

The file is in the user's storage, which may be slow or gone, and is open to anybody's edits. So it is read with limits,
through the limits of calls that leave this machine, seldom, and never while a database session is held; and no longer
than somebody waits for it, as nothing can end a thread from outside. Which file is
read is decided by the task's own arguments; an XCom, which users may write, names none.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO, cast

from airflow_provider_videoai.batches.items import LONGEST_ITEM_ID
from airflow_provider_videoai.batches.manifest import Line, check_path, lines_of
from airflow_provider_videoai.batches.rows import MAX_ITEMS
from airflow_provider_videoai.files.locations import FileLocation, redacted_path, store_errors
from airflow_provider_videoai.jobs.errors import StorageFailed, VideoAIError
from airflow_provider_videoai.jobs.job_reference import source_of
from airflow_provider_videoai.jobs.values.outputs import OutputKind
from airflow_provider_videoai.jobs.values.printable import is_printable
from airflow_provider_videoai.jobs.values.usage import Usage
from airflow_provider_videoai.plugin.vendor_calls import Busy, OutsideCalls, SharedCalls
from airflow_provider_videoai.plugin.wording import failure, is_url, shown, spoken

__all__ = ["LONGEST_FILE", "LOOK_AGAIN", "MOST_LINES", "ManifestLine", "Manifests"]

LONGEST_FILE = 64 * 1024**2
"""Bytes of a manifest that are read: of 10,000 items some 10 million."""
MOST_LINES = MAX_ITEMS + 1000
"""Lines of it that are read: a batch has one for each item. Another file of that size may have millions."""
LOOK_AGAIN = 10.0
"""Seconds after which it is looked whether a manifest has changed."""

_MOST_BYTES = 2 * LONGEST_FILE
"""Of all manifests that are remembered."""
_MOST_FAILED = 100
_SHARE = 0.8
"""Of the time of a call that reading a file may take."""
_LONGEST_REQUEST = 20_000
_LONGEST_ERROR = 1500
_CHANGES = ("size", "mtime", "LastModified", "ETag", "etag", "updated", "last_modified")
"""What stores call what differs when a file was written again."""
_SOURCES = (
    *("url", "video_url", "fetch_url", "input_audio_url", "input_ssml"),
    *("tts_text", "audio_file_id", "video_file_id", "video_id"),
)
"""Fields of requests that say what is worked on, all vendors' together."""
_PLAYED = (OutputKind.VIDEO.value, OutputKind.AUDIO.value, OutputKind.IMAGE.value)


@dataclass(frozen=True, slots=True)
class ManifestLine:
    """A line; ``item_id`` is ``None`` for one that cannot be read. ``request`` is JSON.

    ``error``, ``input`` (what ``source`` is) and ``usage`` are to be shown.
    """

    place: str
    item_id: str | None = None
    state: str = ""
    job_id: str | None = None
    error: str | None = None
    source: str | None = None
    input: str | None = None
    media_url: str | None = None
    request: str | None = None
    finished_at: str | None = None
    kept: bool = False
    usage: str | None = None


@dataclass(frozen=True, slots=True)
class _File:
    changes: tuple[Any, ...]
    size: int
    lines: list[ManifestLine]


@dataclass(frozen=True, slots=True)
class _Kept:
    file: _File
    looked_at: float


class Manifests:
    """The manifests that this process has read. For one event loop.

    :param clock: returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._failed: dict[str, tuple[float, VideoAIError | Busy]] = {}
        self._shared = SharedCalls()

    async def of(self, path: str, stores: OutsideCalls) -> list[ManifestLine]:
        """Return the lines of a manifest.

        :param path: as the task has it.
        :param stores: the limits of reads.
        :raises VideoAIError: if there is no such file, or it cannot be read.
        :raises Busy: if too many reads are in flight, or this one takes too long.
        """
        kept = self._kept.get(path)
        if kept is not None and self._clock() - kept.looked_at < LOOK_AGAIN:
            return kept.file.lines
        failed_at, failure = self._failed.get(path, (float("-inf"), None))
        if failure is not None and self._clock() - failed_at < LOOK_AGAIN:
            raise failure
        try:
            found = await self._shared.call(path, partial(self._read, path, kept, stores))
        except (VideoAIError, Busy) as new:
            # An open page polls, and a store that is gone, or slow, is not to be called each time.
            self._failed = dict(list(self._failed.items())[-_MOST_FAILED:]) | {path: (self._clock(), new)}
            raise
        self._kept.pop(path, None)
        self._kept[path] = found
        # Bounded: the API server lives long. The first are those that were looked at longest ago.
        while len(self._kept) > 1 and sum(each.file.size for each in self._kept.values()) > _MOST_BYTES:
            del self._kept[next(iter(self._kept))]
        return found.file.lines

    async def _read(self, path: str, kept: _Kept | None, stores: OutsideCalls) -> _Kept:
        # Sooner than the call's own end, which leaves its thread at work.
        until = self._clock() + _SHARE * stores.seconds
        known = None if kept is None else kept.file
        async with stores.call("manifests"):
            file = await stores.in_thread(partial(_read, path, known, lambda: self._clock() > until))
        return _Kept(file, self._clock())


def _read(path: str, kept: _File | None, is_late: Callable[[], bool]) -> _File:
    check_path(path)
    file = FileLocation.find("manifest", path)
    facts = file.facts("manifest")
    changes = tuple(str(facts.get(name)) for name in _CHANGES)
    if kept is not None and kept.changes == changes:
        return kept
    lines = []
    with store_errors("manifest", path), file.fs.open(file.path, "rb", block_size=1024**2) as content:
        for number, line in enumerate(lines_of(cast(BinaryIO, content), LONGEST_FILE), 1):
            if is_late():
                raise StorageFailed(f"manifest: {redacted_path(path)} takes too long to be read")
            # The first beyond the limit stands for all of them.
            lines.append(_line(number, line if number <= MOST_LINES else None))
            if number > MOST_LINES:
                break
    return _File(changes, min(facts["size"], LONGEST_FILE), lines)


def _line(number: int, line: Line | None) -> ManifestLine:
    place = f"line {number} of the manifest"
    if line is None or not _is_id(line.item_id, LONGEST_ITEM_ID) or not _is_id(line.job_id or "-"):
        return ManifestLine(place)
    error = failure(line.error, _LONGEST_ERROR) if line.error else None
    request, source = json.dumps(line.request), _source(line.request)
    return ManifestLine(
        place,
        line.item_id,
        line.state,
        line.job_id,
        error,
        source,
        # Made once: a search looks at the inputs of all items, as they are shown.
        None if source is None else shown(spoken(source)),
        _media(line),
        request if len(request) <= _LONGEST_REQUEST else None,
        line.finished_at,
        line.sha256 is not None,
        None if (usage := Usage.from_json(line.usage)) is None else usage.describe(),
    )


def _is_id(text: str, longest: int = 1000) -> bool:
    return 0 < len(text) <= longest and is_printable(text)


def _source(request: Mapping[str, Any]) -> str | None:
    return next((source_of(request[name]) for name in _SOURCES if request.get(name)), None)


def _media(line: Line) -> str | None:
    urls = (each.get("url") for each in line.outputs if each.get("kind") in _PLAYED)
    return next((url for url in urls if is_url(url)), None)
