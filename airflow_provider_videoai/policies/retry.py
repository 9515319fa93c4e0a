# SPDX-License-Identifier: Apache-2.0
"""Airflow's ``retry_policy`` for tasks of this package: retry what costs nothing, pay again only if allowed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Self

from typing_extensions import override

from airflow_provider_videoai.jobs.errors import InvalidRequest, JobFailed
from airflow_provider_videoai.jobs.submission.record_store import load
from airflow_provider_videoai.jobs.submission.retry_advice import Advice, advise
from airflow_provider_videoai.tasks.task_state import store_of

__all__ = ["VideoAIRetryPolicy"]

try:
    from airflow.sdk import RetryAction, RetryDecision, RetryPolicy
except ImportError as absent:
    raise ImportError("VideoAIRetryPolicy needs Airflow 3.3 or newer: older ones have no retry policies") from absent

log = logging.getLogger(__name__)

_RESCHEDULE = getattr(RetryAction, "RESCHEDULE", None)
"""Since Airflow 3.4: the task comes back later, and uses no retry."""
_RESCHEDULED_FOR = timedelta(hours=4)
_LEAST_PAUSE = timedelta(minutes=5)
"""Between reschedules: they do not count as tries, so a backoff by the number of the try would not grow."""


@dataclass(frozen=True)
class VideoAIRetryPolicy(RetryPolicy):
    """Decide by the error whether a failed task is tried again, within its ``retries``.

    Non-retryable errors fail the task at once. What costs nothing is retried with a backoff of 1, 2, 4, ... minutes, at
    most an hour, or later if the vendor's ``Retry-After`` says so. A job that failed is replaced only ``paid_retries``
    times in a DAG run. Errors of other packages are left to Airflow.

    Since Airflow 3.4 a full queue and an outage of the vendor use no retry for four hours of a try: the task is
    rescheduled, each time after five minutes or the vendor's ``Retry-After``.

    :param paid_retries: how many jobs the task may buy by itself after its first, in all its tries; 0 or more.
    :raises InvalidRequest: for any other value, when the DAG file is parsed.
    """

    paid_retries: int = 0

    def __post_init__(self) -> None:
        # `type() is`: True is an int, and would allow one purchase.
        if type(self.paid_retries) is not int or self.paid_retries < 0:
            raise InvalidRequest(f"paid_retries: must be a whole number, 0 or more, not {self.paid_retries!r}")

    @override
    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Mapping[str, Any] | None = None
    ) -> RetryDecision:
        # Only a failed job makes the next try a purchase; the record is not read for what costs nothing.
        bought = _bought(context or {}, try_number) if isinstance(exception, JobFailed) else None
        advice = advise(exception, try_number=try_number, bought=bought, paid_retries=self.paid_retries)
        if advice is None:
            return RetryDecision.default()
        if advice.passes and _RESCHEDULE is not None:
            return _rescheduled(advice)
        if advice.again:
            return RetryDecision.retry(timedelta(seconds=advice.delay), advice.reason)
        return RetryDecision.fail(advice.reason)

    @override
    def serialize(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    @override
    def deserialize(cls, data: dict[str, Any]) -> Self:
        return cls(**data)


def _rescheduled(advice: Advice) -> RetryDecision:
    decision: Any = RetryDecision  # Airflow 3.3 has no such field
    pause = max(_LEAST_PAUSE, timedelta(seconds=advice.delay))
    made: RetryDecision = decision(
        action=_RESCHEDULE, retry_delay=pause, reason=advice.reason, reschedule_timeout=_RESCHEDULED_FOR
    )
    return made


def _bought(context: Mapping[str, Any], try_number: int) -> int | None:
    """Return how many jobs the task bought, by its record; if that cannot be read, as many as it had tries."""
    if context.get("task_state_store") is None:
        return try_number
    try:
        record = load(store_of(context))
    except Exception:
        # Whatever it was, the policy must decide: Airflow calls it while the task fails. The guess buys too little.
        log.warning("The submission record cannot be read: each try is taken for a purchase", exc_info=True)
        return try_number
    return record.bought if record else None
