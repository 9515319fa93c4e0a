# SPDX-License-Identifier: Apache-2.0
"""CDNetworks as its tests speak with it: an account, requests, answers."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from airflow_provider_videoai.vendors.cdnetworks import PullVideoRequest, TrimRequest
from tests.support.fuzzing import json_values

ACCESS_KEY = "AKTESTEXAMPLE0001"
SECRET = "SKTESTEXAMPLE0001"
TRANS_NO = "036b6f4a01611000a79c3a7800000000"
TRIM = {"video_id": "DB7830C0", "seek_start": 10, "duration": 20, "filename": "teaser"}
PULL = {"fetch_url": "https://files.example.com/a.mp4?sig=1", "filename": "ä.mp4"}

JSON = json_values(200, 1560, "2")
_FIELDS = st.sampled_from(
    ["taskId", "status", "videoInfo", "items", "pullStatus", "videoId", "videoDuration", "videoUrl", "originUrl"]
)
TREES = st.recursive(
    JSON, lambda inner: st.dictionaries(_FIELDS, inner, max_size=4) | st.lists(inner, max_size=3), max_leaves=10
)


def trim(**changes: Any) -> TrimRequest:
    return TrimRequest.parse(TRIM | changes)


def pull(**changes: Any) -> PullVideoRequest:
    return PullVideoRequest.parse(PULL | changes)


def ok(data: Any = "") -> dict[str, Any]:
    return {"code": 200, "message": "OK", "data": data}


def error(code: Any, message: str = "told so") -> dict[str, Any]:
    return {"code": code, "message": message, "data": None}


def task(status: Any, **info: Any) -> dict[str, Any]:
    data: dict[str, Any] = {"taskId": "036b6fb4", "transNo": TRANS_NO, "status": status}
    return ok(data | ({"videoInfo": info} if info else {}))
