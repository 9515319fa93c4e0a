# SPDX-License-Identifier: Apache-2.0
"""Whatever happens in the triggerer, the worker that goes on raises an error of this package."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, NoReturn

import pytest
from airflow.sdk.exceptions import AirflowException
from airflow.sdk.execution_time.xcom import XCom
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs import errors
from airflow_provider_videoai.jobs.errors import JobFailed, VendorUnavailable, VideoAIError
from airflow_provider_videoai.jobs.polling.poller import Poller
from airflow_provider_videoai.jobs.values.printable import is_printable
from airflow_provider_videoai.triggers import job, waiting
from airflow_provider_videoai.triggers import progress_report as report
from airflow_provider_videoai.triggers.event import UnknownEventError, job_id_of, submitted_at_of
from airflow_provider_videoai.triggers.job import VideoJobTrigger
from airflow_provider_videoai.vendors.topview import Topview
from tests.support.airflow_encoder import carry_event
from tests.support.fuzzing import fuzz, json_values, outcome
from tests.support.which_airflow import AirflowFailException, needs_airflow_3_3

pytestmark = pytest.mark.usefixtures("prompt")

UNFORESEEN = [
    KeyError("job_ids"),
    UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates not allowed"),
    RecursionError("too deep"),
    AirflowException("from Airflow\nforged line \x1b[2J"),
    ImportError("no module"),
]


def raising(failure: BaseException) -> Any:
    def raise_it(*_: Any, **__: Any) -> NoReturn:
        raise failure

    return raise_it


def assert_a_retry_goes_on(task: Any, kind: type[VideoAIError] = VideoAIError, match: str = "goes on") -> None:
    """A task whose trigger broke off fails so that the next attempt attaches to its job."""
    with pytest.raises(kind, match=match) as raised:
        task.run()
    assert type(raised.value) is kind
    assert is_printable(raised.value.message)
    (event,) = task.events
    carry_event(event)


@pytest.mark.parametrize("failure", UNFORESEEN, ids=lambda failure: type(failure).__name__)
@pytest.mark.parametrize("where", [(Poller, "watch"), (waiting, "watches_of"), (report.Report, "conclude")], ids=str)
def test_unforeseen_error_is_logged_whole_and_ends_in_an_error_of_this_package(
    where: tuple[Any, str], failure: Exception, cases: Any, task: Any, bought: Any,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    waits = task(cases["topview"])
    with monkeypatch.context() as patched:
        patched.setattr(*where, raising(failure))
        assert_a_retry_goes_on(waits, match=rf"unexpected {type(failure).__name__}")
    assert any(record.exc_info and record.exc_info[1] is failure for record in caplog.records)
    assert [task(cases["topview"], store=waits.store).run()["job_id"]] == bought(cases["topview"])


def test_package_that_cannot_be_loaded_ends_in_an_error_of_this_package(
    cases: Any, task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "_load", raising(ImportError("half installed")))
    monkeypatch.setattr(job, "_loaded", threading.Event())
    assert_a_retry_goes_on(task(cases["topview"]), match="unexpected ImportError: half installed")


def test_connection_that_is_gone_ends_in_an_error_that_names_it(
    cases: Any, task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = task(cases["topview"])
    deferred = waits.defer()
    monkeypatch.delenv("AIRFLOW_CONN_TOPVIEW_DEFAULT")
    event = asyncio.run(waits.fire(deferred.trigger))
    assert event.payload["refusal"] == "VendorUnavailable"
    assert "connection 'topview_default' is not defined in Airflow" in event.payload["said"]


def test_secrets_backend_that_is_away_for_a_moment_leaves_the_job_to_a_retry(
    cases: Any, task: Any, bought: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = cases["topview"]
    waits = task(case)
    deferred = waits.defer()
    with monkeypatch.context() as away:
        away.delenv("AIRFLOW_CONN_TOPVIEW_DEFAULT")
        event = asyncio.run(waits.fire(deferred.trigger))
    with pytest.raises(VendorUnavailable, match=r"secrets backend .* a retry") as raised:
        waits.resume(deferred, event.payload)
    assert not isinstance(raised.value, AirflowFailException)
    assert [waits.run()["job_id"]] == bought(case)


@needs_airflow_3_3("sensors that start in the triggerer")
@pytest.mark.parametrize(
    "pulled", [raising(RuntimeError("API server is away")), lambda **_: "a\x00", lambda **_: {"a": "[" * 9999}]
)
def test_ids_that_cannot_be_pulled_end_in_an_error_of_this_package(
    pulled: Any, cases: Any, sensor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    case = cases["topview"]
    waits = sensor(case, case.absent_id)
    trigger = VideoJobTrigger(
        case.vendor, case.operation, case.conn_id, "", source_task_id="make", source_key="return_value", timeout=5
    )
    monkeypatch.setattr(XCom, "get_one", pulled)
    event = asyncio.run(waits.fire(trigger))
    carry_event(event)
    assert event.payload["outcome"] == "refused"
    assert event.payload["refusal"] in vars(errors)


async def test_cancelled_wait_stays_cancelled(cases: Any, sandbox: Any) -> None:
    case = cases["topview"]
    sandbox.fault(vendor=case.vendor, kind="never_ends")
    job_id = await case.hook(case.conn_id).asubmit(case.request(sandbox), case.operation)
    trigger = VideoJobTrigger(case.vendor, case.operation, case.conn_id, job_id)
    waits = asyncio.create_task(_events(trigger))
    await asyncio.sleep(0.2)
    waits.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waits


async def _events(trigger: VideoJobTrigger) -> list[Any]:
    return [event async for event in trigger.run()]


# -- on the worker ---------------------------------------------------------------------------------------------------

ODD_VALUES = json_values("x" * 99_999, "\x1b\n", 1e300, float("nan"), float("inf"), 10**400, -1.0, "\ud83d", "a\x00")
KEYS = ["version", "outcome", "job_id", "submitted_at", "state", "refusal", "said", "code", "retry_after", "more"]
SOUND = st.fixed_dictionaries(
    {
        "version": st.just(1),
        "outcome": st.sampled_from(["ended", "timed_out", "unavailable", "not_found", "refused"]),
        "refusal": st.sampled_from([name for name in vars(errors) if name[0].isupper()]) | st.text(),
    }
)


def test_whatever_an_event_holds_the_task_ends_in_its_result_or_in_an_error_of_this_package(
    cases: Any, task: Any, bought: Any
) -> None:
    case = cases["topview"]
    waits = task(case)
    deferred = waits.defer()
    asyncio.run(waits.fire(deferred.trigger))
    (job_id,) = bought(case)

    @fuzz
    @given(SOUND, st.dictionaries(st.sampled_from(KEYS), ODD_VALUES), ODD_VALUES, st.booleans())
    def any_event(sound: dict[str, Any], odd: dict[str, Any], other: Any, whole: bool) -> None:
        event = sound | odd if whole else other
        end = outcome(lambda: waits.make().execute_complete(waits.context, event=event))
        if isinstance(end, VideoAIError):
            assert not isinstance(end, JobFailed), "that would have the next attempt buy another job"
            assert is_printable(end.message)
            assert end.job_id in (None, job_id)
        else:
            assert end["job_id"] == job_id

    any_event()
    assert bought(case) == [job_id]


def test_whatever_the_last_status_holds_the_worker_finds_the_result(cases: Any, task: Any, bought: Any) -> None:
    case = cases["topview"]
    waits = task(case)
    deferred = waits.defer()
    event = asyncio.run(waits.fire(deferred.trigger))
    (job_id,) = bought(case)
    sound = waits.ti.xcom_pull(key="status") or {"jobs": []}

    @fuzz
    @given(ODD_VALUES, st.dictionaries(st.sampled_from(["observed_at", "jobs", "more"]), ODD_VALUES), st.booleans())
    def any_status(other: Any, odd: dict[str, Any], whole: bool) -> None:
        waits.ti.xcom_push("status", sound | odd if whole else other)
        result = waits.make().execute_complete(waits.context, event=event.payload)
        assert (result["job_id"], result["state"]) == (job_id, "succeeded")
        assert result["media_url"]

    any_status()


def test_xcoms_that_airflow_does_not_hand_out_cost_one_more_request(
    cases: Any, task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = task(cases["topview"])
    deferred = waits.defer()
    event = asyncio.run(waits.fire(deferred.trigger))
    monkeypatch.setattr(waits.ti, "xcom_pull", raising(RuntimeError("API server is away")))
    assert waits.resume(deferred, event.payload)["state"] == "succeeded"


@pytest.mark.parametrize(
    "event", [None, 7, {}, {"job_id": None}, {"job_id": ["a"]}, {"job_id": "a\nb"}, {"job_id": ""}]
)
def test_event_without_a_job_is_not_understood(event: Any) -> None:
    with pytest.raises(UnknownEventError, match="names no job"):
        job_id_of(event, Topview)


@pytest.mark.parametrize(
    "said", [None, "1", True, 0, -1, 1e300, float("nan"), float("inf"), 10**400, 1e11, [1], "\ud83d"], ids=ascii
)
def test_time_that_is_none_is_left_out(said: Any) -> None:
    assert submitted_at_of({"submitted_at": said}) is None


def test_time_of_the_submit_is_read() -> None:
    assert submitted_at_of({"submitted_at": 1_700_000_000}) == 1_700_000_000.0


# -- what is only displayed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [{}, {"deferrable": False}], ids=["deferred", "blocking"])
def test_xcom_that_is_only_displayed_fails_no_task(
    how: dict[str, Any], case: Any, task: Any, bought: Any, monkeypatch: pytest.MonkeyPatch, everything_said: Any
) -> None:
    waits = task(case, **how)
    push = waits.ti.xcom_push

    def push_what_tasks_use(key: str, value: Any) -> None:
        if key != "media_url":
            raise RuntimeError("refused\nforged")
        push(key, value)

    def push_no_link(key: str, value: Any) -> None:
        if not key.startswith("_link_"):  # Airflow writes those, and fails no task for one
            push_what_tasks_use(key, value)

    monkeypatch.setattr(waits.ti, "xcom_push", push_no_link)
    monkeypatch.setattr(XCom, "set", raising(RuntimeError("refused")))
    operator = waits.make()
    waits.make = lambda: operator
    assert [waits.run()["job_id"]] == bought(case)
    assert "Could not write XCom" in everything_said()
