# SPDX-License-Identifier: Apache-2.0
"""Whose turn it is to be asked for: the longest overdue first, together with those that share its request."""

from __future__ import annotations

import heapq
import math
from collections import deque

from airflow_provider_videoai.jobs.polling.watch import Watch


class DueQueue:
    """The waiting jobs of an account that nobody is asking for just now. Times are monotonic seconds.

    Jobs that fall due within the same ``moment`` (seconds) have their turn together, at its end. A request that has
    room for more is held back until the first of its jobs is overdue by ``patience`` seconds.
    """

    # Thousands of jobs lie here for hours. None is compared with the others, only laid to those of its moment: to find
    # its place among thousands would read memory that nobody has read for long. And a turn is no object of its own: a
    # full garbage collection stops the event loop until it has visited every one.

    def __init__(self, batch_size: int, moment: float, patience: float) -> None:
        self._batch_size = batch_size
        self._moment = moment
        self._patience = patience
        self._later: dict[float, list[Watch]] = {}
        self._moments: list[float] = []  # the keys of the above: a heap
        self._due: dict[str, deque[Watch]] = {}  # by operation; none is empty

    @property
    def next_at(self) -> float | None:
        """When there is something to take; ``None`` where no job waits."""
        at = self._moments[0] if self._moments else None
        for turns in self._due.values():
            leaves_at = self._leaves_at(turns)
            if at is None or leaves_at < at:
                at = leaves_at
        return at

    def put(self, watch: Watch) -> None:
        """Let a job wait until it is due."""
        at = math.ceil(watch.due_at / self._moment) * self._moment if self._moment else watch.due_at
        if at not in self._later:
            self._later[at] = []
            heapq.heappush(self._moments, at)
        self._later[at].append(watch)

    def due(self, now: float) -> int:
        """Return how many jobs are due."""
        self._fall_due(now)
        return sum(map(len, self._due.values()))

    def take(self, now: float) -> list[Watch]:
        """Take the longest overdue jobs of one operation, as many as one request may carry.

        Take none where no job is due, or all that are can still wait for others to share the request.
        """
        self._fall_due(now)
        ready = [each for each in self._due.values() if self._leaves_at(each) <= now]
        if not ready:
            return []
        turns = min(ready, key=_since)
        batch = [turns.popleft() for _ in range(min(len(turns), self._batch_size))]
        if not turns:
            del self._due[batch[0].operation]
        return batch

    def clear(self) -> None:
        """Forget all."""
        self._later.clear()
        self._moments.clear()
        self._due.clear()

    def _fall_due(self, now: float) -> None:
        while self._moments and self._moments[0] <= now:
            for watch in self._later.pop(heapq.heappop(self._moments)):
                self._due.setdefault(watch.operation, deque()).append(watch)

    def _leaves_at(self, turns: deque[Watch]) -> float:
        full = len(turns) >= self._batch_size
        return _since(turns) if full else _since(turns) + self._patience


def _since(turns: deque[Watch]) -> float:
    return turns[0].due_at
