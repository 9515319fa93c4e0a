# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.vendors.viitor import TextRemovalRequest, ViiTor
from tests.support.fuzzing import fuzz, json_values

TOKEN = "viitor-token-7c1d"
ONE, TWO = "ViiTor_AI_1", "ViiTor_AI_2"
MEDIA = "https://cdn.example.com/out.mp4?sig=abc"
LEAST = {
    "url": "https://files.example.com/in.mp4?sig=a%2Fb",
    "task_name": "episode 1",
    "full_erase_roi": [[0, 0, 1, 1]],
}

JSON = json_values(0, 4, ONE)
FIELDS = st.sampled_from(["taskId", "taskStatus", "taskProgress", "errorCode", "targetVideoUrl", "updateTime"])
ROWS = st.lists(JSON | st.dictionaries(FIELDS, JSON | st.sampled_from([4, "4", MEDIA]), max_size=6), max_size=4)


@pytest.fixture
def viitor(open_account: Callable[..., ViiTor]) -> ViiTor:
    return open_account(ViiTor, login="123456", password=TOKEN)


def request(**changes: Any) -> TextRemovalRequest:
    return TextRemovalRequest.parse(LEAST | changes)


def ok(data: Any) -> dict[str, Any]:
    return {"code": 0, "message": "OK", "data": data}


def error(code: Any, message: str = "told so") -> dict[str, Any]:
    return {"code": code, "message": message, "data": None}


def row(**fields: Any) -> dict[str, Any]:
    told = {"taskId": ONE, "taskStatus": 3, "taskProgress": 60, "errorCode": 0, "targetVideoUrl": None, "updateTime": 1}
    return told | fields


def ask(viitor: ViiTor, play: Any, answer: Any) -> JobStatus:
    status: JobStatus = play(answer).run(viitor.statuses("text_removal", [ONE]))[ONE]
    return status


# -- the request --------------------------------------------------------------------------------------------


def test_every_field_travels_under_the_vendors_name(viitor: ViiTor, play: Any) -> None:
    exchange = play(ok({"taskId": ONE}))
    both = request(text_detect_roi=[[0, 900, 1920, 1060.5]])
    assert exchange.run(viitor.submit(both, None)) == ONE
    (call,) = exchange.calls
    assert (call.method, call.path, call.buys) == ("POST", "/textRemoval/add", True)
    assert call.headers["Content-Type"] == call.headers["Accept"] == "application/json;charset=UTF-8"
    assert json.loads(call.body) == {
        "url": "https://files.example.com/in.mp4?sig=a%2Fb",
        "taskName": "episode 1",
        "textDetectROI": [[0, 900, 1920, 1060.5]],
        "fullEraseROI": [[0, 0, 1, 1]],
    }


REGION = [0, 0, 10, 10]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "ftp://host/in.mp4"),
        ("url", "https://"),
        ("task_name", ""),
        ("text_detect_roi", [REGION] * 6),
        ("full_erase_roi", [REGION] * 6),
        ("full_erase_roi", [[0, 0, 10]]),
        ("full_erase_roi", [[10, 0, 10, 10]]),
        ("full_erase_roi", [[0, 20, 10, 10]]),
        ("text_detect_roi", [[-1, 0, 10, 10]]),
        ("text_detect_roi", [["left", 0, 10, 10]]),
        ("colour", "red"),
    ],
)
def test_broken_field_is_named(field: str, value: Any) -> None:
    with pytest.raises(InvalidRequest, match=field):
        request(**{field: value})


@pytest.mark.parametrize("empty", [None, []])
def test_one_region_is_needed(empty: Any) -> None:
    with pytest.raises(InvalidRequest, match="text_detect_roi, full_erase_roi: at least one"):
        request(text_detect_roi=empty, full_erase_roi=empty)
    assert request(text_detect_roi=[REGION] * 5, full_erase_roi=empty).text_detect_roi == [REGION] * 5


@pytest.mark.parametrize("odd", [None, 0, "", "text", [], object(), float("nan")])
def test_region_rule_survives_any_literal(odd: Any) -> None:
    for rule in TextRemovalRequest.rules:
        assert rule.holds(odd, odd) is bool(odd)


# -- headers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "channel", "source"),
    [
        ({}, "100", None),
        ({"channel": 200}, "200", None),
        ({"channel": "300", "app_source": "airflow"}, "300", "airflow"),
        ({"app_source": ""}, "100", None),
    ],
)
def test_headers_carry_token_user_and_channel(
    open_account: Any, play: Any, sign: Any, options: dict[str, Any], channel: str, source: str | None
) -> None:
    viitor = open_account(ViiTor, login="123456", password=TOKEN, **options)
    exchange = play(ok([]))
    exchange.run(viitor.statuses("text_removal", [ONE]))
    signed: httpx.Request = sign(viitor, exchange.calls[0])
    assert signed.headers["Authorization"] == f"Bearer {TOKEN}"
    assert signed.headers["X-User-Id"] == "123456"
    assert signed.headers["X-Channel"] == channel
    assert signed.headers.get("X-App-Source") == source
    assert TOKEN not in str(signed.url)


@pytest.mark.parametrize(
    ("credentials", "told"),
    [({"login": ""}, "X-User-Id"), ({"password": ""}, "bearer token"), ({"login": "me"}, "must be a number")],
)
def test_unusable_credentials_stop_before_anything_is_sent(
    open_account: Any, credentials: dict[str, str], told: str
) -> None:
    with pytest.raises(AuthenticationFailed, match=f"{told}.*nothing was sent"):
        _ = open_account(ViiTor, **credentials).auth


# -- submit -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [{"taskId": ONE}, {"taskId": ONE, "taskStatus": 1}, ONE])
def test_task_id_is_read_from_its_field_or_bare(viitor: ViiTor, play: Any, data: Any) -> None:
    assert play(ok(data)).run(viitor.submit(request(), None)) == ONE


@pytest.mark.parametrize(
    "answer",
    [
        ok(None),
        ok({}),
        ok({"taskId": ""}),
        ok({"taskId": 7}),
        ok([ONE]),
        {"message": "no code"},
        (200, b"<html>"),
        (502, b"<html>bad gateway</html>"),
        (500, error(9999)),
        SubmitUncertain("the answer was lost"),
    ],
)
def test_submit_without_a_readable_id_is_uncertain(viitor: ViiTor, play: Any, answer: Any) -> None:
    exchange = play(answer)
    with pytest.raises(SubmitUncertain):
        exchange.run(viitor.submit(request(), None))
    assert len(exchange.calls) == 1


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (error(2000), SubmitRejected, "2000"),
        (error("2001"), SubmitRejected, "2001"),
        ((400, error(2001)), SubmitRejected, "2001"),
        (error(4242), SubmitRejected, "4242"),
        ((401, error(1)), AuthenticationFailed, "401"),
        ((403, b""), AuthenticationFailed, "403"),
        ((429, b""), QuotaExceeded, "429"),
        ((301, b""), SubmitRejected, "HTTP 301"),
        ((404, b""), SubmitRejected, "HTTP 404"),
    ],
)
def test_refused_submit_is_told_by_what_it_means(
    viitor: ViiTor, play: Any, answer: Any, kind: type[SubmitRejected], code: str
) -> None:
    with pytest.raises(SubmitRejected) as caught:
        play(answer).run(viitor.submit(request(), None))
    assert (type(caught.value), caught.value.code) == (kind, code)


# -- status -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "state"),
    [
        (1, JobState.QUEUED),
        (2, JobState.QUEUED),
        (3, JobState.RUNNING),
        ("3", JobState.RUNNING),
        (4, JobState.SUCCEEDED),
        ("4", JobState.SUCCEEDED),
        (5, JobState.FAILED),
        (6, JobState.ABORTED),
        (0, JobState.RUNNING),
        (7, JobState.RUNNING),
        (None, JobState.RUNNING),
        ("done", JobState.RUNNING),
    ],
)
def test_state_is_read_and_unknown_ones_go_on(viitor: ViiTor, play: Any, raw: Any, state: JobState) -> None:
    status = ask(viitor, play, ok([row(taskStatus=raw, targetVideoUrl=MEDIA)]))
    assert (status.state, status.raw) == (state, "" if raw is None else str(raw))
    assert status.media_url == (MEDIA if state is JobState.SUCCEEDED else None)


@pytest.mark.parametrize("address", [None, "", "  ", "pending", 7])
def test_finished_without_a_url_is_still_running(viitor: ViiTor, play: Any, address: Any) -> None:
    status = ask(viitor, play, ok([row(taskStatus=4, taskProgress=100, targetVideoUrl=address)]))
    assert (status.state, status.media_url, status.progress) == (JobState.RUNNING, None, 100)


@pytest.mark.parametrize(
    ("told", "read"), [(60, 60), ("60", 60), (130, None), (-1, None), ("0.5", None), (None, None), ("soon", None)]
)
def test_progress_is_a_percentage_or_nothing(viitor: ViiTor, play: Any, told: Any, read: int | None) -> None:
    assert ask(viitor, play, ok([row(taskProgress=told)])).progress == read


@pytest.mark.parametrize(("raw", "told", "read"), [(5, 31, "31"), (6, "x1", "x1"), (3, 31, None), (5, None, None)])
def test_error_code_is_kept_for_jobs_that_ended_badly(
    viitor: ViiTor, play: Any, raw: int, told: Any, read: str | None
) -> None:
    assert ask(viitor, play, ok([row(taskStatus=raw, errorCode=told)])).error_code == read


def test_details_are_the_vendors_own_words_without_the_url(viitor: ViiTor, play: Any) -> None:
    status = ask(viitor, play, ok([row(taskStatus=4, targetVideoUrl=MEDIA, updateTime=1776057650456)]))
    assert status.details == {"taskStatus": 4, "errorCode": 0, "updateTime": 1776057650456}


def test_many_jobs_are_asked_at_once_and_matched_by_id(viitor: ViiTor, play: Any) -> None:
    exchange = play(ok([row(taskId=TWO, taskStatus=2), row(taskId="ViiTor_AI_stranger"), row(taskId=ONE), "junk"]))
    found = exchange.run(viitor.statuses("text_removal", [ONE, TWO]))
    assert {job_id: status.state for job_id, status in found.items()} == {ONE: JobState.RUNNING, TWO: JobState.QUEUED}
    (call,) = exchange.calls
    assert (call.path, call.buys) == ("/textRemoval/taskStatus", False)
    assert json.loads(call.body) == {"taskIds": [ONE, TWO]}
    assert viitor.batch_size == 100


def test_unknown_job_is_missing_from_the_answer(viitor: ViiTor, play: Any) -> None:
    assert play(ok([row(taskId=TWO)])).run(viitor.statuses("text_removal", [ONE])) == {}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(2000), JobNotFound),
        (error(2001), JobNotFound),
        (error(4242), VendorUnavailable),
        (ok(None), VendorUnavailable),
        (ok({}), VendorUnavailable),
        ({"message": "no code"}, VendorUnavailable),
        ((200, b"<html>"), VendorUnavailable),
        ((503, b""), VendorUnavailable),
        ((404, b""), JobNotFound),
        ((429, b""), QuotaExceeded),
        ((401, b""), AuthenticationFailed),
    ],
)
def test_failed_ask_is_told_by_what_it_means(viitor: ViiTor, play: Any, answer: Any, kind: type[VideoAIError]) -> None:
    with pytest.raises(kind) as caught:
        ask(viitor, play, answer)
    assert type(caught.value) is kind


@pytest.mark.parametrize("job_id", ["", "abc", "viitor_ai_1", "ViiTor_AI_1 2"])
def test_foreign_job_id_is_refused_before_anything_is_sent(viitor: ViiTor, job_id: str) -> None:
    with pytest.raises(InvalidRequest, match="job_id"):
        viitor.check_job_id(job_id)


# -- connection test and secrets ----------------------------------------------------------------------------


def test_readable_answer_proves_the_credentials(viitor: ViiTor, play: Any) -> None:
    exchange = play(ok([]))
    assert "accepted the credentials" in exchange.run(viitor.probe())
    assert [(call.name, call.buys) for call in exchange.calls] == [("taskStatus", False)]


@pytest.mark.parametrize("answer", [(401, b""), error(2000), error(4242), (404, b""), (200, b"<html>")])
def test_other_answers_prove_nothing(viitor: ViiTor, play: Any, answer: Any) -> None:
    with pytest.raises(VideoAIError):
        play(answer).run(viitor.probe())


def test_no_error_text_holds_the_token_or_a_signed_url(viitor: ViiTor, play: Any) -> None:
    for answer in (error(2001, f"cannot fetch {MEDIA}"), (401, b""), error(4242), (500, b"")):
        with pytest.raises(VideoAIError) as caught:
            play(answer).run(viitor.submit(request(), None))
        assert TOKEN not in str(caught.value)
        assert "sig=abc" not in str(caught.value)
    assert TOKEN not in repr(viitor.account)


# -- anything at all ----------------------------------------------------------------------------------------


@fuzz
@given(body=JSON, tasks=ROWS)
def test_any_answer_gives_statuses_or_a_typed_error(viitor: ViiTor, play: Any, body: Any, tasks: Any) -> None:
    for answer in (body, ok(body), ok(tasks)):
        try:
            found = play(answer).run(viitor.statuses("text_removal", [ONE, "4"]))
        except VideoAIError:
            continue
        for status in found.values():
            assert status.state is not JobState.SUCCEEDED or status.media_url


@fuzz
@given(body=JSON)
def test_any_answer_to_a_submit_gives_an_id_or_a_typed_error(viitor: ViiTor, play: Any, body: Any) -> None:
    for answer in (body, ok(body), ok({"taskId": body})):
        try:
            assert play(answer).run(viitor.submit(request(), None))
        except VideoAIError:
            continue
