# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videoai.sandbox import aidge as aidge_server
from airflow_provider_videoai.sandbox.cdnetworks.auth import CanonicalRequest
from airflow_provider_videoai.sandbox.tencent_ivh import requests as tencent_server

KEY, SECRET, AT = "AKTESTEXAMPLE0001", "SKTESTEXAMPLE0001", "1700000000"
CNC_HEADERS = {"content-type": "application/json", "host": "api.cdnetworks.com"}
CNC_BODY = b'{"transNo":"036b6f4a01611000a79c3a7800000000"}'
CNC = "3973eabfb3a8356b60d412433ebd8991418eafc28ec1151c195454c14cac784f"
WS3_HEADERS = {
    "content-type": "application/x-www-form-urlencoded; charset=utf-8",
    "host": "api.cloudv.haplat.net",
}
WS3_BODY = b"transNo=036b6f4a01611000a79c3a7800000000"
WS3 = "1b97bc9fd95870182285900345269264ab80bb542bd2af8ea11901280a5db633"


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
def test_aidge_signs_the_known_vectors(aidge: Any, secret: str, timestamp: str, expected: str) -> None:
    assert aidge_server.sign(secret, timestamp) == aidge.sign(secret, timestamp) == expected


@pytest.mark.parametrize(
    ("appkey", "token", "timestamp", "more", "expected"),
    [
        (
            "e38267c0e86411ebb02aed82acb0ed99",
            "f68f2d10ae9e4604b76fb05cf46bccec",
            "1646636485",
            {},
            "BfWuaC9kmaicCggXc693uK+sZQ8qe88O4HVQNTdwZuo=",
        ),
        ("test_appkey_0001", "test_token_0001", AT, {}, "dVkjxRW35TDM8ipBltip2Kk4ab5o93fv9Fh4cvV1gfs="),
        (
            "test_appkey_0001",
            "test_token_0001",
            AT,
            {"requestid": "req-1"},
            "HTwbnJIHFHNK3UCh15Lgc3hiEG9mZxaVi8CQP3kdwp4=",
        ),
    ],
)
def test_tencent_signs_the_known_vectors(
    tencent: Any, appkey: str, token: str, timestamp: str, more: dict[str, str], expected: str
) -> None:
    parameters = {"timestamp": timestamp, "appkey": appkey} | more
    assert tencent_server.sign(token, list(parameters.items())) == expected
    assert tencent.sign(token, parameters) == expected


@pytest.mark.parametrize(
    ("scheme", "headers", "body", "expected"),
    [("CNC", CNC_HEADERS, CNC_BODY, CNC), ("WS3", WS3_HEADERS, WS3_BODY, WS3)],
)
def test_cdnetworks_signs_the_known_vectors(
    cdnetworks: Any, scheme: str, headers: dict[str, str], body: bytes, expected: str
) -> None:
    path = "/vod/videoManage/videoClipQuery"
    canonical = CanonicalRequest("POST", path, "", headers["content-type"], headers["host"], body)
    assert canonical.signature(f"{scheme}-HMAC-SHA256", SECRET, AT) == expected
    assert cdnetworks.sign(scheme, SECRET, AT, "POST", path, "", headers, body) == expected
