# SPDX-License-Identifier: Apache-2.0
"""Alibaba Aidge: video removal (text, logos and chosen areas are painted over).

Follows the vendor's pages "Video Removal API Reference" (docs.aidc-ai.com, four captures that differ) and, for the
signature and the states of a task, help.aliyun.com 3038041, 3038042 and 3038044. The pages disagree about the
spelling of the answer, so every documented spelling is read; the request is sent as the first page has it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, ClassVar, Literal

import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat
from typing_extensions import override

from airflow_provider_videoai.connections.aidge import CONNECTION, AidgeOptions
from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    ContentRejected,
    JobFailed,
    JobNotFound,
    QuotaExceeded,
    SubmitRejected,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.media_limits import MediaLimits
from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.jobs.protocol.call import Answer, Call, Flow, json_body
from airflow_provider_videoai.jobs.protocol.json_values import rows, text, url, whole
from airflow_provider_videoai.jobs.protocol.response import Standing, SuccessBy, by_status, standing
from airflow_provider_videoai.jobs.protocol.vendor import Vendor, Verdict
from airflow_provider_videoai.jobs.request import InputUrl, JobRequest
from airflow_provider_videoai.jobs.values.bounded_json import json_value
from airflow_provider_videoai.jobs.values.outputs import Output, OutputKind
from airflow_provider_videoai.jobs.values.scrub import clean, short

__all__ = ["Aidge", "InpaintingBox", "VideoRemovalRequest", "signature"]

# help.aliyun.com 3038042 gives video removal the old words (submitted, running, finished, failed) and newer APIs the
# others; the vendor's own poller in 3038044 accepts both, and so do we.
_STATES = {
    "submitted": JobState.RUNNING,
    "queued": JobState.RUNNING,
    "running": JobState.RUNNING,
    "in_progress": JobState.RUNNING,
    "finished": JobState.SUCCEEDED,
    "completed": JobState.SUCCEEDED,
    "failed": JobState.FAILED,
}
_WELL = frozenset({"0", "200", "success"})
_SYSTEM_ERROR = "500"
_UNSUCCESSFUL = "unsuccessful"
# The IOP SDK's README explains "type": ISP is the provider's fault, SYSTEM the platform's, ISV the caller's.
_PASSING_FAULTS = ("ISP", "SYSTEM")
# The gateway's codes are not published: one that names signature, key or time is of the credentials (inferred).
_CREDENTIALS = re.compile(r"signature|app_?key|access_?key|timestamp", re.IGNORECASE)
_TIMEOUT = re.compile(r"time.?out", re.IGNORECASE)
_ENVELOPE = frozenset({"code", "Code", "resCode", "ResCode", "success", "Success", "data", "Data"})
_REQUEST_IDS = ("requestId", "request_id", "RequestId", "_trace_id_")
_MEDIA = frozenset({"videourl", "result", "taskresult"})


def _ordered_seconds(pair: list[float]) -> list[float]:
    if not 0 <= pair[0] < pair[1]:
        raise ValueError("must be [start, end] in seconds with 0 <= start < end")
    return pair


def _inside_the_frame(corners: list[float]) -> list[float]:
    left, top, right, bottom = corners
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise ValueError("must be [x1, y1, x2, y2] as fractions of the frame with 0 <= x1 < x2 <= 1, 0 <= y1 < y2 <= 1")
    return corners


class InpaintingBox(BaseModel):
    """An area to paint over: ``box`` ``[x1, y1, x2, y2]`` as fractions (0-1) of the frame, origin top left.

    ``timestamp`` is ``[start, end]``; the vendor's example reads as seconds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    timestamp: Annotated[list[FiniteFloat], Field(min_length=2, max_length=2), AfterValidator(_ordered_seconds)]
    box: Annotated[list[FiniteFloat], Field(min_length=4, max_length=4), AfterValidator(_inside_the_frame)]


class VideoRemovalRequest(JobRequest):
    """Remove text from a video: mp4, mov, webm, avi or mkv, at most 200 MB, 6 minutes and 1080P.

    ``language`` is that of the text. What is left out is the vendor's default: ``artificial_text_only`` true (text on
    the products themselves stays), ``remove_audio`` false, ``color_blocks`` false (true also removes the block behind
    a text, and logos near it).
    """

    operation: ClassVar[str] = "video_removal"

    video_url: InputUrl
    language: Literal["zh", "en"]
    artificial_text_only: bool | None = None
    remove_audio: bool | None = None
    inpainting_boxes: list[InpaintingBox] | None = None
    color_blocks: bool | None = None

    media_limits: ClassVar = {
        "video_url": MediaLimits(
            formats=("mp4", "mov", "webm", "avi", "mkv"),
            max_bytes=200 * 1024**2,
            max_duration_ms=6 * 60_000,
            shorter_side=1080,
        )
    }


def signature(secret: str, timestamp: str) -> str:
    """Sign a timestamp (epoch milliseconds as text) as ``sign_ver=v2`` has it: it covers neither path nor body.

    :param secret: the access key secret.
    :param timestamp: epoch milliseconds as text.
    :returns: upper-case hex digits.
    """
    return hmac.new(secret.encode(), (secret + timestamp).encode(), hashlib.sha256).hexdigest().upper()


class _SignedQuery(httpx.Auth):
    def __init__(self, key_name: str, secret: str, clock: Callable[[], float]) -> None:
        self._key_name = key_name
        self._secret = secret
        self._clock = clock

    @override
    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        # How old a timestamp may be is not documented, so each attempt is signed afresh. No log may hold the URL: until
        # its timestamp expires, the signature opens every API of the account.
        timestamp = str(int(self._clock() * 1000))
        request.url = request.url.copy_merge_params(
            {
                "partner_id": "aidge",
                "sign_method": "sha256",
                "sign_ver": "v2",
                "app_key": self._key_name,
                "timestamp": timestamp,
                "sign": signature(self._secret, timestamp),
            }
        )
        yield request


class Aidge(Vendor):
    """The ``/rest`` gateway with query signature v2. Options: ``trial`` (bool) and ``param_style`` (flat or json)."""

    key = "aidge"
    title = "Alibaba Aidge"
    default_host = CONNECTION.default_host
    login_name = "login (the access key name)"
    password_name = "password (the access key secret)"
    requests: ClassVar = {VideoRemovalRequest.operation: VideoRemovalRequest}
    success_by = SuccessBy.BOTH
    known_states = frozenset(_STATES)
    options = AidgeOptions
    errors: ClassVar = {
        # resCode of video removal only: on the vendor's image APIs 700 means "invalid input", so no table serves all.
        _SYSTEM_ERROR: Verdict(VendorUnavailable, "system error"),
        "501": Verdict(QuotaExceeded, "rate limit reached"),
        "700": Verdict(ContentRejected, "the video is longer than 6 minutes"),
        "701": Verdict(ContentRejected, "the video is larger than 200 MB"),
        "702": Verdict(ContentRejected, "the video's format is not supported"),
        "703": Verdict(ContentRejected, "the video's resolution is not supported"),
        "801": Verdict(JobFailed, "the model failed"),
        "1000": Verdict(ContentRejected, "sensitive content"),
        "1001": Verdict(VendorUnavailable, "the content check could not be made"),
        "1002": Verdict(ContentRejected, "stopped by the content risk filter"),
        # The gateway's own words. No list of them is published for this host: see also _CREDENTIALS.
        "IncompleteSignature": Verdict(AuthenticationFailed, "the signature is not accepted"),
        "IllegalTimestamp": Verdict(AuthenticationFailed, "the time in the signature is not accepted"),
        "InvalidAppKey": Verdict(AuthenticationFailed, "unknown access key name"),
        "MissingParameter": Verdict(SubmitRejected, "missing parameter"),
        # help.aliyun.com 3038043, the names of the newer edition.
        "InvalidParameter": Verdict(SubmitRejected, "invalid parameter"),
        "InputContentBlocked": Verdict(ContentRejected, "the input was blocked"),
        "OutputContentBlocked": Verdict(ContentRejected, "the output was blocked"),
        "CallerTypeNotSupported": Verdict(AuthenticationFailed, "this kind of account may not call the API"),
        "UserStatusInvalid": Verdict(AuthenticationFailed, "the account's status forbids the call"),
        "ServiceNotOpened": Verdict(SubmitRejected, "the service is not activated", of_account=True),
        "ServiceStatusInvalid": Verdict(SubmitRejected, "the service's status forbids the call", of_account=True),
        "FreeQuotaExhausted": Verdict(SubmitRejected, "the free quota is used up", of_account=True),
        "PriorityUnavailable": Verdict(SubmitRejected, "this priority is not available"),
        "DownstreamUnavailable": Verdict(VendorUnavailable, "a service behind the API is unavailable"),
        "UsageParseFail": Verdict(SubmitRejected, "the usage could not be determined"),
    }

    @property
    @override
    def auth(self) -> httpx.Auth:
        self.require_credentials()
        return _SignedQuery(self.account.login, self.account.password, self.clock)

    @override
    def submit(self, request: JobRequest, key: str | None) -> Flow[str]:
        fields = request.to_vendor()
        if AidgeOptions.of(self.account.options).param_style == "json":
            # JSON within JSON: the table says Object, but every official sample that has paramJson sends a string.
            fields = {"paramJson": json_body(fields).decode()}
        call = self._call("removal", "/rest/ai/video/removal", fields, buys=True)
        task_id = _task_id(self.read(call, (yield call)))
        if task_id is None:
            raise self.lost(call, "no taskId in it")
        return task_id

    @override
    def statuses(self, operation: str, job_ids: Sequence[str]) -> Flow[dict[str, JobStatus]]:
        found: dict[str, JobStatus] = {}
        # The result page takes one taskId; the "unified query" of 3038634 is not documented for this path.
        for job_id in job_ids:
            call = self._result_call(job_id)
            try:
                body = self.read(call, (yield call))
            except (ContentRejected, JobFailed) as ended:
                found[job_id] = _failed(job_id, ended)
            except JobNotFound as refused:
                if by_status(refused.code):
                    raise
                # No code says that a job is unknown: what refuses a submit says nothing about a job that was bought.
                raise VendorUnavailable(refused.message, code=refused.code, job_id=job_id) from None
            else:
                found[job_id] = self._status(job_id, body)
        return found

    @override
    def probe(self) -> Flow[str]:
        call = self._result_call("connection-test")
        try:
            self.read(call, (yield call))
        except AuthenticationFailed:
            raise
        except VideoAIError as refused:
            if not _from_behind_the_gateway(refused):
                raise
        return f"{self.title} accepted the credentials: it answered about a task that does not exist"

    @override
    def judge(self, call: Call, answer: Answer, body: Mapping[str, Any]) -> None:
        if _ENVELOPE.isdisjoint(body):
            raise self.lost(call, "none of the documented fields in it")
        codes = _error_codes(body)
        if not codes:
            return
        code = next((code for code in codes if code in self.errors), codes[0])
        listed = self.errors.get(code)
        says_nothing = listed is None or listed.error in (SubmitRejected, VendorUnavailable)
        if says_nothing and not call.buys and _state(_data(body)) is JobState.FAILED:
            return  # that the job itself failed weighs more than a code that says nothing about it
        if call.buys and code == _SYSTEM_ERROR and standing(answer.status) is Standing.UNCLEAR:
            # Gateways and frameworks have it beside HTTP 500 as well: it proves as little as that about a submit.
            raise self.lost(call, f"HTTP {answer.status}, code {code}", code=code)
        if listed is None:
            self._judge_unlisted(call, answer, code, body)
        self.refuse(call, code, _message(body), status=answer.status)

    def _judge_unlisted(self, call: Call, answer: Answer, code: str, body: Mapping[str, Any]) -> None:
        """Raise what can be said of a gateway code outside of any list: from its ``type``, else from its name."""
        if body.get("type") in _PASSING_FAULTS:
            if call.buys and _TIMEOUT.search(code):
                raise self.lost(call, f"a timeout behind its gateway (code {code})", code=code)
            words = _message(body) or "a fault of the vendor's own"
            raise self.error(VendorUnavailable, call, code, words, status=answer.status)
        if _CREDENTIALS.search(code):
            words = _message(body) or "the signature is not accepted"
            raise self.error(AuthenticationFailed, call, code, words, status=answer.status)

    def _status(self, job_id: str, body: Mapping[str, Any]) -> JobStatus:
        data = _data(body)
        state = _state(data)
        failed = state is JobState.FAILED
        return JobStatus(
            job_id=job_id,
            state=state,
            raw=short(_word(data)),
            error_code=next(iter(_error_codes(body)), None) if failed else None,
            error_message=(_message(body) or None) if failed else None,
            outputs=_outputs(body) if state is JobState.SUCCEEDED else (),
            # No usage: the pages of sibling APIs have a "usage" without a unit. It stays in the details.
            details=_details(body, data),
        )

    def _result_call(self, job_id: str) -> Call:
        # Also with param_style "json" the query stays flat: every capture of its page has a plain taskId.
        return self._call("removal/result", "/rest/ai/video/removal/result", {"taskId": job_id})

    def _call(self, name: str, path: str, fields: Mapping[str, Any], *, buys: bool = False) -> Call:
        headers = {"Content-Type": "application/json"}
        if AidgeOptions.of(self.account.options).trial:
            # Without it an account that bought nothing is refused: "calling resources have been exhausted".
            headers["x-iop-trial"] = "true"
        return Call(name=name, path=path, headers=headers, body=json_body(fields), buys=buys)


def _pick(holder: Mapping[str, Any], name: str) -> Any:
    """Read a field under its camelCase name, or the PascalCase one of the newer pages."""
    value = holder.get(name)
    return holder.get(name[0].upper() + name[1:]) if value is None else value


def _message(body: Mapping[str, Any]) -> str:
    """Read what the vendor says; :func:`clean` takes a signature out: with its time it opens the whole account."""
    return clean(text(_pick(body, "resMessage")) or text(_pick(body, "message")) or "")


def _objects(value: object) -> list[dict[str, Any]]:
    """Read an object, a list of them, or either as JSON text."""
    # taskResult is a JSON string on the page of one sibling API and an object on that of another.
    if isinstance(value, str):
        try:
            value = json_value(value)
        except ValueError:
            return []
    return [value] if isinstance(value, dict) else rows(value)


def _data(body: Mapping[str, Any]) -> dict[str, Any]:
    return next(iter(_objects(_pick(body, "data"))), {})


def _error_codes(body: Mapping[str, Any]) -> list[str]:
    """List the codes that say something went wrong, the gateway's first. Each field may be missing."""
    gateway, business, success = (_pick(body, name) for name in ("code", "resCode", "success"))
    # Seen among siblings: bodies without "success", and without "resCode". So a missing field is no refusal.
    codes = []
    if gateway not in (None, "") and (text(gateway) or "").lower() not in _WELL:
        codes.append(short(text(gateway) or gateway))
    if business not in (None, "") and whole(business) != HTTPStatus.OK:
        codes.append(short(text(business) or business))
    if not codes and str(success).lower() == "false":
        codes.append(_UNSUCCESSFUL)
    return codes


def _word(data: Mapping[str, Any]) -> str:
    return text(_pick(data, "taskStatus")) or text(_pick(data, "status")) or ""


def _state(data: Mapping[str, Any]) -> JobState:
    word = _word(data).lower()
    has_media = next(_media_urls(data), None) is not None
    # "Video Removal API Reference" lists no state in the result, just the videoUrl: then that alone says it is done
    # (inferred).
    if not word:
        return JobState.SUCCEEDED if has_media else JobState.RUNNING
    state = _STATES.get(word, JobState.RUNNING)
    return JobState.RUNNING if state is JobState.SUCCEEDED and not has_media else state


def _media_urls(data: Mapping[str, Any]) -> Iterator[str]:
    holders = [data, *_objects(_pick(data, "result")), *_objects(_pick(data, "taskResult"))]
    return (found for holder in holders if (found := url(_pick(holder, "videoUrl"))))


def _outputs(body: Mapping[str, Any]) -> tuple[Output, ...]:
    found = [address for data in _objects(_pick(body, "data")) for address in _media_urls(data)]
    # The same address stands in "data" and in "result" of some captures.
    return tuple(Output(OutputKind.VIDEO, address) for address in dict.fromkeys(found))


def _task_id(body: Mapping[str, Any]) -> str | None:
    data = _data(body)
    # The vendor's samples read data.result.taskId, except those of one sibling, which read data.taskId.
    holders = [*_objects(_pick(data, "result")), data]
    return next((found for holder in holders if (found := text(_pick(holder, "taskId")))), None)


def _details(body: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in data.items() if name.lower() not in _MEDIA}
    said |= {name: body[name] for name in _REQUEST_IDS if name in body}
    return {
        name: value for name, value in said.items() if isinstance(value, (str, int, float)) and "://" not in str(value)
    }


def _failed(job_id: str, ended: VideoAIError) -> JobStatus:
    return JobStatus(
        job_id=job_id,
        state=JobState.FAILED,
        raw=ended.code or "",
        error_code=ended.code,
        error_message=ended.message,
    )


def _from_behind_the_gateway(refused: VideoAIError) -> bool:
    """Return whether the API itself refused: the gateway had accepted the signature before. Its codes are numbers."""
    code = refused.code or ""
    return code == _UNSUCCESSFUL or (code.isdigit() and code != "429")
