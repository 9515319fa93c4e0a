# SPDX-License-Identifier: Apache-2.0
"""The values in which the records of a batch are stored, as they are read: other people write them, too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow_provider_videoai.batches.entries import SUBMISSION
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.submission.record import KEPT_STATE
from airflow_provider_videoai.jobs.submission.record_store import Store
from airflow_provider_videoai.jobs.values.given_value import as_given

__all__ = ["HOW_TO_START_OVER", "INDEX_KEY", "VERSION", "broken", "items_of", "part_key", "parts_of"]

INDEX_KEY = "videoai_batch"
VERSION = 1
HOW_TO_START_OVER = (
    f'To submit every item again, and pay for it, make this task\'s state {INDEX_KEY!r} {{"version": {VERSION}, '
    f'"parts": 0}} and clear the task. {KEPT_STATE}'
)
_MAX_PARTS = 10_000


def part_key(number: int) -> str:
    """Return the key of a part.

    :param number: from 0 on.
    """
    return f"{INDEX_KEY}_{number}"


def parts_of(index: Any) -> int:
    """Return how many parts there are.

    :param index: the value of :data:`INDEX_KEY`.
    :raises InvalidRequest: if it does not say so.
    """
    parts = index.get("parts") if isinstance(index, Mapping) else None
    if not isinstance(index, Mapping) or index.get("version") != VERSION:
        raise broken(INDEX_KEY, "is of a version that is unknown to this one")
    if type(parts) is not int or not 0 <= parts <= _MAX_PARTS:
        raise broken(INDEX_KEY, f"must count its parts, and says {as_given(parts)}")
    return parts


def items_of(store: Store, number: int, *, last: bool) -> dict[str, dict[str, Any]]:
    """Return the entries of a part by their keys.

    :param store: the task's.
    :param number: of the part.
    :param last: whether the index counts none after it: then it may be missing.
    :raises InvalidRequest: if it is not as it was written, or is missing.
    """
    key = part_key(number)
    stored = store.get(key)
    if isinstance(stored, str):  # a form may have kept the JSON as a text
        try:
            stored = json.loads(stored)
        except (ValueError, RecursionError):
            raise broken(key, "is no JSON") from None
    if stored is None:
        if last:  # the index is written before its last part
            return {}
        raise broken(key, "is missing")
    if not isinstance(stored, Mapping) or stored.get("version") != VERSION:
        raise broken(key, "is of a version that is unknown to this one")
    items = stored.get("items")
    if not isinstance(items, Mapping):
        raise broken(key, "has no 'items'")
    return {
        item_id: dict(entry) if isinstance(entry, Mapping) else {SUBMISSION: entry} for item_id, entry in items.items()
    }


def broken(key: str, why: str) -> InvalidRequest:
    """Return the error about a value that is not as it was written.

    :param key: of the value.
    :param why: what is wrong with it, as the end of a sentence.
    """
    return InvalidRequest(
        f"this task's state {key!r} {why}: which jobs of the batch were bought is not known, so nothing was submitted. "
        f"Mend it. {HOW_TO_START_OVER} Delete {part_key(0)!r} and those after it as well: while one is there, an index "
        "that does not count it is refused."
    )
