# SPDX-License-Identifier: Apache-2.0
"""Write a job's progress into its task's log, for the person who watches: only what changed, and never a URL."""

from __future__ import annotations

from airflow_provider_videoai.jobs.duration import format_duration
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.model import JobResult
from airflow_provider_videoai.jobs.polling.cadence import LONGEST_ADAPTIVE
from airflow_provider_videoai.jobs.polling.watch import Watch
from airflow_provider_videoai.jobs.values.printable import shortened, shown

__all__ = ["log_long_interval", "log_result", "log_status"]

# Percent of progress after which a line is logged: a job of hours has ten lines, not hundreds.
_STEP = 10


def log_status(log: Log, watch: Watch, known_states: frozenset[str], now: float) -> None:
    """Log the last status if it differs from what was logged.

    :param log: the task's log.
    :param watch: the job and what was last seen of it; it keeps what was logged.
    :param known_states: the vendor's documented states; each other is logged once, as a warning.
    :param now: monotonic seconds.
    """
    if (news := _news(watch)) != watch.logged:
        watch.logged = news
        _write(log, watch, now)
    if odd := watch.odd_state(known_states):
        log.warning(
            "%s job %s: the vendor's state %s is not documented; the job is treated as still running",
            watch.operation,
            shortened(watch.job_id),
            shown(odd),
        )


def log_result(log: Log, result: JobResult) -> None:
    """Log what a job made and, if it is known, what it used: the last line of a job.

    :param log: the task's log.
    :param result: the job's result; no URL of it is logged.
    """
    log.info("Result of %s job %s: %s", result.operation, shortened(result.job_id), result.describe())


def log_long_interval(log: Log, poll_interval: float | None) -> None:
    """Warn of a fixed interval that is longer than an adaptive one ever is: of a short job most of the wait is idle.

    :param log: the task's log.
    :param poll_interval: fixed seconds between two polls; ``None`` is adaptive.
    """
    if poll_interval is not None and poll_interval > LONGEST_ADAPTIVE:
        log.warning(
            "poll_interval is %s: the end of a job is detected up to that late, however short the job. Left out, the "
            "interval adapts to the job's age and is at most %s",
            format_duration(poll_interval),
            format_duration(LONGEST_ADAPTIVE),
        )


def _news(watch: Watch) -> tuple[object, ...]:
    if watch.error is not None:
        return (watch.error.message,)
    if watch.status is None:
        return ()
    step = None if watch.status.progress is None else watch.status.progress // _STEP
    # Plain values, not the status: thousands of waiting jobs keep one for hours.
    return watch.status.state.value, step, watch.status.queue_position


def _write(log: Log, watch: Watch, now: float) -> None:
    job_id = shortened(watch.job_id)
    if watch.error is not None:
        log.warning("%s job %s: %s", watch.operation, job_id, watch.error)
    elif watch.status is not None and watch.status.state.terminal:
        log.info("%s job %s %s %s", watch.operation, job_id, watch.status.describe(), _effort(watch, now))
    elif watch.status is not None:
        log.info("%s job %s: %s", watch.operation, job_id, watch.status.describe())


def _effort(watch: Watch, now: float) -> str:
    # When the job of a sensor was submitted is unknown to it, so it counts from when it began to wait.
    waiting = "waiting " if watch.submitted_at is None else ""
    polls = "1 poll" if watch.polls == 1 else f"{watch.polls} polls"
    return f"after {waiting}{format_duration(watch.age_at(now))}, {polls}"
