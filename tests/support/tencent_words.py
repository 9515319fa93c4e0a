# SPDX-License-Identifier: Apache-2.0
"""Tencent IVH as its tests speak with it: an account's secret, a task, answers."""

from __future__ import annotations

from typing import Any

SECRET = "ivh-accesstoken-4d5e6f"
TASK = "81883d47c6154edf8e276531f09227b6"
SERVICE = "/v2/ivh/videomaker/broadcastservice"


def envelope(payload: Any, code: Any = 0, message: str = "") -> dict[str, Any]:
    return {"Header": {"Code": code, "Message": message, "RequestID": "r-1"}, "Payload": payload}


def refusal(code: Any, message: str = "vendor words") -> dict[str, Any]:
    return {"Header": {"Code": code, "Message": message, "RequestID": "r-1"}}
