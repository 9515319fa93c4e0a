# SPDX-License-Identifier: Apache-2.0
"""Publish the manifest of a batch as it goes: what each item is at, and what it made."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping

from airflow_provider_videoai.batches.batch import Batch
from airflow_provider_videoai.batches.entries import ItemEnd, ItemState
from airflow_provider_videoai.batches.items import Item
from airflow_provider_videoai.batches.kept import Kept, KeptFiles
from airflow_provider_videoai.batches.manifest import Line, Manifest, request_fields
from airflow_provider_videoai.batches.results import RunningJob
from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.model import JobResult, iso_utc
from airflow_provider_videoai.jobs.values.outputs import Output

__all__ = ["BatchReport"]

_PUBLISH = 60.0
"""Seconds between two manifests while a worker is busy, at least."""


class BatchReport:
    """The lines of a batch's manifest.

    :param manifest: ``None`` if the user wants none.
    :param kept: names the paths of copies; ``None`` if there are none.
    :param log: the task's.
    """

    def __init__(self, manifest: Manifest | None, kept: KeptFiles | None, log: Log) -> None:
        self._manifest = manifest
        self._kept = kept
        self._log = log
        self._lock = threading.Lock()
        self._lines: dict[str, Line] = {}
        self._published_at = time.monotonic()

    def read(self) -> None:
        """Read what was published before: the URLs of outputs are nowhere else.

        :raises StorageFailed: if it cannot be read.
        """
        if self._manifest is not None:
            self._lines = self._manifest.read()

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
            self._lines[item.item_id] = line

    def noted(self, batch: Batch) -> None:
        """Publish, if the last time is long enough ago; a failure is logged, since the batch goes on."""
        if time.monotonic() - self._published_at < _PUBLISH:
            return
        self.publish_meanwhile(batch)

    def publish_meanwhile(self, batch: Batch) -> None:
        """Publish; a failure is logged, since the batch goes on."""
        try:
            self.publish(batch)
        except VideoAIError as failure:
            self._log.warning("%s", failure.message)

    def publish(self, batch: Batch) -> None:
        """Publish the manifest of all items.

        :raises StorageFailed: if it cannot be written.
        """
        if self._manifest is not None:
            self._manifest.publish(self._all(batch))
            self._published_at = time.monotonic()

    def _all(self, batch: Batch) -> Iterator[Line]:
        running = batch.jobs()
        for item in batch.items:
            yield self._line(item, batch.ended.get(item.item_id), running)

    def _line(self, item: Item, end: ItemEnd | None, running: Mapping[str, RunningJob]) -> Line:
        if end is not None:
            with self._lock:
                known = self._lines.get(item.item_id)
            # Of another request, or another job of the item, it says nothing about this one.
            if known is not None and (known.state, known.job_id) == (end.state.value, end.job_id):
                return known
            return self._ended_line(item, end)
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
