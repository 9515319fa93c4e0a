# SPDX-License-Identifier: Apache-2.0
"""When to poll again. Pure: seconds in, seconds out.

The first poll comes soon; then the interval is a tenth of the job's age, so that completion is detected within 10 % of
the job's duration while the number of polls grows only with its logarithm. Progress bounds how soon a job can end, and
a queue position says that its end is not near.
"""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_videoai.jobs.model import JobState, JobStatus

__all__ = ["FIRST_POLL", "LONGEST_ADAPTIVE", "Cadence"]

FIRST_POLL = 3.0
"""Seconds before a job is polled for the first time.

Airflow needs about that long to record a deferral. If a job ends sooner, the scheduler may take its task for killed.
"""

# A larger share detects completion later, a smaller one costs more requests: simulated over jobs of 20 s to 2 h, a
# tenth needs no more of them than polling every 10 s.
_SHARE_OF_AGE = 0.1
_SHORTEST = 2.0
LONGEST_ADAPTIVE = 300.0
"""Seconds: however old a job is, its completion is detected within 5 minutes."""
_STRETCH_IN_QUEUE = 2.0

# With progress. Percents are uneven, so the last part of the remaining time is left for further polls, and a percent
# that is quite wrong must not cost more than a share of the job's age. A percent that lasts longer than three took on
# average says nothing any more.
_SHARE_OF_REMAINING = 0.7
_LARGEST_SHARE_OF_AGE = 0.75
_LEAST_SHARE_OF_AGE = 0.005
_STANDSTILL = 3

# Jobs that were submitted together are spread by polling a little later than the interval says: never earlier, for the
# vendor's floor holds. Less of it if the user chose the interval.
_JITTER = 0.05
_JITTER_OF_FIXED = 0.02


@dataclass(frozen=True, slots=True)
class Cadence:
    """The polling schedule of one job.

    :param floor: the vendor's shortest interval, in seconds.
    :param interval: a fixed interval in seconds; ``None`` for an adaptive one.
    """

    floor: float
    interval: float | None = None

    def first(self) -> float:
        """Return the seconds from the start of waiting to the first poll."""
        return max(self.floor, min(FIRST_POLL, self.interval or FIRST_POLL))

    def interval_after(self, age: float, status: JobStatus | None = None, still: float = 0.0) -> float:
        """Return the seconds from a poll to the next one.

        :param age: how old the job is at that poll, in seconds.
        :param status: what was last seen of it; ``None`` if nothing.
        :param still: for how many seconds that has not changed.
        """
        if self.interval is not None:
            return max(self.floor, self.interval)
        return max(self.floor, min(_adapted(age, status, still), LONGEST_ADAPTIVE))

    def slack(self, interval: float) -> float:
        """Return by how many seconds at most a poll may be later than its interval: the jitter.

        :param interval: to the poll, in seconds.
        """
        return interval * (_JITTER if self.interval is None else _JITTER_OF_FIXED)


def _adapted(age: float, status: JobStatus | None, still: float) -> float:
    by_age = max(_SHORTEST, age * _SHARE_OF_AGE)
    if status is None:
        return by_age
    if status.state is JobState.QUEUED and status.queue_position:
        return by_age * _STRETCH_IN_QUEUE
    # One percent took age / progress seconds on average.
    moves = still * (status.progress or 0) <= _STANDSTILL * age
    if status.state is JobState.RUNNING and status.progress and moves:
        return max(_SHORTEST, _by_progress(age, status.progress))
    return by_age


def _by_progress(age: float, progress: int) -> float:
    soonest_end = age * (99 - progress) / (progress + 1)  # the vendor rounds down
    likely = max(soonest_end * _SHARE_OF_REMAINING, age * _LEAST_SHARE_OF_AGE)
    return min(likely, age * _LARGEST_SHARE_OF_AGE)
