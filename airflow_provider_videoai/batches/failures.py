# SPDX-License-Identifier: Apache-2.0
"""Say which items of a batch failed, and what can be done about it."""

from __future__ import annotations

from airflow_provider_videoai.batches.batch import Batch
from airflow_provider_videoai.batches.entries import ItemState
from airflow_provider_videoai.jobs.values.printable import shortened, shown

__all__ = ["failures_of"]

_ERRORS_SHOWN, _ERROR_LENGTH = 5, 300


def failures_of(batch: Batch, tolerated: int | str) -> str:
    """Return the text of an error about a batch whose items have all ended.

    :param batch: the batch.
    :param tolerated: how many may fail, as the user wrote it.
    """
    failed = [
        (item_id, end.error or {"type": "VideoAIError", "message": ""})
        for item_id, end in batch.ended.items()
        if end.state is ItemState.FAILED
    ]
    shown_errors = [
        f"item {shown(item_id)}: {error['type']}: {shortened(error['message'], _ERROR_LENGTH).rstrip('.')}"
        for item_id, error in failed[:_ERRORS_SHOWN]
    ]
    more = f" | and {len(failed) - _ERRORS_SHOWN:,} more" if len(failed) > _ERRORS_SHOWN else ""
    return (
        f"{len(failed):,} of {len(batch.items):,} items failed, and tolerate is {tolerated!r}: "
        f"{' | '.join(shown_errors)}{more}. All others have their results. A retry or a clear of this task tries only "
        "what failed, and pays for nothing else"
    )
