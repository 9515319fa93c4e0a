# SPDX-License-Identifier: Apache-2.0
"""Errors as Airflow sees them: what a retry cannot mend uses no retries up."""

from __future__ import annotations

import pytest

from airflow_provider_videoai.hooks.boundary import airflow_boundary, for_airflow
from airflow_provider_videoai.jobs import errors
from tests.support.which_airflow import AirflowFailException

FINAL = [
    errors.InvalidRequest,
    errors.SubmitRejected,
    errors.AuthenticationFailed,
    errors.ContentRejected,
    errors.SubmitUncertain,
    errors.JobNotFound,
    errors.ResultUnavailable,
]
RETRIED = [
    errors.QuotaExceeded,
    errors.JobFailed,
    errors.JobAborted,
    errors.JobTimedOut,
    errors.StorageFailed,
    errors.VendorUnavailable,
    errors.VideoAIError,
]


@pytest.mark.parametrize("kind", FINAL)
def test_an_error_that_a_retry_cannot_mend_is_final(kind: type[errors.VideoAIError]) -> None:
    with pytest.raises(kind) as raised, airflow_boundary():
        raise kind("what happened", code="7", job_id="a1")
    assert isinstance(raised.value, AirflowFailException)
    assert (str(raised.value), raised.value.code, raised.value.job_id) == ("what happened", "7", "a1")
    assert type(raised.value).__name__ == kind.__name__


@pytest.mark.parametrize("kind", RETRIED)
def test_any_other_error_is_retried_and_stays_as_it_is(kind: type[errors.VideoAIError]) -> None:
    error = kind("what happened")
    with pytest.raises(kind) as raised, airflow_boundary():
        raise error
    assert raised.value is error
    assert not isinstance(error, AirflowFailException)


def test_a_refusal_that_may_pass_is_retried() -> None:
    assert not isinstance(for_airflow(errors.SubmitRejected("busy", temporary=True)), AirflowFailException)


def test_an_uncertain_submit_is_retried_where_a_retry_can_find_out() -> None:
    assert not isinstance(for_airflow(errors.SubmitUncertain("lost", retry_helps=True)), AirflowFailException)


def test_every_error_of_the_tree_is_judged_here() -> None:
    def tree(kind: type[errors.VideoAIError]) -> set[type[errors.VideoAIError]]:
        own = {kind for kind in kind.__subclasses__() if kind.__module__ == errors.__name__}
        return {kind}.union(*map(tree, own))

    assert tree(errors.VideoAIError) == {*FINAL, *RETRIED}


def test_an_error_that_crossed_the_boundary_stays_as_it_is() -> None:
    final = for_airflow(errors.InvalidRequest("what happened"))
    assert for_airflow(final) is final


def test_what_is_no_error_of_this_package_passes() -> None:
    with pytest.raises(KeyError), airflow_boundary():
        raise KeyError("another's")
