# SPDX-License-Identifier: Apache-2.0
"""When to ask again. Pure: seconds in, seconds out.

The first ask comes soon; then the gaps grow with the job's age, so that the delay in noticing its end stays a small
share of its length while the number of asks grows only with the logarithm of it. Progress lets the remaining time be
estimated, and a queue position says that the end cannot be near.
"""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_videoai.jobs.model import JobState, JobStatus

FIRST_ASK = 3.0
"""Seconds before a job is asked for the first time; Airflow also needs about that long to note a deferral."""

_GROWTH = 0.15
_SHORTEST = 2.0
_LONGEST = 300.0
_STRETCH = 2.0  # how much further than by age alone progress or a queue may push the next ask
_SHARE_OF_REMAINING = 0.5
_LEAST_SHARE_OF_AGE = 0.05  # progress may stand at 99 or 100 % for long: the number of asks stays a logarithm
_LONGEST_WITH_PROGRESS = 120.0
_TRUSTED_FROM = 10  # percent; an estimate from less is noise


@dataclass(frozen=True, slots=True)
class Cadence:
    """The rhythm of one job's asks. ``interval`` fixes it (seconds), ``floor`` is the vendor's least gap."""

    floor: float
    interval: float | None = None

    def first(self) -> float:
        """Return the seconds from the start of waiting to the first ask."""
        return max(self.floor, min(FIRST_ASK, self.interval or FIRST_ASK))

    def gap(self, age: float, status: JobStatus | None = None) -> float:
        """Return the seconds to the next ask for a job that is ``age`` seconds old."""
        if self.interval is not None:
            return max(self.floor, self.interval)
        gap = min(max(_SHORTEST, age * _GROWTH), _LONGEST)
        return max(self.floor, gap if status is None else _refined(gap, age, status))


def _refined(gap: float, age: float, status: JobStatus) -> float:
    if status.state is JobState.QUEUED and status.queue_position:
        return min(gap * _STRETCH, _LONGEST)
    if status.state is JobState.RUNNING and (status.progress or 0) >= _TRUSTED_FROM:
        return _by_progress(gap, age, status.progress or 0)
    return gap


def _by_progress(gap: float, age: float, progress: int) -> float:
    remaining = age * (100 - progress) / progress
    least = max(_SHORTEST, age * _LEAST_SHARE_OF_AGE)
    return min(max(least, remaining * _SHARE_OF_REMAINING), gap * _STRETCH, _LONGEST_WITH_PROGRESS)
