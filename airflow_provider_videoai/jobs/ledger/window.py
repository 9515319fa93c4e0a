# SPDX-License-Identifier: Apache-2.0
"""Hand out places in a rate limit: at most N requests in any 60 seconds, whoever sends them.

A place is a span of time in which one request may leave. A pure function of the places that are taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["BLOCK", "LATE", "WINDOW", "Place", "grant"]

LATE = 3.0
"""Seconds after its place within which a request has to leave: until then it connects, and a submit is recorded. One
that is later needs another place."""

WINDOW = 60.0 + LATE + 2.0
"""Seconds. The vendor counts requests as they reach it: up to so much later than they may leave at the earliest, and
they do not all take equally long on their way."""

BLOCK = 30.0
"""Seconds for which places are handed out at most: two ledger calls a minute serve a process that never rests."""

_SPAN = 2.0
"""Seconds within which the holder of a place has to use it, if it is to be used at once."""
_LONGEST_SPAN = 5.0
"""Seconds of the same for a place in a block: it counts until a minute after its end, used or not."""
_LATEST = 86_400.0
"""Seconds; places that end further ahead were written by a hand. Hundreds of tasks that block may queue for hours."""


@dataclass(frozen=True, slots=True)
class Place:
    """One request of process ``holder`` may leave between ``start`` and ``end``, epoch seconds."""

    start: float
    end: float
    holder: str


def grant(
    taken: Iterable[Place], *, holder: str, wanted: int, per_minute: float, now: float
) -> tuple[list[Place], list[Place]]:
    """Hand out places, and forget those that count no more.

    No two clocks are compared: ``now`` and all places are of one clock.

    Why the limit holds: of the requests in any 60 seconds take the one whose place was granted last. Each of the
    others has a place that ends less than 60 seconds before this one starts, so it was counted when this one was
    granted. That it may leave up to :data:`LATE` seconds after its place is why more than 60 seconds are counted.

    :param taken: the places of all processes.
    :param holder: the process that reserves.
    :param wanted: how many requests it is about to send within a block; it may be given fewer, and at least one.
    :param per_minute: the limit; below 1 it keeps one place and stretches the window instead.
    :param now: epoch seconds.
    :returns: the new places, in order, and all places that count from now on, the new ones included.
    """
    window = max(WINDOW, WINDOW / per_minute)
    limit = max(1, int(per_minute))
    counting = [place for place in taken if now - window < place.end < now + _LATEST]
    holders = {place.holder for place in counting if place.end > now - BLOCK} | {holder}
    share = max(1, round(limit * BLOCK / 60.0 / len(holders)))
    given: list[Place] = []
    ends = sorted(place.end for place in counting)
    count = min(wanted, share)
    span = max(_SPAN, min(BLOCK / count, _LONGEST_SPAN)) if count > 1 else _SPAN
    for number in range(count):
        # Spread over the block, so that the places of the next block are free when it is over.
        start = max(_free_at(ends, limit, window, now), now + number * BLOCK / count)
        if given and start >= max(now, given[0].start) + BLOCK:
            break
        given.append(Place(start, start + span, holder))
        ends.append(start + span)
        ends.sort()
    return given, counting + given


def _free_at(ends: Sequence[float], limit: int, window: float, now: float) -> float:
    """Return when fewer than ``limit`` of the places that have these ends count."""
    return now if len(ends) < limit else max(now, ends[-limit] + window)
