# SPDX-License-Identifier: Apache-2.0
"""How often jobs are asked for, and how late their end is noticed: a simulation without any clock.

``python -m benchmarks.cadence`` prints the table of docs/waiting.md. Jobs last between 20 seconds and 2 hours,
log-normally around 3 minutes. The vendor's progress is in whole percents and uneven: a job that is done by a share x
reports x to the power of k, k being log-normal around 1, and never 100 before it has ended.
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
"""Share of a job that is done (0-1) -> what the vendor says, in percent."""


class Fate(NamedTuple):
    """One job: seconds that it lasted, asks that it took, seconds from its end to the ask that saw it."""

    length: float
    asks: int
    delay: float


@dataclass(frozen=True, slots=True)
class Summary:
    """A mix of jobs. Seconds; ``soon`` is the share of jobs that are noticed within a tenth of their length."""

    asks: float
    delay: float
    soon: float

    @classmethod
    def of(cls, fates: list[Fate]) -> Summary:
        """Take means over all jobs."""
        count = len(fates)
        return cls(
            asks=sum(fate.asks for fate in fates) / count,
            delay=sum(fate.delay for fate in fates) / count,
            soon=sum(fate.delay <= fate.length / 10 for fate in fates) / count,
        )


def mix(jobs: int, seed: int) -> list[float]:
    """Return the lengths of so many jobs in seconds."""
    dice = random.Random(seed)  # noqa: S311 - dice, not keys
    lengths = (MEDIAN * math.exp(dice.gauss(0, SPREAD)) for _ in itertools.count())
    return list(itertools.islice((each for each in lengths if SHORTEST <= each <= LONGEST), jobs))


def uneven(dice: random.Random) -> Progress:
    """Make one job's progress."""
    power = math.exp(dice.gauss(0, UNEVENNESS))
    return lambda share: min(99, int(100 * share**power))


def unknown(_dice: random.Random) -> Progress:
    """Make the progress of a vendor that reports none."""
    return lambda _share: None


def waited(length: float, cadence: Cadence, progress: Progress, dice: random.Random) -> Fate:
    """Wait for one job as the poller does, its spread of the asks included."""
    watch = Watch(job_id="j", submitted_at=0.0, started_at=0.0, cadence=cadence)
    now = watch.due_at + dice.uniform(0.0, cadence.floor)
    while now < length:
        watch.saw(JobStatus(job_id="j", state=JobState.RUNNING, progress=progress(now / length)), now, now)
        now = watch.due_at + dice.uniform(0.0, cadence.slack(watch.due_at - now))
    return Fate(length, watch.polls + 1, now - length)


def adaptive(progress: Callable[[random.Random], Progress], jobs: int, seed: int) -> Summary:
    """Wait for a mix of jobs with the package's own rhythm."""
    dice = random.Random(f"asks {seed}")  # noqa: S311 - dice, not keys
    return Summary.of([waited(each, Cadence(floor=FLOOR), progress(dice), dice) for each in mix(jobs, seed)])


def every(seconds: float, jobs: int, seed: int) -> Summary:
    """Wait for the same mix by asking in fixed steps."""
    steps = [(length, math.ceil(length / seconds)) for length in mix(jobs, seed)]
    return Summary.of([Fate(length, count, count * seconds - length) for length, count in steps])


def table(jobs: int = 5000, seed: int = 1) -> str:
    """Return asks and delays of each rhythm."""
    rows = {
        "every 5 s": every(5, jobs, seed),
        "every 10 s": every(10, jobs, seed),
        "adaptive, no progress": adaptive(unknown, jobs, seed),
        "adaptive, with progress": adaptive(uneven, jobs, seed),
    }
    head = "| schedule | polls per job | mean delay | detected within 10 % of the duration |\n|---|---|---|---|"
    body = (f"| {name} | {told.asks:.1f} | {told.delay:.1f} s | {told.soon:.1%} |" for name, told in rows.items())
    return "\n".join([head, *body])


if __name__ == "__main__":
    print(table())
