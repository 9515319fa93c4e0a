# SPDX-License-Identifier: Apache-2.0
"""Jobs at the sandbox's vendors: when each waits, runs and ends, as a function of the job clock."""

from __future__ import annotations

import heapq
import math
import time
from collections import defaultdict
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from airflow_provider_videoai.sandbox.clock import Clock
from airflow_provider_videoai.sandbox.media.rendered import Rendered, RenderingFailed


class Outcome(StrEnum):
    """What will become of a job, decided when it is accepted."""

    RENDER = "render"
    FAIL = "fail"
    ABORT = "abort"
    NEVER_ENDS = "never_ends"
    LOST = "lost"


class Phase(StrEnum):
    """Where a job is now."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABORTED = "aborted"


@dataclass(frozen=True)
class ConcurrencyGroup:
    """Jobs that share slots at the vendor: no more than ``capacity`` of them run at once."""

    name: str
    capacity: int


@dataclass(eq=False)
class Job:
    """One accepted job. ``submitted`` and ``rendered_at`` are job-clock seconds, ``created`` is epoch seconds."""

    vendor: str
    operation: str
    job_id: str
    submitted: float
    queue_seconds: float
    run_seconds: float
    owner: str = ""
    group: ConcurrencyGroup | None = None
    outcome: Outcome = Outcome.RENDER
    fail_code: int | str | None = None
    rendering: Future[Rendered] | None = None
    rendered_at: float | None = None
    created: float = field(default_factory=time.time)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def earliest_start(self) -> float:
        """When it may leave the queue if a slot is free."""
        return self.submitted + self.queue_seconds

    def end_after(self, start: float) -> float:
        """When it ends if it starts at ``start``; infinite as long as that cannot be known."""
        if self.outcome is Outcome.NEVER_ENDS:
            return math.inf
        nominal = start + self.run_seconds
        if self.rendering is None:
            return nominal
        return math.inf if self.rendered_at is None else max(nominal, self.rendered_at)

    def result(self) -> Rendered:
        """Return what rendering yielded. Only for a succeeded job."""
        if self.rendering is None:
            raise LookupError(f"{self.job_id} was never rendered")
        return self.rendering.result()

    def failure(self) -> RenderingFailed | None:
        """Why rendering failed, or ``None`` (a job may also fail because a fault was ordered)."""
        if self.rendering is None or not self.rendering.done():
            return None
        error = self.rendering.exception()
        if error is None or isinstance(error, RenderingFailed):
            return error
        return RenderingFailed("crashed", f"{type(error).__name__}: {error}")


@dataclass(frozen=True)
class Snapshot:
    """One look at a job: ``progress`` in percent, ``ahead`` the number of jobs before it in the queue."""

    phase: Phase
    progress: int
    ahead: int


class JobRegistry:
    """Every job of every vendor."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: dict[tuple[str, str], Job] = {}
        self._groups: defaultdict[str, list[Job]] = defaultdict(list)

    def clear(self) -> None:
        """Forget all jobs."""
        self._jobs.clear()
        self._groups.clear()

    def add(self, job: Job) -> None:
        """Enter an accepted job."""
        self._jobs[job.vendor, job.job_id] = job
        if job.group:
            self._groups[f"{job.vendor}/{job.group.name}"].append(job)

    def has_id(self, vendor: str, job_id: str) -> bool:
        """Whether the id was ever given out, to a lost job too."""
        return (vendor, job_id) in self._jobs

    def find(self, vendor: str, job_id: str) -> Job | None:
        """Find the job as its vendor would: a lost one is unknown to it."""
        job = self._jobs.get((vendor, job_id))
        return None if job is None or job.outcome is Outcome.LOST else job

    def of(self, vendor: str, operation: str) -> list[Job]:
        """Jobs of one operation, oldest first."""
        return [job for job in self._jobs.values() if job.vendor == vendor and job.operation == operation]

    def snapshot(self, job: Job) -> Snapshot:
        """Look at ``job`` at this moment of its vendor's job clock."""
        now = self._clock.now(job.vendor)
        start, ahead = self._start(job, now)
        if now < start:
            return Snapshot(Phase.QUEUED, 0, ahead)
        if now < job.end_after(start):
            ran = (now - start) / job.run_seconds if job.run_seconds else 1.0
            return Snapshot(Phase.RUNNING, min(99, int(100 * ran)), 0)
        return Snapshot(_ending(job), 100, 0)

    def unfinished(self, vendor: str, operation: str) -> int:
        """How many jobs of this operation have not ended."""
        open_phases = (Phase.QUEUED, Phase.RUNNING)
        return sum(self.snapshot(job).phase in open_phases for job in self.of(vendor, operation))

    def _start(self, job: Job, now: float) -> tuple[float, int]:
        if job.group is None:
            return job.earliest_start, 0
        ahead = 0
        ends: list[float] = []
        for other in self._groups[f"{job.vendor}/{job.group.name}"]:
            freed = heapq.heappop(ends) if len(ends) >= job.group.capacity else -math.inf
            start = max(other.earliest_start, freed)
            if other is job:
                return start, ahead
            heapq.heappush(ends, other.end_after(start))
            ahead += start > now
        raise LookupError(f"{job.job_id} is not in its group")


def _ending(job: Job) -> Phase:
    if job.outcome is Outcome.ABORT:
        return Phase.ABORTED
    if job.outcome is Outcome.FAIL or job.failure() is not None:
        return Phase.FAILED
    return Phase.SUCCEEDED
