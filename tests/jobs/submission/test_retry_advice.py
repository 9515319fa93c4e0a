# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs import errors
from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    ContentRejected,
    InvalidRequest,
    JobAborted,
    JobFailed,
    JobNotFound,
    JobTimedOut,
    QuotaExceeded,
    ResultUnavailable,
    SubmitRejected,
    SubmitUncertain,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.submission.retry_advice import Advice, advise, may_buy_another


def advised(
    error: BaseException, *, try_number: int = 1, bought: int | None = None, paid_retries: int = 0
) -> Advice | None:
    return advise(error, try_number=try_number, bought=bought, paid_retries=paid_retries)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (InvalidRequest("no"), "nothing was bought"),
        (SubmitRejected("no"), "nothing was bought"),
        (AuthenticationFailed("no"), "nothing was bought"),
        (ContentRejected("no"), "nothing was bought"),
        (SubmitUncertain("lost"), "may have been bought"),
        (JobNotFound("who?"), "the same answer"),
        (ResultUnavailable("gone"), "the same answer"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_what_a_retry_cannot_mend_is_not_retried(error: VideoAIError, words: str) -> None:
    advice = advised(error, paid_retries=9)
    assert advice is not None
    assert not advice.again
    assert words in advice.reason


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (VendorUnavailable("away"), "nothing more has to be paid"),
        (JobTimedOut("late"), "nothing more has to be paid"),
        (SubmitRejected("busy", temporary=True), "nothing was bought"),
        (QuotaExceeded("full"), "nothing was bought"),
        (SubmitUncertain("lost", retry_helps=True), "queries the job first"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_what_costs_nothing_is_retried_whatever_was_bought(error: VideoAIError, words: str) -> None:
    advice = advised(error, bought=99)
    assert advice is not None
    assert advice.again
    assert words in advice.reason


@pytest.mark.parametrize("kind", [JobFailed, JobAborted])
@pytest.mark.parametrize(
    ("bought", "paid_retries", "again"),
    [(1, 0, False), (1, 1, True), (2, 1, False), (2, 2, True), (7, 2, False), (None, 5, False)],
)
def test_a_failed_job_is_paid_again_only_as_often_as_is_allowed(
    kind: type[JobFailed], bought: int | None, paid_retries: int, again: bool
) -> None:
    advice = advised(kind("it broke"), bought=bought, paid_retries=paid_retries, try_number=3)
    assert advice is not None
    assert advice.again is again
    if bought is not None:
        assert str(bought) in advice.reason
        assert str(paid_retries) in advice.reason


@pytest.mark.parametrize("error", [KeyError("x"), ValueError("x"), TimeoutError(), VideoAIError("odd")], ids=repr)
def test_an_error_that_is_not_judged_here_is_left_to_airflow(error: BaseException) -> None:
    assert advised(error) is None


def test_every_error_of_the_tree_is_judged() -> None:
    def family(kind: type[VideoAIError]) -> Iterator[type[VideoAIError]]:
        for child in kind.__subclasses__():
            if child.__module__ == errors.__name__:
                yield child
                yield from family(child)

    assert [kind for kind in family(VideoAIError) if advised(kind("x")) is None] == []


def test_delays_double_from_a_minute_to_an_hour() -> None:
    delays = [advice.delay for number in range(1, 9) if (advice := advised(JobTimedOut("late"), try_number=number))]
    assert delays == [60, 120, 240, 480, 960, 1920, 3600, 3600]


@pytest.mark.parametrize(("asked", "delay"), [(None, 60), (0, 60), (90, 90), (3000, 3000), (1e9, 3600)])
@pytest.mark.parametrize("kind", [QuotaExceeded, VendorUnavailable])
def test_a_vendors_wish_to_wait_longer_is_kept_up_to_an_hour(
    kind: type[QuotaExceeded | VendorUnavailable], asked: float | None, delay: float
) -> None:
    advice = advised(kind("slow down", retry_after=asked))
    assert advice is not None
    assert advice.delay == delay


@given(st.integers(-5, 10**9), st.none() | st.floats(0, allow_nan=False))
def test_a_delay_is_always_one_that_airflow_can_wait(try_number: int, asked: float | None) -> None:
    advice = advised(QuotaExceeded("full", retry_after=asked), try_number=try_number)
    assert advice is not None
    assert 60 <= advice.delay <= 3600


@pytest.mark.parametrize(
    ("bought", "paid_retries", "may"), [(1, None, True), (99, None, True), (1, 0, False), (1, 1, True), (2, 1, False)]
)
def test_without_a_limit_every_failed_job_may_be_replaced(bought: int, paid_retries: int | None, may: bool) -> None:
    assert may_buy_another(bought, paid_retries) is may
