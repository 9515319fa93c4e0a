# SPDX-License-Identifier: Apache-2.0
"""Decide whether a transfer that broke is continued: progress is only what comes beyond the furthest byte so far."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["BYTES_PER_ATTEMPT", "MAX_ATTEMPTS", "MAX_FRUITLESS", "MAX_RESTARTS", "MAX_SECONDS", "Attempts"]

MAX_FRUITLESS = 6
"""Tries in a row that bring nothing new, before it is given up; one that ended for slowness counts twice."""
MAX_ATTEMPTS = 100
"""Tries in all, and one more for each ``BYTES_PER_ATTEMPT`` that have come."""
BYTES_PER_ATTEMPT = 1024 * 1024
MAX_RESTARTS = 10
"""How often it is started over at the first byte."""
MAX_SECONDS = 3600.0
"""How long it may take in all, beside the time that its bytes take at the least rate."""


@dataclass(slots=True)
class Attempts:
    """Counts what was tried.

    :param slow_progress: bytes that an attempt that ended for slowness must bring to count as progress.
    :param rate: the least rate, in bytes per second.
    """

    slow_progress: int
    rate: int
    clock: Callable[[], float] = time.monotonic
    starts: int = 0
    fruitless: int = 0
    _furthest: int = 0
    _count: int = 0
    _began: float = field(default=0.0)

    def __post_init__(self) -> None:
        self._began = self.clock()

    def start(self) -> str | None:
        """Take in that it starts at the first byte; return why it may not, ``None`` if it may."""
        self.starts += 1
        if self.starts > MAX_RESTARTS + 1:
            return f"it was started over {MAX_RESTARTS} times, as nothing proves that its parts are of one file"
        return None

    def attempt_ended(self, at: int, *, slow: bool) -> str | None:
        """Take in that a try ended at byte ``at``; return why there is no other, ``None`` if there is."""
        gained = at - self._furthest
        self._furthest = max(self._furthest, at)
        self._count += 1
        if gained > (self.slow_progress if slow else 0):
            self.fruitless = 0
        else:
            self.fruitless += 2 if slow else 1
        if self.fruitless >= MAX_FRUITLESS:
            return "try after try brought nothing new"
        if self._count >= MAX_ATTEMPTS + self._furthest // BYTES_PER_ATTEMPT:
            return f"{self._count} tries did not bring all of it"
        if self.clock() - self._began > MAX_SECONDS + self._furthest / self.rate:
            return "it takes too long"
        return None
