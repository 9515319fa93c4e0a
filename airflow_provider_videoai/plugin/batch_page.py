# SPDX-License-Identifier: Apache-2.0
"""What the page of a batch shows: pure functions to JSON values. No response holds a URL of media."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_videoai.batches.batch_reference import BatchReference
from airflow_provider_videoai.batches.kept import check_destination, path_for
from airflow_provider_videoai.files.locations import redacted_path, store_url
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.job_reference import JobReference
from airflow_provider_videoai.jobs.model import iso_utc
from airflow_provider_videoai.plugin.batch_items import BatchItem, ItemShown
from airflow_provider_videoai.plugin.request import request_of
from airflow_provider_videoai.plugin.view import VENDORS
from airflow_provider_videoai.plugin.wording import is_url, kind_of, shown
from airflow_provider_videoai.plugin.xcoms import plain_json

__all__ = ["Arguments", "detail_of", "item_row", "job_of"]

_SIGNING = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "adl"})
"""Stores whose URLs can be signed, so that a browser can fetch from them."""
_LONGEST_PATH = 8000
_LONGEST_ERROR = 400
"""Characters of an error in the list; an item's own page has the rest."""


class Arguments:
    """The arguments of a batch that the page reads by, as Airflow keeps them of the newest runs.

    :param rendered: by name; JSON values of any kind.
    :param reference: of the batch.
    """

    def __init__(self, rendered: Any, reference: BatchReference) -> None:
        given = rendered if isinstance(rendered, Mapping) else {}
        self.manifest = _path(given.get("manifest"))
        self._destination = _path(given.get("destination"))
        self._reference = reference
        try:
            check_destination(self._destination)
        except InvalidRequest:
            self._destination = None

    @property
    def destination(self) -> str | None:
        """Where results are kept, to be shown."""
        return None if self._destination is None else shown(redacted_path(self._destination))

    def copy_of(self, item: BatchItem) -> str | None:
        """Return the URL of an item's copy; ``None`` if there is none, or it is not known where.

        :param item: of the batch.
        """
        # Made of the task's own argument and the id: a path that a record or a manifest named could be anyone's file.
        if not item.kept or item.item_id is None or self._destination is None:
            return None
        reference = self._reference
        try:
            return path_for(self._destination, item.item_id, reference.vendor, reference.operation)
        except InvalidRequest:
            return None

    def signable_copy_of(self, item: BatchItem) -> str | None:
        """Return the same if a browser can be sent to it.

        :param item: of the batch.
        """
        path = self.copy_of(item)
        parts = None if path is None else store_url(path)
        return path if parts is not None and parts.scheme in _SIGNING else None


def _path(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= _LONGEST_PATH else None


def item_row(item: BatchItem, arguments: Arguments) -> dict[str, Any]:
    """Return what the list shows of an item.

    :param item: of the batch.
    :param arguments: of the batch.
    :returns: JSON values; times in ISO 8601 UTC; ``media`` is the kind of player for what was made, ``None`` if there
        is nothing; ``thumbnail`` whether it can be had without a request to the vendor.
    """
    line, copy = item.line, arguments.copy_of(item)
    made = item.state in (ItemShown.SUCCEEDED, ItemShown.SKIPPED)
    signable = made and arguments.signable_copy_of(item) is not None
    url = line.media_url if line is not None and made else None
    playable = signable or (made and item.job_id is not None)
    return {
        "item_id": item.item_id,
        "label": shown(item.label),
        "state": item.state.value,
        "job_id": item.job_id,
        "error": None if item.error is None else shown(item.error, _LONGEST_ERROR),
        "place": item.place if item.state is ItemShown.UNREADABLE else None,
        "source": None if line is None else line.input,
        "path": None if copy is None else shown(redacted_path(copy)),
        "submitted_at": iso_utc(item.submitted_at),
        "ended_at": iso_utc(item.ended_at),
        "duration_ms": item.duration_ms,
        "media": kind_of(url or copy or "") if playable else None,
        "thumbnail": signable or url is not None,
    }


def detail_of(item: BatchItem, arguments: Arguments, reference: BatchReference) -> dict[str, Any]:
    """Return what is shown of one item: its row, with the kind of its input's player, its request, and what it used.

    :param item: of the batch.
    :param arguments: of the batch.
    :param reference: of the batch.
    """
    line = item.line
    source = None if line is None else line.source
    request = None if line is None or line.request is None else plain_json(line.request)
    return {
        **item_row(item, arguments),
        "error": item.error,
        "source_media": kind_of(source) if source is not None and is_url(source) else None,
        "request": None if request is None else request_of(job_of(item, reference), request),
        "usage": None if line is None else line.usage,
        "vendor_name": VENDORS.get(reference.vendor, shown(reference.vendor)),
    }


def job_of(item: BatchItem, reference: BatchReference) -> JobReference:
    """Return the reference of an item's job, to query its vendor by.

    :param item: of the batch.
    :param reference: of the batch.
    """
    return JobReference(
        vendor=reference.vendor,
        operation=reference.operation,
        polled_as=reference.polled_as,
        conn_id=reference.conn_id,
        job_ids=(item.job_id or "-",),
        submitted_at=item.submitted_at,
        source=None if item.line is None else item.line.source,
    )
