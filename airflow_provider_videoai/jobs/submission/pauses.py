# SPDX-License-Identifier: Apache-2.0
"""Notice for how long this process may have been paused: frozen, suspended with its machine, or moved with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Clocks"]

_RUNNING = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""On Linux it goes on while the machine is suspended, and nobody can set it."""


def _running() -> float:
    return time.clock_gettime(_RUNNING)


@dataclass(frozen=True, slots=True)
class Clocks:
    """Two clocks: what either of them shows may have been a pause.

    :param wall: returns epoch seconds. It shows a pause of a whole virtual machine, which no other clock has noticed.
    :param running: returns seconds that only go on. They show a pause in which the other clock was set back.
    """

    wall: Callable[[], float] = time.time
    running: Callable[[], float] = _running

    def now(self) -> tuple[float, float]:
        """Return what both show."""
        return self.wall(), self.running()

    def passed(self, since: tuple[float, float]) -> float:
        """Return how many seconds may have passed.

        :param since: what :meth:`now` returned.
        """
        # Time that went backwards says as little about for how long this process was paused.
        return max(abs(now - then) for now, then in zip(self.now(), since, strict=True))
