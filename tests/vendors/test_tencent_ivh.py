# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    ContentRejected,
    JobNotFound,
    QuotaExceeded,
    SubmitRejected,
    SubmitUncertain,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.protocol.call import Answer, Call
from airflow_provider_videoai.vendors.tencent_ivh import TencentIVH, TtsRequest, VideoMakeRequest
from tests.support.fuzzing import fuzz, json_values, outcome
from tests.support.tencent_words import SECRET, SERVICE, TASK, envelope, refusal

VIDEO = VideoMakeRequest.parse({"virtualman_key": "vmk-1", "input_ssml": "Good morning"})
SPEECH = TtsRequest.parse({"timbre_key": "timbre-1", "input_ssml": "Good morning"})

# -- the signature ------------------------------------------------------------------------------------------
JSON = json_values()


@pytest.mark.parametrize(
    ("appkey", "accesstoken", "timestamp", "signature"),
    [
        (
            "e38267c0e86411ebb02aed82acb0ed99",
            "f68f2d10ae9e4604b76fb05cf46bccec",
            1646636485,
            "BfWuaC9kmaicCggXc693uK+sZQ8qe88O4HVQNTdwZuo=",
        ),
        (
            "test_appkey_0001",
            "test_token_0001",
            1700000000,
            "dVkjxRW35TDM8ipBltip2Kk4ab5o93fv9Fh4cvV1gfs=",
        ),
    ],
)
def test_the_published_examples_are_signed_as_published(
    sign: Any, appkey: str, accesstoken: str, timestamp: int, signature: str
) -> None:
    account = Account(conn_id="c", host=TencentIVH.default_host, login=appkey, password=accesstoken)
    vendor = TencentIVH(account, lambda: timestamp + 0.9)
    query = sign(vendor, Call(name="tts", path=f"{SERVICE}/tts")).url.query.decode()
    assert parse_qs(query) == {
        "appkey": [appkey],
        "timestamp": [str(timestamp)],
        "signature": [signature],
    }


def test_the_signature_is_percent_encoded_exactly_once(sign: Any) -> None:
    account = Account(
        conn_id="c",
        host="https://gw-sg.tvs.qq.com",
        login="e38267c0e86411ebb02aed82acb0ed99",
        password="f68f2d10ae9e4604b76fb05cf46bccec",
    )
    vendor = TencentIVH(account, lambda: 1646636485.0)
    raw = str(sign(vendor, Call(name="tts", path=f"{SERVICE}/tts")).url)
    assert raw == (
        "https://gw-sg.tvs.qq.com/v2/ivh/videomaker/broadcastservice/tts"
        "?appkey=e38267c0e86411ebb02aed82acb0ed99&timestamp=1646636485"
        "&signature=BfWuaC9kmaicCggXc693uK%2BsZQ8qe88O4HVQNTdwZuo%3D"
    )


def test_further_parameters_are_signed_in_sorted_order(sign: Any) -> None:
    account = Account(conn_id="c", host=TencentIVH.default_host, login="test_appkey_0001", password="test_token_0001")
    vendor = TencentIVH(account, lambda: 1700000000.0)
    signed = sign(vendor, Call(name="x", path="/x", params={"requestid": "req-1"}))
    assert signed.url.params["signature"] == "HTwbnJIHFHNK3UCh15Lgc3hiEG9mZxaVi8CQP3kdwp4="
    assert signed.url.params["requestid"] == "req-1"


def test_every_attempt_is_signed_with_a_fresh_timestamp() -> None:
    ticks = iter([1700000000.0, 1700000400.0])
    account = Account(conn_id="c", host=TencentIVH.default_host, login="a", password="b")
    auth = TencentIVH(account, lambda: next(ticks)).auth
    request = httpx.Request("POST", f"{account.host}{SERVICE}/tts")
    first = next(auth.sync_auth_flow(request)).url.params
    second = next(auth.sync_auth_flow(request)).url.params
    assert (first["timestamp"], second["timestamp"]) == ("1700000000", "1700000400")
    assert first["signature"] != second["signature"]
    assert second.get_list("signature") == [second["signature"]]


def test_the_accesstoken_is_never_sent(tencent: TencentIVH, sign: Any) -> None:
    signed = sign(tencent, Call(name="tts", path=f"{SERVICE}/tts"))
    assert SECRET not in str(signed.url) + str(signed.headers.raw)


# -- submitting ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("request_", "endpoint"), [(VIDEO, "videomake"), (SPEECH, "tts")])
def test_a_submit_is_the_one_call_that_buys(tencent: TencentIVH, play: Any, request_: Any, endpoint: str) -> None:
    exchange = play(envelope({"TaskId": TASK}))
    assert exchange.run(tencent.submit(request_, None)) == TASK
    (call,) = exchange.calls
    assert (call.method, call.path, call.buys) == ("POST", f"{SERVICE}/{endpoint}", True)
    assert call.headers["Content-Type"] == "application/json;charset=utf-8"
    assert json.loads(call.body) == {"Header": {}, "Payload": request_.to_vendor()}


def test_video_is_what_is_meant_when_no_operation_is_named(tencent: TencentIVH) -> None:
    assert tencent.operation == "video_make"
    assert tencent.require("tts") is TtsRequest


@pytest.mark.parametrize(
    ("payload", "job_id"),
    [({"TaskId": TASK}, TASK), ({"TaskId": 123}, "123"), ({"TaskID": TASK}, TASK)],
)
def test_the_task_id_is_read_in_every_shape(
    tencent: TencentIVH, play: Any, payload: dict[str, Any], job_id: str
) -> None:
    assert play(envelope(payload)).run(tencent.submit(VIDEO, None)) == job_id


@pytest.mark.parametrize("status", [200, 201, 302, 400, 403, 429, 500])
def test_code_0_is_success_under_any_http_status(tencent: TencentIVH, play: Any, status: int) -> None:
    assert play((status, envelope({"TaskId": TASK}))).run(tencent.submit(VIDEO, None)) == TASK


@pytest.mark.parametrize(
    "answer",
    [
        envelope({}),
        envelope({"TaskId": ""}),
        envelope(None),
        {"Header": {"Code": 0}},
        {"Header": {}, "Payload": {"TaskId": TASK}},
        {"Payload": {"TaskId": TASK}},
        {"Header": None, "Payload": {"TaskId": TASK}},
        {"Header": {"Code": True}, "Payload": {"TaskId": TASK}},
        [],
        (200, b"<html>bad gateway</html>"),
        (502, b"<html>bad gateway</html>"),
        (500, {"error": "boom"}),
        (500, b"[" * 100_000),
        (500, refusal(999999)),
    ],
)
def test_a_submit_whose_answer_tells_nothing_is_uncertain(tencent: TencentIVH, play: Any, answer: Any) -> None:
    with pytest.raises(SubmitUncertain, match="may have been bought"):
        play(answer).run(tencent.submit(VIDEO, None))


class Code(NamedTuple):
    code: str
    on_submit: type[VideoAIError]
    on_poll: type[VideoAIError]
    temporary: bool = False


def bad(code: str) -> Code:
    return Code(code, SubmitRejected, JobNotFound)


def passing(code: str) -> Code:
    return Code(code, SubmitRejected, VendorUnavailable, temporary=True)


def of_no_job(code: str) -> Code:
    return Code(code, SubmitRejected, VendorUnavailable)


def full(code: str) -> Code:
    return Code(code, QuotaExceeded, QuotaExceeded, temporary=True)


CODES = [
    passing("-101000"),
    full("-101001"),
    of_no_job("-101002"),
    passing("-101003"),
    passing("100000"),
    bad("100001"),
    bad("100002"),
    bad("100003"),
    Code("100005", AuthenticationFailed, AuthenticationFailed),
    full("100008"),
    bad("100009"),
    full("100012"),
    of_no_job("100013"),
    full("100014"),
    of_no_job("100015"),
    of_no_job("100016"),
    of_no_job("110005"),
    of_no_job("110007"),
    passing("801000"),
    passing("801002"),
    full("801004"),
    Code("801005", ContentRejected, ContentRejected),
]
UNLISTED = Code("424242", SubmitRejected, VendorUnavailable)


@pytest.mark.parametrize(
    ("row", "status"), [(row, status) for row in CODES for status in (200, 400, 500)] + [(UNLISTED, 200)]
)
def test_a_code_refuses_a_submit(tencent: TencentIVH, play: Any, row: Code, status: int) -> None:
    with pytest.raises(SubmitRejected) as refused:
        play((status, refusal(int(row.code)))).run(tencent.submit(VIDEO, None))
    assert type(refused.value) is row.on_submit
    assert (refused.value.code, refused.value.temporary) == (row.code, row.temporary)
    assert "vendor words" in refused.value.message
    assert SECRET not in str(refused.value) + repr(refused.value)


@pytest.mark.parametrize("as_number", [False, True])
@pytest.mark.parametrize("row", [*CODES, UNLISTED])
def test_a_code_in_a_poll_never_speaks_of_a_submit(
    tencent: TencentIVH, play: Any, row: Code, *, as_number: bool
) -> None:
    with pytest.raises(VideoAIError) as failed:
        play(refusal(int(row.code) if as_number else row.code)).run(tencent.statuses("tts", [TASK]))
    assert type(failed.value) is row.on_poll
    assert failed.value.code == row.code
    assert "bought" not in failed.value.message


def test_every_documented_code_is_in_the_table() -> None:
    assert set(TencentIVH.errors) == {row.code for row in CODES} | {"110006"}


def test_an_unknown_record_refuses_a_submit(tencent: TencentIVH, play: Any) -> None:
    with pytest.raises(SubmitRejected, match="no such record"):
        play(refusal(110006)).run(tencent.submit(VIDEO, None))


# -- the probe ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [refusal(110006), envelope({"Status": "MAKING"})])
def test_the_probe_holds_when_the_vendor_looks_for_the_record(tencent: TencentIVH, play: Any, answer: Any) -> None:
    exchange = play(answer)
    assert "accepted the credentials" in exchange.run(tencent.probe())
    (call,) = exchange.calls
    assert (call.name, call.buys) == ("getprogress", False)
    assert len(json.loads(call.body)["Payload"]["TaskId"]) == 32


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(100005), AuthenticationFailed),
        ((401, b"no"), AuthenticationFailed),
        ((403, refusal(999999)), AuthenticationFailed),
        (refusal(100009), JobNotFound),
        (refusal(999999), VendorUnavailable),
        ((500, b"boom"), VendorUnavailable),
    ],
)
def test_the_probe_fails_on_any_other_answer(
    tencent: TencentIVH, play: Any, answer: Any, error: type[VideoAIError]
) -> None:
    with pytest.raises(error):
        play(answer).run(tencent.probe())


# -- anything at all ------------------------------------------------------------------------------------------

PAYLOADS = JSON | st.fixed_dictionaries({}, optional={"TaskId": JSON, "TaskID": JSON, "Status": JSON})
HEADERS = st.just({"Code": 0}) | st.fixed_dictionaries({"Code": JSON, "Message": JSON}) | JSON


@given(header=HEADERS, payload=PAYLOADS, http_status=st.sampled_from([200, 400, 500]))
@fuzz
def test_any_answer_to_a_submit_is_an_id_or_a_typed_error(
    tencent: TencentIVH, play: Any, header: Any, payload: Any, http_status: int
) -> None:
    body = json.dumps({"Header": header, "Payload": payload}).encode()
    exchange = play(Answer(http_status, {}, body))
    seen = outcome(lambda: exchange.run(tencent.submit(VIDEO, None)))
    assert (isinstance(seen, str) and seen) or isinstance(seen, (SubmitRejected, SubmitUncertain))
