# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    JobNotFound,
    QuotaExceeded,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.vendors.aidge import Aidge
from tests.support.aidge_words import JSON, MEDIA, TASK, refused, well
from tests.support.fuzzing import fuzz

FIELDS = st.sampled_from(
    ["taskStatus", "TaskStatus", "status", "Status", "videoUrl", "VideoUrl", "result", "Result", "taskResult", "taskId"]
)
VALUES = JSON | st.sampled_from(["finished", "failed", "running", '{"videoUrl": "https://a.example/b"}', "{", "[1]"])


def ask(aidge: Aidge, play: Any, answer: Any) -> JobStatus:
    status: JobStatus = play(answer).run(aidge.statuses("video_removal", [TASK]))[TASK]
    return status


# -- status --------------------------------------------------------------------------------------------------

STATES = [
    ("submitted", JobState.RUNNING),
    ("running", JobState.RUNNING),
    ("queued", JobState.RUNNING),
    ("IN_PROGRESS", JobState.RUNNING),
    ("finished", JobState.SUCCEEDED),
    ("COMPLETED", JobState.SUCCEEDED),
    ("Finished", JobState.SUCCEEDED),
    ("failed", JobState.FAILED),
    ("FAILED", JobState.FAILED),
    ("paused-for-review", JobState.RUNNING),
]


@pytest.mark.parametrize("field", ["taskStatus", "TaskStatus", "status", "Status"])
@pytest.mark.parametrize("holder", ["data", "Data"])
@pytest.mark.parametrize(("word", "state"), STATES)
def test_state_is_read_in_every_spelling(
    aidge: Aidge, play: Any, field: str, holder: str, word: str, state: JobState
) -> None:
    status = ask(aidge, play, {"code": "0", holder: {field: word, "videoUrl": MEDIA}})
    assert (status.state, status.raw) == (state, word)
    assert status.media_url == (MEDIA if state is JobState.SUCCEEDED else None)


@pytest.mark.parametrize(
    ("data", "state"),
    [
        ({"videoUrl": MEDIA}, JobState.SUCCEEDED),
        ({"videoUrl": ""}, JobState.RUNNING),
        ({"videoUrl": None}, JobState.RUNNING),
        ({}, JobState.RUNNING),
        (None, JobState.RUNNING),
        ({"VideoUrl": MEDIA}, JobState.SUCCEEDED),
    ],
)
def test_bare_shape_is_done_when_it_has_a_url(aidge: Aidge, play: Any, data: Any, state: JobState) -> None:
    assert ask(aidge, play, {"resCode": 200, "success": True, "data": data}).state is state


def test_bare_shape_without_data_is_running(aidge: Aidge, play: Any) -> None:
    assert ask(aidge, play, {"resCode": 200, "success": True, "requestId": "r"}).state is JobState.RUNNING


@pytest.mark.parametrize(
    "more",
    [
        {"videoUrl": MEDIA},
        {"result": {"videoUrl": MEDIA}},
        {"taskResult": {"videoUrl": MEDIA}},
        {"taskResult": json.dumps({"videoUrl": MEDIA})},
        {"taskResult": [{"videoUrl": MEDIA}]},
        {"TaskResult": json.dumps([{"VideoUrl": MEDIA}])},
        {"Result": json.dumps({"videoUrl": MEDIA})},
    ],
)
def test_url_is_found_where_the_siblings_put_it(aidge: Aidge, play: Any, more: dict[str, Any]) -> None:
    status = ask(aidge, play, well({"taskStatus": "finished"} | more))
    assert (status.state, status.media_url) == (JobState.SUCCEEDED, MEDIA)


@pytest.mark.parametrize("more", [{}, {"videoUrl": ""}, {"taskResult": "not json"}, {"taskResult": "[" * 100_000}])
def test_finished_without_a_url_is_still_running(aidge: Aidge, play: Any, more: dict[str, Any]) -> None:
    status = ask(aidge, play, well({"taskStatus": "finished"} | more))
    assert (status.state, status.raw, status.media_url) == (JobState.RUNNING, "finished", None)


def test_details_keep_what_was_said_but_never_a_url(aidge: Aidge, play: Any) -> None:
    data = {"taskStatus": "finished", "usage": 12, "videoUrl": MEDIA, "cover": MEDIA, "taskResult": "{}"}
    status = ask(aidge, play, well(data, _trace_id_="t-9"))
    assert status.details == {"taskStatus": "finished", "usage": 12, "requestId": "r-1", "_trace_id_": "t-9"}


@pytest.mark.parametrize("http_status", [200, 400])
@pytest.mark.parametrize(
    "code", [700, 701, 702, 703, 801, 801.0, 1000, 1002, "InputContentBlocked", "OutputContentBlocked"]
)
def test_error_that_is_the_jobs_own_end_fails_it(aidge: Aidge, play: Any, code: Any, http_status: int) -> None:
    status = ask(aidge, play, (http_status, refused(code, "no such luck")))
    assert (status.state, status.error_code) == (JobState.FAILED, str(code).removesuffix(".0"))
    assert "no such luck" in str(status.error_message)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(500), VendorUnavailable),
        (refused(1001), VendorUnavailable),
        (refused(4711), VendorUnavailable),
        (refused(501), QuotaExceeded),
        ((429, {}), QuotaExceeded),
        ({"success": False, "data": None}, VendorUnavailable),
        ((200, b"<html>"), VendorUnavailable),
        ((503, b""), VendorUnavailable),
        ((404, b"not here"), JobNotFound),
        ({"hello": "world"}, VendorUnavailable),
        ((403, {"code": "Denied"}), AuthenticationFailed),
    ],
)
def test_what_is_not_the_jobs_end_is_ridden_out(aidge: Aidge, play: Any, answer: Any, kind: type[VideoAIError]) -> None:
    with pytest.raises(kind) as caught:
        ask(aidge, play, answer)
    assert type(caught.value) is kind


@pytest.mark.parametrize("code", [4711, 500, 1001, "InvalidParameter"])
def test_failed_task_is_failed_whatever_code_comes_with_it_that_does_not_explain_it(
    aidge: Aidge, play: Any, code: Any
) -> None:
    status = ask(aidge, play, refused(code, "gave up") | {"data": {"taskStatus": "failed"}})
    assert (status.state, status.error_code, status.error_message) == (JobState.FAILED, str(code), "gave up")


@pytest.mark.parametrize(("code", "kind"), [(501, QuotaExceeded), ("InvalidAppKey", AuthenticationFailed)])
def test_refused_status_request_says_nothing_of_the_job(
    aidge: Aidge, play: Any, code: Any, kind: type[VideoAIError]
) -> None:
    with pytest.raises(kind):
        ask(aidge, play, refused(code) | {"data": {"taskStatus": "failed"}})


# -- anything at all -----------------------------------------------------------------------------------------


def observed(aidge: Aidge, play: Any, answer: Any) -> None:
    try:
        status = ask(aidge, play, answer)
    except VideoAIError:
        return
    assert status.state is not JobState.SUCCEEDED or status.media_url


@fuzz
@given(body=JSON)
def test_any_body_gives_a_status_or_a_typed_error(aidge: Aidge, play: Any, body: Any) -> None:
    observed(aidge, play, body)


@fuzz
@given(
    code=JSON,
    res_code=JSON,
    success=JSON,
    data=JSON | st.dictionaries(FIELDS, VALUES, max_size=5),
    holder=st.sampled_from(["data", "Data"]),
    http_status=st.sampled_from([200, 200, 200, 400, 500]),
)
def test_any_envelope_and_data_give_a_status_or_a_typed_error(
    aidge: Aidge, play: Any, code: Any, res_code: Any, success: Any, data: Any, holder: str, http_status: int
) -> None:
    body = {"code": code, "resCode": res_code, "success": success, "type": "ISP", holder: data}
    observed(aidge, play, (http_status, body))
    observed(aidge, play, well(data))
