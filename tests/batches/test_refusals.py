# SPDX-License-Identifier: Apache-2.0
"""Whose fault a refusal is: one item's, or that of what refuses them all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from airflow_provider_videoai.batches import submits
from airflow_provider_videoai.batches.pause import Pause
from airflow_provider_videoai.batches.refusals import Fault, Refusals
from airflow_provider_videoai.jobs.errors import BatchFailed, QuotaExceeded, VendorUnavailable, VideoAIError
from airflow_provider_videoai.jobs.protocol.call import Answer, Call
from airflow_provider_videoai.vendors.tencent_ivh import TencentIVH
from tests.batches.published import lines

VIITOR = pytest.mark.parametrize("case", ["viitor"], indirect=True)
TOPVIEW = pytest.mark.parametrize("case", ["topview"], indirect=True)
INTERNAL_ERROR = {"vendor": "topview", "call": "submit", "kind": "quota_full", "code": "5000"}


def test_an_item_that_is_refused_twice_while_others_are_not_is_to_blame() -> None:
    refusals = Refusals()
    assert refusals.refused("bad") is Fault.UNKNOWN
    refusals.passed()
    assert refusals.refused("bad") is Fault.ITEM


def test_an_item_that_is_refused_alone_is_not_to_blame() -> None:
    refusals = Refusals()
    assert [refusals.refused("bad") for _ in range(2)] == [Fault.UNKNOWN, Fault.ALL]


def test_after_many_refusals_in_a_row_no_item_is_to_blame() -> None:
    refusals = Refusals()
    refusals.passed()
    faults = [refusals.refused(str(number % 10)) for number in range(100)]
    assert faults[:16] == [*[Fault.UNKNOWN] * 10, *[Fault.ITEM] * 5, Fault.ALL]
    assert set(faults[16:]) == {Fault.ALL}
    refusals.passed()
    assert refusals.refused("new") is Fault.UNKNOWN


@pytest.mark.usefixtures("prompt")
@TOPVIEW
def test_an_error_of_the_vendors_own_pauses_the_batch_and_fails_no_item(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_videoai.batches.pause._FIRST", 0.05)
    monkeypatch.setattr("airflow_provider_videoai.batches.pause._SHORTEST", 0.05)
    sandbox.fault(**INTERNAL_ERROR, after=2, times=18)
    assert batch(case, rows(case, 60)).run()["succeeded"] == 60
    assert len(bought(case)) == 60


@pytest.mark.usefixtures("prompt")
@TOPVIEW
def test_an_item_by_which_the_vendor_breaks_fails_alone(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submits, "SUBMITTERS", 1)
    sandbox.fault(**INTERNAL_ERROR, match="Hi item1.", times=1000)
    with pytest.raises(BatchFailed, match=r"1 of 6 items failed.* item 'item1': SubmitRejected") as failed:
        batch(case, rows(case, 6)).run()
    assert failed.value.retry_helps
    assert len(bought(case)) == 5


@pytest.mark.usefixtures("prompt")
@TOPVIEW
def test_an_item_by_which_the_vendor_breaks_fails_alone_after_all_others_have_ended(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_videoai.batches.pause._FIRST", 0.01)
    monkeypatch.setattr("airflow_provider_videoai.batches.pause._SHORTEST", 0.01)
    sandbox.fault(**INTERNAL_ERROR, match="Hi item0.", times=1000)
    with pytest.raises(BatchFailed, match=r"1 of 4 items failed.* item 'item0': SubmitRejected"):
        batch(case, rows(case, 4), max_in_flight=1).run()
    assert len(bought(case)) == 3


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submits, "SUBMITTERS", 1)
    monkeypatch.setattr("airflow_provider_videoai.batches.pause._FIRST", 0.05)
    monkeypatch.setattr("airflow_provider_videoai.batches.pause._SHORTEST", 0.05)


FULL = {"vendor": "viitor", "call": "submit", "kind": "quota_full"}


@pytest.mark.usefixtures("prompt", "short_pauses")
@VIITOR
def test_an_item_for_which_the_vendor_is_full_lets_all_others_pass(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, folder: str
) -> None:
    sandbox.fault(**FULL, match="item0", times=2)
    assert batch(case, rows(case, 4), manifest=f"{folder}/all.jsonl").run()["succeeded"] == 4
    made_for = {line["job_id"]: item_id for item_id, line in lines(f"{folder}/all.jsonl").items()}
    assert [made_for[job_id] for job_id in bought(case)] == ["item1", "item2", "item3", "item0"]


@pytest.mark.usefixtures("prompt", "short_pauses")
@VIITOR
def test_an_item_for_which_the_vendor_stays_full_fails_alone_and_is_tried_again_by_a_retry(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any
) -> None:
    sandbox.fault(**FULL, match="item0", times=1000)
    task = batch(case, rows(case, 4), quota_timeout=0.2)
    with pytest.raises(BatchFailed, match=r"^1 of 4 items failed.* item 'item0': QuotaExceeded") as failed:
        task.run()
    assert failed.value.retry_helps
    assert len(bought(case)) == 3
    sandbox.clear_faults()
    assert task.run()["succeeded"] == 4
    assert len(bought(case)) == 4


@pytest.mark.usefixtures("prompt")
@VIITOR
def test_a_vendor_whose_answers_are_all_lost_makes_few_items_uncertain(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any
) -> None:
    sandbox.fault(vendor="viitor", call="submit", kind="http_500", times=1000)
    task = batch(case, rows(case, 60), quota_timeout=1e-6)
    with pytest.raises(VendorUnavailable, match=r"Answers to submits are lost.*may have been bought"):
        task.run()
    sandbox.clear_faults()
    with pytest.raises(BatchFailed, match="SubmitUncertain") as failed:
        task.run()
    assert 16 <= failed.value.failed <= 32
    assert len(bought(case)) == 60 - failed.value.failed


@pytest.mark.usefixtures("prompt", "short_pauses")
@VIITOR
def test_after_a_pause_for_lost_answers_the_batch_goes_on(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any
) -> None:
    sandbox.fault(vendor="viitor", call="submit", kind="http_500", times=18)
    assert batch(case, rows(case, 30), tolerate=18).run()["succeeded"] == 12
    assert len(bought(case)) == 12


@pytest.mark.usefixtures("prompt", "short_pauses")
@VIITOR
def test_each_pause_for_lost_answers_costs_one_more_item(
    case: Any, batch: Any, rows: Any, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses, refused = [], Pause.refused

    def noted(pause: Pause, refusal: VideoAIError, *, lost: bool = False) -> float:
        if seconds := refused(pause, refusal, lost=lost):
            pauses.append(seconds)
        return seconds

    monkeypatch.setattr(Pause, "refused", noted)
    sandbox.fault(vendor="viitor", call="submit", kind="http_500", times=1000)
    task = batch(case, rows(case, 150), quota_timeout=0.4)
    with pytest.raises(VendorUnavailable):
        task.run()
    assert len(pauses) > 3
    # When the first pause began, each of the other fifteen may have sent one.
    assert len(sandbox.ledger("viitor")["submissions"]) <= 16 + 15 + len(pauses) - 1


@pytest.mark.usefixtures("prompt", "short_pauses")
@VIITOR
def test_one_lost_answer_after_a_full_queue_is_no_outage(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.fault(**FULL)
    sandbox.fault(vendor="viitor", call="submit", kind="http_500")
    causes, refused = [], Pause.refused

    def noted(pause: Pause, refusal: VideoAIError, *, lost: bool = False) -> float:
        causes.append((type(refusal), lost))
        return refused(pause, refusal, lost=lost)

    monkeypatch.setattr(Pause, "refused", noted)
    assert batch(case, rows(case, 6), max_in_flight=1, tolerate=1).run()["succeeded"] == 5
    assert causes == [(QuotaExceeded, False)]
    assert len(bought(case)) == 5


@pytest.mark.usefixtures("prompt", "short_pauses")
@pytest.mark.parametrize("case", ["tencent_video"], indirect=True)
def test_a_finished_job_of_which_the_vendor_says_nothing_keeps_no_other_item_waiting(
    case: Any, batch: Any, rows: Any, bought: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = batch(case, rows(case, 3))
    assert task.run()["succeeded"] == 3
    part = json.loads(task.store.values["videoai_batch_0"])
    del part["items"]["item0"]["end"]
    task.store.values["videoai_batch_0"] = json.dumps(part)
    job_id, judge = part["items"]["item0"]["submission"]["job_id"], TencentIVH.judge

    def expired(self: TencentIVH, call: Call, answer: Answer, body: Mapping[str, Any]) -> None:
        if job_id in str(call.body):
            self.refuse(call, "100015", "the presenter expired")
        judge(self, call, answer, body)

    with monkeypatch.context() as vendor:
        vendor.setattr(TencentIVH, "judge", expired)
        for _ in range(2):
            with pytest.raises(BatchFailed, match=r"^1 of 3 .*item 'item0': VendorUnavailable"):
                task.run()
    assert task.run()["succeeded"] == 3
    assert len(bought(case)) == 3
