# SPDX-License-Identifier: Apache-2.0
"""Wait for one job: every decision, without sleeping or sending.

The poller in the triggerer and the blocking path on a worker both hold a :class:`Watch` for each job, give it what
they saw, and do what it decides.
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
"""Seconds for which a job may be unknown to the vendor: a job that was just accepted may become readable later."""
# Undocumented states that are reported of a job: a vendor may send another one with each poll, for days.
_MAX_ODD_STATES = 10

# Polling again would bring the same answer: only a person, or a change of the connection, can help.
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

    :param job_id: the vendor's id of the job.
    :param submitted_at: epoch seconds; ``None`` if another task submitted it.
    :param cadence: its polling schedule.
    :param started_at: when the wait began, in monotonic seconds.
    :param age: how old the job was at that time, in seconds.
    :param deadline: epoch seconds; ``None`` for none.
    :param tolerance: seconds for which failing polls are tolerated.
    :param operation: the operation to poll it by.
    """

    # Two clocks: intervals, ages and outages by the monotonic one, so that a wall clock that is corrected neither stops
    # polls nor ends waits. Only a deadline, which has to survive restarts, is judged by the wall clock.

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
    """What was last logged of it; set by the progress log."""
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

    @property
    def changed_at(self) -> float:
        """When the vendor last said something new of the job, in monotonic seconds; minus infinity if it never did."""
        return float("-inf") if self._changed_at is None else self._changed_at

    def is_alone_unavailable(self, others_at: float) -> bool:
        """Return whether the wait ended for polls that failed, though those of other jobs did not all the time.

        :param others_at: when the vendor last said something new of any job, in monotonic seconds.
        """
        if self.outcome is not Outcome.UNAVAILABLE or self._failing_since is None:
            return False
        # Not at once after the first failure: an outage does not begin for all jobs in the same second.
        return others_at >= self._failing_since + self.tolerance / 4

    def age_at(self, now: float) -> float:
        """Return how old the job is, in seconds.

        :param now: monotonic seconds.
        """
        return self.age + max(0.0, now - self.started_at)

    def saw(self, status: JobStatus, now: float, wall: float) -> None:
        """Note an observation, and decide when to poll again.

        :param status: what the vendor answered.
        :param now: monotonic seconds.
        :param wall: epoch seconds.
        """
        self.polls += 1
        self.changed = False
        # An equal one is not kept: to replace an old object per poll, of thousands, costs full garbage collections.
        if status != self.status:
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
        """Note that a poll failed: tolerate it, or end the wait if polling again cannot help.

        :param error: what it raised.
        :param now: monotonic seconds.
        :param wall: epoch seconds.
        """
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
        """Note that the vendor answered without this job.

        :param now: monotonic seconds.
        :param wall: epoch seconds.
        """
        self.missed(JobNotFound(f"job {self.job_id!r} is unknown to the vendor", job_id=self.job_id), now, wall)

    def resume(self, now: float) -> None:
        """Go on after credentials were refused: the connection holds others now.

        :param now: monotonic seconds.
        """
        if self.outcome is Outcome.REFUSED and isinstance(self.error, AuthenticationFailed):
            self.outcome = None
            self.due_at = now

    def odd_state(self, known: frozenset[str]) -> str | None:
        """Return the vendor's word for the state if it is not documented, once for each of the first ten.

        Of a job that ended there is none: its raw code may be an error's, and nothing is to be guessed about it.

        :param known: the documented ones, in lower case.
        """
        raw = "" if self.status is None or self.status.state.terminal else self.status.raw
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
        interval = self.cadence.interval_after(self.age_at(now), self.status, still)
        # The last poll is due at the deadline, not up to an interval after it.
        if self.deadline is not None:
            interval = min(interval, max(self.deadline - wall, self.cadence.floor))
        self.due_at = now + interval


def _earlier(since: float | None, now: float) -> float:
    return now if since is None else since


def _visible(status: JobStatus) -> tuple[JobState, str, int | None, int | None]:
    return status.state, status.raw, status.progress, status.queue_position
