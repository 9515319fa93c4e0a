# SPDX-License-Identifier: Apache-2.0
"""Publish the manifest of a batch as it goes: what each item is at, and what it made."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping

from airflow_provider_videoai.batches.batch import Batch
from airflow_provider_videoai.batches.entries import ItemEnd, ItemState
from airflow_provider_videoai.batches.items import Item
from airflow_provider_videoai.batches.kept import Kept, KeptFiles, place_of
from airflow_provider_videoai.batches.manifest import Line, Manifest, request_fields
from airflow_provider_videoai.batches.results import RunningJob
from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.model import JobResult, iso_utc
from airflow_provider_videoai.jobs.values.outputs import Output

__all__ = ["BatchReport"]

_PUBLISH = 60.0
"""Seconds between two manifests while a worker is busy, at least."""
_SHARE = 20
"""How many times as long as it took to publish a manifest it is until the next one, while a worker is busy."""
_FEW_ITEMS = 1_000
"""A manifest of so few items is published whenever a worker lets go of the task."""
_GROWTH = 20
"""Of more, when so many of ``n`` items have ended since that their square is 20 n: 450 of 10,000. Each worker that lets
go would else write all lines, most of them as they were, in all as many bytes as the square of the items."""


class BatchReport:
    """The lines of a batch's manifest.

    :param manifest: ``None`` if the user wants none.
    :param kept: names the paths of copies; ``None`` if there are none.
    :param known: whether the batch has records: then what it published before says more than they do.
    :param log: the task's.
    """

    def __init__(self, manifest: Manifest | None, kept: KeptFiles | None, log: Log, *, known: bool = False) -> None:
        self._manifest = manifest
        self._kept = kept
        self._log = log
        self._lock = threading.Lock()
        self._published: dict[str, Line] | None = None if known else {}
        self._ended: dict[str, Line] = {}
        if manifest is not None and known:
            self._ended = manifest.read_ended()
        self._unsecured = False  # whether a line of an item that ended is nowhere but here
        self._next_at = time.monotonic() + _PUBLISH

    def ended(self, item: Item, end: ItemEnd, result: JobResult | None, kept: Kept | None) -> None:
        """Take in how an item ended on this worker.

        :param result: of its job, if it has one.
        :param kept: its copy, if it has one.
        """
        if self._manifest is None:
            return
        outputs = () if result is None else result.outputs
        line = self._ended_line(item, end, result, outputs, path=kept.path if kept else None)
        with self._lock:
            self._ended[item.item_id] = line
            self._unsecured = True

    def noted(self, batch: Batch) -> None:
        """Publish, if the last time is long enough ago; a failure is logged, since the batch goes on."""
        if time.monotonic() >= self._next_at:
            self.publish_meanwhile(batch)

    def let_go(self, batch: Batch, *, begins: bool) -> None:
        """Publish what a worker learned, or keep it beside the manifest if that lists nearly all; failures are logged.

        :param begins: whether the manifest may still be that of an earlier attempt.
        """
        items, ended = len(batch.items), len(self._ended)
        if begins or items <= _FEW_ITEMS or ended**2 >= _GROWTH * items:
            self.publish_meanwhile(batch)
        else:
            self.secure()

    def secure(self) -> None:
        """Keep the lines of items that ended beside the manifest, if any is new there; a failure is logged."""
        if self._manifest is None or not self._unsecured:
            return
        with self._lock:
            lines = list(self._ended.values())
            self._unsecured = False
        try:
            # The URLs of outputs are nowhere else, and the next worker may be killed.
            self._manifest.keep_ended(lines)
        except VideoAIError as failure:
            self._unsecured = True
            self._log.warning("%s", failure.message)

    def publish_meanwhile(self, batch: Batch) -> None:
        """Publish; a failure is logged, since the batch goes on."""
        try:
            self.publish(batch)
        except VideoAIError as failure:
            self._log.warning("%s", failure.message)

    def publish(self, batch: Batch) -> None:
        """Publish the manifest of all items.

        :raises StorageFailed: if it cannot be written, or what was published before cannot be read.
        """
        if self._manifest is None:
            return
        began = time.monotonic()
        if self._published is None:
            self._published = self._manifest.read()
        self._manifest.publish(self._all(batch))
        with self._lock:
            for item_id, line in self._ended.items():
                if (end := batch.ended.get(item_id)) is not None and _is_of(end, line):
                    self._published[item_id] = line
            self._ended = {}
            self._unsecured = False
        now = time.monotonic()
        self._next_at = now + max(_PUBLISH, _SHARE * (now - began))

    def _all(self, batch: Batch) -> Iterator[Line]:
        running = batch.jobs()
        for item in batch.items:
            yield self._line(item, batch.ended.get(item.item_id), running)

    def _line(self, item: Item, end: ItemEnd | None, running: Mapping[str, RunningJob]) -> Line:
        if end is not None:
            with self._lock:
                lines = (self._ended.get(item.item_id), (self._published or {}).get(item.item_id))
            known = next((line for line in lines if line is not None and _is_of(end, line)), None)
            return self._ended_line(item, end) if known is None else known
        job = running.get(item.item_id)
        return Line(
            item_id=item.item_id,
            request=request_fields(item.request),
            state="queued" if job is None else "running",
            job_id=None if job is None else job.job_id,
            submitted_at=None if job is None else iso_utc(job.submitted_at),
        )

    def _ended_line(
        self,
        item: Item,
        end: ItemEnd,
        result: JobResult | None = None,
        outputs: tuple[Output, ...] = (),
        *,
        path: str | None = None,
    ) -> Line:
        if path is None and self._kept is not None and end.sha256 is not None:
            path = self._kept.path_of(item)
        return Line(
            item_id=item.item_id,
            request=request_fields(item.request),
            state=end.state.value,
            job_id=end.job_id,
            error=end.error if end.state is ItemState.FAILED else None,
            outputs=[each.to_json() for each in outputs],
            path=path,
            sha256=end.sha256,
            duration_ms=end.duration_ms,
            usage=result.usage.to_json() if result is not None and result.usage else None,
            submitted_at=None if result is None else result.submitted_at,
            finished_at=iso_utc(end.at),
        )


def _is_of(end: ItemEnd, line: Line) -> bool:
    # Of another request, another job of the item, or a copy elsewhere, a line says nothing about this one.
    moved = None not in (line.path, end.place) and place_of(str(line.path)) != end.place
    return (line.state, line.job_id) == (end.state.value, end.job_id) and not moved
