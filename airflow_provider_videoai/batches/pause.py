# SPDX-License-Identifier: Apache-2.0
"""The pause of a batch while a vendor takes no further job: for the batch, and not for each of its items."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.in_flight.leases import InFlightLimitReached
from airflow_provider_videoai.jobs.ledger.lease import CLAIM_SECONDS

__all__ = ["Pause"]

_FIRST = 15.0
"""Seconds before the next submit after the first that met a full queue; twice as long each time, with jitter."""
_LONGEST = 300.0
_LONGEST_FOR_LEASE = CLAIM_SECONDS / 2
"""Of a pause until the account may have another job in flight: a worker has to request the lease again before the
batch's place in the queue expires, or newer tasks get before it each time."""
_SHORTEST = 1.0
_MOST_TRIES = 20
# Of what another process, or a person, wrote: no pause of ours is longer.
_LATEST = 7 * 86_400.0


@dataclass(slots=True)
class Pause:
    """Since when, how often, and until when nothing is submitted. It outlives a deferral: see :meth:`to_json`.

    :param since: when a submit was first refused after the last that was accepted, and after the batch's own jobs had
        ended, in epoch seconds.
    :param tries: how many submits were refused since.
    :param until: epoch seconds.
    :param for_lost: whether answers to submits were lost since the last that was accepted.
    """

    since: float | None = None
    tries: int = 0
    until: float = 0.0
    for_lost: bool = False
    clock: Callable[[], float] = field(default=time.time, repr=False)

    @property
    def lasts(self) -> bool:
        """Whether nothing may be submitted yet."""
        return self.since is not None and self.clock() < self.until

    def refused(self, refusal: VideoAIError, *, lost: bool = False) -> float:
        """Note that a submit found no capacity, or no vendor; those that were sent at the same time count once.

        :param refusal: what the vendor said.
        :param lost: whether answers were lost, as against refusals.
        :returns: for how many seconds nothing is to be submitted now; 0 if that was so already.
        """
        now = self.clock()
        if self.lasts:
            return 0.0
        longest = _LONGEST_FOR_LEASE if isinstance(refusal, InFlightLimitReached) else _LONGEST
        growing = min(_FIRST * 2**self.tries, longest) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
        # Not the vendor's Retry-After alone: each pause may cost the start of a worker.
        pause: float = max(growing, getattr(refusal, "retry_after", None) or 0.0, _SHORTEST)
        self.since = now if self.since is None else self.since
        self.tries = min(self.tries + 1, _MOST_TRIES)
        self.until = now + pause
        self.for_lost = self.for_lost or lost
        return pause

    def accepted(self) -> None:
        """Note that a job was bought: there is capacity again."""
        # `until` stays: of several submits at the same time, one may be accepted after another was refused.
        if not self.lasts:
            self.since, self.tries, self.for_lost = None, 0, False

    def alone(self) -> None:
        """Note that the batch has no job in flight any more: whatever was refused until now, those may be the cause."""
        if self.since is not None:
            self.since = min(self.clock(), self.until)

    def lasted(self) -> float:
        """Return for how many seconds nothing has been accepted."""
        return 0.0 if self.since is None else max(0.0, self.clock() - self.since)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values, as the arguments with which a deferred task goes on."""
        return {"since": self.since, "tries": self.tries, "until": self.until, "for_lost": self.for_lost}

    @classmethod
    def from_json(cls, stored: Any) -> Self:
        """Read what :meth:`to_json` returned.

        :param stored: outside data; anything else is no pause.
        """
        match stored:
            case {"since": float(since), "tries": int(tries), "until": float(until)}:
                if 0 <= until - since <= _LATEST and 0 <= tries <= _MOST_TRIES:
                    return cls(since, tries, until, for_lost=stored.get("for_lost") is True)
        return cls()
