# SPDX-License-Identifier: Apache-2.0
"""See to it that a request leaves soon after its place in the rate limit came, or takes another place.

Between the two it waits for a sleep that lasts too long on a busy machine, for a connection, and a submit for its
record. A place counts for no longer than its window: a request that leaves later is one too many in somebody's minute.
"""

from __future__ import annotations

import time

from airflow_provider_videoai.jobs.http.attempt import NotSentError
from airflow_provider_videoai.jobs.ledger.window import LATE

__all__ = ["PLACES", "Departure", "LateError"]

PLACES = 4
"""Places that a request takes at most. With the last it leaves however late, for no limit may keep a job from being
bought, or polled."""


class LateError(NotSentError):
    """The request's place passed before it could leave; no byte of it was sent."""


class Departure:
    """The departure of one request, with one place.

    :param however_late: whether it may leave however long after its place.
    """

    def __init__(self, *, however_late: bool = False) -> None:
        self._however_late = however_late
        self._place: float | None = None

    def has_place(self, at: float | None) -> None:
        """Note its place.

        :param at: when it comes, monotonic seconds; ``None`` if no limit holds.
        """
        self._place = at

    @property
    def waited(self) -> float:
        """For how long the place has been there, in seconds."""
        return 0.0 if self._place is None else max(0.0, time.monotonic() - self._place)

    @property
    def left(self) -> float:
        """The seconds until it is late; infinite if it cannot be."""
        if self._however_late or self._place is None:
            return float("inf")
        return self._place + LATE - time.monotonic()

    def check(self) -> None:
        """Call it where the first byte is about to leave.

        :raises LateError: if it is late.
        """
        if self.left <= 0:
            raise LateError("its place in the rate limit passed")
