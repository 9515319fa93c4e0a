# SPDX-License-Identifier: Apache-2.0
"""An event loop whose time passes only when everybody sleeps."""

from __future__ import annotations

import asyncio
import selectors
from typing import Any

from typing_extensions import override

from tests.jobs.polling.lab import NOW


class _Skipping(selectors.DefaultSelector):
    now = NOW

    @override
    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready:
            return ready
        assert timeout is not None, "everybody waits and nothing will ever happen"
        if timeout > 0:
            self.now += max(timeout, 1e-6)  # less than that is lost in the rounding of epoch seconds
        return []


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer, so that hours of waiting take milliseconds."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)
        self._clock_resolution = 1e-6  # epoch seconds are no finer

    @override
    def time(self) -> float:
        return self._skipping.now
