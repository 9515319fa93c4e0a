# SPDX-License-Identifier: Apache-2.0
"""Alibaba Aidge video removal, second generation: ``/rest/ai/video/removal`` and ``.../result``.

Choices where the vendor's pages are silent or disagree:

====================================  ==========================================================================
gateway errors                        HTTP 400 with ``{"type": "ISV", "code": ..., "message": ..., "request_id": ...}``;
                                      codes ``MissingParameter``, ``InvalidParameter``, ``InvalidAppKey``,
                                      ``IllegalTimestamp``, ``IncompleteSignature``
clock skew                            two hours either way, as the same signature has on AliExpress
business errors                       HTTP 200, ``success`` false, ``resCode``
limits of the input (700 to 703)      found when the job reads it: reported by the result call
a failed job                          ``resCode`` 801 unless it is one of 700 to 703; state ``failed``
unknown task id                       ``resCode`` 404
full quota                            ``resCode`` 501
``x-iop-trial: true``                 accepted, not charged
====================================  ==========================================================================
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
import uuid
from collections.abc import Sequence
from typing import Any

from airflow_provider_videoai.sandbox.credentials import CREDENTIALS
from airflow_provider_videoai.sandbox.endpoints import Call, Incoming, Refused, VendorResponse
from airflow_provider_videoai.sandbox.faults import CallKind, FaultKind
from airflow_provider_videoai.sandbox.fields import Fields, InvalidField, Problem
from airflow_provider_videoai.sandbox.jobs import Job, Phase
from airflow_provider_videoai.sandbox.media.container import probe
from airflow_provider_videoai.sandbox.media.fetching import fetch, file_name_of
from airflow_provider_videoai.sandbox.media.inpaint import Region
from airflow_provider_videoai.sandbox.media.inpainter import InpaintRequest
from airflow_provider_videoai.sandbox.media.rendered import Rendered, RenderingFailed, Stop
from airflow_provider_videoai.sandbox.state import SandboxState

KEY = "aidge"
OPERATION = "video_removal"
FIXED = {"partner_id": "aidge", "sign_method": "sha256", "sign_ver": "v2"}
SIGNED = ("app_key", "timestamp", "sign")
# The documents name no limit; AliExpress, whose gateway signs the same parameters, allows 7200 s.
SKEW_MS = 7_200_000
# This limit and the next two lines are those of the page's row "videoUrl": 200 MB, 6 minutes, 1080P.
FORMATS = ("mp4", "mov", "webm", "avi", "mkv")
LARGEST, LONGEST = 200 * 1024 * 1024, 360.0
LONG_SIDE, SHORT_SIDE = 1920, 1080
MODEL_FAILED, RATE_LIMIT, UNKNOWN_TASK = 801, 501, 404
# The error table of the page; 404 is the sandbox's own.
MESSAGES = {
    200: "success",
    404: "task does not exist",
    501: "rate limit exceed",
    700: "video duration exceeds the limit",
    701: "the video file size exceeds the limit",
    702: "video format not supported",
    703: "video resolution is not supported",
    801: "model failed",
}
# The codes mean this on the two video pages only: on the image APIs 700 is any invalid input.
LIMIT_CODES = {"duration": 700, "size": 701, "unreadable": 702, "resolution": 703}
STATES = {Phase.QUEUED: "submitted", Phase.RUNNING: "running", Phase.SUCCEEDED: "finished"}


def sign(secret: str, timestamp: str) -> str:
    """Return the v2 signature: upper-case hex of HMAC-SHA256 over secret and timestamp.

    Follows the vendor's page on signing over HTTP (help.aliyun.com 3038041).

    :param secret: the access key secret; it is the key as well as part of the message.
    :param timestamp: epoch milliseconds, as a decimal string.
    """
    return hmac.new(secret.encode(), (secret + timestamp).encode(), hashlib.sha256).hexdigest().upper()


def _gateway(code: str, message: str) -> Refused:
    body = {"type": "ISV", "code": code, "message": message, "request_id": _request_id()}
    return Refused(VendorResponse(body, code, 400), message)


def _request_id() -> str:
    return f"21{secrets.token_hex(14)}"


class Aidge:
    """The vendor, as its page "Video Removal API Reference" describes it.

    :param state: where its jobs, files and faults are.
    """

    key = KEY

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def calls(self) -> list[Call]:
        """Return its two calls."""
        # The page "Video Removal API Reference" allows both; POST is recommended (help.aliyun.com 3038040).
        both = ("GET", "POST")
        return [
            Call(both, "/rest/ai/video/removal", CallKind.SUBMIT, OPERATION, self.submit),
            Call(both, "/rest/ai/video/removal/result", CallKind.QUERY, OPERATION, self.result),
        ]

    def reset(self) -> None:
        """Do nothing: it remembers nothing beside its jobs."""

    def deny(self, kind: FaultKind, call: CallKind, code: int | str | None) -> VendorResponse:  # noqa: ARG002 - alike for all calls
        """Return its response to failed authentication, or to a full quota."""
        # The gateway refuses a signature, with its own form of error; the API behind it reports a full quota.
        if kind is FaultKind.AUTH_FAILED:
            text = "The request signature does not conform to platform standards"
            return _gateway(str(code or "IncompleteSignature"), text).response
        chosen = RATE_LIMIT if code is None else code
        return self._failure(chosen, MESSAGES.get(int(chosen), "rate limit exceed"))

    async def submit(self, incoming: Incoming) -> VendorResponse:
        """Accept a task.

        :param incoming: signed; its fields are flat, or within ``paramJson``.
        :raises Refused: with a gateway error (HTTP 400) for a wrong signature or field.
        """
        _check_signature(incoming)
        trial = _trial(incoming)
        fields = _business_fields(incoming)
        try:
            request = _read(fields)
        except InvalidField as error:
            code = "MissingParameter" if error.problem is Problem.MISSING else "InvalidParameter"
            raise _gateway(code, str(error)) from None
        incoming.fields.update(request, trial=trial)
        job_id = str(uuid.uuid4())
        self._state.accept(KEY, OPERATION, job_id, lambda stop: self._render(request, stop))
        if self._state.shapes.of(KEY) == "TaskStatus":
            return self._pascal({"TaskId": job_id}, job_id=job_id, charged=not trial)
        return self._camel({"result": {"taskId": job_id}}, job_id=job_id, charged=not trial)

    async def result(self, incoming: Incoming) -> VendorResponse:
        """Return the status of one task.

        :param incoming: signed; its only field is ``taskId``.
        :raises Refused: with a gateway error (HTTP 400), or ``resCode`` 404 for an unknown task.
        """
        _check_signature(incoming)
        fields = _business_fields(incoming)
        try:
            job_id = fields.need_text("taskId")
            fields.done()
        except InvalidField as error:
            code = "MissingParameter" if error.problem is Problem.MISSING else "InvalidParameter"
            raise _gateway(code, str(error)) from None
        incoming.job_ids.append(job_id)
        job = self._state.jobs.find(KEY, job_id)
        if job is None:
            raise Refused(self._failure(UNKNOWN_TASK, MESSAGES[UNKNOWN_TASK]), "unknown task")
        snapshot = self._state.jobs.snapshot(job)
        if snapshot.phase in (Phase.FAILED, Phase.ABORTED):
            return self._failed(job)
        url = incoming.base_url + job.result().media.url_path if snapshot.phase is Phase.SUCCEEDED else None
        return self._status(job_id, STATES[snapshot.phase], url)

    def _status(self, job_id: str, state: str, url: str | None) -> VendorResponse:
        match self._state.shapes.of(KEY):
            case "bare":
                # The page lists data.videoUrl and no state: until it is set, the task runs.
                return self._camel({"videoUrl": url})
            case "TaskStatus":
                more = {"VideoUrl": url} if url else {}
                return self._pascal({"TaskId": job_id, "TaskStatus": state, **more})
            case _:
                more = {"videoUrl": url} if url else {}
                return self._camel({"taskId": job_id, "taskStatus": state, **more})

    def _failed(self, job: Job) -> VendorResponse:
        failure = job.failure()
        code: Any = job.fail_code
        if code is None:
            code = LIMIT_CODES.get(failure.reason, MODEL_FAILED) if failure else MODEL_FAILED
        message = MESSAGES.get(code, "model failed")
        match self._state.shapes.of(KEY):
            case "bare":
                return self._failure(code, message)
            case "TaskStatus":
                return self._failure(code, message, {"TaskId": job.job_id, "TaskStatus": "failed"})
            case _:
                return self._failure(code, message, {"taskId": job.job_id, "taskStatus": "failed"})

    def _camel(self, data: dict[str, Any], job_id: str | None = None, *, charged: bool = False) -> VendorResponse:
        request_id = _request_id()
        # Both spellings of the request id: pages document requestId, bodies that were seen have request_id and
        # _trace_id_.
        body = {"code": "0", "success": True, "resCode": 200, "resMessage": "success", "data": data}
        body |= {"request_id": request_id, "requestId": request_id, "_trace_id_": request_id}
        return VendorResponse(body, 200, job_id=job_id, charged=charged)

    def _pascal(self, data: dict[str, Any], job_id: str | None = None, *, charged: bool = False) -> VendorResponse:
        body = {"Code": "200", "Message": "success", "Success": True, "RequestId": _request_id(), "Data": data}
        return VendorResponse(body, 200, job_id=job_id, charged=charged)

    def _failure(self, code: Any, message: str, data: dict[str, Any] | None = None) -> VendorResponse:
        request_id = _request_id()
        if self._state.shapes.of(KEY) == "TaskStatus":
            body = {"Code": str(code), "Message": message, "Success": False, "RequestId": request_id, "Data": data}
            return VendorResponse(body, code)
        body = {"code": "0", "success": False, "resCode": code, "resMessage": message, "data": data}
        return VendorResponse(body | {"request_id": request_id, "requestId": request_id}, code)

    def _render(self, request: dict[str, Any], stop: Stop) -> Rendered:
        url = request["videoUrl"]
        # Found when the job reads its input, not at the submit: the page lists 700 to 703 with the errors of a task.
        if file_name_of(url).rpartition(".")[2].lower() not in FORMATS:
            raise RenderingFailed("unreadable", "the file name extension is none of the supported formats")
        source = fetch(url, self._state.root / f"{secrets.token_hex(8)}.in", stop, largest=LARGEST)
        media_info = probe(source.path)
        if media_info.seconds > LONGEST:
            raise RenderingFailed("duration", MESSAGES[700])
        # Sorted, so that a portrait video of 1080x1920 counts as 1080P: the page does not say which side is meant.
        sides = sorted((media_info.width, media_info.height))
        if sides[0] > SHORT_SIDE or sides[1] > LONG_SIDE:
            raise RenderingFailed("resolution", MESSAGES[703])
        inpaint_request = InpaintRequest(
            source,
            lambda *size: _regions(request, *size),
            recipe=json.dumps(request, sort_keys=True),
            keep_audio=not request["removeAudio"],
        )
        try:
            return self._state.inpainter.render(KEY, "removed.mp4", inpaint_request, stop)
        finally:
            source.path.unlink()


def _check_signature(incoming: Incoming) -> None:
    given = dict(incoming.query)
    # In the query also for POST: the page on signing puts all common parameters into the URL.
    for name in (*FIXED, *SIGNED):
        if not given.get(name):
            raise _gateway("MissingParameter", f"{name} missing")
    for name, value in FIXED.items():
        if given[name] != value:
            raise _gateway("InvalidParameter", f"{name} must be {value}")
    if given["app_key"] != CREDENTIALS[KEY].login:
        raise _gateway("InvalidAppKey", "The specified app_key is invalid")
    timestamp = given["timestamp"]
    if not timestamp.isdigit() or abs(time.time() * 1000 - int(timestamp)) > SKEW_MS:
        raise _gateway("IllegalTimestamp", "timestamp must be the current time in milliseconds")
    # The signature covers neither path nor fields, so nothing else can be checked by it.
    if not hmac.compare_digest(given["sign"].encode(), sign(CREDENTIALS[KEY].password, timestamp).encode()):
        raise _gateway("IncompleteSignature", "The request signature does not conform to platform standards")


def _trial(incoming: Incoming) -> bool:
    trial = incoming.headers.get("x-iop-trial", "false")
    if trial not in ("true", "false"):
        raise _gateway("InvalidParameter", "x-iop-trial must be true or false")
    return trial == "true"


def _business_fields(incoming: Incoming) -> Fields:
    """Read parameters: query for GET, JSON body for POST; flat, or within ``paramJson`` (JSON string or object)."""
    if incoming.method == "GET":
        given: dict[str, Any] = {name: value for name, value in incoming.query if name not in (*FIXED, *SIGNED)}
        # Fields of a GET are ordinary query parameters beside the signed ones, as in the vendor's samples.
        as_text = True
    else:
        body = incoming.json_object() if incoming.is_json() else None
        if body is None:
            raise _gateway("InvalidParameter", "the body must be a JSON object with Content-Type application/json")
        given, as_text = body, False
    # Flat in the older captures of the page, within paramJson in the newer ones.
    if "paramJson" not in given:
        return Fields(given, as_text=as_text)
    # Nobody documents which of the two would win, and a field that is ignored costs money.
    if len(given) > 1:
        raise _gateway("InvalidParameter", "parameters beside paramJson")
    wrapped = given["paramJson"]
    # The table types paramJson as Object; every official sample sends a JSON string. Both are accepted.
    if isinstance(wrapped, str):
        try:
            wrapped = json.loads(wrapped)
        except ValueError:
            wrapped = None
    if not isinstance(wrapped, dict):
        raise _gateway("InvalidParameter", "paramJson must be a JSON object")
    return Fields(wrapped)


def _read(fields: Fields) -> dict[str, Any]:
    # First, as a missing field has a code of its own, and choice() allows an absent one.
    fields.need("language")
    request = {
        "videoUrl": fields.need_url("videoUrl"),
        "language": fields.choice("language", ("zh", "en")),
        "artificialTextOnly": fields.flag("artificialTextOnly", default=True),
        "removeAudio": fields.flag("removeAudio"),
        "colorBlocks": fields.flag("colorBlocks"),
        "inpaintingBoxes": [_box(fields, row) for row in fields.rows("inpaintingBoxes")],
    }
    fields.done()
    return request


def _box(fields: Fields, row: Any) -> dict[str, Any]:
    name = "inpaintingBoxes"
    if not isinstance(row, dict) or set(row) != {"timestamp", "box"}:
        raise fields.fault(name, Problem.TYPE, 'each must be {"timestamp": [start, end], "box": [x1, y1, x2, y2]}')
    timestamp, box = _numbers(row["timestamp"], 2), _numbers(row["box"], 4)
    if timestamp is None or box is None:
        raise fields.fault(name, Problem.TYPE, "timestamp must be two numbers, box four")
    if not 0 <= timestamp[0] <= timestamp[1]:
        raise fields.fault(name, Problem.VALUE, "timestamp must be [start, end] in seconds")
    # Normalised to the picture, origin top left: the page says so of inpaintingBoxes.
    if not (0 <= box[0] < box[2] <= 1 and 0 <= box[1] < box[3] <= 1):
        raise fields.fault(name, Problem.VALUE, "box must be [x1, y1, x2, y2] between 0 and 1")
    return {"timestamp": timestamp, "box": box}


def _numbers(value: Any, count: int) -> list[float] | None:
    if not isinstance(value, list) or len(value) != count:
        return None
    return value if all(isinstance(n, (int, float)) and not isinstance(n, bool) for n in value) else None


def _regions(request: dict[str, Any], width: int, height: int) -> Sequence[Region]:
    """Return the boxes given; without any, the caption band, and the rest too when natural text is to go."""
    # colorBlocks also removes the colour block behind a text: a wider margin stands for it here.
    margin = 12 if request["colorBlocks"] else 4
    if request["inpaintingBoxes"]:
        return [_pixels(box, width, height) for box in request["inpaintingBoxes"]]
    # Text that was added to a video is mostly captions, so without boxes only the lower third is searched for it.
    band = height * 2 // 3
    regions = [Region(0, band, width, height, only_text=True, margin=margin)]
    if not request["artificialTextOnly"]:
        regions.append(Region(0, 0, width, band, only_text=True, margin=margin))
    return regions


def _pixels(box: dict[str, Any], width: int, height: int) -> Region:
    x1, y1, x2, y2 = box["box"]
    start, end = box["timestamp"]
    return Region(int(x1 * width), int(y1 * height), round(x2 * width), round(y2 * height), start=start, end=end)


SERVICE = Aidge
