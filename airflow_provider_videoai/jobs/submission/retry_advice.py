# SPDX-License-Identifier: Apache-2.0
"""Decide whether another attempt of a task can help after an error, and whether it would have to be paid for."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_videoai.jobs.errors import (
    BatchFailed,
    InvalidRequest,
    JobFailed,
    JobNotFound,
    JobTimedOut,
    QuotaExceeded,
    ResultUnavailable,
    StorageFailed,
    SubmitRejected,
    SubmitUncertain,
    VendorUnavailable,
)

__all__ = ["Advice", "advise", "may_buy_another"]

_FIRST_DELAY = 60.0
_LONGEST_DELAY = 3600.0


@dataclass(frozen=True, slots=True)
class Advice:
    """Whether another attempt can help.

    :param again: whether to retry.
    :param reason: why, for the task's log.
    :param delay: after how many seconds.
    :param passes: whether the cause is a full queue or an outage at the vendor, which passes without this task.
    """

    again: bool
    reason: str
    delay: float = 0.0
    passes: bool = False


def advise(error: BaseException, *, try_number: int, bought: int | None, paid_retries: int) -> Advice | None:
    """Return what to do after an error. Pure.

    :param error: what the task raised.
    :param try_number: of which attempt, from 1.
    :param bought: how many jobs the task has bought so far; ``None`` if it has no record of any.
    :param paid_retries: how many more jobs than the first it may buy.
    :returns: ``None`` for an error that is not of this package.
    """
    # The first pattern that fits counts: special cases stand before their class.
    match error:
        case SubmitUncertain(retry_helps=True):
            return _again(error, try_number, "the next attempt queries the job first, or resubmits as you chose")
        case SubmitUncertain():
            return Advice(again=False, reason="the job may have been bought: a person has to check that first")
        case SubmitRejected(temporary=True):
            return _again(error, try_number, "nothing was bought, and the refusal may be transient")
        case InvalidRequest() | SubmitRejected():
            return Advice(again=False, reason="nothing was bought, and the same request would be refused again")
        case JobNotFound() | ResultUnavailable():
            return Advice(again=False, reason="another status request would have the same answer")
        case BatchFailed(retry_helps=False):
            return Advice(again=False, reason="each item that failed would fail again in the same way")
        case BatchFailed():
            return _again(error, try_number, "the next attempt tries only what failed, within its paid_retries")
        case JobFailed():
            return _after_failure(error, try_number, bought, paid_retries)
        case JobTimedOut() | StorageFailed() | VendorUnavailable():
            return _again(error, try_number, "nothing more has to be paid: a job that was bought is attached to")
        case _:
            return None


def may_buy_another(bought: int, paid_retries: int | None) -> bool:
    """Return whether a job that failed may be replaced.

    :param bought: how many jobs the task has bought so far.
    :param paid_retries: how many more than the first it may buy; ``None``: as many as there are tries.
    """
    return paid_retries is None or bought <= paid_retries


def _after_failure(error: JobFailed, try_number: int, bought: int | None, paid_retries: int) -> Advice:
    # As in a sensor: another attempt would query the same failed job.
    if bought is None:
        return Advice(again=False, reason="a failed job stays failed, and this task has no record of having bought it")
    if may_buy_another(bought, paid_retries):
        return _again(error, try_number, f"the next attempt buys another job: paid retry {bought} of {paid_retries}")
    return Advice(
        again=False, reason=f"another job would have to be paid for: {bought} bought, paid_retries is {paid_retries}"
    )


def _again(error: BaseException, try_number: int, reason: str) -> Advice:
    passes = isinstance(error, QuotaExceeded | VendorUnavailable)
    wanted = error.retry_after if isinstance(error, QuotaExceeded | VendorUnavailable) else None
    # The exponent is bounded because a try number is not, and a float is.
    growing = _FIRST_DELAY * 2 ** min(max(try_number - 1, 0), 10)
    return Advice(again=True, reason=reason, delay=min(max(growing, wanted or 0.0), _LONGEST_DELAY), passes=passes)
