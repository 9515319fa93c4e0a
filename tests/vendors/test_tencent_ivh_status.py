# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.errors import QuotaExceeded, VendorUnavailable, VideoAIError
from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.vendors.tencent_ivh import FAILURES, TencentIVH
from tests.support.fuzzing import fuzz, json_values, outcome
from tests.support.tencent_words import SECRET, SERVICE, TASK, envelope, refusal

MEDIA = "https://videomaker-resources.ivh.qq.com/out/clip.mp4?sign=abc"
SUBTITLES = "https://videomaker-resources.ivh.qq.com/out/clip.srt?sign=abc"


def observe(vendor: TencentIVH, play: Any, **payload: Any) -> JobStatus:
    status: JobStatus = play(envelope(payload)).run(vendor.statuses("video_make", [TASK]))[TASK]
    return status


JSON = json_values()


def test_a_status_call_asks_for_one_id(tencent: TencentIVH, play: Any) -> None:
    exchange = play(envelope({"Status": "MAKING"}), envelope({"Status": "COMMIT"}))
    found = exchange.run(tencent.statuses("tts", ["one", "two"]))
    assert {job_id: status.state for job_id, status in found.items()} == {
        "one": JobState.RUNNING,
        "two": JobState.QUEUED,
    }
    bodies = [json.loads(call.body) for call in exchange.calls]
    assert bodies == [{"Header": {}, "Payload": {"TaskId": name}} for name in ("one", "two")]
    assert {(call.method, call.path, call.buys) for call in exchange.calls} == {
        ("POST", f"{SERVICE}/getprogress", False)
    }


def test_an_unknown_job_is_missing_and_does_not_harm_the_others(tencent: TencentIVH, play: Any) -> None:
    exchange = play(refusal(110006), envelope({"Status": "MAKING"}))
    assert list(exchange.run(tencent.statuses("tts", ["one", "two"]))) == ["two"]


@pytest.mark.parametrize(
    ("payload", "state"),
    [
        ({"Status": "COMMIT"}, JobState.QUEUED),
        ({"Status": "MAKING"}, JobState.RUNNING),
        ({"Status": "MAKING", "Progress": 100, "MediaUrl": MEDIA}, JobState.RUNNING),
        ({"Status": "MAKING", "Progress": -1}, JobState.RUNNING),
        ({"Status": "SUCCESS", "MediaUrl": MEDIA}, JobState.SUCCEEDED),
        ({"Status": "SUCCESS", "Progress": 0, "MediaUrl": MEDIA}, JobState.SUCCEEDED),
        ({"Status": "SUCCESS", "MediaUrl": ""}, JobState.RUNNING),
        ({"Status": "SUCCESS", "MediaUrl": "url"}, JobState.RUNNING),
        ({"Status": "SUCCESS"}, JobState.RUNNING),
        ({"Status": "FAIL"}, JobState.FAILED),
        ({"Status": "FAIL", "Progress": 100, "MediaUrl": MEDIA}, JobState.FAILED),
        ({"Status": "PAUSED", "Progress": 100, "MediaUrl": MEDIA}, JobState.RUNNING),
        ({"Progress": 100, "MediaUrl": MEDIA}, JobState.SUCCEEDED),
        ({"Progress": "100", "MediaUrl": MEDIA}, JobState.SUCCEEDED),
        ({"Progress": 100, "MediaUrl": ""}, JobState.RUNNING),
        ({"Progress": -1}, JobState.FAILED),
        ({"Progress": 40}, JobState.RUNNING),
        ({"Status": "", "Progress": -1}, JobState.FAILED),
        ({"Status": None, "Progress": 99, "MediaUrl": MEDIA}, JobState.RUNNING),
        ({}, JobState.RUNNING),
    ],
)
def test_the_state_follows_status_and_progress_only_where_status_is_missing(
    tencent: TencentIVH, play: Any, payload: dict[str, Any], state: JobState
) -> None:
    status = observe(tencent, play, **payload)
    assert status.state is state
    assert status.raw == (payload.get("Status") or "")
    assert status.media_url == (MEDIA if state is JobState.SUCCEEDED else None)


@pytest.mark.parametrize(
    ("said", "kept"), [(0, 0), (40, 40), (100, 100), (-1, None), (101, None), (0.5, None), ("55", 55), (None, None)]
)
def test_progress_is_kept_as_a_hint(tencent: TencentIVH, play: Any, said: Any, kept: int | None) -> None:
    assert observe(tencent, play, Status="MAKING", Progress=said).progress == kept


@pytest.mark.parametrize(
    ("state", "count", "position"),
    [("COMMIT", 3, 3), ("COMMIT", 0, 0), ("COMMIT", "2", 2), ("COMMIT", -1, None), ("MAKING", 3, None)],
)
def test_a_queued_job_tells_how_many_are_ahead(
    tencent: TencentIVH, play: Any, state: str, count: Any, position: int | None
) -> None:
    assert observe(tencent, play, Status=state, ArrayCount=count).queue_position == position


def test_a_success_carries_media_subtitles_and_duration(tencent: TencentIVH, play: Any) -> None:
    timestamps = [{"Sentence": "Hi", "Words": [{"Word": "Hi", "StartTimestamp": 1, "EndTimestamp": 2}]}]
    status = observe(
        tencent,
        play,
        TaskId=TASK,
        Progress=100,
        MediaUrl=MEDIA,
        SubtitlesUrl=SUBTITLES,
        Status="SUCCESS",
        ArrayCount=0,
        FailCode=0,
        FailMessage="",
        TextTimestampResult=timestamps,
        Duration=11810,
    )
    assert (status.media_url, status.subtitles_url, status.duration_ms) == (MEDIA, SUBTITLES, 11810)
    assert (status.error_code, status.error_message) == (None, None)
    assert status.details == {
        "Progress": 100,
        "Status": "SUCCESS",
        "ArrayCount": 0,
        "FailCode": 0,
        "FailMessage": "",
        "TextTimestampResult": timestamps,
        "Duration": 11810,
        "retention_days": 7,
    }


@pytest.mark.parametrize("subtitles", ["", None, "url"])
def test_subtitles_may_be_missing(tencent: TencentIVH, play: Any, subtitles: Any) -> None:
    status = observe(tencent, play, Status="SUCCESS", MediaUrl=MEDIA, SubtitlesUrl=subtitles)
    assert status.subtitles_url is None


@pytest.mark.parametrize(
    ("media", "kept_by_the_vendor"),
    [
        (MEDIA, True),
        ("http://127.0.0.1:8099/media/1.mp4", True),
        ("http://127.0.0.1:9000/bucket/1.mp4", False),
        ("https://bucket.s3.amazonaws.com/out.mp4?X-Amz-Signature=1", False),
        ("https://notqq.com/out.mp4", False),
    ],
)
def test_media_in_the_vendors_own_store_carries_its_retention(
    open_account: Any, play: Any, media: str, *, kept_by_the_vendor: bool
) -> None:
    vendor = open_account(TencentIVH, host="http://127.0.0.1:8099")
    details = observe(vendor, play, Status="SUCCESS", MediaUrl=media).details
    assert details.get("retention_days") == (7 if kept_by_the_vendor else None)


def test_a_job_without_media_carries_no_retention(tencent: TencentIVH, play: Any) -> None:
    assert "retention_days" not in observe(tencent, play, Status="MAKING", MediaUrl=MEDIA).details


@pytest.mark.parametrize("code", sorted(FAILURES))
def test_a_failure_tells_its_code_meaning_and_reason(tencent: TencentIVH, play: Any, code: str) -> None:
    status = observe(tencent, play, Status="FAIL", FailCode=int(code), FailMessage="boom")
    assert status.error_code == code
    assert status.error_message == f"{FAILURES[code]}: boom"


def test_every_documented_failure_has_a_meaning() -> None:
    documented = [801000, 801001, 801002, 801003, 801004, 801006, 801007, 801008, 801009, 801010]
    documented += [801012, 801014, 801015, 801401, 801402, 801403, 801404]
    assert set(FAILURES) == set(map(str, documented))


def test_801004_is_a_crash_of_the_job_but_a_slow_down_for_a_call() -> None:
    assert "crashed" in FAILURES["801004"]
    assert TencentIVH.errors["801004"].error is QuotaExceeded


@pytest.mark.parametrize(
    ("payload", "code", "message"),
    [
        ({"FailCode": 0, "FailMessage": "boom"}, None, "boom"),
        ({"FailCode": 801999, "FailMessage": ""}, "801999", None),
        ({"FailCode": "801009", "FailMessage": None}, "801009", "invalid parameter"),
        ({}, None, None),
    ],
)
def test_a_failure_may_say_less(
    tencent: TencentIVH, play: Any, payload: dict[str, Any], code: str | None, message: str | None
) -> None:
    status = observe(tencent, play, Status="FAIL", **payload)
    assert (status.error_code, status.error_message) == (code, message)


def test_a_signed_address_in_a_reason_loses_its_query(tencent: TencentIVH, play: Any) -> None:
    reason = "cannot write https://bucket.example.com/v.mp4?X-Amz-Signature=secret"
    status = observe(tencent, play, Status="FAIL", FailCode=801015, FailMessage=reason)
    assert "X-Amz-Signature" not in json.dumps(status.to_json())
    assert "https://bucket.example.com/v.mp4" in (status.error_message or "")


@pytest.mark.parametrize("body", [{"Header": {"Code": 0}}, envelope(None), envelope([]), envelope("x")])
def test_an_answer_without_a_payload_is_ridden_out(tencent: TencentIVH, play: Any, body: Any) -> None:
    with pytest.raises(VendorUnavailable, match="no Payload in it"):
        play(body).run(tencent.statuses("video_make", [TASK]))


# -- anything at all ----------------------------------------------------------------------------------------


@given(body=JSON, http_status=st.sampled_from([200, 201, 302, 400, 401, 404, 429, 500, 503]))
@fuzz
def test_any_json_is_a_status_or_a_typed_error(tencent: TencentIVH, play: Any, body: Any, http_status: int) -> None:
    exchange = play((http_status, json.dumps(body).encode()))
    seen = outcome(lambda: exchange.run(tencent.statuses("video_make", ["t"])))
    assert isinstance(seen, (dict, VideoAIError))
    assert SECRET not in str(seen)


payloads = JSON | st.fixed_dictionaries(
    {},
    optional={
        "TaskId": JSON,
        "Status": st.sampled_from(["COMMIT", "MAKING", "SUCCESS", "FAIL"]) | JSON,
        "Progress": st.sampled_from([100, -1]) | JSON,
        "MediaUrl": st.just(MEDIA) | JSON,
        "SubtitlesUrl": JSON,
        "ArrayCount": JSON,
        "Duration": JSON,
        "FailCode": JSON,
        "FailMessage": JSON,
    },
)
headers = st.just({"Code": 0}) | st.fixed_dictionaries({"Code": JSON, "Message": JSON}) | JSON


@given(header=headers, payload=payloads)
@fuzz
def test_any_payload_is_a_status_and_never_succeeds_without_media(
    tencent: TencentIVH, play: Any, header: Any, payload: Any
) -> None:
    exchange = play((200, json.dumps({"Header": header, "Payload": payload}).encode()))
    seen = outcome(lambda: exchange.run(tencent.statuses("video_make", ["t"])))
    for status in seen.values() if isinstance(seen, dict) else ():
        assert status.job_id == "t"
        assert (status.state is JobState.SUCCEEDED) == (status.media_url is not None)
        assert status.progress is None or 0 <= status.progress <= 100
