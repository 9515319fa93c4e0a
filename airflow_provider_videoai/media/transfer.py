# SPDX-License-Identifier: Apache-2.0
"""Carry what a URL gives to its destination: fetched through breaks, checked, then put there whole."""

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
    """What is to be had: its first URL, how to get a fresh one, and the name by which the log calls it."""

    url: str
    renew: Callable[[], Awaitable[str]]
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What is at the destination now; ``sha256`` is lower-case hex, ``duration_ms`` what plays, where it is known."""

    bytes: int
    sha256: str
    content_type: str | None
    duration_ms: int | None


Check = Callable[[BinaryIO], int | None]
"""Returns how long a file plays, in milliseconds; raises for one that is not what it should be."""


def transfer(
    source: Source, destination: Destination, *, rules: Rules, check: Check, overwrite: bool, log: Log
) -> Stored:
    """Carry it there and return what is there now. A file with the same content stays as it is.

    Raises ``ResultUnavailable`` and ``VendorUnavailable`` (see :class:`Download`), :class:`DifferentContent` if another
    content is there and ``overwrite`` is false, ``AddressRefused``, and what ``check`` raises.
    """
    there = destination.size()
    if there is not None and not overwrite:
        return _compare(source, destination, there, rules, check, log)
    with Draft(destination) as draft:
        body = fetch(source, draft, rules, log)
        draft.close()
        stored = _check(draft, draft.temporary, destination, body, check)
        if there == draft.size and destination.sha256() == draft.sha256:
            _log_unchanged(source, log)
        else:
            draft.publish()
        return stored


def fetch(source: Source, sink: Sink, rules: Rules, log: Log) -> Body:
    """Fetch it into a sink and log how far it is; raises what :class:`Download` does."""
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
    log.info("%s: the same content is there already, and stays as it is", source.name)
