# SPDX-License-Identifier: Apache-2.0
"""Read the records of a batch, and remember them: an open page polls, and most parts of the records have not changed.

So a poll of ten thousand items is one query for the times of some 170 parts, and one for the parts that are new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool

from airflow_provider_videoai.plugin import task_states
from airflow_provider_videoai.plugin.batch_items import BatchItem, items_of_part
from airflow_provider_videoai.plugin.task import TaskKey

__all__ = ["Batches"]

_AT_ONCE = 50
"""Parts that are read by one query: some 3 MB."""
_MOST = 300_000
"""Items of all batches that are remembered; and of one, after which none of its parts is read any more."""


class _Part(NamedTuple):
    written_at: datetime
    items: list[BatchItem]


class Batches:
    """The records of batches that this process has read; who may see which is decided before they are looked up."""

    def __init__(self) -> None:
        self._kept: dict[TaskKey, dict[str, _Part]] = {}

    async def of(self, key: TaskKey) -> list[BatchItem]:
        """Return the items of a batch that have a record, in the order of the records.

        :param key: the batch's task instance.
        """
        written = await run_in_threadpool(task_states.parts, key)
        kept = self._kept.get(key, {})
        found = {name: part for name, part in kept.items() if written.get(name) == part.written_at}
        unknown = [name for name in written if name not in found]
        for start in range(0, len(unknown), _AT_ONCE):
            if _size(found) >= _MOST:
                break  # whatever wrote them is no batch: a hostile one must not fill the API server
            found |= await run_in_threadpool(_read, key, unknown[start : start + _AT_ONCE], written)
        self._keep(key, {name: found[name] for name in written if name in found})
        return list(chain.from_iterable(part.items for part in self._kept[key].values()))

    def _keep(self, key: TaskKey, parts: dict[str, _Part]) -> None:
        self._kept.pop(key, None)
        self._kept[key] = parts
        # Bounded: the API server lives long. The first are those that were read longest ago.
        while len(self._kept) > 1 and sum(map(_size, self._kept.values())) > _MOST:
            del self._kept[next(iter(self._kept))]


def _size(parts: Mapping[str, _Part]) -> int:
    return sum(len(part.items) for part in parts.values())


def _read(key: TaskKey, names: Sequence[str], written: Mapping[str, datetime]) -> dict[str, _Part]:
    texts = task_states.texts(key, names)
    return {name: _Part(written[name], items_of_part(name, text)) for name, text in texts.items()}
