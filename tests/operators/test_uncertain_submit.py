# SPDX-License-Identifier: Apache-2.0
"""A submit whose answer is lost: never repeated by itself, unless a status request settles it."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import SubmitUncertain, VendorUnavailable
from tests.support.which_airflow import AirflowFailException

pytestmark = pytest.mark.usefixtures("prompt")

NAMED_BY_THE_VENDOR = ["viitor", "aidge", "topview", "tencent_video", "tencent_tts"]
NAMED_BY_US = ["cdnetworks_pull", "cdnetworks_trim"]


def lose_the_answer(sandbox: Any, case: Any) -> None:
    sandbox.fault(vendor=case.vendor, kind="accept_then_drop")


@pytest.mark.parametrize("case", NAMED_BY_THE_VENDOR, indirect=True)
def test_a_lost_answer_stops_the_task_for_good(case: Any, task: Any, sandbox: Any, bought: Any) -> None:
    lose_the_answer(sandbox, case)
    lost = task(case)
    with pytest.raises(SubmitUncertain, match="may have been bought") as uncertain:
        lost.start()
    assert isinstance(uncertain.value, AirflowFailException)
    for word in ("not submitted again by itself", "console", "on_uncertain_submit='resubmit'"):
        assert word in str(uncertain.value)
    assert len(bought(case)) == 1


@pytest.mark.parametrize("case", NAMED_BY_THE_VENDOR, indirect=True)
def test_a_further_attempt_stops_without_sending_anything(case: Any, task: Any, sandbox: Any) -> None:
    lose_the_answer(sandbox, case)
    lost = task(case)
    with pytest.raises(SubmitUncertain):
        lost.start()
    sandbox.clear_ledger()
    with pytest.raises(SubmitUncertain, match="cut short"):
        task(case, store=lost.store).start()
    assert sandbox.ledger(case.vendor)["submissions"] == []


@pytest.mark.parametrize("case", NAMED_BY_THE_VENDOR, indirect=True)
def test_resubmit_buys_exactly_once_more(case: Any, task: Any, sandbox: Any, bought: Any, settled: Any) -> None:
    lose_the_answer(sandbox, case)
    lost = task(case, on_uncertain_submit="resubmit")
    with pytest.raises(SubmitUncertain, match="may pay twice") as uncertain:
        lost.start()
    assert not isinstance(uncertain.value, AirflowFailException), "the user chose that a retry buys again"
    settled(case)
    result = task(case, store=lost.store, on_uncertain_submit="resubmit").run()
    assert len(set(bought(case))) == 2
    assert bought(case)[1] == result["job_id"]


@pytest.mark.parametrize("case", ["topview"], indirect=True)
def test_a_changed_request_is_free_to_be_submitted(case: Any, task: Any, sandbox: Any) -> None:
    lose_the_answer(sandbox, case)
    lost = task(case)
    with pytest.raises(SubmitUncertain):
        lost.start()
    assert task(case, store=lost.store, **case.change).run()["state"] == "succeeded"


@pytest.mark.parametrize("case", NAMED_BY_US, indirect=True)
def test_if_we_name_the_job_a_lost_answer_is_settled_by_a_status_request(
    case: Any, task: Any, sandbox: Any, bought: Any
) -> None:
    lose_the_answer(sandbox, case)
    assert [task(case).run()["job_id"]] == bought(case)


@pytest.mark.parametrize("case", NAMED_BY_US, indirect=True)
def test_if_we_name_the_job_a_silent_vendor_is_queried_again_at_the_next_attempt(
    case: Any, task: Any, sandbox: Any, bought: Any
) -> None:
    lose_the_answer(sandbox, case)
    sandbox.fault(vendor=case.vendor, call="pull_query" if case.operation == "pull_video" else "query", kind="http_500")
    lost = task(case)
    with pytest.raises(SubmitUncertain, match="queries CDNetworks for job") as uncertain:
        lost.start()
    assert not isinstance(uncertain.value, AirflowFailException), "a retry queries the status before it buys"
    assert [task(case, store=lost.store).run()["job_id"]] == bought(case)


@pytest.mark.parametrize("case", NAMED_BY_US, indirect=True)
def test_where_we_name_the_job_one_that_never_arrived_is_submitted(
    case: Any, task: Any, sandbox: Any, bought: Any
) -> None:
    call = "pull" if case.operation == "pull_video" else "submit"
    sandbox.fault(vendor=case.vendor, call=call, kind="reset")
    lost = task(case)
    with pytest.raises(SubmitUncertain):
        lost.start()
    assert bought(case) == []
    assert [task(case, store=lost.store).run()["job_id"]] == bought(case)


@pytest.mark.parametrize("fault", ["http_500", "html_502", "garbage", "truncated", "reset"])
def test_every_answer_that_says_nothing_is_a_lost_one(fault: str, cases: Any, task: Any, sandbox: Any) -> None:
    case = cases["topview"]
    sandbox.fault(vendor=case.vendor, call="submit", kind=fault)
    lost = task(case)
    with pytest.raises(SubmitUncertain):
        lost.start()
    with pytest.raises(SubmitUncertain):
        task(case, store=lost.store).start()
    assert len(sandbox.ledger(case.vendor)["submissions"]) == 1


@pytest.mark.parametrize("case", ["viitor", "aidge", "cdnetworks_trim"], indirect=True)
def test_a_connection_that_was_never_made_leaves_the_next_attempt_free(
    case: Any, task: Any, connect: Any, free_port: int, bought: Any
) -> None:
    account = {case.conn_argument: connect(case.vendor, host=f"http://127.0.0.1:{free_port}")}
    unreached = task(case, **account)
    with pytest.raises(VendorUnavailable, match="nothing was bought") as failure:
        unreached.start()
    assert not isinstance(failure.value, AirflowFailException)
    connect(case.vendor)
    assert task(case, store=unreached.store, **account).run()["state"] == "succeeded"
    assert len(bought(case)) == 1
