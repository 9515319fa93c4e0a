# SPDX-License-Identifier: Apache-2.0
"""Wait for one job: every decision of it, without sleeping or sending.

The poller in the triggerer and the blocking path on a worker both hold a :class:`Watch` for each job, give it what
they saw, and do what it says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    InvalidRequest,
    JobNotFound,
    ResultUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.jobs.polling.cadence import Cadence
from airflow_provider_videoai.jobs.protocol.options import TOLERANCE

__all__ = ["UNKNOWN_GRACE", "Outcome", "Watch"]

UNKNOWN_GRACE = 60.0
"""Seconds for which a job may be unknown to the vendor: what was just accepted may be readable later."""
_MAX_ODD_STATES = 10
"""Undocumented states that are reported of a job: a vendor may send another one with each poll, for days."""

_PERMANENT = (AuthenticationFailed, InvalidRequest, ResultUnavailable)


class Outcome(StrEnum):
    """How the waiting ended."""

    ENDED = "ended"
    TIMED_OUT = "timed_out"
    UNAVAILABLE = "unavailable"
    NOT_FOUND = "not_found"
    REFUSED = "refused"


@dataclass(slots=True, kw_only=True, eq=False)
class Watch:
    """One job that is waited for.

    Intervals and outages are measured by the monotonic clock, so that a wall clock that is set right harms no wait: all
    times are monotonic seconds, called ``now``. Only ``submitted_at`` and ``deadline`` are epoch seconds, as is
    ``wall``, by which the deadline is judged. ``age`` is the job's at the start, in seconds.
    """

    job_id: str
    submitted_at: float | None
    cadence: Cadence
    started_at: float
    age: float = 0.0
    deadline: float | None = None
    tolerance: float = TOLERANCE
    operation: str = ""
    status: JobStatus | None = None
    error: VideoAIError | None = None
    outcome: Outcome | None = None
    polls: int = 0
    changed: bool = False
    logged: object = ()
    """What the log has of it; the narrator's own note."""
    due_at: float = field(init=False)
    _changed_at: float | None = None
    _failing_since: float | None = None
    _unknown_since: float | None = None
    _odd_states: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.due_at = self.started_at + self.cadence.first()

    @property
    def done(self) -> bool:
        """True when there is nothing left to wait for."""
        return self.outcome is not None

    def age_at(self, now: float) -> float:
        """Return how old the job is, in seconds."""
        return self.age + max(0.0, now - self.started_at)

    def saw(self, status: JobStatus, now: float, wall: float) -> None:
        """Take in an observation."""
        self.polls += 1
        self.changed = False
        if status != self.status:  # an equal one is not kept: what is old costs the garbage collector less
            self.changed = self.status is None or _visible(status) != _visible(self.status)
            self.status = status
        if self.changed:
            self._changed_at = now
        self.error = None
        self._failing_since = self._unknown_since = None
        if status.state.terminal:
            self.outcome = Outcome.ENDED
        else:
            self._go_on(now, wall)

    def missed(self, error: VideoAIError, now: float, wall: float) -> None:
        """Take in that a poll failed: tolerate it, or end if polling again cannot help."""
        self.polls += 1
        self.changed = False
        self.error = error
        self._failing_since = _earlier(self._failing_since, now)
        # Only an unbroken row of "unknown" counts: an outage says nothing about the job.
        self._unknown_since = _earlier(self._unknown_since, now) if isinstance(error, JobNotFound) else None
        if isinstance(error, _PERMANENT):
            self.outcome = Outcome.REFUSED
        elif self._unknown_since is not None and now - self._unknown_since >= UNKNOWN_GRACE:
            self.outcome = Outcome.NOT_FOUND
        elif now - self._failing_since >= self.tolerance:
            self.outcome = Outcome.UNAVAILABLE
        else:
            self._go_on(now, wall)

    def unknown(self, now: float, wall: float) -> None:
        """Take in that the vendor answered but did not mention the job."""
        self.missed(JobNotFound(f"job {self.job_id!r} is unknown to the vendor", job_id=self.job_id), now, wall)

    def resume(self, now: float) -> None:
        """Go on after credentials were refused: the account has others now."""
        if self.outcome is Outcome.REFUSED and isinstance(self.error, AuthenticationFailed):
            self.outcome = None
            self.due_at = now

    def odd_state(self, known: frozenset[str]) -> str | None:
        """Return the vendor's word for the state if it is none of the ``known`` ones, once for each of the first."""
        raw = self.status.raw if self.status is not None else ""
        if not raw or raw.lower() in known or raw in self._odd_states or len(self._odd_states) >= _MAX_ODD_STATES:
            return None
        self._odd_states |= {raw}
        return raw

    def _go_on(self, now: float, wall: float) -> None:
        # The status is always polled before the deadline is judged: a job that ended in time must not be lost to it.
        if self.deadline is not None and wall >= self.deadline:
            self.outcome = Outcome.TIMED_OUT
            return
        still = now - self._changed_at if self._changed_at is not None else 0.0
        gap = self.cadence.gap(self.age_at(now), self.status, still)
        if self.deadline is not None:
            gap = min(gap, max(self.deadline - wall, self.cadence.floor))
        self.due_at = now + gap


def _earlier(since: float | None, now: float) -> float:
    return now if since is None else since


def _visible(status: JobStatus) -> tuple[JobState, str, int | None, int | None]:
    return status.state, status.raw, status.progress, status.queue_position
