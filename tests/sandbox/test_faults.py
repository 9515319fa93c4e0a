# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

VENDORS = ["viitor", "aidge", "cdnetworks", "topview", "tencent_ivh"]
Submit = Callable[[], httpx.Response]


@pytest.fixture
def submits(
    viitor: Any, aidge: Any, cdnetworks: Any, topview: Any, tencent: Any, http: httpx.Client
) -> dict[str, Submit]:
    """One valid submit of each vendor."""
    trim = {"videoId": "5A4DB0C51190000000000000000C11B1", "seekStart": 0, "duration": 1, "filename": "f"}
    count = iter(range(1000))
    ivh = "/v2/ivh/videomaker/broadcastservice/videomake"
    video = {
        "Header": {},
        "Payload": {"VirtualmanKey": "sandbox-virtualman", "InputSsml": "Hi.", "SpeechParam": {"Speed": 1}},
    }
    return {
        "viitor": viitor.add,
        "aidge": aidge.submit,
        "cdnetworks": lambda: http.send(cdnetworks.request("videoClip", trim | {"transNo": f"t{next(count)}"})),
        "topview": topview.submit,
        "tencent_ivh": lambda: http.post(ivh, params=tencent.query(), json=video),
    }


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def submit(submits: dict[str, Submit], vendor: str) -> Submit:
    return submits[vendor]


def totals(sandbox: Any, vendor: str) -> dict[str, int]:
    found: dict[str, int] = sandbox.ledger(vendor)["totals"][vendor]
    return found


@pytest.mark.parametrize(
    ("kind", "status"), [("http_500", 500), ("rate_limited", 429), ("html_502", 502), ("garbage", 200)]
)
def test_fault_answers_in_the_vendors_place_and_nothing_is_bought(
    sandbox: Any, vendor: str, submit: Submit, kind: str, status: int
) -> None:
    sandbox.fault(vendor=vendor, call="submit", kind=kind)
    answer = submit()
    assert answer.status_code == status
    if kind == "garbage":
        # Not even decodable: reading it as JSON raises UnicodeDecodeError, which is no JSONDecodeError.
        with pytest.raises(ValueError, match="can't decode"):
            answer.json()
    entry = sandbox.ledger()["submissions"][0]
    assert (entry["outcome"], entry["charged"], entry["fault"]) == ("refused", False, kind)
    assert submit().status_code == 200
    assert totals(sandbox, vendor)["charges"] == 1


@pytest.mark.parametrize(
    ("vendor", "quota", "auth"),
    [
        ("viitor", ("code", 429), ("code", 401)),
        ("aidge", ("resCode", 501), ("code", "IncompleteSignature")),
        ("cdnetworks", ("code", 429), ("code", 1301)),
        ("topview", ("code", "4007"), ("code", "401")),
        ("tencent_ivh", ("Code", 100008), ("Code", 100005)),
    ],
)
def test_quota_and_authentication_faults_have_the_vendors_own_codes(
    sandbox: Any, submits: Any, vendor: str, quota: Any, auth: Any
) -> None:
    for kind, (name, code) in (("quota_full", quota), ("auth_failed", auth)):
        sandbox.fault(vendor=vendor, kind=kind)
        body = submits[vendor]().json()
        assert body.get("Header", body)[name] == code
    ledger = sandbox.ledger(vendor)
    assert [entry["reason"] for entry in ledger["refused"]] == ["quota_full", "auth_failed"]
    assert ledger["charges"] == []


def test_code_of_a_quota_fault_can_be_chosen(sandbox: Any, topview: Any) -> None:
    sandbox.fault(kind="quota_full", code="4100")
    assert topview.submit().json()["code"] == "4100"


def test_reset_accepts_nothing_and_breaks_the_connection(sandbox: Any, vendor: str, submit: Submit) -> None:
    sandbox.fault(vendor=vendor, kind="reset")
    with pytest.raises(httpx.ReadError):
        submit()
    entry = sandbox.ledger()["submissions"][0]
    assert (entry["outcome"], entry["answered"], entry["code"]) == ("refused", False, None)
    assert totals(sandbox, vendor)["charges"] == 0


def test_accept_then_drop_buys_and_gives_no_answer(sandbox: Any, vendor: str, submit: Submit) -> None:
    sandbox.fault(vendor=vendor, call="submit", kind="accept_then_drop")
    with pytest.raises(httpx.RemoteProtocolError):
        submit()
    ledger = sandbox.ledger(vendor)
    entry = ledger["submissions"][0]
    assert (entry["outcome"], entry["charged"], entry["answered"]) == ("accepted", True, False)
    assert [charge["job_id"] for charge in ledger["charges"]] == [entry["job_id"]]


def test_refused_submit_does_not_use_up_accept_then_drop(sandbox: Any, viitor: Any) -> None:
    sandbox.fault(kind="accept_then_drop")
    assert viitor.add(url=None).json()["code"] == 2000
    with pytest.raises(httpx.RemoteProtocolError):
        viitor.add()


def test_truncated_answer_was_a_purchase(sandbox: Any, vendor: str, submit: Submit) -> None:
    sandbox.fault(vendor=vendor, kind="truncated")
    answer = submit()
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert totals(sandbox, vendor)["charges"] == 1


def test_stalled_answer_was_a_purchase_even_when_nobody_waits_for_it(sandbox: Any, viitor: Any, until: Any) -> None:
    sandbox.fault(kind="stall", seconds=1)
    viitor.http.timeout = httpx.Timeout(0.3)
    with pytest.raises(httpx.ReadTimeout):
        viitor.add()
    assert totals(sandbox, "viitor")["charges"] == 1
    viitor.http.timeout = httpx.Timeout(10)
    sandbox.fault(kind="stall", seconds=0.5)
    started = time.monotonic()
    assert viitor.add().json()["code"] == 0
    assert time.monotonic() - started >= 0.5
    answered = until(lambda: [entry["answered"] for entry in sandbox.ledger()["submissions"]], lambda found: found[1])
    assert answered == [False, True]


def test_retry_after_comes_in_both_forms_or_not_at_all(sandbox: Any, topview: Any) -> None:
    for fields in ({}, {"retry_after": 7}, {"retry_after": 7, "retry_after_date": True}):
        sandbox.fault(kind="rate_limited", call="submit", **fields)
    none, seconds, date = (topview.submit().headers.get("retry-after") for _ in range(3))
    assert (none, seconds) == (None, "7")
    assert 4 <= parsedate_to_datetime(date).timestamp() - time.time() <= 8


def test_fault_fires_after_good_calls_as_often_as_ordered(sandbox: Any, topview: Any) -> None:
    sandbox.fault(vendor="topview", call="submit", kind="http_500", after=2, times=2)
    assert [topview.submit().status_code for _ in range(6)] == [200, 200, 500, 500, 200, 200]
    assert sandbox.faults()[0]["fired"] == 2


def test_fault_without_end_fires_until_cleared(sandbox: Any, topview: Any) -> None:
    sandbox.fault(kind="http_500", times=None)
    assert [topview.submit().status_code for _ in range(3)] == [500] * 3
    sandbox.clear_faults()
    assert topview.submit().status_code == 200
    assert sandbox.faults() == []


def test_fault_strikes_its_own_vendor_and_call_only(sandbox: Any, topview: Any, viitor: Any) -> None:
    sandbox.fault(vendor="topview", call="query", kind="http_500")
    assert viitor.status("ViiTor_AI_x")["code"] == 0
    task_id = topview.new()
    assert topview.http.get("/v1/caption/list", headers=topview.headers()).status_code == 200
    path = "/v1/video_avatar/task/query"
    answer = topview.http.get(path, params={"taskId": task_id}, headers=topview.headers())
    assert answer.status_code == 500


@pytest.mark.parametrize("call", ["publish", "pull", "pull_query"])
def test_every_cdnetworks_call_can_be_struck(sandbox: Any, cdnetworks: Any, http: httpx.Client, call: str) -> None:
    sandbox.fault(vendor="cdnetworks", call=call, kind="http_500")
    paths = {"publish": "getPublishCode", "pull": "pullVideo", "pull_query": "pullVideoQuery"}
    assert http.send(cdnetworks.request(paths[call], {})).status_code == 500
    assert http.send(cdnetworks.request(paths[call], {})).status_code == 200


def test_upload_calls_can_be_struck(sandbox: Any, topview: Any) -> None:
    announced = topview.get("/v1/upload/credential", format="mp4")["result"]
    sandbox.fault(call="upload", kind="http_500")
    assert httpx.put(announced["uploadUrl"], content=b"x", trust_env=False).status_code == 500
    assert httpx.put(announced["uploadUrl"], content=b"x", trust_env=False).status_code == 200


@pytest.mark.parametrize(("code", "expected"), [(None, 5000), (7777, 7777)])
def test_ordered_failure_is_of_the_next_job(sandbox: Any, viitor: Any, code: int | None, expected: int) -> None:
    sandbox.fault(vendor="viitor", kind="fail_job", **({} if code is None else {"code": code}))
    failed, fine = viitor.new(), viitor.new()
    rows = {row["taskId"]: row for row in viitor.status(failed, fine)["data"]}
    assert (rows[failed]["taskStatus"], rows[failed]["errorCode"]) == (5, expected)
    assert rows[fine]["taskStatus"] in (3, 4)


def test_failure_is_reported_by_every_vendor(
    sandbox: Any, aidge: Any, cdnetworks: Any, topview: Any, tencent: Any
) -> None:
    sandbox.fault(kind="fail_job", times=None)
    assert aidge.result(aidge.new())["resCode"] == 801
    cdnetworks.trim()
    assert cdnetworks.query()["data"]["status"] == 3
    assert topview.query(topview.new())["result"]["status"] == "fail"
    assert tencent.progress(tencent.video()["Payload"]["TaskId"])["Payload"]["Status"] == "FAIL"


def test_aborted_job_has_status_six(sandbox: Any, viitor: Any) -> None:
    sandbox.fault(kind="abort_job")
    assert viitor.status(viitor.new())["data"][0]["taskStatus"] == 6


def test_job_can_run_for_ever(sandbox: Any, viitor: Any) -> None:
    sandbox.clock(run_seconds=10)
    sandbox.fault(kind="never_ends")
    task_id = viitor.new()
    sandbox.clock(advance=100_000)
    row = viitor.status(task_id)["data"][0]
    assert (row["taskStatus"], row["taskProgress"]) == (3, 99)


def test_lost_job_is_unknown_though_it_was_paid_for(sandbox: Any, viitor: Any, cdnetworks: Any) -> None:
    sandbox.fault(kind="lose_job", times=2)
    assert viitor.status(viitor.new())["data"] == []
    cdnetworks.trim()
    assert cdnetworks.query()["code"] == 1603
    assert cdnetworks.trim()["code"] == 1602, "the number stays taken"
    assert len(sandbox.ledger()["charges"]) == 2


def finished_url(viitor: Any, until: Any) -> str:
    task_id = viitor.new()
    answer = until(lambda: viitor.status(task_id), lambda found: found["data"][0]["targetVideoUrl"])
    return str(answer["data"][0]["targetVideoUrl"])


def test_expired_media_stays_expired(sandbox: Any, viitor: Any, until: Any) -> None:
    url = finished_url(viitor, until)
    sandbox.fault(vendor="viitor", kind="expire_media")
    answers = [httpx.get(url, trust_env=False) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert "<Code>AccessDenied</Code>" in answers[0].text


def test_query_signs_a_fresh_url_in_place_of_an_expired_one(sandbox: Any, topview: Any, until: Any) -> None:
    task_id = topview.new()

    def fresh() -> str:
        answer = until(lambda: topview.query(task_id), lambda found: found["result"]["outputVideoUrl"])
        return str(answer["result"]["outputVideoUrl"])

    url = fresh()
    sandbox.fault(kind="expire_media")
    assert httpx.get(url, trust_env=False).status_code == 403
    assert httpx.get(url, trust_env=False).status_code == 403
    assert httpx.get(fresh(), trust_env=False).status_code == 200


def test_media_can_break_off_in_the_middle(sandbox: Any, viitor: Any, until: Any) -> None:
    url = finished_url(viitor, until)
    sandbox.fault(vendor="viitor", call="media", kind="truncated")
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(url, trust_env=False)
    assert httpx.get(url, trust_env=False).status_code == 200


@pytest.mark.parametrize(("kind", "status"), [("http_500", 500), ("auth_failed", 403), ("quota_full", 503)])
def test_media_can_fail_as_storage_does(sandbox: Any, viitor: Any, until: Any, kind: str, status: int) -> None:
    url = finished_url(viitor, until)
    sandbox.fault(call="media", kind=kind)
    assert httpx.get(url, trust_env=False).status_code == status


def test_fault_with_a_match_fires_only_at_requests_that_have_its_text(sandbox: Any, viitor: Any, topview: Any) -> None:
    sandbox.fault(call="submit", kind="http_500", match="clip-7")
    assert viitor.add(taskName="clip-6").status_code == 200
    assert viitor.add(taskName="clip-7").status_code == 500
    sandbox.fault(vendor="viitor", kind="fail_job", match="clip-8")
    fine, failed = viitor.new(taskName="clip-9"), viitor.new(taskName="clip-8")
    states = {row["taskId"]: row["taskStatus"] for row in viitor.status(fine, failed)["data"]}
    assert states[failed] == 5
    assert states[fine] != 5

    hit, spared = topview.new(), topview.new()
    sandbox.fault(vendor="topview", call="query", kind="http_500", match=hit)
    assert topview.query(spared)["code"] == "200"
    path = "/v1/video_avatar/task/query"
    answer = topview.http.get(path, params={"taskId": hit}, headers=topview.headers())
    assert answer.status_code == 500


def test_match_must_be_a_string(sandbox: Any) -> None:
    with pytest.raises(ValueError, match="match must be a string"):
        sandbox.fault(kind="http_500", match=7)
