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
    JobNotFound,
    QuotaExceeded,
    SubmitRejected,
    SubmitUncertain,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.model import JobStatus
from airflow_provider_videoai.vendors.aidge import Aidge, VideoRemovalRequest, signature
from tests.support.aidge_words import JSON, SECRET, TASK, refused, well
from tests.support.fuzzing import fuzz

LEAST = {"video_url": "https://files.example.com/in.mp4", "language": "en"}
FULL = LEAST | {
    "artificial_text_only": False,
    "remove_audio": True,
    "color_blocks": True,
    "inpainting_boxes": [{"timestamp": [1.5, 3.7], "box": [0.3, 0.4, 0.6, 0.7]}],
}


def request(**changes: Any) -> VideoRemovalRequest:
    return VideoRemovalRequest.parse(LEAST | changes)


def ask(aidge: Aidge, play: Any, answer: Any) -> JobStatus:
    status: JobStatus = play(answer).run(aidge.statuses("video_removal", [TASK]))[TASK]
    return status


def submitted(aidge: Aidge, play: Any, answer: Any) -> str:
    job_id: str = play(answer).run(aidge.submit(request(), None))
    return job_id


# -- the request ---------------------------------------------------------------------------------------------


def test_every_field_travels_flat_under_the_vendors_name(aidge: Aidge, play: Any) -> None:
    exchange = play(well({"result": {"taskId": TASK}}))
    assert exchange.run(aidge.submit(request(**FULL), None)) == TASK
    (call,) = exchange.calls
    assert (call.method, call.path, call.buys) == ("POST", "/rest/ai/video/removal", True)
    assert call.headers == {"Content-Type": "application/json"}
    assert json.loads(call.body) == {
        "videoUrl": "https://files.example.com/in.mp4",
        "language": "en",
        "artificialTextOnly": False,
        "removeAudio": True,
        "colorBlocks": True,
        "inpaintingBoxes": [{"timestamp": [1.5, 3.7], "box": [0.3, 0.4, 0.6, 0.7]}],
    }


def test_what_was_left_out_is_not_sent(aidge: Aidge, play: Any) -> None:
    exchange = play(well({"result": {"taskId": TASK}}))
    exchange.run(aidge.submit(request(), None))
    assert set(json.loads(exchange.calls[0].body)) == {"videoUrl", "language"}


def test_param_style_json_wraps_the_submit_as_text_and_leaves_the_query_flat(open_account: Any, play: Any) -> None:
    aidge = open_account(Aidge, param_style="json")
    exchange = play(well({"result": {"taskId": TASK}}))
    exchange.run(aidge.submit(request(**FULL), None))
    body = json.loads(exchange.calls[0].body)
    assert list(body) == ["paramJson"]
    assert json.loads(body["paramJson"])["inpaintingBoxes"][0]["timestamp"] == [1.5, 3.7]

    exchange = play(well({"taskStatus": "running"}))
    exchange.run(aidge.statuses("video_removal", [TASK]))
    assert json.loads(exchange.calls[0].body) == {"taskId": TASK}


@pytest.mark.parametrize(
    ("trial", "sent"), [(True, "true"), ("true", "true"), (False, None), ("False", None), ("", None)]
)
def test_trial_travels_as_a_header(open_account: Any, play: Any, trial: Any, sent: str | None) -> None:
    aidge = open_account(Aidge, trial=trial)
    exchange = play(well({"result": {"taskId": TASK}}))
    exchange.run(aidge.submit(request(), None))
    assert exchange.calls[0].headers.get("x-iop-trial") == sent


@pytest.mark.parametrize("option", [{"trial": "yes"}, {"param_style": "xml"}])
def test_unknown_option_value_stops_before_the_send(open_account: Any, play: Any, option: dict[str, str]) -> None:
    exchange = play()
    with pytest.raises(InvalidRequest, match=next(iter(option))):
        exchange.run(open_account(Aidge, **option).submit(request(), None))
    assert exchange.calls == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("video_url", "ftp://files.example.com/in.mp4"),
        ("video_url", None),
        ("language", "fr"),
        ("artificial_text_only", "maybe"),
        ("remove_audio", 7),
        ("color_blocks", []),
        ("inpainting_boxes", [{"timestamp": [3.0, 1.0], "box": [0, 0, 1, 1]}]),
        ("inpainting_boxes", [{"timestamp": [-1, 1.0], "box": [0, 0, 1, 1]}]),
        ("inpainting_boxes", [{"timestamp": [1.0], "box": [0, 0, 1, 1]}]),
        ("inpainting_boxes", [{"timestamp": [0, float("inf")], "box": [0, 0, 1, 1]}]),
        ("inpainting_boxes", [{"timestamp": [0, 1], "box": [0, 0, 1.2, 1]}]),
        ("inpainting_boxes", [{"timestamp": [0, 1], "box": [0.5, 0, 0.5, 1]}]),
        ("inpainting_boxes", [{"timestamp": [0, 1], "box": [0, 0, 1]}]),
        ("inpainting_boxes", [{"timestamp": [0, 1], "box": [0, 0, 1, 1], "colour": 1}]),
        ("inpainting_boxes", [{"timestamp": [0, 1]}]),
        ("colour", "red"),
    ],
)
def test_broken_field_is_named(field: str, value: Any) -> None:
    with pytest.raises(InvalidRequest, match=field):
        request(**{field: value})


def test_required_fields_are_named_when_missing() -> None:
    with pytest.raises(InvalidRequest, match=r"video(_u|U)rl: .*language: "):
        VideoRemovalRequest.parse({})


# -- the signature -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("secret", "timestamp", "expected"),
    [
        (
            "S4etzZ73nF08vOXVhk3wZjIaLSHw0123",
            "1700000000000",
            "6873910AD684AA9A8690955552D90E73D03074FDC35122604BC01170D91C762C",
        ),
        ("test-secret", "1767225600000", "B2E56A4ADA51919C3450A238DDED484C2150151EA1FE9D9DB02488F35EC13185"),
    ],
)
def test_signature_equals_the_known_vectors(secret: str, timestamp: str, expected: str) -> None:
    assert signature(secret, timestamp) == expected


def test_signed_query_is_complete_and_keeps_the_body(open_account: Any, play: Any, sign: Any) -> None:
    aidge = open_account(Aidge, login="512 345&x", password="S4etzZ73nF08vOXVhk3wZjIaLSHw0123")
    exchange = play(well({"taskStatus": "running"}))
    exchange.run(aidge.statuses("video_removal", [TASK]))
    signed: httpx.Request = sign(aidge, exchange.calls[0])
    assert signed.url.path == "/rest/ai/video/removal/result"
    assert dict(signed.url.params) == {
        "partner_id": "aidge",
        "sign_method": "sha256",
        "sign_ver": "v2",
        "app_key": "512 345&x",
        "timestamp": "1700000000000",
        "sign": "6873910AD684AA9A8690955552D90E73D03074FDC35122604BC01170D91C762C",
    }
    assert signed.content == exchange.calls[0].body


def test_every_attempt_is_signed_at_its_own_time(aidge: Aidge) -> None:
    times = iter([10.0, 11.5])
    aidge.clock = lambda: next(times)
    auth = aidge.auth
    stamps = [
        next(auth.sync_auth_flow(httpx.Request("POST", "https://a.example/rest"))).url.params["timestamp"]
        for _ in range(2)
    ]
    assert stamps == ["10000", "11500"]


@pytest.mark.parametrize("missing", ["login", "password"])
def test_missing_credentials_stop_before_anything_is_sent(open_account: Any, missing: str) -> None:
    with pytest.raises(AuthenticationFailed, match=f"{missing}.*nothing was sent"):
        _ = open_account(Aidge, **{missing: ""}).auth


# -- submit --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        well({"result": {"taskId": TASK}}),
        well({"taskId": TASK}),
        well({"taskId": TASK}, code=0.0, resCode=200.0),
        {"data": {"result": {"taskId": TASK}}},
        {"code": 200, "data": {"result": {"taskId": TASK}}},
        {"Code": "200", "Success": True, "RequestId": "r", "Data": {"TaskId": TASK}},
        {"code": "0", "request_id": "r", "_trace_id_": "t", "data": {"usage": 1, "result": {"taskId": TASK}}},
        {"resCode": "200", "data": {"Result": json.dumps({"taskId": TASK})}},
        {"code": "Success", "resCode": None, "success": "true", "data": {"taskId": TASK}},
    ],
)
def test_task_id_is_found_in_every_shape(aidge: Aidge, play: Any, answer: Any) -> None:
    assert submitted(aidge, play, answer) == TASK


@pytest.mark.parametrize(
    "answer",
    [
        well({}),
        well(None),
        well({"result": {"taskId": ""}}),
        {},
        {"hello": "world"},
        (200, b"<html>"),
        (200, b"[]"),
        (502, b"<html>bad gateway</html>"),
        (500, {"message": "internal"}),
        {"type": "ISP", "code": "ServiceTimeout", "message": "slow"},
        {"type": "SYSTEM", "code": "remote.time-out"},
        (400, {"type": "ISP", "code": "ServiceTimeout", "message": "slow"}),
        (500, refused(500)),
        (502, refused(500.0)),
        (500, {"code": 500, "message": "Internal Server Error"}),
        *((status, refused(500)) for status in (303, 408, 499)),
    ],
)
def test_submit_without_a_readable_id_is_uncertain(aidge: Aidge, play: Any, answer: Any) -> None:
    with pytest.raises(SubmitUncertain, match="may have been bought"):
        submitted(aidge, play, answer)


def test_lost_answer_stays_uncertain_and_is_not_sent_again(aidge: Aidge, play: Any) -> None:
    exchange = play(SubmitUncertain("the answer was lost"))
    with pytest.raises(SubmitUncertain):
        exchange.run(aidge.submit(request(), None))
    assert len(exchange.calls) == 1


SUBMIT_ERRORS: list[tuple[Any, type[SubmitRejected], bool]] = [
    (500, SubmitRejected, True),
    (501, QuotaExceeded, True),
    (700, ContentRejected, False),
    (701, ContentRejected, False),
    (702, ContentRejected, False),
    (703, ContentRejected, False),
    (801, SubmitRejected, False),
    (1000, ContentRejected, False),
    (1001, SubmitRejected, True),
    (1002, ContentRejected, False),
    ("801", SubmitRejected, False),
    (501.0, QuotaExceeded, True),
]


@pytest.mark.parametrize("http_status", [200, 400])
@pytest.mark.parametrize(("code", "kind", "temporary"), SUBMIT_ERRORS)
def test_business_error_refuses_the_submit(
    aidge: Aidge, play: Any, code: Any, kind: type[SubmitRejected], temporary: bool, http_status: int
) -> None:
    with pytest.raises(SubmitRejected, match=r"told so.*Nothing was bought") as caught:
        submitted(aidge, play, (http_status, refused(code)))
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.temporary) == (str(code).removesuffix(".0"), temporary)


def test_undocumented_business_error_refuses_the_submit_for_good(aidge: Aidge, play: Any) -> None:
    with pytest.raises(SubmitRejected, match="undocumented code: told so") as caught:
        submitted(aidge, play, refused(4711))
    assert (type(caught.value), caught.value.code, caught.value.temporary) == (SubmitRejected, "4711", False)


GATEWAY_ERRORS: list[tuple[dict[str, str], type[VideoAIError], type[VideoAIError]]] = [
    ({"type": "ISV", "code": "IncompleteSignature"}, AuthenticationFailed, AuthenticationFailed),
    ({"type": "ISV", "code": "InvalidAppKey"}, AuthenticationFailed, AuthenticationFailed),
    ({"type": "ISV", "code": "IllegalTimestamp"}, AuthenticationFailed, AuthenticationFailed),
    ({"type": "ISV", "code": "MissingParameter"}, SubmitRejected, VendorUnavailable),
    ({"type": "ISV", "code": "SomethingElse"}, SubmitRejected, VendorUnavailable),
    ({"type": "ISP", "code": "E0001"}, SubmitRejected, VendorUnavailable),
    ({"type": "SYSTEM", "code": "Busy"}, SubmitRejected, VendorUnavailable),
    ({"Code": "InvalidParameter"}, SubmitRejected, VendorUnavailable),
    ({"Code": "CallerTypeNotSupported"}, AuthenticationFailed, AuthenticationFailed),
    ({"Code": "UserStatusInvalid"}, AuthenticationFailed, AuthenticationFailed),
    ({"Code": "ServiceNotOpened"}, SubmitRejected, VendorUnavailable),
    ({"Code": "ServiceStatusInvalid"}, SubmitRejected, VendorUnavailable),
    ({"Code": "FreeQuotaExhausted"}, SubmitRejected, VendorUnavailable),
    ({"Code": "PriorityUnavailable"}, SubmitRejected, VendorUnavailable),
    ({"Code": "UsageParseFail"}, SubmitRejected, VendorUnavailable),
    ({"Code": "DownstreamUnavailable"}, SubmitRejected, VendorUnavailable),
]


@pytest.mark.parametrize(("body", "on_submit", "on_poll"), GATEWAY_ERRORS)
def test_gateway_error_is_told_by_what_it_means(
    aidge: Aidge, play: Any, body: dict[str, str], on_submit: type[VideoAIError], on_poll: type[VideoAIError]
) -> None:
    answer = body | {"message": "the gateway's words"}
    with pytest.raises(on_submit) as caught:
        submitted(aidge, play, answer)
    assert type(caught.value) is on_submit
    assert "the gateway's words" in str(caught.value)
    with pytest.raises(on_poll) as caught:
        ask(aidge, play, answer)
    assert type(caught.value) is on_poll


@pytest.mark.parametrize(
    ("body", "temporary"),
    [
        ({"type": "ISV", "code": "Whatever"}, False),
        ({"type": "ISP", "code": "Whatever"}, True),
        ({"type": "SYSTEM", "code": "Whatever"}, True),
        ({"Code": "DownstreamUnavailable"}, True),
    ],
)
def test_only_the_vendors_own_faults_are_temporary(
    aidge: Aidge, play: Any, body: dict[str, str], temporary: bool
) -> None:
    with pytest.raises(SubmitRejected) as caught:
        submitted(aidge, play, body)
    assert caught.value.temporary is temporary


def test_success_false_without_any_code_refuses_the_submit(aidge: Aidge, play: Any) -> None:
    with pytest.raises(SubmitRejected, match="resources have been exhausted"):
        submitted(aidge, play, {"success": False, "resMessage": "calling resources have been exhausted"})


# -- connection test and secrets -----------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [well({}), refused(500), refused(801), refused(4711), {"success": False}])
def test_answer_from_the_api_itself_proves_the_credentials(aidge: Aidge, play: Any, answer: Any) -> None:
    exchange = play(answer)
    assert "accepted the credentials" in exchange.run(aidge.probe())
    assert [(call.path, call.buys) for call in exchange.calls] == [("/rest/ai/video/removal/result", False)]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"type": "ISV", "code": "IncompleteSignature"}, AuthenticationFailed),
        ((401, b""), AuthenticationFailed),
        ((429, b""), QuotaExceeded),
        ((404, b""), JobNotFound),
        ((200, b"<html>"), VendorUnavailable),
        ({"type": "ISV", "code": "InvalidApiPath"}, VendorUnavailable),
        ({"hello": "world"}, VendorUnavailable),
        (VendorUnavailable("no connection"), VendorUnavailable),
    ],
)
def test_other_answers_prove_nothing(aidge: Aidge, play: Any, answer: Any, kind: type[VideoAIError]) -> None:
    with pytest.raises(kind):
        play(answer).run(aidge.probe())


def test_no_error_text_holds_a_secret_or_a_signature(aidge: Aidge, play: Any) -> None:
    sign = signature(SECRET, "1700000000000")
    url = f"https://api.aidc-ai.com/rest/ai/video/removal?app_key=512345&sign={sign}"
    for message in (f"bad request {url}", f"sign={sign} for {SECRET}", f'{{"url":"{url}"}}'):
        for answer in (refused(500, message), {"type": "ISV", "code": "IncompleteSignature", "message": message}):
            with pytest.raises(VideoAIError) as caught:
                submitted(aidge, play, answer)
            assert sign not in str(caught.value)
            assert SECRET not in str(caught.value)
    assert SECRET not in repr(aidge.account)


# -- anything at all -----------------------------------------------------------------------------------------


@fuzz
@given(data=JSON | st.dictionaries(st.sampled_from(["taskId", "TaskId", "result", "Result"]), JSON, max_size=3))
def test_any_answer_to_a_submit_gives_an_id_or_a_typed_error(aidge: Aidge, play: Any, data: Any) -> None:
    for body in (well(data), data):
        try:
            assert submitted(aidge, play, body)
        except VideoAIError:
            continue
