# SPDX-License-Identifier: Apache-2.0
"""How often jobs are polled, and how late their end is detected: a simulation without any clock.

``python -m benchmarks.cadence`` prints the table of the page "How a task waits". Jobs last between 20 seconds and
2 hours, log-normally around 3 minutes. The vendor's progress is in whole percents and uneven: a job that is done by a
share x reports x to the power of k, k being log-normal around 1, and never 100 before it has ended.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.jobs.polling.cadence import Cadence
from airflow_provider_videoai.jobs.polling.watch import Watch

SHORTEST, MEDIAN, LONGEST, SPREAD = 20.0, 180.0, 7200.0, 1.1
UNEVENNESS = 0.2
FLOOR = 1.0

Progress = Callable[[float], int | None]
"""Share of a job that is done (0-1) -> what the vendor reports, in percent."""


class Outcome(NamedTuple):
    """One job: its duration in seconds, its polls, seconds from its end to the poll that detected it."""

    length: float
    polls: int
    delay: float


@dataclass(frozen=True, slots=True)
class Summary:
    """A mix of jobs. Seconds; ``soon`` is the share of jobs that are detected within a tenth of their duration."""

    polls: float
    delay: float
    soon: float

    @classmethod
    def of(cls, outcomes: list[Outcome]) -> Summary:
        """Take means over all jobs."""
        count = len(outcomes)
        return cls(
            polls=sum(each.polls for each in outcomes) / count,
            delay=sum(each.delay for each in outcomes) / count,
            soon=sum(each.delay <= each.length / 10 for each in outcomes) / count,
        )


def mix(jobs: int, seed: int) -> list[float]:
    """Return the durations of ``jobs`` jobs in seconds; ``seed`` repeats them."""
    rng = random.Random(seed)  # noqa: S311 - a simulation, not keys
    lengths = (MEDIAN * math.exp(rng.gauss(0, SPREAD)) for _ in itertools.count())
    return list(itertools.islice((each for each in lengths if SHORTEST <= each <= LONGEST), jobs))


def uneven(rng: random.Random) -> Progress:
    """Make one job's progress."""
    power = math.exp(rng.gauss(0, UNEVENNESS))
    return lambda share: min(99, int(100 * share**power))


def unknown(_rng: random.Random) -> Progress:
    """Make the progress of a vendor that reports none."""
    return lambda _share: None


def waited(length: float, cadence: Cadence, progress: Progress, rng: random.Random) -> Outcome:
    """Wait for one job as the poller does, jitter included."""
    watch = Watch(job_id="j", submitted_at=0.0, started_at=0.0, cadence=cadence)
    now = watch.due_at + rng.uniform(0.0, cadence.floor)
    while now < length:
        watch.saw(JobStatus(job_id="j", state=JobState.RUNNING, progress=progress(now / length)), now, now)
        now = watch.due_at + rng.uniform(0.0, cadence.slack(watch.due_at - now))
    return Outcome(length, watch.polls + 1, now - length)


def adaptive(progress: Callable[[random.Random], Progress], jobs: int, seed: int) -> Summary:
    """Wait for a mix of jobs with the package's adaptive polling schedule."""
    rng = random.Random(f"asks {seed}")  # noqa: S311 - a simulation, not keys
    return Summary.of([waited(each, Cadence(floor=FLOOR), progress(rng), rng) for each in mix(jobs, seed)])


def every(seconds: float, jobs: int, seed: int) -> Summary:
    """Wait for the same mix with a fixed interval in seconds."""
    steps = [(length, math.ceil(length / seconds)) for length in mix(jobs, seed)]
    return Summary.of([Outcome(length, count, count * seconds - length) for length, count in steps])


def table(jobs: int = 5000, seed: int = 1) -> str:
    """Return polls and delays of each polling schedule as a Markdown table."""
    rows = {
        "every 5 s": every(5, jobs, seed),
        "every 10 s": every(10, jobs, seed),
        "adaptive, no progress": adaptive(unknown, jobs, seed),
        "adaptive, with progress": adaptive(uneven, jobs, seed),
    }
    head = "| schedule | polls per job | mean delay | detected within 10 % of the duration |\n|---|---|---|---|"
    body = (f"| {name} | {row.polls:.1f} | {row.delay:.1f} s | {row.soon:.1%} |" for name, row in rows.items())
    return "\n".join([head, *body])


if __name__ == "__main__":
    print(table())
