# SPDX-License-Identifier: Apache-2.0
"""Hand out leases to jobs in flight: at most N of an account's at a time, to whom they mean most, then to the oldest.

A pure function of the leases that are there; the database is :mod:`.ledger`'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = [
    "CLAIM_SECONDS",
    "LEASE_SECONDS",
    "RENEW_SECONDS",
    "SUBMIT_SECONDS",
    "Lease",
    "LeaseRequest",
    "lease_of_job",
    "lease_of_task",
    "to_grant",
]

CLAIM_SECONDS = 120.0
"""Seconds for which a task that waits for a lease keeps its place in the queue without a further request."""
SUBMIT_SECONDS = 600.0
"""Seconds between the grant of a lease and the job's submit: the task may have to wait for a worker."""
LEASE_SECONDS = 900.0
"""Seconds for which a job is counted without a sign of whoever waits for it."""
RENEW_SECONDS = 300.0
"""Seconds after which those who wait renew: two renewals may be lost before a lease expires."""

_LATEST = 3600.0
"""Seconds; a lease that expires later was left behind by a clock that was set back, or by a hand."""


@dataclass(frozen=True, slots=True)
class LeaseRequest:
    """A task that is about to submit.

    :param name: see :func:`lease_of_task`.
    :param priority: the task's priority weight; the higher one is first.
    """

    name: str
    priority: int = 1


@dataclass(frozen=True, slots=True)
class Lease:
    """What the ledger keeps of a job in flight, or of a task that waits for one; times are epoch seconds.

    :param name: of the task, until its job's id is known, then of the job.
    :param granted: whether the job may be in flight; else it waits.
    :param priority: of the task.
    :param since: when it was requested first.
    :param expires: from when on it does not count.
    """

    name: str
    granted: bool
    priority: int
    since: float
    expires: float


def lease_of_task(*identity: object) -> str:
    """Return the name of the lease of a task, which each attempt of it shares.

    :param identity: what identifies the task.
    """
    return _named("task", *identity)


def lease_of_job(job_id: str) -> str:
    """Return the name of a job's lease, as whoever waits for the job makes it too.

    :param job_id: the vendor's id.
    """
    return _named("job", job_id)


def _named(*parts: object) -> str:
    # Ids of jobs and of DAG runs may be longer than a key of a database, and mean nothing to whoever reads it.
    return hashlib.sha256("\n".join(map(str, parts)).encode("utf-8", "backslashreplace")).hexdigest()


def to_grant(leases: Iterable[Lease], wanted: Sequence[LeaseRequest], *, limit: int, now: float) -> set[str]:
    """Choose who may submit now.

    A task that is next, but that requests nothing here, keeps its place until its claim expires.

    :param leases: all of the account's, those that wait included.
    :param wanted: the requests.
    :param limit: how many jobs may be in flight.
    :param now: epoch seconds, by the clock of the leases.
    :returns: the names of those that have a lease, or get one now.
    """
    counting = {lease.name: lease for lease in leases if now < lease.expires < now + _LATEST}
    granted = {name for name, lease in counting.items() if lease.granted}
    places = {name: (-lease.priority, lease.since, name) for name, lease in counting.items() if not lease.granted}
    for request in wanted:
        if request.name not in granted:
            # A further request keeps the first one's age, so that nobody starves behind newer tasks.
            since = counting[request.name].since if request.name in counting else now
            places[request.name] = (-request.priority, since, request.name)
    # A limit that was lowered revokes no lease: those jobs are paid for.
    free = max(0, limit - len(granted))
    first = set(sorted(places, key=places.__getitem__)[:free])
    return {request.name for request in wanted if request.name in granted | first}
