# SPDX-License-Identifier: Apache-2.0
"""Count requests and jobs by the sandbox's own ledger. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.chaos.kinds import NAMES_ITS_JOBS

WINDOW = 60.0


def fullest(times: Iterable[float], window: float = WINDOW) -> int:
    """Return how many of the times are in the fullest window.

    :param times: epoch seconds, in any order.
    :param window: its length in seconds.
    """
    ordered, first, most = sorted(times), 0, 0
    for last, at in enumerate(ordered):
        while at - ordered[first] >= window:
            first += 1
        most = max(most, last - first + 1)
    return most


def requests(ledger: Mapping[str, Any]) -> dict[tuple[str, str], list[float]]:
    """Return when requests came, by vendor and by what the vendor counts by itself: ``all``, or each of its APIs.

    :param ledger: the sandbox's; a refused call is in one of its other lists as well.
    """
    found = defaultdict[tuple[str, str], list[float]](list)
    for kind in ("submissions", "polls", "lookups"):
        for entry in ledger[kind]:
            # CDNetworks, "Cloud VoD new API overview": the recommended rate is that of each API.
            api = f"{kind} {entry['operation']}" if entry["vendor"] in NAMES_ITS_JOBS else "all"
            found[entry["vendor"], api].append(entry["at"])
    return dict(found)


def most_at_once(intervals: Sequence[tuple[float, float]]) -> int:
    """Return how many of the intervals overlap at most; one that ends when another begins does not overlap it.

    :param intervals: begin and end, epoch seconds.
    """
    steps = sorted([(begin, 1) for begin, _ in intervals] + [(end, -1) for _, end in intervals])
    now = most = 0
    for _, step in steps:
        now += step
        most = max(most, now)
    return most
