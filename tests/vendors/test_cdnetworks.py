# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    InvalidRequest,
    JobNotFound,
    QuotaExceeded,
    SubmitRejected,
    SubmitUncertain,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.protocol.options import ConnectionOptions
from airflow_provider_videoai.vendors.cdnetworks import CDNetworks
from tests.support.cdnetworks_words import SECRET, TRANS_NO, TREES, error, ok, pull, task, trim
from tests.support.fuzzing import fuzz

NOW = 1_700_000_000


def pulled(*items: dict[str, Any]) -> dict[str, Any]:
    return ok({"taskId": "t-1", "transNo": TRANS_NO, "status": 2, "items": list(items)})


# -- pace ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "floor"), [(None, 10.0), (6, 10.0), (30, 2.0), (60, 1.0), (600, 1.0), (2, 30.0)])
def test_least_gap_follows_the_connections_limit(limit: float | None, floor: float) -> None:
    options = ConnectionOptions(max_requests_per_minute=limit)
    account = Account(conn_id="c", host=CDNetworks.default_host, options=options)
    assert CDNetworks(account, lambda: NOW).poll_floor == floor
    assert (CDNetworks.requests_per_minute, CDNetworks.limit_per_call, CDNetworks.batch_size) == (6, True, 1)


# -- submit --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "given_id", "used"),
    [("mine", None, "mine"), ("mine", "recorded", "recorded"), (None, "recorded", "recorded")],
)
def test_recorded_trans_no_comes_before_the_users(
    vod: CDNetworks, play: Any, own: str | None, given_id: str | None, used: str
) -> None:
    """What was sent before under an id must not be sent again under another."""
    for request in (trim(trans_no=own), pull(trans_no=own)):
        exchange = play(ok())
        assert exchange.run(vod.submit(request, given_id)) == used
        assert json.loads(exchange.calls[0].body)["transNo"] == used


def test_trans_no_is_made_up_where_nobody_gives_one(vod: CDNetworks, play: Any) -> None:
    made = {play(ok()).run(vod.submit(trim(), None)) for _ in range(3)}
    assert len(made) == 3
    assert all(len(trans_no) == 32 and int(trans_no, 16) >= 0 for trans_no in made)


@pytest.mark.parametrize("job_id", ["x" * 33, "a b", " "])
def test_impossible_trans_no_is_refused_before_anything_is_sent(vod: CDNetworks, play: Any, job_id: str) -> None:
    exchange = play()
    with pytest.raises(InvalidRequest, match="job_id"):
        exchange.run(vod.submit(trim(), job_id))
    assert exchange.calls == []


SUBMIT_ERRORS: list[tuple[Any, type[SubmitRejected], bool]] = [
    (1000, SubmitRejected, False),
    (1301, AuthenticationFailed, False),
    ("1500", SubmitRejected, False),
    (1502, SubmitRejected, False),
    (1503, SubmitRejected, False),
    (1504, SubmitRejected, False),
    (1532, SubmitRejected, False),
    (1535, AuthenticationFailed, False),
    (1561, SubmitRejected, False),
    (1562, SubmitRejected, False),
    (1563, SubmitRejected, False),
    (1564, SubmitRejected, False),
    (1565, SubmitRejected, False),
    (1601, SubmitRejected, False),
    (1603, SubmitRejected, False),
    (24112000, SubmitRejected, False),
]


@pytest.mark.parametrize("http_status", [200, 400])
@pytest.mark.parametrize(("code", "kind", "temporary"), SUBMIT_ERRORS)
def test_documented_error_refuses_the_submit(
    vod: CDNetworks, play: Any, code: Any, kind: type[SubmitRejected], temporary: bool, http_status: int
) -> None:
    with pytest.raises(SubmitRejected, match="told so") as caught:
        play((http_status, error(code))).run(vod.submit(trim(), TRANS_NO))
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.temporary) == (str(code), temporary)


LOST: list[Any] = [
    SubmitUncertain("the answer was lost"),
    (502, b"<html>bad gateway</html>"),
    (500, {"message": "internal"}),
    (200, b"half an ans"),
    {"message": "no code"},
    error(1560),
]


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("known", [task(1), task(2, videoId="v"), task(3), task(77), error(1560)])
def test_lost_answer_is_settled_by_asking_and_nothing_is_sent_twice(
    vod: CDNetworks, play: Any, lost: Any, known: Any
) -> None:
    exchange = play(lost, known)
    assert exchange.run(vod.submit(trim(), TRANS_NO)) == TRANS_NO
    assert [(call.name, call.buys) for call in exchange.calls] == [("videoClip", True), ("videoClipQuery", False)]
    assert json.loads(exchange.calls[1].body) == {"transNo": TRANS_NO}


def test_lost_answer_to_a_pull_asks_the_pulls_own_query(vod: CDNetworks, play: Any) -> None:
    exchange = play(SubmitUncertain("lost"), pulled({"pullStatus": 1}))
    assert exchange.run(vod.submit(pull(), TRANS_NO)) == TRANS_NO
    assert [call.name for call in exchange.calls] == ["pullVideo", "pullVideoQuery"]


def test_lost_answer_whose_task_is_unknown_yet_stays_uncertain(vod: CDNetworks, play: Any) -> None:
    exchange = play(SubmitUncertain("the answer was lost"), error(1603))
    with pytest.raises(
        SubmitUncertain, match=r"answer was lost; .*transNo .* is still unknown to CDNetworks.*A retry"
    ) as caught:
        exchange.run(vod.submit(trim(), TRANS_NO))
    assert (caught.value.code, caught.value.job_id) == ("1603", TRANS_NO)


@pytest.mark.parametrize(
    "silent",
    [
        VendorUnavailable("no connection"),
        (503, b""),
        (429, b""),
        error(9999),
        error(1602),
        ok(None),
        ok({}),
        ok({"transNo": TRANS_NO, "status": None}),
        ok({"transNo": "another", "taskId": "t", "status": 2}),
    ],
)
def test_lost_answer_stays_uncertain_where_asking_settles_nothing(vod: CDNetworks, play: Any, silent: Any) -> None:
    exchange = play(SubmitUncertain("the answer was lost"), silent)
    with pytest.raises(SubmitUncertain, match=r"settled nothing.*A retry") as caught:
        exchange.run(vod.submit(trim(), TRANS_NO))
    assert caught.value.job_id == TRANS_NO
    assert len(exchange.calls) == 2


def test_submit_that_never_left_is_not_asked_about(vod: CDNetworks, play: Any) -> None:
    exchange = play(VendorUnavailable("no connection: nothing was sent"))
    with pytest.raises(VendorUnavailable):
        exchange.run(vod.submit(trim(), TRANS_NO))
    assert len(exchange.calls) == 1


@pytest.mark.parametrize("code", [1599, 1602])
def test_refusal_of_our_own_trans_no_may_be_its_second_arrival(vod: CDNetworks, play: Any, code: int) -> None:
    """Known, though nobody but this submit can have its name: not taken at once, and not "nothing was bought"."""
    exchange = play(error(code, "transNo exists"), task(1))
    with pytest.raises(SubmitUncertain, match=rf"transNo exists.*has a job {TRANS_NO}.*A retry queries") as caught:
        exchange.run(vod.submit(trim(), TRANS_NO))
    assert caught.value.job_id == TRANS_NO
    assert [call.name for call in exchange.calls] == ["videoClip", "videoClipQuery"]


def test_lost_answer_under_the_users_trans_no_is_not_settled_where_nothing_is_known_of_it_before(
    vod: CDNetworks, play: Any
) -> None:
    """As the hook submits: the job of that name may be an older one."""
    exchange = play(SubmitUncertain("its answer was lost"), ok({"taskId": "t-1", "transNo": "mine", "status": 1}))
    with pytest.raises(SubmitUncertain, match=r"mine is known, but nothing says that it was unused") as caught:
        exchange.run(vod.submit(trim(trans_no="mine"), None))
    assert caught.value.job_id == "mine"


@pytest.mark.parametrize("conflict", [(409, b""), (409, {"message": "exists"}), (409, {"code": 1599})])
def test_conflict_over_our_own_trans_no_may_be_its_second_arrival(vod: CDNetworks, play: Any, conflict: Any) -> None:
    exchange = play(conflict, task(1))
    with pytest.raises(SubmitUncertain, match=f"has a job {TRANS_NO}"):
        exchange.run(vod.submit(trim(), TRANS_NO))
    assert [call.name for call in exchange.calls] == ["videoClip", "videoClipQuery"]


@pytest.mark.parametrize("code", [1599, 1602])
def test_refusal_stands_where_the_vendor_does_not_know_the_task(vod: CDNetworks, play: Any, code: int) -> None:
    with pytest.raises(SubmitRejected, match=str(code)) as caught:
        play(error(code), error(1603)).run(vod.submit(trim(), TRANS_NO))
    assert caught.value.temporary is False


@pytest.mark.parametrize("silent", [(503, b""), VendorUnavailable("no connection"), ok(None)])
def test_refusal_that_cannot_be_explained_is_uncertain(vod: CDNetworks, play: Any, silent: Any) -> None:
    with pytest.raises(SubmitUncertain, match=r"code 1602.*whether it was bought is unknown") as caught:
        play(error(1602), silent).run(vod.submit(trim(), TRANS_NO))
    assert caught.value.job_id == TRANS_NO


def test_undocumented_refusal_of_the_users_trans_no_is_never_taken_for_this_job(vod: CDNetworks, play: Any) -> None:
    exchange = play(error(1599))
    with pytest.raises(SubmitRejected, match="1599"):
        exchange.run(vod.submit(trim(trans_no="mine"), TRANS_NO))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((401, b""), AuthenticationFailed),
        ((403, {"code": 9}), AuthenticationFailed),
        ((429, b""), QuotaExceeded),
        ((404, b""), SubmitRejected),
    ],
)
def test_refusal_by_http_status_is_final_and_not_asked_about(
    vod: CDNetworks, play: Any, answer: Any, kind: type[SubmitRejected]
) -> None:
    exchange = play(answer)
    with pytest.raises(SubmitRejected) as caught:
        exchange.run(vod.submit(trim(), TRANS_NO))
    assert type(caught.value) is kind


# -- connection test and secrets -----------------------------------------------------------------------------


def test_unknown_trans_no_proves_the_credentials(vod: CDNetworks, play: Any) -> None:
    exchange = play(error(1603))
    assert "accepted the credentials" in exchange.run(vod.probe())
    assert [(call.name, call.buys) for call in exchange.calls] == [("videoClipQuery", False)]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(9999), VendorUnavailable),
        ((404, b""), JobNotFound),
        ((200, b"<html>"), VendorUnavailable),
    ],
)
def test_other_answers_prove_nothing(vod: CDNetworks, play: Any, answer: Any, kind: type[VideoAIError]) -> None:
    with pytest.raises(kind):
        play(answer).run(vod.probe())


def test_no_error_text_holds_a_secret(vod: CDNetworks, play: Any) -> None:
    for answer in (error(1301), error(9999), (401, b""), SubmitUncertain("lost")):
        with pytest.raises(VideoAIError) as caught:
            play(answer, error(1603)).run(vod.submit(trim(), TRANS_NO))
        assert SECRET not in str(caught.value)
    assert SECRET not in repr(vod.account)


# -- anything at all -----------------------------------------------------------------------------------------


@fuzz
@given(asked=TREES)
def test_lost_answer_ends_in_our_id_or_uncertainty_whatever_the_query_says(
    vod: CDNetworks, play: Any, asked: Any
) -> None:
    for body in (ok(asked), asked):
        try:
            job_id = play(SubmitUncertain("lost"), body).run(vod.submit(trim(), TRANS_NO))
        except SubmitUncertain as uncertain:
            job_id = uncertain.job_id
        assert job_id == TRANS_NO
