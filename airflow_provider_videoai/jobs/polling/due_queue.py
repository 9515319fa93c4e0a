# SPDX-License-Identifier: Apache-2.0
"""Which jobs are polled next: the longest overdue first, together with those that share its request."""

from __future__ import annotations

import heapq
import math
from collections import deque

from airflow_provider_videoai.jobs.polling.watch import Watch

__all__ = ["DueQueue"]


class DueQueue:
    """The waiting jobs per account that are not in a request in flight. Times are monotonic seconds.

    :param batch_size: how many jobs one status request may carry.
    :param slot: jobs that fall due within the same slot of so many seconds are polled together, at its end.
    :param hold: a request that is not full is held back until the first of its jobs is overdue by so many
        seconds.
    """

    # A heap of slots, not of jobs: thousands of jobs wait for hours, and comparing them reads memory that is in no
    # cache. With 10,000 jobs a sorted queue took twice the time.

    def __init__(self, batch_size: int, slot: float, hold: float) -> None:
        self._batch_size = batch_size
        self._slot = slot
        self._hold = hold
        self._later: dict[float, list[Watch]] = {}
        self._slots: list[float] = []  # the keys of the above: a heap
        self._due: dict[str, deque[Watch]] = {}  # by operation; none is empty

    @property
    def next_at(self) -> float | None:
        """When the next request can be sent, in monotonic seconds; ``None`` if no job waits."""
        at = self._slots[0] if self._slots else None
        for jobs in self._due.values():
            leaves_at = self._leaves_at(jobs)
            if at is None or leaves_at < at:
                at = leaves_at
        return at

    def put(self, watch: Watch) -> None:
        """Let a job wait until it is due.

        :param watch: the job; its ``due_at`` must not change while it is here.
        """
        at = math.ceil(watch.due_at / self._slot) * self._slot if self._slot else watch.due_at
        if at not in self._later:
            self._later[at] = []
            heapq.heappush(self._slots, at)
        self._later[at].append(watch)

    def due(self, now: float) -> int:
        """Return how many jobs are due.

        :param now: monotonic seconds.
        """
        self._fall_due(now)
        return sum(map(len, self._due.values()))

    def take(self, now: float) -> list[Watch]:
        """Take the longest overdue jobs of one operation, as many as one request may carry.

        :param now: monotonic seconds.
        :returns: none if no job is due, or if those that are can still wait for others to share the request.
        """
        self._fall_due(now)
        ready = [each for each in self._due.values() if self._leaves_at(each) <= now]
        if not ready:
            return []
        jobs = min(ready, key=_since)
        batch = [jobs.popleft() for _ in range(min(len(jobs), self._batch_size))]
        if not jobs:
            del self._due[batch[0].operation]
        return batch

    def clear(self) -> None:
        """Remove all jobs."""
        self._later.clear()
        self._slots.clear()
        self._due.clear()

    def _fall_due(self, now: float) -> None:
        while self._slots and self._slots[0] <= now:
            for watch in self._later.pop(heapq.heappop(self._slots)):
                self._due.setdefault(watch.operation, deque()).append(watch)

    def _leaves_at(self, jobs: deque[Watch]) -> float:
        # A full request leaves at once: nobody could join it.
        full = len(jobs) >= self._batch_size
        return _since(jobs) if full else _since(jobs) + self._hold


def _since(jobs: deque[Watch]) -> float:
    return jobs[0].due_at
