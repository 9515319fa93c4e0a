# SPDX-License-Identifier: Apache-2.0
"""Errors as Airflow sees them: what a retry cannot mend uses no retries up."""

from __future__ import annotations

import asyncio
import copy
import pickle
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

import airflow_provider_videoai
from airflow_provider_videoai.airflow_compat import (
    AIRFLOW_V_3_3_PLUS,
    AirflowNotFoundException,
    AirflowSensorTimeout,
    AirflowSkipException,
)
from airflow_provider_videoai.hooks.connection_lookup import connection_lookup
from airflow_provider_videoai.hooks.lookup import hook_for
from airflow_provider_videoai.jobs import errors
from airflow_provider_videoai.registry import VENDORS
from airflow_provider_videoai.tasks.airflow_failures import airflow_boundary, for_airflow
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
NOT_IMPORTED = ("__main__",) if AIRFLOW_V_3_3_PLUS else ("__main__", ".policies.retry")
"""Commands; and what Airflow is too old for. Neither defines an error."""
RETRIED = [
    errors.QuotaExceeded,
    errors.BatchFailed,
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


def test_a_batch_is_retried_if_a_retry_may_help_one_of_its_items() -> None:
    final = for_airflow(errors.BatchFailed("lost", failed=2, items=3, retry_helps=False))
    assert isinstance(final, AirflowFailException)
    assert isinstance(final, errors.BatchFailed)
    assert (final.failed, final.items) == (2, 3)


def test_every_error_of_the_tree_is_judged_here() -> None:
    def tree(kind: type[errors.VideoAIError]) -> set[type[errors.VideoAIError]]:
        own = {kind for kind in kind.__subclasses__() if kind.__module__ == errors.__name__}
        return {kind}.union(*map(tree, own))

    assert tree(errors.VideoAIError) == {*FINAL, *RETRIED}


def test_an_error_that_crossed_the_boundary_stays_as_it_is() -> None:
    final = for_airflow(errors.InvalidRequest("what happened"))
    assert for_airflow(final) is final


@pytest.mark.parametrize("foreign", [KeyError("a"), OSError("b"), AirflowException("c"), UnicodeError("d")], ids=repr)
def test_what_is_no_error_of_this_package_becomes_one_that_is_retried(foreign: Exception) -> None:
    with pytest.raises(errors.VideoAIError, match="was bought goes on") as raised, airflow_boundary():
        raise foreign
    assert type(raised.value) is errors.VideoAIError
    assert raised.value.__cause__ is foreign
    assert type(foreign).__name__ in raised.value.message


def test_an_unexpected_error_shows_no_signature() -> None:
    with pytest.raises(errors.VideoAIError) as raised, airflow_boundary():
        raise RuntimeError("cannot read https://host.test/a.mp4?X-Amz-Signature=0123")
    assert "0123" not in raised.value.message


@pytest.mark.parametrize(
    "end",
    [AirflowSkipException("a"), AirflowFailException("b"), AirflowSensorTimeout("c"), KeyboardInterrupt()],
    ids=repr,
)
def test_what_says_to_airflow_how_the_task_ends_passes(end: BaseException) -> None:
    with pytest.raises(type(end)) as raised, airflow_boundary():
        raise end
    assert raised.value is end


def _subclasses(kind: type[errors.VideoAIError]) -> set[type[errors.VideoAIError]]:
    return {kind}.union(*map(_subclasses, kind.__subclasses__()))


def _pickled(error: errors.VideoAIError) -> Any:
    return pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes


def _all_kinds() -> list[type[errors.VideoAIError]]:
    for module in walk_packages(airflow_provider_videoai.__path__, f"{airflow_provider_videoai.__name__}."):
        if not module.name.endswith(NOT_IMPORTED):
            import_module(module.name)
    ours = {
        kind for kind in _subclasses(errors.VideoAIError) if kind.__module__.startswith("airflow_provider_videoai.")
    }
    return sorted(ours, key=lambda kind: (kind.__module__, kind.__name__))


@pytest.mark.parametrize("kind", _all_kinds(), ids=lambda kind: f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}")
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, _pickled])
def test_every_error_can_be_copied_and_pickled_whole(kind: type[errors.VideoAIError], copied: Any) -> None:
    error = kind("what\nhappened " * 999, code="7", job_id="a1")
    for name in ("retry_after", "temporary", "retry_helps"):
        if hasattr(error, name):
            setattr(error, name, 30.0 if name == "retry_after" else True)
    other = copied(error)
    assert type(other) is kind
    assert (str(other), vars(other)) == (str(error), vars(error))


def test_a_final_error_keeps_all_that_the_error_knew() -> None:
    error = errors.SubmitUncertain("lost", code="7", job_id="a1")
    error.add_note("seen at night")
    assert vars(for_airflow(error)) == vars(error)


@pytest.mark.parametrize(
    ("missing", "kind"),
    [
        (AirflowNotFoundException("my-login"), errors.VendorUnavailable),
        (PermissionError("my-login"), errors.InvalidRequest),
        (KeyError("my-login"), errors.VendorUnavailable),
        (AirflowException("my-login"), errors.VendorUnavailable),
        (RuntimeError("my-login"), errors.VendorUnavailable),
    ],
)
def test_a_connection_that_airflow_does_not_hand_out_is_named(missing: Exception, kind: type[Exception]) -> None:
    said = r"connection 'some_conn' .*nothing was sent"
    with pytest.raises(kind, match=said) as raised, connection_lookup("some_conn"):
        raise missing
    assert "my-login" not in str(raised.value)
    assert raised.value.__suppress_context__, "what a secrets backend says may quote the connection"


@pytest.mark.parametrize("vendor", list(VENDORS))
def test_a_hook_without_its_connection_raises_an_error_of_this_package(vendor: str) -> None:
    hook = hook_for(vendor, "nowhere_to_be_found")
    with pytest.raises(errors.VendorUnavailable, match="connection 'nowhere_to_be_found' is not defined in Airflow"):
        hook.status("a1")
    with pytest.raises(errors.VendorUnavailable, match="connection 'nowhere_to_be_found' is not defined in Airflow"):
        asyncio.run(hook.astatus("a1"))
