# SPDX-License-Identifier: Apache-2.0
"""When the jobs of a run end. Server and provider both know, so that the delay of detection can be measured."""

from __future__ import annotations

from dataclasses import dataclass

_GOLDEN = 0.618033988749895


@dataclass(frozen=True, slots=True)
class Schedule:
    """Jobs end from ``first_end`` on (epoch seconds), spread evenly over ``span`` seconds, not by their number."""

    first_end: float
    span: float

    def end_of(self, number: int) -> float:
        """Return when a job ends, in epoch seconds."""
        return self.first_end + self.span * (number * _GOLDEN % 1.0)
