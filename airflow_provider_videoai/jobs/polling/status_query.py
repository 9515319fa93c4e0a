# SPDX-License-Identifier: Apache-2.0
"""One status request: which jobs it queries, and which part of the answer belongs to which of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from airflow_provider_videoai.jobs.errors import InvalidRequest, JobNotFound, ResultUnavailable, VideoAIError
from airflow_provider_videoai.jobs.model import JobStatus
from airflow_provider_videoai.jobs.polling.watch import Watch
from airflow_provider_videoai.jobs.protocol.call import Flow
from airflow_provider_videoai.jobs.protocol.vendor import Vendor

__all__ = ["Observer", "Seen", "deliver", "noteworthy", "status_query"]

Observer = Callable[[Watch], None]
Seen = dict[str, JobStatus | VideoAIError]

# What can be the fault of a single job. Anything else (credentials, throttling, an outage) concerns all of a request.
_OF_ONE_JOB = (InvalidRequest, JobNotFound, ResultUnavailable)


def status_query(vendor: Vendor, watches: Sequence[Watch]) -> Flow[Seen]:
    """Query the status of jobs of one operation, each once.

    :param vendor: whose jobs they are.
    :param watches: at most as many as one request may carry; several may watch the same job.
    :returns: by job id a status, or the error of this one job; an unknown job is missing.
    """
    return _isolated(vendor, watches[0].operation, list(dict.fromkeys(watch.job_id for watch in watches)))


def _isolated(vendor: Vendor, operation: str, job_ids: list[str]) -> Flow[Seen]:
    """Query the status of many jobs; if one of them fails the whole request, find it by halves and spare the others."""
    # ViiTor answers code 2001 to a whole request if one of its ids is invalid ("Video Text Removal Task Status API").
    try:
        return {**(yield from vendor.statuses(operation, job_ids))}
    except _OF_ONE_JOB as refused:
        if len(job_ids) == 1:
            return {job_ids[0]: refused}
    half = len(job_ids) // 2
    first = yield from _isolated(vendor, operation, job_ids[:half])
    rest = yield from _isolated(vendor, operation, job_ids[half:])
    return first | rest


def deliver(watches: Iterable[Watch], seen: Seen | VideoAIError, now: float, wall: float) -> None:
    """Give each watch its own part of an answer, or that there was none.

    :param watches: the jobs that were queried.
    :param seen: what was seen of each, or the error of the whole request.
    :param now: monotonic seconds.
    :param wall: epoch seconds.
    """
    for watch in watches:
        mine = seen if isinstance(seen, VideoAIError) else seen.get(watch.job_id)
        if mine is None:
            watch.unknown(now, wall)
        elif isinstance(mine, VideoAIError):
            watch.missed(mine, now, wall)
        else:
            watch.saw(mine, now, wall)


def noteworthy(watch: Watch) -> bool:
    """Return whether the last poll has to be reported: another state, the end, or a failed poll.

    :param watch: the job.
    """
    return watch.changed or watch.done or watch.error is not None
