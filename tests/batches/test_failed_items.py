# SPDX-License-Identifier: Apache-2.0
"""Items of a batch that fail: what becomes of the others, and what the next attempt tries and pays for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import BatchFailed
from tests.batches.published import lines
from tests.support.cases import ONE_EACH

pytestmark = pytest.mark.usefixtures("prompt")

ALL_VENDORS = pytest.mark.parametrize("case", ONE_EACH, indirect=True)
VIITOR = pytest.mark.parametrize("case", ["viitor"], indirect=True)


@ALL_VENDORS
def test_a_failed_item_fails_the_task_when_all_have_ended_and_alone_is_tried_again(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, folder: str
) -> None:
    sandbox.fault(vendor=case.vendor, kind="fail_job")
    task = batch(case, rows(case, 4), max_in_flight=2, manifest=f"{folder}/all.jsonl")
    with pytest.raises(
        BatchFailed, match=r"1 of 4 items failed, and tolerate is 0: item 'item\d': JobFailed"
    ) as failed:
        task.run()
    assert (failed.value.failed, failed.value.items) == (1, 4)
    states = [line["state"] for line in lines(f"{folder}/all.jsonl").values()]
    assert sorted(states) == ["failed", "succeeded", "succeeded", "succeeded"]
    again = batch(case, rows(case, 4), store=task.store, manifest=f"{folder}/all.jsonl")
    assert again.run()["succeeded"] == 4
    assert len(bought(case)) == 5
    # What succeeded in the first attempt is reported by its own lines.
    assert all(line["outputs"] for line in lines(f"{folder}/all.jsonl").values())


@VIITOR
@pytest.mark.parametrize(("tolerate", "well"), [(1, True), ("25%", True), ("24.9%", False), (0, False)])
def test_so_many_items_may_fail(case: Any, batch: Any, rows: Any, sandbox: Any, tolerate: Any, well: bool) -> None:
    sandbox.fault(vendor=case.vendor, kind="fail_job")
    task = batch(case, rows(case, 4), tolerate=tolerate)
    if well:
        assert task.run()["failed"] == 1
    else:
        with pytest.raises(BatchFailed):
            task.run()


@VIITOR
def test_failed_items_that_are_to_be_kept_are_not_bought_again(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any
) -> None:
    sandbox.fault(vendor=case.vendor, kind="fail_job")
    task = batch(case, rows(case, 3), on_failed="keep")
    for _ in range(2):
        with pytest.raises(BatchFailed):
            task.run()
    assert len(bought(case)) == 3


@VIITOR
def test_no_more_is_paid_for_than_paid_retries_allow(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any
) -> None:
    policies = pytest.importorskip("airflow_provider_videoai.policies.retry", exc_type=ImportError)
    sandbox.fault(vendor=case.vendor, kind="fail_job", times=10)
    task = batch(case, rows(case, ["a"]), retry_policy=policies.VideoAIRetryPolicy(paid_retries=1))
    for _ in range(4):
        with pytest.raises(BatchFailed):
            task.run()
    assert len(bought(case)) == 2


@pytest.mark.parametrize("case", ["topview"], indirect=True)
def test_a_refused_item_costs_nothing_and_the_others_go_on(
    case: Any, batch: Any, rows: Any, bought: Any, folder: str
) -> None:
    refused = rows(case, ["bad"], ai_avatar_id="nobody")
    summary = batch(case, [*refused, *rows(case, 2)], manifest=f"{folder}/all.jsonl", tolerate="50%").run()
    assert (summary["succeeded"], summary["failed"]) == (2, 1)
    assert len(bought(case)) == 2
    line = lines(f"{folder}/all.jsonl")["bad"]
    assert (line["state"], line["job_id"]) == ("failed", None)
    assert line["error"]["type"] == "SubmitRejected"
    assert line["error"]["code"] == "4004"


@ALL_VENDORS
def test_a_lost_answer_is_never_bought_again_by_itself(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any
) -> None:
    sandbox.fault(vendor=case.vendor, kind="accept_then_drop")
    task = batch(case, rows(case, 3))
    settles = case.vendor == "cdnetworks"  # the caller chose the id, and queries it
    for _ in range(2):
        if settles:
            assert task.run()["succeeded"] == 3
        else:
            with pytest.raises(BatchFailed, match="SubmitUncertain"):
                task.run()
        assert len(bought(case)) == 3


@VIITOR
def test_a_person_attaches_an_item_to_its_job(case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any) -> None:
    sandbox.fault(vendor=case.vendor, kind="accept_then_drop")
    task = batch(case, rows(case, 3))
    with pytest.raises(BatchFailed):
        task.run()
    part = json.loads(task.store.values["videoai_batch_0"])
    (lost,) = [entry for entry in part["items"].values() if entry["end"]["state"] == "failed"]
    known = {entry["submission"].get("job_id") for entry in part["items"].values()}
    (job_id,) = set(bought(case)) - known
    lost["submission"] = {"job_id": job_id, "phase": "submitted"}
    task.store.values["videoai_batch_0"] = json.dumps(part)
    assert task.run()["succeeded"] == 3
    assert len(bought(case)) == 3


@VIITOR
@pytest.mark.parametrize("phase", ["submitted", "submitting"])
def test_a_failed_job_that_a_person_attached_an_item_to_is_kept_failed_as_others_are(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, phase: str
) -> None:
    sandbox.fault(vendor=case.vendor, kind="fail_job")
    sandbox.fault(vendor=case.vendor, kind="accept_then_drop")
    task = batch(case, rows(case, 1), on_failed="keep")
    with pytest.raises(BatchFailed, match="SubmitUncertain"):
        task.run()
    part = json.loads(task.store.values["videoai_batch_0"])
    part["items"]["item0"]["submission"] |= {"job_id": bought(case)[0], "phase": phase}
    task.store.values["videoai_batch_0"] = json.dumps(part)
    for _ in range(2):
        with pytest.raises(BatchFailed, match="item 'item0': JobFailed"):
            task.run()
    assert len(bought(case)) == 1


@VIITOR
def test_two_items_that_a_person_attached_to_one_job_do_not_wait_for_ever(
    case: Any, batch: Any, rows: Any, bought: Any
) -> None:
    task = batch(case, rows(case, ["a", "b"]))
    task.defer()
    part = json.loads(task.store.values["videoai_batch_0"])
    (job_id, _) = bought(case)
    for entry in part["items"].values():
        entry["submission"] = {"job_id": job_id, "phase": "submitted"}
    task.store.values["videoai_batch_0"] = json.dumps(part)
    with pytest.raises(BatchFailed, match=f"item 'b': InvalidRequest: its job '{job_id}' is that of 'a'"):
        task.run()
    assert len(bought(case)) == 2


@VIITOR
def test_a_lost_answer_is_bought_again_if_the_user_chose_so(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any
) -> None:
    sandbox.fault(vendor=case.vendor, kind="accept_then_drop")
    task = batch(case, rows(case, 3), on_uncertain_submit="resubmit")
    with pytest.raises(BatchFailed):
        task.run()
    assert task.run()["succeeded"] == 3
    assert len(bought(case)) == 4


@VIITOR
def test_a_job_that_is_over_its_time_fails_its_item_and_is_attached_to_later(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any
) -> None:
    sandbox.fault(vendor=case.vendor, kind="never_ends")
    task = batch(case, rows(case, 2), job_timeout=0.5)
    for _ in range(2):
        with pytest.raises(BatchFailed, match="JobTimedOut"):
            task.run()
    assert len(bought(case)) == 2
