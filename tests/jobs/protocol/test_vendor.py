# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    ContentRejected,
    InvalidRequest,
    JobFailed,
    JobNotFound,
    QuotaExceeded,
    SubmitRejected,
    SubmitUncertain,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.jobs.protocol.call import Answer, Call, json_body
from airflow_provider_videoai.jobs.protocol.options import ConnectionOptions
from tests.jobs.protocol.acme import ASK, BUY, SECRET, Acme, Carve, acme, answer, read_error


@pytest.mark.parametrize("call", [BUY, ASK])
@pytest.mark.parametrize("status", [200, 201, 202, 203, 206, 299])
def test_a_good_answer_is_read_under_any_2xx(call: Call, status: int) -> None:
    assert acme().read(call, answer(status, {"code": 0, "data": [1]})) == {"code": 0, "data": [1]}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_good_answer_is_read_in_any_encoding_of_json(encoding: str) -> None:
    body = json.dumps({"code": 0, "data": "字"}, ensure_ascii=False).encode(encoding)
    assert acme().read(BUY, answer(200, body)) == {"code": 0, "data": "字"}


HTML = b"<html>502 Bad Gateway</html>"
UNREADABLE: list[Any] = [b"", HTML, b'{"code": 0', b"[" * 100_000, b"\xff\xfe", [], {}]


@pytest.mark.parametrize(
    ("status", "body", "on_submit", "on_poll"),
    [
        # answers that tell nothing: the job may have been bought
        *((200, body, SubmitUncertain, VendorUnavailable) for body in UNREADABLE),
        (201, HTML, SubmitUncertain, VendorUnavailable),
        (204, b"", SubmitUncertain, VendorUnavailable),
        *((500, body, SubmitUncertain, VendorUnavailable) for body in ({"code": 0}, *UNREADABLE)),
        (502, HTML, SubmitUncertain, VendorUnavailable),
        (303, b"", SubmitUncertain, VendorUnavailable),
        (408, b"", SubmitUncertain, VendorUnavailable),
        (408, {"code": 999}, SubmitUncertain, VendorUnavailable),
        (499, b"", SubmitUncertain, VendorUnavailable),
        (503, {"code": 999}, SubmitUncertain, VendorUnavailable),
        # the status says no, and the envelope yes
        (302, {"code": 0}, SubmitUncertain, VendorUnavailable),
        (400, {"code": 0}, SubmitUncertain, VendorUnavailable),
        (404, {"code": 0}, SubmitUncertain, VendorUnavailable),
        # the vendor never saw it, or carried nothing out
        (409, b"", SubmitRejected, VendorUnavailable),
        (422, {"detail": "no"}, SubmitRejected, VendorUnavailable),
        (425, b"", SubmitRejected, VendorUnavailable),
        (400, {"code": 999}, SubmitRejected, VendorUnavailable),
        (302, b"", SubmitRejected, VendorUnavailable),
        (400, b"", SubmitRejected, VendorUnavailable),
        # of a job, "not found" says that there is none
        (404, b"", SubmitRejected, JobNotFound),
        (404, HTML, SubmitRejected, JobNotFound),
        (404, {"code": 999}, SubmitRejected, JobNotFound),
        (410, {"code": 999}, SubmitRejected, JobNotFound),
        (401, b"", AuthenticationFailed, AuthenticationFailed),
        (403, HTML, AuthenticationFailed, AuthenticationFailed),
        (401, {"code": 0}, AuthenticationFailed, AuthenticationFailed),
        (403, {"code": 999}, AuthenticationFailed, AuthenticationFailed),
        (429, b"", QuotaExceeded, QuotaExceeded),
        (429, {"code": 0}, QuotaExceeded, QuotaExceeded),
        (429, {"code": 4}, QuotaExceeded, QuotaExceeded),
        # a documented code says more than the HTTP status
        (401, {"code": 4}, SubmitRejected, JobNotFound),
        (400, {"code": 3}, ContentRejected, ContentRejected),
        (500, {"code": 2}, QuotaExceeded, QuotaExceeded),
        (503, {"code": 5}, SubmitRejected, VendorUnavailable),
        (404, {"code": 7}, SubmitRejected, JobFailed),
        (201, {"code": 3}, ContentRejected, ContentRejected),
        (202, {"code": 999}, SubmitRejected, VendorUnavailable),
    ],
)
def test_an_http_status_is_read_for_what_became_of_the_money(
    status: int, body: Any, on_submit: type[VideoAIError], on_poll: type[VideoAIError]
) -> None:
    assert type(read_error(BUY, answer(status, body))) is on_submit
    assert type(read_error(ASK, answer(status, body))) is on_poll


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, {"code": 3001, "message": "url is not reachable"}, "url is not reachable (code 3001, HTTP 400)"),
        (400, {"code": 4, "message": "no 'x'"}, "wrong parameter: no 'x' (code 4, HTTP 400)"),
        (422, {"detail": "url: field required"}, "refused: url: field required (HTTP 422)"),
        (402, {"error": {"code": "E7", "message": "top up"}}, "refused: top up (its code E7) (HTTP 402)"),
        (401, {"code": 999, "message": "token expired"}, "unauthorised: token expired (its code 999) (HTTP 401)"),
        (429, {"code": 4, "message": "daily limit"}, "too many requests: daily limit (its code 4) (HTTP 429)"),
        (503, {"code": 999, "message": "deploying"}, "HTTP 503 (deploying (its code 999))"),
        (404, {"code": 999, "msg": "gone"}, "not found: gone (its code 999) (HTTP 404)"),
    ],
)
@pytest.mark.parametrize("call", [BUY, ASK])
def test_a_refusals_own_words_and_its_http_status_are_shown(call: Call, status: int, body: Any, said: str) -> None:
    message = read_error(call, answer(status, body)).message
    assert said in message
    assert "host" not in message


@pytest.mark.parametrize("status", [302, 400, 404, 418])
def test_a_plain_http_refusal_suggests_the_host_and_no_retry(status: int) -> None:
    refused = read_error(BUY, answer(status, HTML))
    assert "is the connection's host right?" in refused.message
    assert refused.code == f"HTTP {status}"
    assert isinstance(refused, SubmitRejected)
    assert not refused.temporary


# -- read: by the vendor's code -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "on_submit", "temporary", "on_poll"),
    [
        (1, AuthenticationFailed, False, AuthenticationFailed),
        (2, QuotaExceeded, True, QuotaExceeded),
        (3, ContentRejected, False, ContentRejected),
        (4, SubmitRejected, False, JobNotFound),
        (5, SubmitRejected, True, VendorUnavailable),
        (6, SubmitRejected, False, JobNotFound),
        (7, SubmitRejected, False, JobFailed),
        (8, SubmitRejected, False, VendorUnavailable),
        (999, SubmitRejected, False, VendorUnavailable),
        ("4", SubmitRejected, False, JobNotFound),
    ],
)
def test_a_code_means_one_thing_on_a_submit_and_another_on_a_poll(
    code: object, on_submit: type[VideoAIError], *, temporary: bool, on_poll: type[VideoAIError]
) -> None:
    refused = read_error(BUY, answer(200, {"code": code}))
    assert type(refused) is on_submit
    assert isinstance(refused, SubmitRejected)
    assert refused.temporary is temporary
    polled = read_error(ASK, answer(200, {"code": code}))
    assert type(polled) is on_poll
    assert refused.code == polled.code == str(code)


def test_refusal_names_vendor_call_meaning_words_and_code() -> None:
    refused = read_error(BUY, answer(200, {"code": 4, "message": "no 'x'"}))
    assert refused.message == "Acme buy: wrong parameter: no 'x' (code 4). Nothing was bought."


def test_refusal_without_words_has_the_meaning_alone() -> None:
    assert read_error(ASK, answer(200, {"code": 6})).message == "Acme ask: no such job (code 6)"


def test_unlisted_code_is_called_undocumented() -> None:
    assert "an undocumented code: hm (code 999)" in read_error(BUY, answer(200, {"code": 999, "message": "hm"})).message


@pytest.mark.parametrize("code", [2, 3, 4, 5, 6, 7, 999])
def test_money_is_only_spoken_of_where_some_was_at_stake(code: int) -> None:
    assert "Nothing was bought." in read_error(BUY, answer(200, {"code": code})).message
    assert "bought" not in read_error(ASK, answer(200, {"code": code})).message


@pytest.mark.parametrize("call", [BUY, ASK])
def test_refused_credentials_name_the_connection_and_no_secret(call: Call) -> None:
    for given_answer in (answer(401), answer(200, {"code": 1})):
        message = read_error(call, given_answer).message
        assert "Check login (the number) and password of connection 'acme_conn'" in message
        assert SECRET not in message


@pytest.mark.parametrize("call", [BUY, ASK])
def test_a_quota_passes_on_what_the_vendor_asks_to_wait(call: Call) -> None:
    full = read_error(call, answer(200, {"code": 2, "wait": 30.0}))
    assert isinstance(full, QuotaExceeded)
    assert full.retry_after == 30.0


def test_a_lost_submit_says_that_it_may_have_been_bought() -> None:
    lost = acme().lost(BUY, "an empty body")
    assert type(lost) is SubmitUncertain
    assert lost.message == "Acme buy was sent and answered with an empty body: the job may have been bought"


def test_lost_poll_is_a_transient_error() -> None:
    lost = acme().lost(ASK, "an empty body")
    assert isinstance(lost, VendorUnavailable)
    assert lost.message == "Acme ask: an empty body"


# -- Retry-After --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, b"", QuotaExceeded),
        (503, b"", VendorUnavailable),
        (400, b"", VendorUnavailable),
        (400, {"code": 2, "wait": 30.0}, QuotaExceeded),
        (503, {"code": 5}, VendorUnavailable),
    ],
)
def test_a_retry_after_is_kept_whatever_it_comes_with(
    status: int, body: Any, kind: type[QuotaExceeded | VendorUnavailable]
) -> None:
    error = read_error(ASK, Answer(status, httpx.Headers({"Retry-After": "7"}), answer(status, body).body))
    assert isinstance(error, kind)
    assert error.retry_after == 7.0


# -- what a vendor's words may hold -------------------------------------------------------------------------


def test_a_signature_in_a_refusal_is_not_repeated() -> None:
    refused = read_error(BUY, answer(200, {"code": 4, "message": "GET https://h/x?sig=abc failed"}))
    assert "sig=abc" not in str(refused) + repr(refused)


def test_json_is_sent_compact_and_in_utf_8() -> None:
    assert json_body({"a": "字", "b": [1, None]}) == '{"a":"字","b":[1,null]}'.encode()


# -- account, operations, ids -------------------------------------------------------------------------------


def test_an_account_shows_neither_login_nor_password() -> None:
    shown = repr(acme(login="login-9z8y").account)
    assert SECRET not in shown
    assert "login-9z8y" not in shown


def test_a_call_and_an_answer_do_not_show_their_bodies() -> None:
    assert "hidden" not in repr(Call(name="n", path="/p", body=b"hidden"))
    assert "hidden" not in repr(Answer(200, {}, b"hidden"))


@pytest.mark.parametrize(("field", "named"), [("login", r"login \(the number\)"), ("password", "password")])
def test_a_missing_credential_is_named_and_nothing_is_sent(field: str, named: str) -> None:
    with pytest.raises(AuthenticationFailed, match=f"'acme_conn' has no {named}; nothing was sent to Acme"):
        acme(**{field: ""}).require_credentials()


def test_the_first_operation_is_the_default() -> None:
    assert acme().operation == "paint"


def test_an_operation_is_looked_up_by_its_word() -> None:
    assert acme().require("carve") is Carve


def test_an_unknown_operation_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidRequest, match="Acme has no operation 'bake'; it has paint, carve"):
        acme().require("bake")


@pytest.mark.parametrize("job_id", ["a", "ViiTor_AI-1", "任务"])
def test_a_word_may_be_a_job_id(job_id: str) -> None:
    acme().check_job_id(job_id)


@pytest.mark.parametrize("job_id", ["", " ", "a b", "a\n b", None, 7, ["a"]])
def test_what_cannot_be_a_job_id_is_refused(job_id: Any) -> None:
    with pytest.raises(InvalidRequest, match="job_id: "):
        acme().check_job_id(job_id)


@pytest.mark.parametrize(
    ("connection", "documented", "limit"), [(None, None, None), (None, 6.0, 6.0), (600.0, 6.0, 600.0)]
)
def test_the_connections_rate_goes_before_the_documented_one(
    monkeypatch: pytest.MonkeyPatch, connection: float | None, documented: float | None, limit: float | None
) -> None:
    monkeypatch.setattr(Acme, "requests_per_minute", documented)
    assert acme(options=ConnectionOptions(max_requests_per_minute=connection)).rate_limit == limit


def test_a_result_needs_no_call_unless_the_vendor_says_so() -> None:
    status = JobStatus(job_id="j", state=JobState.SUCCEEDED, media_url="https://h/x")
    flow = acme().result("paint", status)
    with pytest.raises(StopIteration) as end:
        next(flow)
    assert end.value.value is status


# -- anything at all ----------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
BODIES = st.binary(max_size=40) | st.builds(
    json_body, JSON | st.fixed_dictionaries({"code": st.integers(0, 8) | JSON, "message": JSON})
)


@pytest.mark.parametrize("call", [BUY, ASK])
@given(status=st.integers(200, 599), body=BODIES, retry_after=st.text("0123456789 :GMTnov,-.", max_size=12))
def test_any_answer_is_read_or_raises_a_typed_error(call: Call, status: int, body: bytes, retry_after: str) -> None:
    seen: object
    try:
        seen = acme().read(call, answer(status, body, {"retry-after": retry_after}))
    except VideoAIError as error:
        seen = error
    assert isinstance(seen, VideoAIError) or (200 <= status < 300 and isinstance(seen, dict))
    assert SECRET not in str(seen)
