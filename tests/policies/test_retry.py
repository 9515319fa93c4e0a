# SPDX-License-Identifier: Apache-2.0
"""Airflow's ``retry_policy`` over real tasks: what is retried, and how many jobs are bought on the way."""

from __future__ import annotations

import importlib
import json
import sys
from datetime import timedelta
from typing import Any

import airflow.sdk
import pytest

pytest.importorskip("airflow.sdk.definitions.retry_policy", reason="needs Airflow 3.3: retry policies")

from airflow.sdk import DAG, RetryAction, RetryDecision
from airflow.serialization.serialized_objects import DagSerialization

from airflow_provider_videoai.jobs.errors import (
    InvalidRequest,
    JobFailed,
    JobTimedOut,
    QuotaExceeded,
    SubmitRejected,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.policies.retry import VideoAIRetryPolicy
from tests.support.which_airflow import TaskDeferred, needs_airflow_3_4

pytestmark = pytest.mark.usefixtures("prompt")


def live(make_try: Any, policy: VideoAIRetryPolicy, tries: int = 6) -> list[RetryDecision]:
    """Try a task as Airflow would, until the policy says that it failed; return what the policy said each time."""
    said = []
    for number in range(1, tries + 1):
        attempt = make_try()
        with pytest.raises(VideoAIError) as failure:
            attempt.run()
        said.append(policy.evaluate(failure.value, number, tries, attempt.context))
        if said[-1].action is not RetryAction.RETRY:
            break
    return said


@pytest.mark.parametrize("paid_retries", [0, 2])
def test_a_failing_job_is_bought_once_and_as_often_again_as_is_allowed(
    paid_retries: int, case: Any, task: Any, sandbox: Any, bought: Any
) -> None:
    sandbox.fault(vendor=case.vendor, kind="fail_job", times=None)
    policy = VideoAIRetryPolicy(paid_retries)
    first = task(case)
    said = live(lambda: task(case, store=first.store, retry_policy=policy), policy)
    assert [each.action for each in said] == [RetryAction.RETRY] * paid_retries + [RetryAction.FAIL]
    assert len(set(bought(case))) == 1 + paid_retries
    assert "would have to be paid for" in str(said[-1].reason)


def test_refused_submits_are_no_purchases(cases: Any, task: Any, sandbox: Any, bought: Any) -> None:
    case = cases["topview"]
    store = task(case).store
    sandbox.fault(vendor=case.vendor, call="submit", kind="quota_full", times=2)
    for _ in range(2):
        with pytest.raises(TaskDeferred):
            task(case, store=store).start()
    sandbox.fault(vendor=case.vendor, kind="fail_job", times=None)
    policy = VideoAIRetryPolicy(paid_retries=1)
    assert len(live(lambda: task(case, store=store, retry_policy=policy), policy)) == 2
    assert len(bought(case)) == 2


@pytest.mark.parametrize(("paid_retries", "jobs"), [(0, 1), (1, 2)])
def test_a_job_that_failed_unseen_is_replaced_only_within_the_limit(
    paid_retries: int, jobs: int, cases: Any, task: Any, sandbox: Any, bought: Any, settled: Any
) -> None:
    case = cases["topview"]
    sandbox.fault(vendor=case.vendor, kind="fail_job")
    crashed = task(case)
    crashed.defer()
    settled(case)
    again = task(case, store=crashed.store, retry_policy=VideoAIRetryPolicy(paid_retries))
    if jobs == 1:
        with pytest.raises(JobFailed, match="failed at the vendor"):
            again.start()
        assert crashed.store.get("videoai_submission")["phase"] == "failed"
    else:
        again.run()
    assert len(bought(case)) == jobs


def test_a_user_who_clears_the_failed_task_buys_another_job(cases: Any, task: Any, sandbox: Any, bought: Any) -> None:
    case = cases["topview"]
    policy = VideoAIRetryPolicy()
    sandbox.fault(vendor=case.vendor, kind="fail_job")
    first = task(case, retry_policy=policy)
    live(lambda: first, policy)
    assert task(case, store=first.store, retry_policy=policy).run()["state"] == "succeeded"
    assert len(bought(case)) == 2


def test_a_job_that_takes_too_long_is_attached_to_and_costs_nothing(
    cases: Any, task: Any, sandbox: Any, bought: Any
) -> None:
    case = cases["topview"]
    sandbox.fault(vendor=case.vendor, kind="never_ends")
    policy = VideoAIRetryPolicy()
    first = task(case)
    said = live(lambda: task(case, store=first.store, job_timeout=0.05, retry_policy=policy), policy, tries=3)
    assert [each.retry_delay for each in said] == [timedelta(minutes=number) for number in (1, 2, 4)]
    assert len(bought(case)) == 1


def test_a_sensor_does_not_poll_a_failed_job_again(cases: Any, task: Any, sensor: Any, sandbox: Any) -> None:
    case = cases["topview"]
    sandbox.fault(vendor=case.vendor, kind="fail_job")
    job_id = task(case, wait_for_completion=False).start()["job_id"]
    waiting = sensor(case, job_id)
    (said,) = live(lambda: waiting, VideoAIRetryPolicy(paid_retries=5))
    assert said.action is RetryAction.FAIL
    assert "stays failed" in str(said.reason)


class Unreadable:
    def get(self, key: str) -> Any:
        raise ConnectionError(key)


@pytest.mark.parametrize("context", [None, {}, {"task_state_store": Unreadable()}], ids=["none", "old", "broken"])
def test_without_a_record_each_try_is_taken_for_a_purchase(context: Any) -> None:
    policy = VideoAIRetryPolicy(paid_retries=1)
    said = [policy.evaluate(JobFailed("it broke"), number, 5, context).action for number in (1, 2)]
    assert said == [RetryAction.RETRY, RetryAction.FAIL]


def test_the_record_is_read_only_where_it_counts() -> None:
    said = VideoAIRetryPolicy().evaluate(JobTimedOut("late"), 1, 3, {"task_state_store": Unreadable()})
    assert said.action is RetryAction.RETRY


PASSES = [
    (QuotaExceeded("full"), timedelta(minutes=5)),
    (QuotaExceeded("full", retry_after=900.0), timedelta(minutes=15)),
    (VendorUnavailable("away"), timedelta(minutes=5)),
]


@needs_airflow_3_4("a decision that reschedules")
@pytest.mark.parametrize(("error", "pause"), PASSES, ids=["full", "Retry-After", "away"])
def test_a_full_queue_and_an_outage_use_no_retry(error: VideoAIError, pause: timedelta) -> None:
    said: Any = VideoAIRetryPolicy().evaluate(error, 1, 0)
    assert said.action is RetryAction.RESCHEDULE  # type: ignore[attr-defined,unused-ignore]
    assert said.retry_delay == pause
    assert said.reschedule_timeout == timedelta(hours=4), "a mistyped connection must not be polled for ever"


@needs_airflow_3_4("a decision that reschedules")
@pytest.mark.parametrize(
    "error", [JobTimedOut("late"), SubmitRejected("busy", temporary=True)], ids=lambda error: type(error).__name__
)
def test_what_does_not_pass_by_itself_uses_a_retry(error: VideoAIError) -> None:
    assert VideoAIRetryPolicy().evaluate(error, 1, 3).action is RetryAction.RETRY


@pytest.mark.skipif(hasattr(RetryAction, "RESCHEDULE"), reason="shows what Airflow 3.3 does")
@pytest.mark.parametrize("error", [error for error, _ in PASSES], ids=["full", "Retry-After", "away"])
def test_without_reschedules_they_use_a_retry(error: VideoAIError) -> None:
    assert VideoAIRetryPolicy().evaluate(error, 1, 3).action is RetryAction.RETRY


def test_every_decision_says_why() -> None:
    policy = VideoAIRetryPolicy()
    for error in (InvalidRequest("x"), JobFailed("x"), QuotaExceeded("x")):
        assert policy.evaluate(error, 1, 3).reason
    assert policy.evaluate(KeyError("x"), 1, 3) == RetryDecision.default()


@pytest.mark.parametrize("paid_retries", [-1, 1.0, True, "2", None])
def test_an_invalid_number_of_retries_is_refused(paid_retries: Any) -> None:
    with pytest.raises(InvalidRequest, match="paid_retries: must be a whole number"):
        VideoAIRetryPolicy(paid_retries)


def test_a_policy_is_the_same_after_the_database() -> None:
    policy = VideoAIRetryPolicy(paid_retries=2)
    assert VideoAIRetryPolicy.deserialize(json.loads(json.dumps(policy.serialize()))) == policy


def test_a_dag_with_the_policy_is_serialized(cases: Any, sandbox: Any) -> None:
    case = cases["viitor"]
    policy = VideoAIRetryPolicy(paid_retries=1)
    with DAG("pipeline", schedule=None, default_args={"retry_policy": policy}) as dag:
        made = case.operator(task_id="make", **case.request(sandbox))
    assert made.retry_policy is policy
    read: Any = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))
    assert read.get_task("make").has_retry_policy


def test_an_airflow_without_policies_says_which_version_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    name = VideoAIRetryPolicy.__module__
    monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "airflow.sdk.definitions.retry_policy", None)
    for each in ("RetryPolicy", "RetryDecision"):
        monkeypatch.delitem(vars(airflow.sdk), each, raising=False)
    with pytest.raises(ImportError, match=r"needs Airflow 3\.3"):
        importlib.import_module(name)
