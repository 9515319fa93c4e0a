# SPDX-License-Identifier: Apache-2.0
"""Say which items of a batch failed, and what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_videoai.batches.batch import Batch
from airflow_provider_videoai.batches.entries import SUBMISSION, ItemEnd, ItemState
from airflow_provider_videoai.batches.part_values import HOW_TO_START_OVER
from airflow_provider_videoai.jobs.errors import BatchFailed, SubmitUncertain
from airflow_provider_videoai.jobs.submission.decision import FORGOTTEN
from airflow_provider_videoai.jobs.submission.record import KEPT_STATE
from airflow_provider_videoai.jobs.values.printable import shortened, shown

__all__ = ["batch_failed", "forgotten"]

_ERRORS_SHOWN, _ERROR_LENGTH = 5, 300
_PLACES_SHOWN = 5


def batch_failed(batch: Batch, tolerated: int | str) -> BatchFailed:
    """Return the error about a batch whose items have all ended.

    :param batch: the batch.
    :param tolerated: how many may fail, as the user wrote it.
    """
    failed = [(item_id, end) for item_id, end in batch.ended.items() if end.state is ItemState.FAILED]
    errors = [f"item {shown(item_id)}: {_error(end)}" for item_id, end in failed[:_ERRORS_SHOWN]]
    more = f" | and {len(failed) - _ERRORS_SHOWN:,} more" if len(failed) > _ERRORS_SHOWN else ""
    helps = batch.retry_helps
    text = (
        f"{len(failed):,} of {len(batch.items):,} items failed, and tolerate is {tolerated!r}: "
        f"{' | '.join(errors)}{more}. All others have their results. {_next(batch, helps)}"
    )
    uncertain = [item_id for item_id, end in failed if end.final and _type(end) == SubmitUncertain.__name__]
    if uncertain:
        text = f"{text} {_after_uncertain(batch, uncertain)}"
    return BatchFailed(text, failed=len(failed), items=len(batch.items), retry_helps=helps)


def forgotten() -> SubmitUncertain:
    """Return the error about a batch of which a clear has discarded the records."""
    return SubmitUncertain(f"{FORGOTTEN} for each item. This attempt sent nothing. {HOW_TO_START_OVER}")


def _type(end: ItemEnd) -> str:
    return str((end.error or {}).get("type", "VideoAIError"))


def _error(end: ItemEnd) -> str:
    message = str((end.error or {}).get("message", ""))
    return f"{_type(end)}: {shortened(message, _ERROR_LENGTH).rstrip('.')}"


def _next(batch: Batch, helps: bool) -> str:
    tries = "tries only what failed, and pays for nothing else."
    if helps:
        return f"A retry or a clear of this task {tries}"
    kept = "" if batch.retries_failed else " Jobs that failed stay so: on_failed is 'keep'."
    return (
        "Airflow does not retry it: each would fail again in the same way. Do what their errors say, in full in this "
        f"task's log, then clear it: that {tries}{kept}"
    )


def _after_uncertain(batch: Batch, uncertain: Sequence[str]) -> str:
    """Say how to go on after submits that may have bought a job; each item's own text may be shortened by now."""
    count = f"{len(uncertain):,} submit{'s' if len(uncertain) > 1 else ''}"
    look = f"Of {count} nobody knows whether a job was bought: look for jobs of those times in {batch.title}'s console"
    if not batch.records.lasting:
        return f"{look} first. This Airflow keeps no record of them: another attempt submits again, and may pay twice."
    places = list(dict.fromkeys(batch.records.place_of(item_id) for item_id in uncertain))
    more = ", ..." if len(places) > _PLACES_SHOWN else ""
    return (
        f"{look}. For one that is there, replace the {SUBMISSION!r} of its item in this task's state "
        f'({", ".join(places[:_PLACES_SHOWN])}{more}) by {{"job_id": "<its id>", "phase": "submitted"}}; for one that '
        f"is not, remove the {SUBMISSION!r}. Then clear the task. {KEPT_STATE} With on_uncertain_submit='resubmit' a "
        "clear buys all of them again."
    )
