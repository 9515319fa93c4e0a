# SPDX-License-Identifier: Apache-2.0
"""The status responses of each provider's vendor."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

VIITOR_PREFIX = "ViiTor_AI_"
_MEDIA = "https://media.example.com/result.mp4"

Ended = Callable[[int], bool]


@dataclass(frozen=True, slots=True)
class Request:
    """A request, parsed: the parts of its path that a route names, its query, its body."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


class Response(NamedTuple):
    """The numbers of the jobs whose status was requested, and the response's JSON."""

    numbers: list[int]
    content: Any


def respond_to(target: str, body: bytes, ended: Ended) -> Response:
    """Respond to a request.

    :param target: the request's path and query.
    :param body: its body.
    :param ended: whether the job of a number has ended.
    :raises LookupError: no provider sends such a request.
    """
    url = urlsplit(target)
    for pattern, respond in _ROUTES:
        if found := pattern.fullmatch(url.path):
            query = {name: values[-1] for name, values in parse_qs(url.query).items()}
            return respond(Request(found.groupdict(), query, body), ended)
    raise LookupError(target)


def _viitor(request: Request, ended: Ended) -> Response:
    ids = json.loads(request.body)["taskIds"]
    numbers = [int(job_id.removeprefix(VIITOR_PREFIX)) for job_id in ids]
    rows = [_viitor_row(job_id, over=ended(number)) for job_id, number in zip(ids, numbers, strict=True)]
    return Response(numbers, {"code": 0, "message": "OK", "data": rows})


def _viitor_row(job_id: str, *, over: bool) -> dict[str, Any]:
    return {
        "taskId": job_id,
        "taskStatus": 4 if over else 3,
        "taskProgress": 100 if over else 50,
        "errorCode": 0,
        "targetVideoUrl": _MEDIA if over else None,
        "updateTime": int(time.time() * 1000),
    }


def _topview(request: Request, ended: Ended) -> Response:
    number = int(request.query["taskId"])
    task = {
        "taskId": request.query["taskId"],
        "status": "success" if ended(number) else "running",
        "errorMsg": None,
        "inputVideoFileId": None,
        "inputAudioFileId": None,
        "outputVideoUrl": _MEDIA if ended(number) else None,
    }
    return Response([number], {"code": "200", "message": "Success", "result": task})


def _dbt_cloud(request: Request, ended: Ended) -> Response:
    number = int(request.path["number"])
    run = {"id": number, "status": 10 if ended(number) else 3, "is_complete": ended(number)}
    return Response([number], {"status": {"code": 200, "is_success": True}, "data": run})


def _databricks(request: Request, ended: Ended) -> Response:
    number = int(json.loads(request.body)["run_id"])
    over = {"life_cycle_state": "TERMINATED", "result_state": "SUCCESS", "state_message": ""}
    running = {"life_cycle_state": "RUNNING", "state_message": ""}
    return Response([number], {"run_id": number, "state": over if ended(number) else running})


def _event(request: Request, ended: Ended) -> Response:
    number = int(request.path["number"])
    return Response([number], {"done": ended(number)})


def _llm_batch(request: Request, ended: Ended) -> Response:
    number = int(request.path["number"])
    batch = {
        "id": f"batch_{number}",
        "object": "batch",
        "endpoint": "/v1/chat/completions",
        "input_file_id": "file-1",
        "completion_window": "24h",
        "status": "completed" if ended(number) else "in_progress",
        "created_at": 1,
        "request_counts": {"total": 1, "completed": 1, "failed": 0},
    }
    return Response([number], batch)


_ROUTES: tuple[tuple[re.Pattern[str], Callable[[Request, Ended], Response]], ...] = (
    (re.compile(r"/textRemoval/taskStatus"), _viitor),
    (re.compile(r"/v1/video_avatar/task/query"), _topview),
    (re.compile(r"/api/v2/accounts/1/runs/(?P<number>\d+)/"), _dbt_cloud),
    (re.compile(r"/api/2\.2/jobs/runs/get"), _databricks),
    (re.compile(r"/event/(?P<number>\d+)"), _event),
    (re.compile(r"/v1/batches/batch_(?P<number>\d+)"), _llm_batch),
)
