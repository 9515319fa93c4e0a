# SPDX-License-Identifier: Apache-2.0
"""A job is paid for once: the sandbox's books say what was bought."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from airflow_provider_videoai.jobs.errors import JobFailed, JobTimedOut, SubmitRejected, VendorUnavailable, VideoAIError
from airflow_provider_videoai.tasks.result_parts import ReturnsParts
from tests.support.which_airflow import AirflowFailException

pytestmark = pytest.mark.usefixtures("prompt")

FORGET_OPENLY = ["viitor", "cdnetworks_pull", "cdnetworks_trim", "topview", "tencent_video", "tencent_tts"]
"""Those whose vendor has an answer for a job that is unknown to it; Aidge has none."""


def raising(failure: Exception) -> Any:
    def raise_it(*_: Any, **__: Any) -> NoReturn:
        raise failure

    return raise_it


def test_an_attempt_after_a_crash_attaches_to_the_job(case: Any, task: Any, bought: Any) -> None:
    crashed = task(case)
    crashed.defer()
    result = task(case, store=crashed.store).run()
    assert [result["job_id"]] == bought(case)


def test_an_attempt_after_success_reuses_the_job_with_its_first_submit_time(case: Any, task: Any, bought: Any) -> None:
    done = task(case)
    first = done.run()
    assert done.store.get("videoai_submission")["phase"] == "finished"
    again = task(case, store=done.store).run()
    assert [again["job_id"]] == bought(case)
    assert again["submitted_at"] == first["submitted_at"]
    assert again["media_url"]


def test_an_attempt_after_a_failed_job_buys_another(case: Any, task: Any, sandbox: Any, bought: Any) -> None:
    sandbox.fault(vendor=case.vendor, kind="fail_job")
    failed = task(case)
    with pytest.raises(JobFailed):
        failed.run()
    assert failed.store.get("videoai_submission")["phase"] == "failed"
    result = task(case, store=failed.store).run()
    assert result["job_id"] == bought(case)[-1]
    assert len(set(bought(case))) == 2


def test_a_job_that_failed_while_nobody_waited_is_replaced(
    case: Any, task: Any, sandbox: Any, bought: Any, settled: Any
) -> None:
    sandbox.fault(vendor=case.vendor, kind="fail_job")
    crashed = task(case)
    crashed.defer()
    settled(case)
    result = task(case, store=crashed.store).run()
    assert result["job_id"] == bought(case)[-1]
    assert len(set(bought(case))) == 2


def test_a_job_that_succeeded_while_nobody_waited_is_used_without_waiting(
    case: Any, task: Any, bought: Any, settled: Any
) -> None:
    crashed = task(case)
    crashed.defer()
    settled(case)
    assert [task(case, store=crashed.store).start()["job_id"]] == bought(case)


@pytest.mark.parametrize("case", ["viitor", "topview"], indirect=True)
def test_a_failed_job_that_a_sensor_waited_for_is_replaced(
    case: Any, task: Any, sandbox: Any, bought: Any, settled: Any
) -> None:
    sandbox.fault(vendor=case.vendor, kind="fail_job")
    handing_over = task(case, wait_for_completion=False)
    failed = handing_over.start()["job_id"]
    settled(case)
    again = task(case, store=handing_over.store, wait_for_completion=False).start()["job_id"]
    assert bought(case) == [failed, again]


def test_a_changed_request_is_another_job(case: Any, task: Any, bought: Any) -> None:
    first = task(case)
    ids = [first.run()["job_id"], task(case, store=first.store, **case.change).run()["job_id"]]
    assert bought(case) == ids
    assert len(set(ids)) == 2


@pytest.mark.parametrize("case", ["aidge", "cdnetworks_trim"], indirect=True)
def test_another_account_is_another_job(case: Any, task: Any, connect: Any, bought: Any) -> None:
    first = task(case)
    first.run()
    other = connect(case.vendor)
    task(case, store=first.store, **{case.conn_argument: other}).run()
    assert len(set(bought(case))) == 2


def test_on_finished_job_resubmit_buys_again_after_success(case: Any, task: Any, bought: Any) -> None:
    first = task(case, on_finished_job="resubmit")
    first.run()
    task(case, store=first.store, on_finished_job="resubmit").run()
    assert len(set(bought(case))) == 2


@pytest.mark.parametrize("case", ["topview", "cdnetworks_trim"], indirect=True)
def test_on_finished_job_resubmit_does_not_replace_a_success_that_nobody_has_had(
    case: Any, task: Any, bought: Any, settled: Any
) -> None:
    crashed = task(case, on_finished_job="resubmit")
    crashed.defer()
    settled(case)
    assert [task(case, store=crashed.store, on_finished_job="resubmit").run()["job_id"]] == bought(case)


@pytest.mark.parametrize("case", ["topview", "cdnetworks_trim"], indirect=True)
def test_on_finished_job_resubmit_knows_a_success_that_ended_in_the_triggerer(
    case: Any, task: Any, bought: Any
) -> None:
    how = {"on_finished_job": "resubmit", "finish_in_triggerer": True}
    first = task(case, **how)
    first.run()
    task(case, store=first.store, **how).run()
    assert len(set(bought(case))) == 2


@pytest.mark.parametrize("case", ["topview", "cdnetworks_trim"], indirect=True)
@pytest.mark.parametrize("method", ["execute_complete", "__fail__"])
def test_on_finished_job_resubmit_does_not_replace_a_success_that_the_triggerer_left_to_a_worker(
    method: str, case: Any, task: Any, bought: Any, settled: Any
) -> None:
    how = {"on_finished_job": "resubmit", "finish_in_triggerer": True}
    timed_out = task(case, **how)
    deferred = timed_out.defer()
    if deferred.method_name != method:
        deferred.method_name, deferred.kwargs = method, {"error": "Trigger timeout"}
    with pytest.raises(JobTimedOut):
        timed_out.resume(deferred, {"version": 1, "outcome": "timed_out"})
    settled(case)
    assert [task(case, store=timed_out.store, **how).run()["job_id"]] == bought(case)


@pytest.mark.parametrize("case", ["topview", "cdnetworks_trim"], indirect=True)
@pytest.mark.parametrize("form", [{}, {"deferrable": False}], ids=["deferred", "blocking"])
def test_on_finished_job_resubmit_does_not_replace_a_success_that_airflow_did_not_take(
    form: dict[str, Any], case: Any, task: Any, bought: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = task(case, on_finished_job="resubmit", retries=1, **form)
    made.ti.max_tries = 1
    with monkeypatch.context() as patched:
        patched.setattr(ReturnsParts, "_push_parts", raising(RuntimeError("API server is away")))
        with pytest.raises(VideoAIError, match="API server is away"):
            made.run()
    assert made.store.get("videoai_submission")["phase"] == "finished"
    assert [made.run()["job_id"]] == bought(case)
    made.clear(keep_state=True)
    assert made.run()["job_id"] == bought(case)[1]


@pytest.mark.parametrize("case", ["topview", "cdnetworks_trim"], indirect=True)
def test_on_finished_job_resubmit_does_not_replace_a_success_of_a_task_that_was_marked_failed_while_it_waited(
    case: Any, task: Any, bought: Any, settled: Any
) -> None:
    made = task(case, on_finished_job="resubmit", finish_in_triggerer=True)
    made.defer()
    settled(case)
    made.clear(keep_state=True)
    assert [made.run()["job_id"]] == bought(case)
    made.clear(keep_state=True)
    assert made.run()["job_id"] == bought(case)[1]


@pytest.mark.parametrize("case", ["topview"], indirect=True)
@pytest.mark.parametrize("goes_on", [{"next_method": "submit_again"}, {"task_reschedule_count": 1}], ids=str)
def test_on_finished_job_resubmit_counts_also_if_the_attempt_goes_on_after_a_pause(
    case: Any, task: Any, bought: Any, monkeypatch: pytest.MonkeyPatch, goes_on: dict[str, Any]
) -> None:
    made = task(case, on_finished_job="resubmit")
    made.run()
    made.clear(keep_state=True)
    made.ti.begin()
    made.ti._ti_context_from_server = SimpleNamespace(
        **{"xcom_keys_to_clear": [], "next_method": None, "task_reschedule_count": 0} | goes_on
    )
    monkeypatch.setattr(made.ti, "begin", lambda: None)
    assert made.run()["job_id"] == bought(case)[1]


@pytest.mark.parametrize("case", ["viitor", "cdnetworks_trim"], indirect=True)
def test_on_finished_job_resubmit_still_attaches_to_a_job_that_goes_on(
    case: Any, task: Any, bought: Any, sandbox: Any
) -> None:
    sandbox.clock(queue_seconds=0.5)
    crashed = task(case, on_finished_job="resubmit")
    crashed.defer()
    task(case, store=crashed.store, on_finished_job="resubmit").run()
    assert len(bought(case)) == 1


def test_mapped_copies_have_jobs_of_their_own(case: Any, task: Any, bought: Any) -> None:
    ids = [task(case, map_index=index).run()["job_id"] for index in range(2)]
    assert bought(case) == ids
    assert len(set(ids)) == 2


@pytest.mark.parametrize("case", FORGET_OPENLY, indirect=True)
def test_a_reused_job_that_the_vendor_has_forgotten_is_bought_again(
    case: Any, task: Any, sandbox: Any, bought: Any
) -> None:
    done = task(case)
    forgotten = done.run()["job_id"]
    sandbox.reset()
    again = task(case, store=done.store).run()["job_id"]
    assert bought(case) == [again]
    assert again != forgotten


def test_where_nothing_proves_a_job_forgotten_it_is_not_bought_again(
    cases: Any, task: Any, sandbox: Any, bought: Any
) -> None:
    case = cases["aidge"]  # it has no code that means "unknown job"
    done = task(case)
    done.run()
    sandbox.reset()
    with pytest.raises(VendorUnavailable):
        task(case, store=done.store).start()
    assert bought(case) == []


def test_a_record_that_cannot_be_read_stops_the_task_rather_than_buy(case: Any, task: Any, bought: Any) -> None:
    spoilt = task(case)
    spoilt.store.set("videoai_submission", "by hand", retention=0)
    with pytest.raises(VideoAIError, match="videoai_submission"):
        spoilt.start()
    assert bought(case) == []


@pytest.mark.parametrize("case", ["viitor"], indirect=True)
def test_a_job_found_by_hand_is_attached_to(case: Any, task: Any, bought: Any, sandbox: Any) -> None:
    lost = task(case)
    lost.defer()
    (job_id,) = bought(case)
    # The state as a crash within the submit leaves it, and as the error text then says to mend it.
    record = lost.store.get("videoai_submission")
    lost.store.set("videoai_submission", record | {"phase": "submitting", "job_id": None}, retention=0)
    lost.store.set("videoai_submission", record | {"phase": "submitted", "job_id": job_id}, retention=0)
    sandbox.clear_ledger()
    assert task(case, store=lost.store).run()["job_id"] == job_id
    assert bought(case) == []


# -- ids that we choose ----------------------------------------------------------------------------------------

NAMED_BY_US = ["cdnetworks_pull", "cdnetworks_trim"]


@pytest.mark.parametrize("case", NAMED_BY_US, indirect=True)
@pytest.mark.parametrize("of_old", [True, False], ids=["with the old record", "without"])
def test_a_run_of_the_same_name_does_not_get_another_ones_job(case: Any, task: Any, bought: Any, of_old: bool) -> None:
    """Deleted and back, of another Airflow on the account, or the next iteration of a loop: all names are equal."""
    first, second = task(case), task(case)
    jobs = [first.run()["job_id"], second.run()["job_id"]]
    assert bought(case) == jobs
    assert len(set(jobs)) == 2
    if of_old:
        assert task(case, store=first.store).run()["job_id"] == jobs[0]
    assert bought(case) == jobs


@pytest.mark.parametrize("case", NAMED_BY_US, indirect=True)
def test_a_users_id_is_kept_and_found_again(case: Any, task: Any, bought: Any) -> None:
    mine = task(case, trans_no="mine")
    assert mine.run()["job_id"] == "mine"
    assert task(case, store=mine.store, trans_no="mine").run()["job_id"] == "mine"
    assert bought(case) == ["mine"]


@pytest.mark.parametrize("case", NAMED_BY_US, indirect=True)
@pytest.mark.parametrize("answer", ["given", "lost"])
def test_a_users_id_of_another_tasks_job_stops_the_task(
    case: Any, task: Any, bought: Any, sandbox: Any, answer: str
) -> None:
    task(case, trans_no="mine").run()
    if answer == "lost":
        sandbox.fault(vendor=case.vendor, kind="accept_then_drop")
    other = task(case, trans_no="mine", **case.change)
    for _ in range(2):
        with pytest.raises(SubmitRejected, match=r"already has a job 'mine'.*nothing was bought") as refused:
            other.start()
        assert isinstance(refused.value, AirflowFailException)
    assert bought(case) == ["mine"]
