# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    ContentRejected,
    InvalidRequest,
    JobNotFound,
    QuotaExceeded,
    SubmitRejected,
    SubmitUncertain,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.model import JobState
from airflow_provider_videoai.vendors.topview import Topview, VideoAvatarRequest
from tests.support.fuzzing import fuzz, json_values, outcome

SECRET = "topview-key-9f8e7d"
MEDIA = "https://bucket.s3.amazonaws.com/out/clip.mp4?X-Amz-Signature=abc"
REQUEST = {
    "avatar_source_from": "0",
    "video_file_id": "file-7",
    "audio_source_from": "1",
    "tts_text": "Good morning",
    "voiceover_id": "voice-3",
}


@pytest.fixture
def topview(open_account: Any) -> Topview:
    vendor: Topview = open_account(Topview, login="uid-42", password=SECRET)
    return vendor


JSON = json_values()


def request(**changes: Any) -> VideoAvatarRequest:
    return VideoAvatarRequest.parse({**REQUEST, **changes})


def envelope(result: Any, code: Any = "200", message: str = "Success") -> dict[str, Any]:
    return {"code": code, "message": message, "result": result}


def task(**fields: Any) -> dict[str, Any]:
    return envelope({"taskId": "task-1", "status": "init", "errorMsg": None, **fields})


# -- the connection -----------------------------------------------------------------------------------------


def test_a_call_carries_uid_and_bearer_key(topview: Topview, play: Any, sign: Any) -> None:
    exchange = play(task())
    exchange.run(topview.statuses("video_avatar", ["task-1"]))
    signed = sign(topview, exchange.calls[0])
    assert signed.headers["Topview-Uid"] == "uid-42"
    assert signed.headers["Authorization"] == f"Bearer {SECRET}"
    assert str(signed.url) == (
        "https://api.topview.ai/v1/video_avatar/task/query?taskId=task-1&needCloudFrontUrl=false"
    )


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        ({"credit": 12.5}, "credits left: 12.5"),
        ({"credit": "8"}, "credits left: 8"),
        ({"remainCredit": 7}, "credits left: 7"),
        ({"credit": None, "remainCredit": 0}, "credits left: 0"),
        ({"credit": 0}, "credits left: 0"),
        ({}, "it did not say how many"),
        (None, "it did not say how many"),
    ],
)
def test_the_probe_tells_the_credits_that_are_left(topview: Topview, play: Any, result: Any, sentence: str) -> None:
    exchange = play(envelope(result))
    said = exchange.run(topview.probe())
    assert sentence in said
    (call,) = exchange.calls
    assert (call.method, call.path, call.buys) == ("GET", "/user/credit/detail", False)


def test_the_probe_fails_with_wrong_credentials(topview: Topview, play: Any) -> None:
    with pytest.raises(AuthenticationFailed, match="test_conn"):
        play(envelope(None, "401", "Unauthorized")).run(topview.probe())


# -- submitting ---------------------------------------------------------------------------------------------


def test_a_submit_is_the_one_call_that_buys(topview: Topview, play: Any) -> None:
    exchange = play(task())
    assert exchange.run(topview.submit(request(), None)) == "task-1"
    (call,) = exchange.calls
    assert (call.method, call.path, call.buys) == ("POST", "/v1/video_avatar/task/submit", True)
    assert call.headers["Content-Type"] == "application/json"
    assert json.loads(call.body) == request().to_vendor()


@pytest.mark.parametrize("code", ["200", 200, 200.0])
def test_success_is_code_200_as_text_or_number(topview: Topview, play: Any, code: Any) -> None:
    answer = envelope({"taskId": "task-1", "status": "init"}, code)
    assert play(answer).run(topview.submit(request(), None)) == "task-1"


def test_a_task_id_that_comes_as_a_number_is_kept_as_text(topview: Topview, play: Any) -> None:
    assert play(envelope({"taskId": 77})).run(topview.submit(request(), None)) == "77"


@pytest.mark.parametrize(
    "answer",
    [
        envelope({"status": "init"}),
        envelope({"taskId": ""}),
        envelope({"taskId": None}),
        envelope(None),
        envelope("task-1"),
        {"message": "Success", "result": {"taskId": "task-1"}},
        {"code": None, "result": {"taskId": "task-1"}},
        {"code": {"value": "200"}, "result": {"taskId": "task-1"}},
        [],
        (200, b"<html>bad gateway</html>"),
        (502, b"<html>bad gateway</html>"),
        (500, {"error": "boom"}),
        (500, {"code": "9999", "message": "a gateway's own"}),
    ],
)
def test_a_submit_whose_answer_tells_nothing_is_uncertain(topview: Topview, play: Any, answer: Any) -> None:
    with pytest.raises(SubmitUncertain, match="may have been bought"):
        play(answer).run(topview.submit(request(), None))


class Code(NamedTuple):
    code: str
    on_submit: type[VideoAIError]
    on_poll: type[VideoAIError]
    temporary: bool = False


CODES = [
    Code("401", AuthenticationFailed, AuthenticationFailed),
    Code("4000", SubmitRejected, JobNotFound),
    Code("4001", SubmitRejected, JobNotFound),
    Code("4002", AuthenticationFailed, AuthenticationFailed),
    Code("4003", SubmitRejected, JobNotFound),
    Code("4005", SubmitRejected, VendorUnavailable),
    Code("4006", SubmitRejected, VendorUnavailable),
    Code("4007", QuotaExceeded, QuotaExceeded, temporary=True),
    Code("4100", SubmitRejected, VendorUnavailable),
    Code("5000", SubmitRejected, VendorUnavailable, temporary=True),
    Code("5001", SubmitRejected, VendorUnavailable, temporary=True),
    Code("5003", QuotaExceeded, QuotaExceeded, temporary=True),
    Code("6001", ContentRejected, ContentRejected),
]
UNCLEAR = [Code("5004", SubmitUncertain, VendorUnavailable), Code("5005", SubmitUncertain, VendorUnavailable)]
UNLISTED = Code("7777", SubmitRejected, VendorUnavailable)


@pytest.mark.parametrize(
    ("row", "status"), [(row, status) for row in CODES for status in (200, 400, 500)] + [(UNLISTED, 200)]
)
def test_a_code_refuses_a_submit(topview: Topview, play: Any, row: Code, status: int) -> None:
    with pytest.raises(SubmitRejected) as refused:
        play((status, envelope(None, row.code, "vendor words"))).run(topview.submit(request(), None))
    assert type(refused.value) is row.on_submit
    assert (refused.value.code, refused.value.temporary) == (row.code, row.temporary)
    assert "vendor words" in refused.value.message
    assert SECRET not in str(refused.value) + repr(refused.value)


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("row", UNCLEAR)
def test_a_code_that_does_not_say_what_became_of_a_submit_leaves_it_uncertain(
    topview: Topview, play: Any, row: Code, status: int
) -> None:
    answer = (status, envelope(None, row.code, "vendor words"))
    with pytest.raises(SubmitUncertain, match=r"vendor words.*may have been bought") as uncertain:
        play(answer).run(topview.submit(request(), None))
    assert uncertain.value.code == row.code


@pytest.mark.parametrize("as_number", [False, True])
@pytest.mark.parametrize("row", [*CODES, *UNCLEAR, UNLISTED])
def test_a_code_in_a_poll_never_speaks_of_a_submit(topview: Topview, play: Any, row: Code, *, as_number: bool) -> None:
    answer = envelope(None, int(row.code) if as_number else row.code, "vendor words")
    with pytest.raises(VideoAIError) as failed:
        play(answer).run(topview.statuses("video_avatar", ["task-1"]))
    assert type(failed.value) is row.on_poll
    assert failed.value.code == row.code
    assert "bought" not in failed.value.message


def test_every_documented_code_is_in_the_table() -> None:
    assert set(Topview.errors) == {row.code for row in [*CODES, *UNCLEAR]} | {"4004"}


@pytest.mark.parametrize(("code", "seconds"), [("4007", 30.0), ("5003", 20.0)])
def test_a_full_queue_says_when_to_come_again(topview: Topview, play: Any, code: str, seconds: float) -> None:
    with pytest.raises(QuotaExceeded) as full:
        play(envelope(None, code)).run(topview.submit(request(), None))
    assert full.value.retry_after == seconds


def test_an_unknown_resource_refuses_a_submit(topview: Topview, play: Any) -> None:
    with pytest.raises(SubmitRejected, match="no such task, file, avatar or voice") as refused:
        play(envelope(None, "4004", "resource not found")).run(topview.submit(request(), None))
    assert not refused.value.temporary


@pytest.mark.parametrize(("code", "of_account"), [("4100", True), ("4004", False), ("4006", False)])
def test_a_code_refuses_an_upload_for_good(topview: Topview, play: Any, code: str, *, of_account: bool) -> None:
    with pytest.raises(SubmitRejected, match="vendor words") as refused:
        play(envelope(None, code, "vendor words")).run(topview.announce("mp4"))
    assert (type(refused.value), refused.value.temporary) == (SubmitRejected, False)
    assert (refused.value.code, refused.value.of_account) == (code, of_account)


def test_an_upload_may_be_announced_again_after_an_error_of_the_vendors_own(topview: Topview, play: Any) -> None:
    with pytest.raises(VendorUnavailable, match="vendor words"):
        play(envelope(None, "5005", "vendor words")).run(topview.announce("mp4"))


# -- statuses -----------------------------------------------------------------------------------------------


def test_an_unknown_task_is_missing_and_does_not_harm_the_others(topview: Topview, play: Any) -> None:
    exchange = play(envelope(None, "4004"), task(taskId="task-2"))
    assert list(exchange.run(topview.statuses("video_avatar", ["task-1", "task-2"]))) == ["task-2"]


def test_an_unknown_task_is_told_as_such(topview: Topview, play: Any) -> None:
    exchange = play(envelope(None, "4004"))
    exchange.run(topview.statuses("video_avatar", ["task-1"]))
    (call,) = exchange.calls
    with pytest.raises(JobNotFound):
        topview.refuse(call, "4004")


@pytest.mark.parametrize(
    ("fields", "state", "media_url"),
    [
        ({"status": "init"}, JobState.QUEUED, None),
        ({"status": "running"}, JobState.RUNNING, None),
        ({"status": "running", "outputVideoUrl": MEDIA}, JobState.RUNNING, None),
        ({"status": "success", "outputVideoUrl": MEDIA}, JobState.SUCCEEDED, MEDIA),
        ({"status": "success", "finishedVideoUrl": MEDIA}, JobState.SUCCEEDED, MEDIA),
        ({"status": "success", "outputVideoUrl": "", "finishedVideoUrl": MEDIA}, JobState.SUCCEEDED, MEDIA),
        ({"status": "success"}, JobState.RUNNING, None),
        ({"status": "success", "outputVideoUrl": None}, JobState.RUNNING, None),
        ({"status": "success", "outputVideoUrl": ""}, JobState.RUNNING, None),
        ({"status": "success", "outputVideoUrl": "file-7"}, JobState.RUNNING, None),
        ({"status": "fail"}, JobState.FAILED, None),
        ({"status": "failed"}, JobState.FAILED, None),
        ({"status": "fail", "outputVideoUrl": MEDIA}, JobState.FAILED, None),
        ({"status": "paused"}, JobState.RUNNING, None),
        ({"status": None}, JobState.RUNNING, None),
        ({"status": 3}, JobState.RUNNING, None),
    ],
)
def test_a_vendor_state_is_one_of_ours(
    topview: Topview, play: Any, fields: dict[str, Any], state: JobState, media_url: str | None
) -> None:
    status = play(task(**fields)).run(topview.statuses("video_avatar", ["task-1"]))["task-1"]
    assert (status.state, status.media_url) == (state, media_url)
    assert status.raw == str(fields["status"] or "")


def test_a_failure_keeps_the_vendors_reason_without_its_signed_address(topview: Topview, play: Any) -> None:
    answer = task(status="fail", errorMsg="cannot read https://s3.example.com/a.mp4?X-Amz-Signature=secret")
    status = play(answer).run(topview.statuses("video_avatar", ["task-1"]))["task-1"]
    assert status.error_message == "cannot read https://s3.example.com/a.mp4"
    assert status.error_code is None
    assert "X-Amz-Signature" not in json.dumps(status.to_json())


def test_a_reason_beside_a_success_is_no_error(topview: Topview, play: Any) -> None:
    answer = task(status="success", errorMsg="ok", outputVideoUrl=MEDIA)
    assert play(answer).run(topview.statuses("video_avatar", ["task-1"]))["task-1"].error_message is None


def test_details_keep_the_rest_but_not_the_media_address(topview: Topview, play: Any) -> None:
    answer = task(
        status="success",
        errorMsg="",
        inputVideoFileId="file-7",
        inputAudioFileId=None,
        outputVideoUrl=MEDIA,
        finishedVideoUrl=MEDIA,
        costCredit=1.5,
    )
    status = play(answer).run(topview.statuses("video_avatar", ["task-1"]))["task-1"]
    assert status.details == {
        "status": "success",
        "inputVideoFileId": "file-7",
        "inputAudioFileId": None,
        "costCredit": 1.5,
    }


@pytest.mark.parametrize("result", [None, [], "task-1", 7])
def test_an_answer_without_a_task_is_ridden_out(topview: Topview, play: Any, result: Any) -> None:
    with pytest.raises(VendorUnavailable, match="no task in it"):
        play(envelope(result)).run(topview.statuses("video_avatar", ["task-1"]))


def test_an_answer_about_another_task_is_not_taken_for_this_ones(topview: Topview, play: Any) -> None:
    answer = task(taskId="task-2", status="success", outputVideoUrl=MEDIA)
    with pytest.raises(VendorUnavailable, match="another task's taskId"):
        play(answer).run(topview.statuses("video_avatar", ["task-1"]))


@pytest.mark.parametrize(
    ("wanted", "extra", "asked"),
    [
        (None, {}, "false"),
        (None, {"need_cloud_front_url": True}, "true"),
        (None, {"need_cloud_front_url": "true"}, "true"),
        (None, {"need_cloud_front_url": "false"}, "false"),
        (True, {}, "true"),
        (False, {"need_cloud_front_url": True}, "false"),
    ],
)
def test_the_kind_of_address_is_asked_for_by_the_query_alone(
    open_account: Any, play: Any, wanted: bool | None, extra: dict[str, Any], asked: str
) -> None:
    vendor = open_account(Topview, **extra)
    chosen = request(need_cloud_front_url=wanted)
    exchange = play(task())
    exchange.run(vendor.statuses(chosen.polled_as, ["task-1"]))
    assert exchange.calls[0].params == {"taskId": "task-1", "needCloudFrontUrl": asked}
    assert chosen.to_vendor() == request().to_vendor()


@pytest.mark.parametrize("name", ["video_avatar", "video_avatar:cloudfront", "video_avatar:s3"])
def test_every_name_of_the_operation_has_its_request(topview: Topview, name: str) -> None:
    assert topview.require(name) is VideoAvatarRequest


def test_another_operation_is_refused(topview: Topview) -> None:
    with pytest.raises(InvalidRequest, match="video_avatar:other"):
        topview.require("video_avatar:other")


# -- anything at all ----------------------------------------------------------------------------------------


@given(body=JSON, http_status=st.sampled_from([200, 201, 302, 400, 401, 404, 429, 500, 503]))
@fuzz
def test_any_json_is_a_status_or_a_typed_error(topview: Topview, play: Any, body: Any, http_status: int) -> None:
    exchange = play((http_status, json.dumps(body).encode()))
    seen = outcome(lambda: exchange.run(topview.statuses("video_avatar", ["t"])))
    assert isinstance(seen, (dict, VideoAIError))
    assert SECRET not in str(seen)


task_fields = st.fixed_dictionaries(
    {},
    optional={
        "taskId": JSON,
        "status": st.sampled_from(["init", "success", "fail", "SUCCESS"]) | JSON,
        "errorMsg": JSON,
        "outputVideoUrl": st.just(MEDIA) | JSON,
        "finishedVideoUrl": JSON,
    },
)


@given(result=task_fields | JSON, code=st.just("200") | JSON)
@fuzz
def test_any_task_is_a_status_and_never_succeeds_without_media(
    topview: Topview, play: Any, result: Any, code: Any
) -> None:
    exchange = play((200, json.dumps(envelope(result, code)).encode()))
    seen = outcome(lambda: exchange.run(topview.statuses("video_avatar", ["t"])))
    for status in seen.values() if isinstance(seen, dict) else ():
        assert status.job_id == "t"
        assert (status.state is JobState.SUCCEEDED) == (status.media_url is not None)


@given(result=task_fields | JSON, code=st.just("200") | JSON)
@fuzz
def test_any_answer_to_a_submit_is_an_id_or_a_typed_error(topview: Topview, play: Any, result: Any, code: Any) -> None:
    exchange = play((200, json.dumps(envelope(result, code)).encode()))
    seen = outcome(lambda: exchange.run(topview.submit(request(), None)))
    assert (isinstance(seen, str) and seen) or isinstance(seen, (SubmitRejected, SubmitUncertain))
