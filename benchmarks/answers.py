# SPDX-License-Identifier: Apache-2.0
"""How a job stands, in the words of each contender's vendor."""

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
class Ask:
    """A request, taken apart: the parts of its path that a route names, its query, its body."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


class Reply(NamedTuple):
    """The numbers of the jobs that were asked for, and the answer's JSON."""

    numbers: list[int]
    content: Any


def reply_to(target: str, body: bytes, ended: Ended) -> Reply:
    """Answer a request; raise ``LookupError`` for one that no contender makes."""
    url = urlsplit(target)
    for pattern, reply in _ROUTES:
        if found := pattern.fullmatch(url.path):
            query = {name: values[-1] for name, values in parse_qs(url.query).items()}
            return reply(Ask(found.groupdict(), query, body), ended)
    raise LookupError(target)


def _viitor(ask: Ask, ended: Ended) -> Reply:
    ids = json.loads(ask.body)["taskIds"]
    numbers = [int(job_id.removeprefix(VIITOR_PREFIX)) for job_id in ids]
    rows = [_viitor_row(job_id, over=ended(number)) for job_id, number in zip(ids, numbers, strict=True)]
    return Reply(numbers, {"code": 0, "message": "OK", "data": rows})


def _viitor_row(job_id: str, *, over: bool) -> dict[str, Any]:
    return {
        "taskId": job_id,
        "taskStatus": 4 if over else 3,
        "taskProgress": 100 if over else 50,
        "errorCode": 0,
        "targetVideoUrl": _MEDIA if over else None,
        "updateTime": int(time.time() * 1000),
    }


def _topview(ask: Ask, ended: Ended) -> Reply:
    number = int(ask.query["taskId"])
    task = {
        "taskId": ask.query["taskId"],
        "status": "success" if ended(number) else "running",
        "errorMsg": None,
        "inputVideoFileId": None,
        "inputAudioFileId": None,
        "outputVideoUrl": _MEDIA if ended(number) else None,
    }
    return Reply([number], {"code": "200", "message": "Success", "result": task})


def _dbt_cloud(ask: Ask, ended: Ended) -> Reply:
    number = int(ask.path["number"])
    run = {"id": number, "status": 10 if ended(number) else 3, "is_complete": ended(number)}
    return Reply([number], {"status": {"code": 200, "is_success": True}, "data": run})


def _databricks(ask: Ask, ended: Ended) -> Reply:
    number = int(json.loads(ask.body)["run_id"])
    over = {"life_cycle_state": "TERMINATED", "result_state": "SUCCESS", "state_message": ""}
    running = {"life_cycle_state": "RUNNING", "state_message": ""}
    return Reply([number], {"run_id": number, "state": over if ended(number) else running})


def _event(ask: Ask, ended: Ended) -> Reply:
    number = int(ask.path["number"])
    return Reply([number], {"done": ended(number)})


def _llm_batch(ask: Ask, ended: Ended) -> Reply:
    number = int(ask.path["number"])
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
    return Reply([number], batch)


_ROUTES: tuple[tuple[re.Pattern[str], Callable[[Ask, Ended], Reply]], ...] = (
    (re.compile(r"/textRemoval/taskStatus"), _viitor),
    (re.compile(r"/v1/video_avatar/task/query"), _topview),
    (re.compile(r"/api/v2/accounts/1/runs/(?P<number>\d+)/"), _dbt_cloud),
    (re.compile(r"/api/2\.2/jobs/runs/get"), _databricks),
    (re.compile(r"/event/(?P<number>\d+)"), _event),
    (re.compile(r"/v1/batches/batch_(?P<number>\d+)"), _llm_batch),
)
