# SPDX-License-Identifier: Apache-2.0
"""Aidge as its tests speak with it: an account's secret, a task, answers."""

from __future__ import annotations

from typing import Any

from tests.support.fuzzing import json_values

SECRET = "aidge-secret-4f7b"
TASK = "1ce4fd33-b9d5-4e21"
MEDIA = "https://results.example.com/out.mp4?Expires=4988454430&Signature=Zm9v"
JSON = json_values(MEDIA)


def well(data: Any, **more: Any) -> dict[str, Any]:
    said = {"code": "0", "success": True, "resCode": 200, "resMessage": "success", "requestId": "r-1"}
    return said | {"data": data} | more


def refused(code: Any, message: str = "told so") -> dict[str, Any]:
    return {"code": "0", "success": False, "resCode": code, "resMessage": message, "requestId": "r-2"}
