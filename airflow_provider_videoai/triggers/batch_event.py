# SPDX-License-Identifier: Apache-2.0
"""What the trigger of a batch reports to the worker that goes on: which jobs ended, and how.

The event says only that the wait is over: Airflow logs events in full. How each job ended travels by XCom. On a worker
both are outside data.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.model import JobStatus
from airflow_provider_videoai.jobs.polling.wait_errors import Reason
from airflow_provider_videoai.jobs.polling.watch import Outcome, Watch

__all__ = ["COUNTS_KEY", "ENDED_KEY", "JobEnd", "batch_event", "ended_in_trigger", "ends_of", "xcom_of"]

COUNTS_KEY = "batch"
"""The key of the XCom with the batch's counts, which the page "Video jobs" shows."""
ENDED_KEY = "batch_ended"
"""The key of the XCom that says how jobs ended."""
_VERSION = 1
_FRESH = 300.0
"""Seconds for which what the trigger saw is used without querying the vendor again: URLs of results expire."""
_DETAILS = 1000
"""Bytes of a status' details; the manifest of a batch has none."""


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How the wait for one job ended.

    :param outcome: how.
    :param status: the terminal one, if it ended.
    :param reason: why, if it did not.
    :param alone: whether the vendor could be queried about other jobs meanwhile, and not about this one.
    """

    job_id: str
    outcome: Outcome
    status: JobStatus | None = None
    reason: Reason = field(default_factory=Reason)
    alone: bool = False

    @classmethod
    def of(cls, watch: Watch, others_at: float) -> Self:
        """Return the end of a watch that is done.

        :param others_at: when the vendor last said something new of any job, in monotonic seconds.
        """
        outcome = watch.outcome or Outcome.UNAVAILABLE
        if outcome is Outcome.ENDED:
            return cls(watch.job_id, outcome, watch.status)
        return cls(watch.job_id, outcome, None, Reason.of_watch(watch), watch.is_alone_unavailable(others_at))

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; :meth:`from_json` reads them back."""
        if self.status is not None:
            return {"job_id": self.job_id, "status": self.status.to_json(_DETAILS)}
        alone = {"alone": True} if self.alone else {}
        return {"job_id": self.job_id, "outcome": self.outcome.value, **asdict(self.reason), **alone}

    @classmethod
    def from_json(cls, stored: Any) -> Self:
        """Read what :meth:`to_json` of any version wrote.

        :raises TypeError, KeyError, ValueError: for anything else.
        """
        job_id = stored["job_id"]
        if not isinstance(job_id, str):
            raise TypeError("job_id: must be text")
        if "status" not in stored:
            if (outcome := Outcome(stored["outcome"])) is Outcome.ENDED:
                raise ValueError("status: is missing")
            return cls(job_id, outcome, None, Reason.read(stored), stored.get("alone") is True)
        status = JobStatus.from_json(stored["status"])
        if status.job_id != job_id or not status.state.terminal:
            raise ValueError("status: is another job's, or not terminal")
        return cls(job_id, Outcome.ENDED, status)


def ends_of(watches: Sequence[Watch]) -> list[JobEnd]:
    """Return the ends of those watches that are done.

    :param watches: of all jobs of a wait.
    """
    said_at = max((watch.changed_at for watch in watches), default=float("-inf"))
    return [JobEnd.of(watch, said_at) for watch in watches if watch.done]


def xcom_of(ends: Sequence[JobEnd], at: float) -> dict[str, Any]:
    """Return the XCom that says how jobs ended.

    :param ends: of the jobs.
    :param at: epoch seconds; the event names the same.
    """
    return {"version": _VERSION, "at": at, "jobs": [end.to_json() for end in ends]}


def batch_event(at: float) -> dict[str, Any]:
    """Return the event of a wait after which a worker is to go on.

    :param at: epoch seconds, as in the XCom.
    """
    return {"version": _VERSION, "outcome": Outcome.ENDED.value, "at": at}


def ended_in_trigger(event: object, task_instance: Any, job_ids: Collection[str], log: Log) -> list[JobEnd] | None:
    """Return how the jobs ended that the trigger saw end.

    :param event: the trigger's.
    :param task_instance: the running one, whose XCom says it.
    :param job_ids: those in flight: what is said of others is left out.
    :param log: the task's.
    :returns: ``None`` if nobody knows: the vendor has to be queried then.
    """
    try:
        pushed = task_instance.xcom_pull(
            key=ENDED_KEY, task_ids=task_instance.task_id, map_indexes=task_instance.map_index
        )
        # The XCom of this wait, and not what an earlier one left.
        of_this_wait = isinstance(event, Mapping) and pushed["at"] == event.get("at")
        if not of_this_wait or abs(time.time() - pushed["at"]) > _FRESH:
            return None
        ends = [JobEnd.from_json(stored) for stored in pushed["jobs"]]
    except Exception as failure:  # noqa: BLE001 - it only saves requests, whatever Airflow or a hand made of it
        log.info("What the trigger saw cannot be read (%s): querying the vendor", type(failure).__name__)
        return None
    return [end for end in ends if end.job_id in job_ids]
