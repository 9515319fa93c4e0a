# SPDX-License-Identifier: Apache-2.0
"""Limit the attempts of one download: without progress, in total, from the first byte, and in time.

Only bytes beyond the furthest one so far count as progress: a server that restarts the body each time could otherwise
keep a task busy for ever.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["BYTES_PER_ATTEMPT", "MAX_ATTEMPTS", "MAX_FRUITLESS", "MAX_RESTARTS", "MAX_SECONDS", "Attempts"]

MAX_FRUITLESS = 6
"""Attempts in a row without progress before the download is given up; one that ended for slowness counts twice."""
MAX_ATTEMPTS = 100
"""Attempts in total, plus one for each ``BYTES_PER_ATTEMPT`` received."""
BYTES_PER_ATTEMPT = 1024 * 1024
MAX_RESTARTS = 10
"""How often the download may restart at the first byte."""
MAX_SECONDS = 3600.0
"""Limit of the total time, in addition to the time that the received bytes take at the minimum rate."""


@dataclass(slots=True)
class Attempts:
    """Counts the attempts of one download.

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
        """Count a start at the first byte; return why it is not allowed, ``None`` if it is."""
        self.starts += 1
        if self.starts > MAX_RESTARTS + 1:
            return f"it was restarted {MAX_RESTARTS} times, as its server does not prove that the parts are of one file"
        return None

    def attempt_ended(self, at: int, *, slow: bool) -> str | None:
        """Count an attempt that ended early; return why there is no further one, ``None`` if there is.

        :param at: how many bytes of the body were received by then, over all attempts.
        :param slow: whether it ended because the server was too slow.
        """
        gained = at - self._furthest
        # Never lowered by a restart: bytes that were there before are no progress.
        self._furthest = max(self._furthest, at)
        self._count += 1
        if gained > (self.slow_progress if slow else 0):
            self.fruitless = 0
        else:
            self.fruitless += 2 if slow else 1
        if self.fruitless >= MAX_FRUITLESS:
            return f"{MAX_FRUITLESS} attempts in a row made no progress"
        # Large files are allowed more attempts, but a trickle that always gains a byte still ends.
        if self._count >= MAX_ATTEMPTS + self._furthest // BYTES_PER_ATTEMPT:
            return f"it is incomplete after {self._count} attempts"
        if self.clock() - self._began > MAX_SECONDS + self._furthest / self.rate:
            return "it takes too long"
        return None
