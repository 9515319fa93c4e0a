# SPDX-License-Identifier: Apache-2.0
"""Jobs at the sandbox's vendors: when each waits, runs and ends, as a function of the job clock."""

from __future__ import annotations

import asyncio
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
    """How a job will end, decided when it is accepted."""

    RENDER = "render"
    FAIL = "fail"
    ABORT = "abort"
    NEVER_ENDS = "never_ends"
    LOST = "lost"


class Phase(StrEnum):
    """What a job is doing now."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABORTED = "aborted"


@dataclass(frozen=True)
class ConcurrencyGroup:
    """Jobs that share slots at the vendor.

    :param capacity: how many of them run at once; the others wait in the queue.
    """

    name: str
    capacity: int


# Identity is what counts: a job changes while it is registered.
@dataclass(eq=False)
class Job:
    """One accepted job.

    :param submitted: job-clock seconds.
    :param queue_seconds: how long it waits at least, as set when it was accepted.
    :param owner: who may query it, if the vendor checks that.
    :param fail_code: the vendor's code of an injected failure; ``None``: the usual one.
    :param rendered_at: job-clock seconds, once its media are written.
    :param created: epoch seconds.
    :param notes: what its vendor keeps about it.
    """

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
        """Job-clock seconds at which it may leave the queue if a slot is free."""
        return self.submitted + self.queue_seconds

    def end_after(self, start: float) -> float:
        """Return when it ends, in job-clock seconds.

        :param start: when it starts.
        :returns: infinity as long as that cannot be known.
        """
        if self.outcome is Outcome.NEVER_ENDS:
            return math.inf
        nominal = start + self.run_seconds
        if self.rendering is None:
            return nominal
        # A job never ends before its media are there, however far the clock was advanced: a vendor that reports success
        # has a file to fetch.
        return math.inf if self.rendered_at is None else max(nominal, self.rendered_at)

    def result(self) -> Rendered:
        """Return what rendering yielded. Only for a succeeded job.

        :raises LookupError: if nothing was rendered for it.
        """
        if self.rendering is None:
            raise LookupError(f"{self.job_id} was never rendered")
        return self.rendering.result()

    def failure(self) -> RenderingFailed | None:
        """Return why rendering failed, or ``None``: a job may also fail because a fault was injected."""
        if self.rendering is None or not self.rendering.done():
            return None
        error = self.rendering.exception()
        if error is None or isinstance(error, RenderingFailed):
            return error
        # A defect of the renderer must fail the job with a reason, not the status request with a 500.
        return RenderingFailed("crashed", f"{type(error).__name__}: {error}")


@dataclass(frozen=True)
class Snapshot:
    """The status of a job at one time.

    :param progress: percent.
    :param ahead: how many jobs are before it in the queue.
    """

    phase: Phase
    progress: int
    ahead: int


class JobRegistry:
    """The jobs of all vendors.

    :param clock: by which they wait, run and end.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: dict[tuple[str, str], Job] = {}
        # Kept in the order of acceptance, which is the order in which slots are given out.
        self._groups: defaultdict[str, list[Job]] = defaultdict(list)

    def clear(self) -> None:
        """Forget all jobs."""
        self._jobs.clear()
        self._groups.clear()

    def add(self, job: Job) -> None:
        """Register an accepted job.

        :param job: its id must be new to its vendor.
        """
        self._jobs[job.vendor, job.job_id] = job
        if job.group:
            self._groups[f"{job.vendor}/{job.group.name}"].append(job)

    def has_id(self, vendor: str, job_id: str) -> bool:
        """Return whether a job of this id was ever accepted, also one that was lost.

        :param vendor: its key; ids are unique per vendor.
        """
        return (vendor, job_id) in self._jobs

    def find(self, vendor: str, job_id: str) -> Job | None:
        """Return the job as its vendor would find it.

        :param vendor: its key.
        :returns: ``None`` for an unknown id, and for a lost job, which is unknown to the vendor.
        """
        job = self._jobs.get((vendor, job_id))
        # has_id() still has it: another submit under its transNo is a duplicate.
        return None if job is None or job.outcome is Outcome.LOST else job

    def of(self, vendor: str, operation: str) -> list[Job]:
        """Return the jobs of one operation, oldest first.

        :param operation: as :meth:`SandboxState.accept` was given it.
        """
        return [job for job in self._jobs.values() if job.vendor == vendor and job.operation == operation]

    def snapshot(self, job: Job) -> Snapshot:
        """Return the status of ``job`` by its vendor's job clock.

        :param job: a registered one.
        """
        now = self._clock.now(job.vendor)
        start, ahead = self._start(job, now)
        if now < start:
            return Snapshot(Phase.QUEUED, 0, ahead)
        if now < job.end_after(start):
            ran = (now - start) / job.run_seconds if job.run_seconds else 1.0
            # 99 at most: in a Tencent response without Status, Progress 100 is what says that the job has ended.
            return Snapshot(Phase.RUNNING, min(99, int(100 * ran)), 0)
        return Snapshot(_ending(job), 100, 0)

    def unfinished(self, vendor: str, operation: str) -> int:
        """Return how many jobs of this operation have not ended.

        :param operation: as :meth:`SandboxState.accept` was given it.
        """
        open_phases = (Phase.QUEUED, Phase.RUNNING)
        return sum(self.snapshot(job).phase in open_phases for job in self.of(vendor, operation))

    async def rendered(self, vendor: str | None) -> None:
        """Wait until the media are written of all jobs that would have ended by now but for their rendering.

        :param vendor: one vendor's jobs; ``None``: those of all.
        """
        awaited = [
            asyncio.wrap_future(job.rendering)
            for job in self._jobs.values()
            if vendor in (None, job.vendor) and job.rendering is not None and not job.rendering.done()
            if self._start(job, now := self._clock.now(job.vendor))[0] + job.run_seconds <= now
        ]
        # A rendering that failed, or was cancelled by a reset, has ended, too.
        await asyncio.gather(*awaited, return_exceptions=True)

    def _start(self, job: Job, now: float) -> tuple[float, int]:
        if job.group is None:
            return job.earliest_start, 0
        ahead = 0
        ends: list[float] = []
        for other in self._groups[f"{job.vendor}/{job.group.name}"]:
            # Computed from the start times at each call: a job has no event when a slot becomes free, so advancing the
            # clock by hours moves a whole queue consistently. The earliest end frees the next slot.
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
