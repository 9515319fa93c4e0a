# SPDX-License-Identifier: Apache-2.0
"""Copy a file from a URL to a store: download it through interruptions, check it, then publish it whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import BinaryIO

from airflow_provider_videoai.jobs.http.blocking_runner import run
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.media.body import Body
from airflow_provider_videoai.media.content_types import content_type_of
from airflow_provider_videoai.media.download import Download, Rules, Sink
from airflow_provider_videoai.media.progress import Progress
from airflow_provider_videoai.media.storage import Comparison, Destination, Draft

__all__ = ["Check", "Source", "Stored", "fetch", "transfer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file at a URL that may expire.

    :param url: the first URL.
    :param renew: queries the vendor for a fresh URL.
    :param name: of the file, for logs and errors; it names its content, that of a job say.
    """

    url: str
    renew: Callable[[], Awaitable[str]]
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A stored file.

    :param sha256: in lower-case hex.
    :param content_type: ``None`` if unknown.
    :param duration_ms: of the media; ``None`` if unknown.
    """

    bytes: int
    sha256: str
    content_type: str | None
    duration_ms: int | None


Check = Callable[[BinaryIO], int | None]
"""Checks a file: returns its duration in milliseconds, if known, and raises if it is not what it should be."""


def transfer(
    source: Source, destination: Destination, *, rules: Rules, check: Check, overwrite: bool, log: Log
) -> Stored:
    """Copy a file to its destination. A file with the same content stays as it is.

    :param overwrite: replace a file with different content.
    :returns: what is at the destination.
    :raises ResultUnavailable, VendorUnavailable, AddressRefused: as :meth:`Download.run` does, and ``check``.
    :raises DifferentContent: if a file with different content is there and ``overwrite`` is false.
    """
    there = destination.size()
    if there is not None and not overwrite:
        # Compare while downloading: nothing is written, and the user may not even have the right to.
        return _compare(source, destination, there, rules, check, log)
    with Draft(destination, source.name) as draft:
        body = fetch(source, draft, rules, log)
        # Closed before the check: it is the stored bytes that are checked, not those that were received.
        draft.close()
        stored = _check(draft, draft.temporary, destination, body, check)
        if there == draft.size and destination.sha256() == draft.sha256:
            _log_unchanged(source, log)
        else:
            draft.publish()
        return stored


def fetch(source: Source, sink: Sink, rules: Rules, log: Log) -> Body:
    """Download a file into a sink and log the progress; raises as :meth:`Download.run` does.

    :param source: the URL, and how to renew it.
    :param sink: receives the bytes; it is started again if the file changed on its server.
    :returns: what the server said of the file.
    """
    progress = Progress(log, source.name)
    download = Download(source.name, sink, rules=rules, renew=source.renew, log=log, report=progress.report)
    body = run(download.run(source.url))
    progress.end(sink.size)
    return body


def _compare(source: Source, destination: Destination, there: int, rules: Rules, check: Check, log: Log) -> Stored:
    comparison = Comparison(destination, there)
    body = fetch(source, comparison, rules, log)
    comparison.check()
    _log_unchanged(source, log)
    return _check(comparison, destination, destination, body, check)


def _check(sink: Draft | Comparison, place: Destination, destination: Destination, body: Body, check: Check) -> Stored:
    with place.open() as file:
        duration_ms = check(file)
    content_type = content_type_of(destination.path, body.content_type)
    return Stored(bytes=sink.size, sha256=sink.sha256, content_type=content_type, duration_ms=duration_ms)


def _log_unchanged(source: Source, log: Log) -> None:
    log.info("%s: the destination has the same content already; unchanged", source.name)
