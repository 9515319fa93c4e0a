# SPDX-License-Identifier: Apache-2.0
"""ViiTor AI video text removal: ``/textRemoval/add`` and ``/textRemoval/taskStatus``.

Choices where the vendor's pages (2026-05-11) are silent:

====================================  ==========================================================================
authentication                        required on both calls; failure is HTTP 401 with envelope ``code`` 401
business errors 2000, 2001            HTTP 200
a required body field is absent       2000; wrong type, value, or an unknown field: 2001
ROI                                   pixels of the source picture, origin top left, ``x1 < x2``, ``y1 < y2``
``errorCode`` of a failed task        5001 input cannot be fetched or decoded, 5002 a region lies outside of the
                                      picture, 5000 anything else
full quota                            HTTP 429, ``code`` 429: no code of its own is known
unknown or another user's ids         no row
====================================  ==========================================================================
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Sequence
from typing import Any

from airflow_provider_videoai.sandbox.credentials import CREDENTIALS
from airflow_provider_videoai.sandbox.endpoints import Call, Incoming, Refused, VendorResponse
from airflow_provider_videoai.sandbox.faults import CallKind, FaultKind
from airflow_provider_videoai.sandbox.fields import Fields, InvalidField, Problem
from airflow_provider_videoai.sandbox.jobs import Job, Outcome, Phase
from airflow_provider_videoai.sandbox.media.fetching import fetch
from airflow_provider_videoai.sandbox.media.inpaint import Region
from airflow_provider_videoai.sandbox.media.inpainter import InpaintRequest
from airflow_provider_videoai.sandbox.media.rendered import Rendered, Stop
from airflow_provider_videoai.sandbox.state import SandboxState

KEY = "viitor"
OPERATION = "text_removal"
PREFIX = "ViiTor_AI"
# The status page limits ids, the create page regions per list, the name and X-App-Source.
MAX_IDS, MAX_REGIONS, LONGEST_NAME, LONGEST_SOURCE = 100, 5, 50, 20
CHANNELS = ("100", "200", "300")
# 2000 and 2001 are documented; 401 and 429 stand in for codes that no page names.
UNAUTHORISED, MISSING, INVALID, FULL = 401, 2000, 2001, 429
# No page lists the values of errorCode: these are the sandbox's own.
TASK_ERRORS = {"fetch": 5001, "unreadable": 5001, "size": 5001, "region": 5002}
OTHER_TASK_ERROR = 5000

STATUS = {Phase.RUNNING: 3, Phase.SUCCEEDED: 4, Phase.FAILED: 5, Phase.ABORTED: 6}
# Both mean that the task waits: a client must read either, so a waiting job shows both here.
CREATED, QUEUED = 1, 2

Roi = tuple[float, float, float, float]


def _refusal(code: int, message: str, status: int = 200) -> Refused:
    return Refused(VendorResponse({"code": code, "message": message, "data": None}, code, status), message)


class ViiTor:
    """The vendor, as its pages "Video Text Removal Create API" and "... Task Status API" describe it.

    :param state: where its jobs, files and faults are.
    """

    key = KEY

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def calls(self) -> list[Call]:
        """Return its two calls."""
        return [
            Call(("POST",), "/textRemoval/add", CallKind.SUBMIT, OPERATION, self.add),
            Call(("POST",), "/textRemoval/taskStatus", CallKind.QUERY, OPERATION, self.task_status),
        ]

    def reset(self) -> None:
        """Do nothing: it remembers nothing beside its jobs."""

    def deny(self, kind: FaultKind, call: CallKind, code: int | str | None) -> VendorResponse:  # noqa: ARG002 - alike for all calls
        """Return its response to failed authentication, or to a full quota."""
        full = kind is FaultKind.QUOTA_FULL
        usual = FULL if full else UNAUTHORISED
        message = "Too many unfinished tasks" if full else "Unauthorized"
        # A code that a test chose is a business error of the vendor, and those come with HTTP 200.
        status, chosen = (usual, usual) if code is None else (200, code)
        return VendorResponse({"code": chosen, "message": message, "data": None}, chosen, status)

    async def add(self, incoming: Incoming) -> VendorResponse:
        """Create a task.

        :param incoming: with the headers ``X-User-Id``, ``X-Channel`` and ``Authorization``.
        :raises Refused: 2000 for a missing header or field, 2001 for a wrong one, 401 without authentication.
        """
        user = _user_of(incoming)
        _check_channel(incoming)
        fields = _body_of(incoming)
        try:
            url, name, detect, erase = _read(fields)
        except InvalidField as error:
            raise _refusal(MISSING if error.problem is Problem.MISSING else INVALID, str(error)) from None
        incoming.fields.update(url=url, taskName=name, textDetectROI=detect, fullEraseROI=erase)
        # The status page: every task id starts with ViiTor_AI.
        job_id = f"{PREFIX}_{time.strftime('%Y%m%d')}{secrets.token_hex(5)}"
        regions = [_region(roi, only_text=True) for roi in detect] + [_region(roi) for roi in erase]
        self._state.accept(KEY, OPERATION, job_id, lambda stop: self._render(url, regions, stop), owner=user)
        return VendorResponse({"code": 0, "message": "OK", "data": {"taskId": job_id}}, 0, job_id=job_id, charged=True)

    async def task_status(self, incoming: Incoming) -> VendorResponse:
        """Return the status of up to 100 tasks.

        :param incoming: with ``taskId``, ``taskIds``, or both.
        :raises Refused: 2001 if there is no id, a malformed one, or more than 100.
        """
        user = _user_of(incoming)
        ids = _ids(_body_of(incoming))
        incoming.job_ids.extend(ids)
        # An unknown id, or another user's, has no row: no page says what is sent for it.
        jobs = [job for job_id in ids if (job := self._state.jobs.find(KEY, job_id)) and job.owner == user]
        rows = [self._row(job, incoming.base_url) for job in jobs]
        # No page promises rows in the order of the ids: a client that relied on it would mix jobs up.
        random.shuffle(rows)
        return VendorResponse({"code": 0, "message": "OK", "data": rows}, 0)

    def _row(self, job: Job, base_url: str) -> dict[str, Any]:
        snapshot = self._state.jobs.snapshot(job)
        url, error = None, 0
        if snapshot.phase is Phase.SUCCEEDED:
            # The status page: download only if the status is 4 and the URL is not empty. So the status turns 4 one poll
            # before the URL is there.
            seen = job.notes.setdefault("finish_seen", 0)
            job.notes["finish_seen"] = seen + 1
            url = base_url + job.result().media.url_path if seen else None
        elif snapshot.phase in (Phase.FAILED, Phase.ABORTED):
            error = _error_code(job)
        return {
            "taskId": job.job_id,
            "taskStatus": self._status(job, snapshot.phase),
            "taskProgress": snapshot.progress,
            "errorCode": error,
            "targetVideoUrl": url,
            "updateTime": int(time.time() * 1000),
        }

    def _status(self, job: Job, phase: Phase) -> int:
        if phase is not Phase.QUEUED:
            return STATUS[phase]
        # A third of the queue time as "created", the rest as "queued".
        waited = self._state.clock.now(KEY) - job.submitted
        return CREATED if waited < job.queue_seconds / 3 else QUEUED

    def _render(self, url: str, regions: Sequence[Region], stop: Stop) -> Rendered:
        source = fetch(url, self._state.root / f"{secrets.token_hex(8)}.in", stop)
        inpaint_request = InpaintRequest(source, lambda *_: regions, recipe=tuple(regions))
        try:
            return self._state.inpainter.render(KEY, "result.mp4", inpaint_request, stop)
        finally:
            source.path.unlink()


def _user_of(incoming: Incoming) -> str:
    user = incoming.headers.get("x-user-id")
    if not user:
        raise _refusal(MISSING, "X-User-Id is required")
    if not user.isascii() or not user.isdigit():
        raise _refusal(INVALID, "X-User-Id must be numeric")
    # The status page only recommends the header, "based on gateway auth policy": this gateway has the strict one.
    if incoming.headers.get("authorization") != f"Bearer {CREDENTIALS[KEY].password}":
        raise _refusal(UNAUTHORISED, "Unauthorized", 401)
    return user


def _check_channel(incoming: Incoming) -> None:
    channel = incoming.headers.get("x-channel")
    if not channel:
        raise _refusal(MISSING, "X-Channel is required")
    if channel not in CHANNELS:
        raise _refusal(INVALID, "X-Channel must be 100 (Web), 200 (Android) or 300 (iOS)")
    if len(incoming.headers.get("x-app-source", "")) > LONGEST_SOURCE:
        raise _refusal(INVALID, "X-App-Source has more than 20 characters")


def _body_of(incoming: Incoming) -> Fields:
    # The create page lists Accept among its headers, with the same media type as Content-Type.
    accepted = incoming.headers.get("accept", "*/*").lower()
    if not any(kind in accepted for kind in ("application/json", "application/*", "*/*")):
        raise _refusal(INVALID, "Accept must allow application/json")
    body = incoming.json_object() if incoming.is_json() else None
    if body is None:
        raise _refusal(INVALID, "the body must be a JSON object with Content-Type application/json;charset=UTF-8")
    return Fields(body)


def _read(fields: Fields) -> tuple[str, str, list[Roi], list[Roi]]:
    url = fields.need_url("url")
    # Truncated, not refused: so says the create page.
    name = fields.need_text("taskName")[:LONGEST_NAME]
    detect, erase = _rois(fields, "textDetectROI"), _rois(fields, "fullEraseROI")
    if not detect and not erase:
        raise fields.fault("textDetectROI", Problem.VALUE, "and fullEraseROI must not both be empty")
    # The create page: header values win over a userId in the body. So it is allowed there, and ignored.
    fields.raw("userId")
    fields.done()
    return url, name, detect, erase


def _rois(fields: Fields, name: str) -> list[Roi]:
    rows = fields.rows(name)
    if len(rows) > MAX_REGIONS:
        raise fields.fault(name, Problem.VALUE, f"has more than {MAX_REGIONS} regions")
    return [_roi(fields, name, row) for row in rows]


def _roi(fields: Fields, name: str, row: Any) -> Roi:
    numbers = isinstance(row, list) and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in row)
    if not numbers or len(row) != len(("x1", "y1", "x2", "y2")):
        raise fields.fault(name, Problem.TYPE, "each region must be four numbers [x1, y1, x2, y2]")
    x1, y1, x2, y2 = row
    # The unit is documented nowhere. Pixels here, at least one wide: a fraction of the picture would be refused as
    # empty.
    if min(row) < 0 or x2 - x1 < 1 or y2 - y1 < 1:
        raise fields.fault(name, Problem.VALUE, "each region must be [x1, y1, x2, y2] in pixels, x1 < x2, y1 < y2")
    return x1, y1, x2, y2


def _region(roi: Roi, *, only_text: bool = False) -> Region:
    x1, y1, x2, y2 = (round(edge) for edge in roi)
    return Region(x1, y1, x2, y2, only_text=only_text)


def _ids(fields: Fields) -> list[str]:
    try:
        single, batch = fields.text("taskId"), fields.rows("taskIds")
        fields.done()
    except InvalidField as error:
        raise _refusal(INVALID, str(error)) from None
    given = [*([single] if single else []), *batch]
    if not given:
        raise _refusal(INVALID, "taskId and taskIds cannot both be empty")
    if not all(isinstance(job_id, str) and job_id.startswith(PREFIX) for job_id in given):
        raise _refusal(INVALID, f"every task id must start with {PREFIX}")
    # The status page: both fields are merged and deduplicated, and only then counted.
    ids = list(dict.fromkeys(given))
    if len(ids) > MAX_IDS:
        raise _refusal(INVALID, f"more than {MAX_IDS} task ids")
    return ids


def _error_code(job: Job) -> Any:
    if job.fail_code is not None:
        return job.fail_code
    failure = job.failure()
    if job.outcome is Outcome.RENDER and failure is not None:
        return TASK_ERRORS.get(failure.reason, OTHER_TASK_ERROR)
    return OTHER_TASK_ERROR


SERVICE = ViiTor
