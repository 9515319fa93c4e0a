# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any

import httpx
import pytest

LIBRARY = "5A4DB0C51190000000000000000C11B1"


def done(cdnetworks: Any, until: Any, trans_no: str = "t1") -> dict[str, Any]:
    answer = until(lambda: cdnetworks.query(trans_no), lambda a: a["code"] == 200 and str(a["data"]["status"]) in "23")
    found: dict[str, Any] = answer["data"]
    return found


def published(cdnetworks: Any, video_id: str) -> str:
    answer = cdnetworks.call("getPublishCode", {"videoId": video_id, "codeType": 4})
    return str(answer["data"]["videoUrl"][0]["originUrl"])


def file_list(*files: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(files).encode()).decode()


def test_a_trim_yields_a_published_video_of_the_length_asked_for(
    cdnetworks: Any, until: Any, probe: Any, clip: str
) -> None:
    answer = cdnetworks.trim(filename="my piece")
    assert (answer["code"], type(answer["data"])) == (200, str)
    found = done(cdnetworks, until)
    assert (found["status"], found["transNo"], found["taskId"]) == (2, "t1", answer["data"])
    info = found["videoInfo"]
    assert (info["videoName"], info["videoDuration"], info["videoSourceCode"]) == ("my piece", "3", 4)
    piece, source = probe(published(cdnetworks, info["videoId"])), probe(clip)
    assert (piece.size, piece.frame_rate, piece.audio) == ((640, 360), 25, "aac")
    assert abs(piece.seconds - 3) <= 0.04
    frames = piece.frames()
    assert len(frames) == 75
    wanted, other = source.frames()[50], source.frames()[40]
    assert abs(frames[0].astype(int) - wanted).mean() < 1.5 < abs(frames[0].astype(int) - other).mean()


def test_settings_of_the_piece_are_honoured(cdnetworks: Any, until: Any, probe: Any) -> None:
    cdnetworks.trim(
        suffix="flv", resolution="320x240", frameRate=10, videoBitRate=150, audioBitRate=48, samplingRate=22050
    )
    piece = probe(published(cdnetworks, done(cdnetworks, until)["videoInfo"]["videoId"]))
    assert piece.container == "flv"
    assert (piece.size, piece.frame_rate, piece.sample_rate) == ((320, 240), 10, 22050)
    assert abs(piece.seconds - 3) <= 0.1
    assert len(piece.frames()) == 30


def test_bit_rates_change_the_size(cdnetworks: Any, until: Any, probe: Any) -> None:
    sizes = []
    for rate in (80, 900):
        cdnetworks.trim(f"rate{rate}", videoBitRate=rate)
        found = done(cdnetworks, until, f"rate{rate}")
        sizes.append(len(probe(published(cdnetworks, found["videoInfo"]["videoId"])).content))
    assert sizes[0] * 1.5 < sizes[1]


def test_a_piece_ends_where_its_source_ends_and_can_be_trimmed_again(cdnetworks: Any, until: Any, probe: Any) -> None:
    cdnetworks.trim(seekStart=5, duration=60)
    first = done(cdnetworks, until)["videoInfo"]["videoId"]
    assert abs(probe(published(cdnetworks, first)).seconds - 3) <= 0.04
    cdnetworks.trim("t2", videoId=first, seekStart=1, duration=1)
    second = done(cdnetworks, until, "t2")["videoInfo"]["videoId"]
    assert abs(probe(published(cdnetworks, second)).seconds - 1) <= 0.04


def test_a_piece_beyond_the_end_fails(cdnetworks: Any, until: Any) -> None:
    cdnetworks.trim(seekStart=100)
    found = done(cdnetworks, until)
    assert found["status"] == 3
    assert "videoInfo" not in found


def test_flv_is_the_default_suffix(cdnetworks: Any, until: Any, probe: Any) -> None:
    cdnetworks.trim(suffix=None, duration=1)
    assert probe(published(cdnetworks, done(cdnetworks, until)["videoInfo"]["videoId"])).container == "flv"


def test_states_are_being_processed_then_processing_then_successful(cdnetworks: Any, sandbox: Any) -> None:
    sandbox.clock(queue_seconds=100, run_seconds=100)
    cdnetworks.trim()
    waiting = cdnetworks.query()
    assert (waiting["code"], waiting["data"]) == (1560, None)
    sandbox.clock(advance=150)
    running = cdnetworks.query()
    assert (running["code"], running["data"]["status"]) == (200, 1)


def test_status_can_be_a_string(cdnetworks: Any, sandbox: Any, until: Any) -> None:
    sandbox.shapes(cdnetworks="string")
    cdnetworks.trim(duration=1)
    assert done(cdnetworks, until)["status"] == "2"


@pytest.mark.parametrize("scheme", ["CNC", "WS3"])
@pytest.mark.parametrize("form", [{"form": True}, {"form": False}, {"get": True}])
def test_both_signatures_hold_for_every_body_form(cdnetworks: Any, scheme: str, form: Any) -> None:
    answer = cdnetworks.http.send(cdnetworks.request("videoClipQuery", {"transNo": "no such"}, scheme=scheme, **form))
    assert answer.json()["code"] == 1602
    answer = cdnetworks.http.send(cdnetworks.request("videoClipQuery", {"transNo": "nosuch"}, scheme=scheme, **form))
    assert (answer.status_code, answer.json()["code"]) == (200, 1603)


def test_form_body_submits_as_json_does(cdnetworks: Any, until: Any) -> None:
    fields = {"transNo": "f1", "videoId": LIBRARY, "seekStart": 0, "duration": 1, "filename": "f", "suffix": ".mp4"}
    assert cdnetworks.call("videoClip", fields, scheme="WS3", form=True)["code"] == 200
    assert done(cdnetworks, until, "f1")["status"] == 2


def test_replayed_signature_is_refused(cdnetworks: Any, http: Any) -> None:
    request = cdnetworks.request("videoClipQuery", {"transNo": "x"})
    again = http.build_request("POST", request.url, headers=request.headers, content=request.content)
    assert http.send(request).json()["code"] == 1603
    answer = http.send(again)
    assert (answer.status_code, answer.json()["code"]) == (401, 1301)


@pytest.mark.parametrize("seconds", [-310, 310])
@pytest.mark.parametrize("scheme", ["CNC", "WS3"])
def test_clock_more_than_five_minutes_off_is_refused(cdnetworks: Any, seconds: int, scheme: str) -> None:
    answer = cdnetworks.call("videoClipQuery", {"transNo": "x"}, scheme=scheme, timestamp=int(time.time()) + seconds)
    assert answer["code"] == 1301


@pytest.mark.parametrize(
    "changes",
    [
        {"Authorization": None},
        {"Authorization": "Basic eA=="},
        {"x_cnc_AccessKey": "OTHER"},
        {"x_cnc_AccessKey": None},
        {"x_cnc_auth_method": None},
        {"x_cnc_auth_method": "BASIC"},
        {"x_cnc_Timestamp": None},
        {"x_cnc_Timestamp": "1700000000"},
        {"host": "api.cdnetworks.com"},
        {"content_type": "application/json; charset=utf-8"},
    ],
)
def test_call_whose_headers_are_not_those_signed_is_refused(cdnetworks: Any, sandbox: Any, changes: Any) -> None:
    answer = cdnetworks.http.send(cdnetworks.request("videoClipQuery", {"transNo": "x"}, **changes))
    assert (answer.status_code, answer.json()["code"]) == (401, 1301)
    assert sandbox.ledger()["refused"][0]["code"] == 1301


def test_changed_body_is_refused(cdnetworks: Any, http: Any) -> None:
    request = cdnetworks.request("videoClipQuery", {"transNo": "x1"})
    changed = http.build_request(
        "POST", request.url, headers=request.headers, content=request.content.replace(b"x1", b"x2")
    )
    assert http.send(changed).json()["code"] == 1301


def test_new_scheme_lower_cases_header_values_before_it_signs(cdnetworks: Any) -> None:
    request = cdnetworks.request("videoClipQuery", {"transNo": "x"}, content_type="Application/JSON")
    assert cdnetworks.http.send(request).json()["code"] == 1603


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"transNo": None}, 1601),
        ({"transNo": ""}, 1601),
        ({"transNo": "x" * 33}, 1602),
        ({"transNo": "a b"}, 1602),
        ({"transNo": 5}, 1602),
        ({"videoId": None}, 1503),
        ({"videoId": ""}, 1503),
        ({"videoId": "nosuch"}, 1502),
        ({"filename": None}, 1000),
        ({"filename": "x" * 41}, 1500),
        ({"filename": "a/b"}, 1504),
        ({"filename": 'a"b'}, 1504),
        ({"seekStart": None}, 1000),
        ({"seekStart": "2"}, 1000),
        ({"seekStart": 1.5}, 1000),
        ({"seekStart": -1}, 1000),
        ({"duration": None}, 1000),
        ({"duration": 0}, 1000),
        ({"suffix": "avi"}, 1000),
        ({"frameRate": 0}, 1561),
        ({"frameRate": "25"}, 1561),
        ({"samplingRate": 12345}, 1562),
        ({"suffix": "flv", "samplingRate": 48000}, 1562),
        ({"suffix": "flv", "tassamplingRatekId": 48000}, 1562),
        ({"videoBitRate": -5}, 1563),
        ({"audioBitRate": 5.5}, 1564),
        ({"resolution": "640*480"}, 1565),
        ({"resolution": "641x480"}, 1565),
        ({"resolution": 640}, 1565),
        ({"notifyUrl": "not a url"}, 1000),
        ({"enableVideoTranscode": 2}, 1000),
        ({"endTime": 5}, 1000),
    ],
)
def test_wrong_trim_is_refused_and_charges_nothing(cdnetworks: Any, sandbox: Any, changes: Any, code: int) -> None:
    trans_no = changes.get("transNo", "t1")
    rest = {name: value for name, value in changes.items() if name != "transNo"}
    answer = cdnetworks.trim(trans_no, **rest)
    assert (answer["code"], answer["data"]) == (code, None)
    ledger = sandbox.ledger("cdnetworks")
    assert (ledger["submissions"][0]["outcome"], ledger["charges"]) == ("refused", [])


def test_duplicate_trans_no_is_refused_and_charged_once(cdnetworks: Any, sandbox: Any) -> None:
    assert cdnetworks.trim()["code"] == 200
    assert cdnetworks.trim()["code"] == 1602
    assert len(sandbox.ledger()["charges"]) == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [({}, 1503), ({"videoId": ""}, 1503), ({"videoId": "nosuch"}, 1502), ({"videoId": LIBRARY, "codeType": 3}, 1532)],
)
def test_wrong_publish_question_is_refused(cdnetworks: Any, fields: Any, code: int) -> None:
    assert cdnetworks.call("getPublishCode", fields)["code"] == code


def test_built_in_video_is_published(cdnetworks: Any, probe: Any) -> None:
    answer = cdnetworks.call("getPublishCode", {"videoId": LIBRARY})
    assert set(answer["data"]["videoUrl"][0]) == {"urlType", "originUrl", "fluentUrl", "sdUrl", "highUrl", "hdPullUrl"}
    assert probe(answer["data"]["videoUrl"][0]["originUrl"]).seconds == 8


def test_pulled_file_can_be_trimmed_and_a_wrong_md5_spoils_only_itself(
    cdnetworks: Any, until: Any, storage: Any, make_video: Any, sandbox: Any
) -> None:
    content = make_video(64, 64, 50)
    storage.files["/a.mp4"] = content
    url = f"{storage.url}/a.mp4"
    files = file_list(
        {"fileName": "good", "fetchUrl": url, "md5": hashlib.md5(content, usedforsecurity=False).hexdigest()},
        {"fileName": "bad", "fetchUrl": url, "md5": "0" * 32},
        {"fileName": "gone", "fetchUrl": f"{storage.url}/gone.mp4"},
    )
    answer = cdnetworks.call("pullVideo", {"fileList": files, "transNo": "p1"})
    assert answer["data"]["tranNo"] == "p1"
    found = until(
        lambda: cdnetworks.call("pullVideoQuery", {"taskId": answer["data"]["taskId"]}),
        lambda a: a["data"]["status"] == 2,
    )
    found = found["data"]
    assert [item["pullStatus"] for item in found["items"]] == [2, 3, 3]
    assert cdnetworks.call("pullVideoQuery", {"transNo": "p1"})["data"]["items"] == found["items"]
    cdnetworks.trim(videoId=found["items"][0]["videoInfo"]["videoId"], seekStart=0, duration=1)
    assert done(cdnetworks, until)["status"] == 2
    assert [charge["job_id"] for charge in sandbox.ledger()["charges"]] == ["t1"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"fileList": "++//"},
        {"fileList": "AAAA"},
        {"fileList": file_list()},
        {"fileList": file_list(*[{"fileName": "a", "fetchUrl": "http://x/a.mp4"}] * 51)},
        {"fileList": file_list({"fileName": "a"})},
        {"fileList": file_list({"fileName": "a", "fetchUrl": "http://x/a.mp4", "md5": "xyz"})},
        {"fileList": file_list({"fileName": "a", "fetchUrl": "http://x/a.mp4"}), "other": 1},
    ],
)
def test_wrong_pull_is_refused(cdnetworks: Any, fields: Any) -> None:
    assert cdnetworks.call("pullVideo", fields)["code"] == 1000


def test_calls_over_the_recommended_rate_are_counted_and_not_refused(cdnetworks: Any, sandbox: Any) -> None:
    for _ in range(33):
        assert cdnetworks.query("nosuch")["code"] == 1603
    cdnetworks.call("getPublishCode", {"videoId": "nosuch"})
    assert sandbox.ledger()["totals"]["cdnetworks"]["over_recommended_rate"] == 3


# -- uploads -------------------------------------------------------------------------------------------------------


@pytest.fixture
def grant(cdnetworks: Any) -> dict[str, Any]:
    data: dict[str, Any] = cdnetworks.call("getUploadToken", {"originFileName": "clip.mp4"})["data"]
    return data


def test_an_uploaded_file_becomes_the_video_that_was_announced(cdnetworks: Any, grant: Any, clip: str) -> None:
    assert cdnetworks.call("getPublishCode", {"videoId": grant["videoId"]})["code"] == 1502
    form = {"token": grant["uploadToken"], "key": grant["fileKey"]}
    files = {"file": httpx.get(clip, trust_env=False).content}
    answer = httpx.post(f"{grant['uploadUrl']}/file/upload", data=form, files=files, trust_env=False)
    assert answer.json()["key"] == grant["fileKey"]
    assert cdnetworks.call("getPublishCode", {"videoId": grant["videoId"]})["code"] == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"data": {"token": "other"}, "files": {"file": b"x"}}, 401),
        ({"data": {"key": "other"}, "files": {"file": b"x"}}, 403),
        ({"data": {}, "files": {"other": b"x"}}, 400),
        ({"content": b"x"}, 400),
        ({"content": iter([b"x"])}, 411),
    ],
    ids=["token", "key", "no file", "no form", "no length"],
)
def test_the_storage_is_strict(grant: Any, sent: dict[str, Any], status: int) -> None:
    if "data" in sent:
        sent = {**sent, "data": {"token": grant["uploadToken"], **sent["data"]}}
    answer = httpx.post(f"{grant['uploadUrl']}/file/upload", **sent, trust_env=False)
    assert answer.status_code == status


@pytest.mark.parametrize("fields", [{}, {"originFileName": "clip"}])
def test_an_upload_without_a_file_format_is_refused(cdnetworks: Any, fields: Any) -> None:
    assert cdnetworks.call("getUploadToken", fields)["code"] == 1000
