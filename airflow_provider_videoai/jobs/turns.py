# SPDX-License-Identifier: Apache-2.0
"""Whose turn it is to be asked for: the longest overdue first, together with those that share its request."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from contextvars import Context
from dataclasses import dataclass
from typing import NamedTuple

from airflow_provider_videoai.jobs.asking import Observer
from airflow_provider_videoai.jobs.watch import Watch


@dataclass(slots=True)
class Waiter:
    """Who waits for so many jobs more."""

    left: int
    observer: Observer
    context: Context
    ended: asyncio.Future[None]

    @property
    def gone(self) -> bool:
        """Whether there is nobody any more to tell."""
        return self.ended.done()

    def fail(self, defect: Exception) -> None:
        """End the wait with an error."""
        if not self.gone:
            self.ended.set_exception(defect)

    def count_off(self) -> None:
        """One of the jobs is done."""
        self.left -= 1
        if not self.left:
            self.ended.set_result(None)


class Waiting(NamedTuple):
    """A job, and who waits for it."""

    watch: Watch
    waiter: Waiter


class Turns:
    """The waiting jobs of an account that nobody is asking for just now. Times are epoch seconds.

    ``patience`` is for how many seconds a request that has room for more is held back.
    """

    # Thousands of jobs lie here for hours. A full garbage collection stops the event loop until every container was
    # visited, but for those of plain numbers; so a turn is nothing else. Tuples also compare five times as fast as
    # dataclasses.

    def __init__(self, batch_size: int, patience: float) -> None:
        self._batch_size = batch_size
        self._patience = patience
        self._heap: list[tuple[float, int]] = []
        self._numbers = itertools.count()
        self._watches: dict[int, Watch] = {}
        self._waiters: dict[int, Waiter] = {}

    @property
    def first_at(self) -> float | None:
        """When the first is due; ``None`` where there is none."""
        return self._heap[0][0] if self._heap else None

    def put(self, due_at: float, waiting: Waiting) -> None:
        """Let a job wait for its turn."""
        number = next(self._numbers)
        self._watches[number], self._waiters[number] = waiting
        heapq.heappush(self._heap, (due_at, number))

    def take(self, now: float) -> list[Waiting]:
        """Take the longest overdue job, and as many more due ones of its operation as one request may carry.

        Take none while there is room in the request and others may still come to share it.
        """
        batch: list[tuple[float, int]] = []
        others: list[tuple[float, int]] = []
        while self._heap and self._heap[0][0] <= now and len(batch) < self._batch_size:
            turn = heapq.heappop(self._heap)
            if self._waiters[turn[1]].gone:
                self._pop(turn[1])
            else:
                same = not batch or self._operation(turn) == self._operation(batch[0])
                (batch if same else others).append(turn)
        room = len(batch) < self._batch_size
        if batch and room and now < batch[0][0] + self._patience:
            batch, others = [], [*batch, *others]
        for turn in others:
            heapq.heappush(self._heap, turn)
        return [self._pop(number) for _, number in batch]

    def clear(self) -> None:
        """Forget all."""
        self._heap.clear()
        self._watches.clear()
        self._waiters.clear()

    def _operation(self, turn: tuple[float, int]) -> str:
        return self._watches[turn[1]].operation

    def _pop(self, number: int) -> Waiting:
        return Waiting(self._watches.pop(number), self._waiters.pop(number))
