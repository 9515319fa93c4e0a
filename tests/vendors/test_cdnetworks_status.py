# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    InvalidRequest,
    JobNotFound,
    QuotaExceeded,
    ResultUnavailable,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.jobs.values.outputs import Output, OutputKind
from airflow_provider_videoai.vendors.cdnetworks import CDNetworks
from tests.support.cdnetworks_words import TRANS_NO, TREES, error, ok, task
from tests.support.fuzzing import fuzz

ORIGINAL = "https://play.example.com/orig.mp4?wsSecret=abc"


def pulled(*items: dict[str, Any]) -> dict[str, Any]:
    return ok({"taskId": "t-1", "transNo": TRANS_NO, "status": 2, "items": list(items)})


def ask(vod: CDNetworks, play: Any, answer: Any, operation: str = "trim") -> JobStatus:
    status: JobStatus = play(answer).run(vod.statuses(operation, [TRANS_NO]))[TRANS_NO]
    return status


# -- status --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "state"),
    [
        (1, JobState.RUNNING),
        ("1", JobState.RUNNING),
        (2, JobState.SUCCEEDED),
        ("2", JobState.SUCCEEDED),
        (3, JobState.FAILED),
        ("3", JobState.FAILED),
        (9, JobState.RUNNING),
        ("odd", JobState.RUNNING),
        (None, JobState.RUNNING),
    ],
)
@pytest.mark.parametrize("code", [200, "200"])
def test_trim_state_is_read_from_number_or_text(
    vod: CDNetworks, play: Any, raw: Any, state: JobState, code: Any
) -> None:
    status = ask(vod, play, task(raw, videoId="DC54") | {"code": code})
    assert (status.state, status.raw) == (state, "" if raw is None else str(raw))
    assert status.media_id == ("DC54" if state is JobState.SUCCEEDED else None)


def test_finished_trim_tells_its_video(vod: CDNetworks, play: Any) -> None:
    status = ask(
        vod, play, task(2, videoId="DC54", videoDuration="189", videoState="0", transcodeState=3, videoName="clip")
    )
    assert (status.media_id, status.duration_ms, status.media_url) == ("DC54", 189_000, None)
    assert status.details == {
        "taskId": "036b6fb4",
        "status": 2,
        "videoId": "DC54",
        "videoDuration": "189",
        "videoState": "0",
        "transcodeState": 3,
        "videoName": "clip",
    }


@pytest.mark.parametrize(
    ("duration", "milliseconds"), [("20.5", 20_500), (7, 7_000), ("", None), ("soon", None), ("inf", None), ([], None)]
)
def test_duration_is_seconds_in_any_form(vod: CDNetworks, play: Any, duration: Any, milliseconds: int | None) -> None:
    assert ask(vod, play, task(2, videoId="v", videoDuration=duration)).duration_ms == milliseconds


@pytest.mark.parametrize("info", [{}, {"videoId": ""}, {"videoId": None}, {"videoName": "clip"}])
def test_success_without_a_video_id_is_still_running(vod: CDNetworks, play: Any, info: dict[str, Any]) -> None:
    assert ask(vod, play, task(2, **info)).state is JobState.RUNNING
    assert ask(vod, play, pulled({"pullStatus": 2, "videoInfo": info}), "pull_video").state is JobState.RUNNING


@pytest.mark.parametrize("operation", ["trim", "pull_video"])
def test_being_processed_means_running(vod: CDNetworks, play: Any, operation: str) -> None:
    status = ask(vod, play, error("1560"), operation)
    assert (status.state, status.raw) == (JobState.RUNNING, "1560")


@pytest.mark.parametrize("operation", ["trim", "pull_video"])
def test_unknown_trans_no_is_missing_from_the_answer(vod: CDNetworks, play: Any, operation: str) -> None:
    assert play(error(1603)).run(vod.statuses(operation, [TRANS_NO])) == {}


RUNNING = {"fileName": "a.mp4", "pullStatus": 1}
FETCHED = {"fileName": "a.mp4", "fetchUrl": "https://u:p@x.example/a", "pullStatus": "2", "videoInfo": {"videoId": "V"}}
BROKEN = {"fileName": "b.mp4", "pullStatus": 3}


@pytest.mark.parametrize(
    ("items", "state"),
    [
        ([], JobState.RUNNING),
        ([RUNNING], JobState.RUNNING),
        ([FETCHED], JobState.SUCCEEDED),
        ([BROKEN], JobState.FAILED),
        ([{"pullStatus": 8}], JobState.RUNNING),
        ([FETCHED, BROKEN], JobState.FAILED),
        ([FETCHED, BROKEN, RUNNING], JobState.RUNNING),
    ],
)
def test_pull_is_as_far_as_its_least_finished_file(
    vod: CDNetworks, play: Any, items: list[dict[str, Any]], state: JobState
) -> None:
    assert ask(vod, play, pulled(*items), "pull_video").state is state


def test_finished_pull_tells_its_video_but_not_where_it_came_from(vod: CDNetworks, play: Any) -> None:
    files = {"videoId": "V", "duration": 12, "videoFileList": [{"fileUrl": ORIGINAL}]}
    exchange = play(pulled(FETCHED | {"videoInfo": files}))
    status = exchange.run(vod.statuses("pull_video", [TRANS_NO]))[TRANS_NO]
    assert exchange.calls[0].path == "/vod/videoManage/pullVideoQuery"
    assert status.media_id == "V"
    assert status.details == {
        "taskId": "t-1",
        "status": 2,
        "fileName": "a.mp4",
        "pullStatus": "2",
        "videoId": "V",
        "duration": 12,
    }


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(1601), JobNotFound),
        (error(1602), JobNotFound),
        (error(1000), JobNotFound),
        (error(9999), VendorUnavailable),
        (ok(None), VendorUnavailable),
        (ok([]), VendorUnavailable),
        (ok({"transNo": "another", "taskId": "t", "status": 2}), VendorUnavailable),
        ({"message": "no code"}, VendorUnavailable),
        ((200, b"<html>"), VendorUnavailable),
        ((500, b""), VendorUnavailable),
        ((404, b""), JobNotFound),
        ((429, b""), QuotaExceeded),
        ((400, error(24112000)), JobNotFound),
    ],
)
def test_failed_ask_is_told_by_what_it_means(vod: CDNetworks, play: Any, answer: Any, kind: type[VideoAIError]) -> None:
    with pytest.raises(kind) as caught:
        ask(vod, play, answer)
    assert type(caught.value) is kind


def test_unknown_operation_is_refused_by_name(vod: CDNetworks, play: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"splice.*trim, pull_video"):
        play().run(vod.statuses("splice", [TRANS_NO]))
    assert vod.operation == "trim"


# -- result --------------------------------------------------------------------------------------------------

DONE = JobStatus(job_id=TRANS_NO, state=JobState.SUCCEEDED, media_id="DC54", details={"taskId": "t"})


@pytest.mark.parametrize("operation", ["trim", "pull_video"])
def test_result_asks_for_plain_urls_and_keeps_them_out_of_the_details(
    vod: CDNetworks, play: Any, operation: str
) -> None:
    exchange = play(ok({"videoId": "DC54", "videoUrl": [{"urlType": "PC", "sdUrl": "x", "originUrl": ORIGINAL}]}))
    status = exchange.run(vod.result(operation, DONE))
    (call,) = exchange.calls
    assert (call.path, call.buys) == ("/vod/videoManage/getPublishCode", False)
    assert json.loads(call.body) == {"videoId": "DC54", "codeType": 4}
    assert status == DONE.with_media(outputs=(Output(OutputKind.VIDEO, ORIGINAL, "DC54", "PC originUrl"),))
    assert (status.media_url, status.media_id) == (ORIGINAL, "DC54")


@pytest.mark.parametrize(
    ("published", "best"),
    [
        ([{"sdUrl": "https://a/sd", "highUrl": "https://a/high", "fluentUrl": "https://a/ld"}], "https://a/high"),
        ([{"fluentUrl": "https://a/ld", "sdUrl": "https://a/sd"}], "https://a/sd"),
        ([{"hdPullUrl": "https://a/fhd", "highUrl": "https://a/high"}], "https://a/fhd"),
        ([{"hdPullUrl": "https://pc/fhd"}, {"originUrl": "https://mobile/orig"}], "https://mobile/orig"),
        ([{"originUrl": "", "fluentUrl": "https://a/ld"}], "https://a/ld"),
        ([None, 7, {"originUrl": "https://a/orig"}], "https://a/orig"),
    ],
)
def test_best_published_url_is_taken(vod: CDNetworks, play: Any, published: list[Any], best: str) -> None:
    assert play(ok({"videoUrl": published})).run(vod.result("trim", DONE)).media_url == best


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(1502), ResultUnavailable),
        (error(1503), JobNotFound),
        (error(1504), JobNotFound),
        (error(1532), JobNotFound),
        (error(1535), AuthenticationFailed),
        (error(1560), VendorUnavailable),
        (error(4711), VendorUnavailable),
        (ok({"videoUrl": []}), VendorUnavailable),
        (ok({"videoUrl": [{"originUrl": "rtmp://a/b"}]}), VendorUnavailable),
        (ok(None), VendorUnavailable),
        ((503, b""), VendorUnavailable),
    ],
)
def test_result_that_cannot_be_had_says_whether_asking_again_helps(
    vod: CDNetworks, play: Any, answer: Any, kind: type[VideoAIError]
) -> None:
    with pytest.raises(kind) as caught:
        play(answer).run(vod.result("trim", DONE))
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    "status",
    [
        JobStatus(job_id=TRANS_NO, state=JobState.RUNNING),
        JobStatus(job_id=TRANS_NO, state=JobState.FAILED, media_id="DC54"),
        DONE.with_media(media_id=None),
        DONE.with_media(media_url=ORIGINAL),
    ],
)
def test_nothing_is_asked_for_a_result_that_is_not_there_or_is_complete(
    vod: CDNetworks, play: Any, status: JobStatus
) -> None:
    assert play().run(vod.result("trim", status)) is status


# -- anything at all -----------------------------------------------------------------------------------------


def observed(vod: CDNetworks, play: Any, operation: str, answer: Any) -> None:
    try:
        found = play(answer).run(vod.statuses(operation, [TRANS_NO]))
    except VideoAIError:
        return
    for status in found.values():
        assert status.state is not JobState.SUCCEEDED or status.media_id


@fuzz
@given(body=TREES, data=TREES, operation=st.sampled_from(["trim", "pull_video"]))
def test_any_answer_gives_a_status_or_a_typed_error(
    vod: CDNetworks, play: Any, body: Any, data: Any, operation: str
) -> None:
    observed(vod, play, operation, body)
    observed(vod, play, operation, ok(data))
    observed(vod, play, operation, pulled() | {"data": {"taskId": "t", "items": [data], "videoInfo": data}})


@fuzz
@given(data=TREES)
def test_any_publication_gives_a_url_or_a_typed_error(vod: CDNetworks, play: Any, data: Any) -> None:
    for body in (ok(data), ok({"videoUrl": data}), data):
        try:
            assert play(body).run(vod.result("trim", DONE)).media_url
        except VideoAIError:
            continue
