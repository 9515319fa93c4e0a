# SPDX-License-Identifier: Apache-2.0
"""Poll jobs from a task that keeps its worker slot: by the decisions of the poller, one request after the other."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.in_flight.keeper import LeaseKeeper
from airflow_provider_videoai.jobs.polling.status_query import Observer, Seen, deliver, noteworthy, status_query
from airflow_provider_videoai.jobs.polling.throttle import Throttle
from airflow_provider_videoai.jobs.polling.watch import Outcome, Watch

__all__ = ["batches", "poll_once", "wait"]

_LEAST_NAP = 0.001
"""Seconds; not 0, which a clock may round to no time at all."""


def wait(
    transport: Transport,
    watches: Sequence[Watch],
    observer: Observer,
    *,
    clock: Callable[[], float] = time.monotonic,
    wall: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Block until every watch is done.

    :param transport: sends the status requests, within the account's rate limit.
    :param watches: the jobs to wait for; each holds how its wait ended.
    :param observer: is called after each poll that changed a job, or failed.
    :param clock: gives monotonic seconds, by which polls are due.
    :param wall: gives epoch seconds, by which deadlines are judged.
    :param sleep: blocks for so many seconds.
    """
    throttle = Throttle(transport.rate_limit)
    leases = LeaseKeeper(transport, clock)
    leases.keep(watch.job_id for watch in watches)
    leases.write()
    while waiting := [watch for watch in watches if not watch.done]:
        # No jitter: one task alone cannot bring a burst of requests about.
        while (nap := min(watch.due_at for watch in waiting) - clock()) > 0:
            # A poll interval may be longer than a lease lasts.
            sleep(min(nap, max(leases.due_in, _LEAST_NAP)))
            leases.write()
        due = [watch for watch in waiting if watch.due_at <= clock()]
        for batch in batches(due, transport.vendor.batch_size):
            seen = _seen(transport, batch, throttle)
            deliver(batch, seen, clock(), wall())
            for watch in batch:
                if noteworthy(watch):
                    observer(watch)
        leases.end(watch.job_id for watch in due if watch.outcome is Outcome.ENDED)
        leases.write()


def poll_once(transport: Transport, watches: Sequence[Watch], throttle: Throttle) -> None:
    """Poll once, blocking, and give each watch what was seen.

    :param transport: sends the status request.
    :param watches: the jobs of one operation, at most as many as one request may carry.
    :param throttle: the account's backoff; it is kept between calls.
    """
    deliver(watches, _seen(transport, watches, throttle), time.monotonic(), time.time())


def batches(watches: Iterable[Watch], size: int) -> Iterator[list[Watch]]:
    """Group watches into status requests.

    :param watches: of any operations.
    :param size: how many jobs one request may carry.
    :returns: lists of watches of one operation each.
    """
    # An operation has a status path of its own at some vendors, so no request can query jobs of two.
    ordered = sorted(watches, key=lambda watch: watch.operation)
    for _, group in itertools.groupby(ordered, key=lambda watch: watch.operation):
        members = list(group)
        for start in range(0, len(members), size):
            yield members[start : start + size]


def _seen(transport: Transport, watches: Sequence[Watch], throttle: Throttle) -> Seen | VideoAIError:
    try:
        found = transport.run(status_query(transport.vendor, watches))
    except VideoAIError as error:
        throttle.note(error)
        return error
    throttle.note(None)
    return found
