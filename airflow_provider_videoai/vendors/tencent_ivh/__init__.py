# SPDX-License-Identifier: Apache-2.0
"""Tencent Cloud AI Digital Human (IVH): video with a talking presenter, and speech alone.

Follows the vendor's pages "Video Production API", "Audio Production API", "... Progress Query API" (2024-07-18),
"Calling Method" (signature) and "Error Codes" of the video service.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
from typing_extensions import override

from airflow_provider_videoai.connections.tencent_ivh import CONNECTION, TencentIVHOptions
from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    ContentRejected,
    JobNotFound,
    QuotaExceeded,
    SubmitRejected,
    VendorUnavailable,
)
from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.jobs.protocol.call import Answer, Call, Flow, json_body
from airflow_provider_videoai.jobs.protocol.json_values import mapping, percent, text, url, whole
from airflow_provider_videoai.jobs.protocol.response import SuccessBy
from airflow_provider_videoai.jobs.protocol.vendor import Vendor, Verdict
from airflow_provider_videoai.jobs.request import JobRequest
from airflow_provider_videoai.jobs.values.outputs import Output, OutputKind, kind_of_url
from airflow_provider_videoai.jobs.values.scrub import clean, short
from airflow_provider_videoai.vendors.tencent_ivh.requests import SpeechParam, TtsRequest, VideoMakeRequest

__all__ = [
    "FAILURES",
    "RETENTION_DAYS",
    "SERVICE",
    "SUCCESS",
    "UNKNOWN_TASK",
    "SpeechParam",
    "TencentIVH",
    "TtsRequest",
    "VideoMakeRequest",
]

SERVICE = "/v2/ivh/videomaker/broadcastservice"
SUCCESS = "0"
# Shown on the page of a sibling's progress query: it comes without a Payload, so that is read only afterwards.
UNKNOWN_TASK = "110006"
# "Progress Query API": for so long the vendor's own store keeps what a job made.
RETENTION_DAYS = 7

_STATES = {
    "COMMIT": JobState.QUEUED,
    "MAKING": JobState.RUNNING,
    "SUCCESS": JobState.SUCCEEDED,
    "FAIL": JobState.FAILED,
}
_STATES_BY_PROGRESS = {100: JobState.SUCCEEDED, -1: JobState.FAILED}
# They speak of what a submit names or is: of a presenter that expired meanwhile, say, a job may go on.
_OF_NO_JOB = frozenset({"-101002", "100015", "100016", "110005", "110007"})
# "Audio Production API" is tts, which is also the preview of a voice; no page has an "audiomake".
_ENDPOINTS = {"video_make": "videomake", "tts": "tts"}

FAILURES: Mapping[str, str] = {
    "801000": "internal error",
    "801001": "the vendor's database failed",
    "801002": "a service behind the vendor failed",
    "801003": "the vendor gave up after its own retries",
    "801004": "the production crashed",  # as Header.Code this number means "too frequent"
    "801006": "the vendor's storage failed",
    "801007": "the production took too long",
    "801008": "a file could not be downloaded",
    "801009": "invalid parameter",
    "801010": "a URL could not be fetched",
    "801012": "the task's parameters could not be read",
    "801014": "the subtitles or the video could not be downloaded",
    "801015": "the upload to the storage address of the request failed",
    "801401": "audio production: invalid parameters",
    "801402": "audio production: a local file failed",
    "801403": "audio production: the audio was not received",
    "801404": "audio production: business error",
}
"""What ``FailCode`` says of a failed job, in our words."""


class _QuerySignature(httpx.Auth):
    def __init__(self, appkey: str, accesstoken: str, clock: Callable[[], float]) -> None:
        self._appkey = appkey
        self._accesstoken = accesstoken
        self._clock = clock

    @override
    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        # "Calling Method": a timestamp that is off by more than 5 minutes is refused, so each attempt is signed afresh.
        params = dict(request.url.params)
        params.pop("signature", None)
        params |= {"appkey": self._appkey, "timestamp": str(int(self._clock()))}
        # Raw values in the order of their names; the body is not signed. The accesstoken is the key, and is never sent.
        plain = "&".join(f"{name}={value}" for name, value in sorted(params.items()))
        digest = hmac.digest(self._accesstoken.encode(), plain.encode(), hashlib.sha256)
        params["signature"] = base64.b64encode(digest).decode()
        # The vendor decodes exactly once: a "+" that stays bare, or is encoded twice, breaks the signature.
        query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in params.items())
        request.url = request.url.copy_with(query=query.encode())
        yield request


class TencentIVH(Vendor):
    """The IVH gateway: every URL is signed; one job a status call.

    A job's media lies in the vendor's store for 7 days (``details["retention_days"]``), unless the request named a
    storage address.
    """

    key = "tencent_ivh"
    title = "Tencent IVH"
    default_host = CONNECTION.default_host
    login_name = "login (the appkey)"
    password_name = "password (the accesstoken)"
    options = TencentIVHOptions
    requests: ClassVar = {VideoMakeRequest.operation: VideoMakeRequest, TtsRequest.operation: TtsRequest}
    # FAQ 1240/93163: 5 videos in processing per avatar type, 1 audio. Of which type an avatar is, the API does not say.
    max_jobs_in_flight: ClassVar = {VideoMakeRequest.operation: 5, TtsRequest.operation: 1}
    known_states = frozenset(map(str.lower, _STATES))
    success_by = SuccessBy.ENVELOPE  # which HTTP status goes with what is not documented
    errors: ClassVar = {
        # "Error Codes" of the video service; 100000, 100012 and 100014 are of the interactive one. The code of a wrong
        # signature is on neither page.
        "-101000": Verdict(VendorUnavailable, "internal error"),
        "-101001": Verdict(QuotaExceeded, "no computing capacity is free"),
        "-101002": Verdict(SubmitRejected, "the image could not be downloaded"),
        "-101003": Verdict(VendorUnavailable, "the vendor's storage failed"),
        "100000": Verdict(VendorUnavailable, "internal error"),
        "100001": Verdict(SubmitRejected, "invalid parameters"),
        "100002": Verdict(SubmitRejected, "a parameter has an invalid value"),
        "100003": Verdict(SubmitRejected, "invalid parameters"),
        "100005": Verdict(AuthenticationFailed, "not authorised"),
        "100008": Verdict(QuotaExceeded, "the quota or the number of jobs at a time is used up"),
        "100009": Verdict(SubmitRejected, "the resource does not exist, or not for this account"),
        "100012": Verdict(QuotaExceeded, "too many requests"),
        "100013": Verdict(SubmitRejected, "no valid hour package, or not enough balance", of_account=True),
        "100014": Verdict(QuotaExceeded, "not enough concurrency"),
        "100015": Verdict(SubmitRejected, "the presenter has expired"),
        "100016": Verdict(SubmitRejected, "no such presenter"),
        "110005": Verdict(SubmitRejected, "the record exists already: the same was sent twice too fast"),
        UNKNOWN_TASK: Verdict(JobNotFound, "no such record"),
        "110007": Verdict(SubmitRejected, "the virtualman_key has expired"),
        "801000": Verdict(VendorUnavailable, "a call behind the vendor failed"),
        "801002": Verdict(VendorUnavailable, "a service behind the vendor answered with a fault"),
        "801004": Verdict(QuotaExceeded, "too frequent: jobs must not be submitted at the same moment"),
        "801005": Verdict(ContentRejected, "the text did not pass the safety check"),
    }

    @override
    def in_flight_limit(self, operation: str) -> tuple[str, int] | None:
        if operation == TtsRequest.operation:
            return operation, TencentIVHOptions.of(self.account.options).max_audio_jobs_in_flight
        return super().in_flight_limit(operation)

    @property
    @override
    def auth(self) -> httpx.Auth:
        self.require_credentials()
        return _QuerySignature(self.account.login, self.account.password, self.clock)

    @override
    def submit(self, request: JobRequest, key: str | None) -> Flow[str]:
        # No page has an idempotency key (ReqId is only in a third-party client), so a lost answer stays uncertain.
        call = _call(_ENDPOINTS[request.operation], request.to_vendor(), buys=True)
        payload = mapping(self.read(call, (yield call)).get("Payload"))
        # "TaskID" is only seen in other people's clients; losing a bought job over its spelling would be dear.
        task_id = text(payload.get("TaskId")) or text(payload.get("TaskID"))
        if task_id is None:
            raise self.lost(call, "no TaskId in it")
        return task_id

    @override
    def statuses(self, operation: str, job_ids: Sequence[str]) -> Flow[dict[str, JobStatus]]:
        found = {}
        for job_id in job_ids:
            # One progress query serves all kinds of tasks, but only one at a time.
            call = _call("getprogress", {"TaskId": job_id})
            try:
                payload = self.read(call, (yield call)).get("Payload")
            except JobNotFound as refused:
                if refused.code == UNKNOWN_TASK:
                    continue
                if refused.code in _OF_NO_JOB:
                    raise VendorUnavailable(refused.message, code=refused.code, job_id=job_id) from None
                raise
            if not isinstance(payload, dict):
                raise self.lost(call, "no Payload in it")
            found[job_id] = self._status(job_id, payload)
        return found

    @override
    def probe(self) -> Flow[str]:
        yield from self.statuses(self.operation, ["0" * 32])
        return "Tencent IVH accepted the credentials: it answered about a task that does not exist"

    @override
    def judge(self, call: Call, answer: Answer, body: Mapping[str, Any]) -> None:
        header = mapping(body.get("Header"))
        code = text(header.get("Code"))
        if code is None:
            raise self.lost(call, "no Header.Code in it")
        if code != SUCCESS:
            self.refuse(call, code, header.get("Message"), status=answer.status)

    def _status(self, job_id: str, payload: Mapping[str, Any]) -> JobStatus:
        media_url = url(payload.get("MediaUrl"))
        state = _state(payload, media_url)
        succeeded = state is JobState.SUCCEEDED
        details = {name: value for name, value in payload.items() if name not in _READ}
        if details.get("FailMessage"):
            details["FailMessage"] = clean(details["FailMessage"])  # it may quote a signed storage address
        if succeeded and self._in_vendor_store(media_url):
            details["retention_days"] = RETENTION_DAYS
        return JobStatus(
            job_id=job_id,
            state=state,
            raw=short(payload.get("Status")),
            progress=percent(payload.get("Progress")),
            queue_position=_counted(payload.get("ArrayCount")) if state is JobState.QUEUED else None,
            outputs=_outputs(payload) if succeeded else (),
            duration_ms=_counted(payload.get("Duration")) or None,
            details=details,
            **(_failure(payload) if state is JobState.FAILED else {}),
        )

    def _in_vendor_store(self, media_url: str | None) -> bool:
        """Return whether the media lies with the vendor: on its documented domain, or on the very host we poll."""
        host = _host(media_url or "")
        return host.endswith(".qq.com") or host == _host(self.account.host)


_READ = ("TaskId", "MediaUrl", "SubtitlesUrl")


def _outputs(payload: Mapping[str, Any]) -> tuple[Output, ...]:
    media_url, subtitles_url = url(payload.get("MediaUrl")), url(payload.get("SubtitlesUrl"))
    # One query serves videos and speech, and its answer does not say which: only the file's name does.
    media = [Output(kind_of_url(media_url), media_url)] if media_url else []
    return (*media, *([Output(OutputKind.SUBTITLES, subtitles_url)] if subtitles_url else []))


def _call(endpoint: str, payload: Mapping[str, Any], *, buys: bool = False) -> Call:
    return Call(
        name=endpoint,
        path=f"{SERVICE}/{endpoint}",
        headers={"Content-Type": "application/json;charset=utf-8"},
        # Without an empty Header the gateway reports a parameter error (FAQ).
        body=json_body({"Header": {}, "Payload": payload}),
        buys=buys,
    )


def _state(payload: Mapping[str, Any], media_url: str | None) -> JobState:
    # Status decides when it is there, not Progress: the page calls that one reserved.
    word = text(payload.get("Status"))
    if word is None:
        # The vendor's own samples lack Status; Progress is "reserved, not for reference" wherever it is there.
        state = _STATES_BY_PROGRESS.get(whole(payload.get("Progress")) or 0, JobState.RUNNING)
    else:
        state = _STATES.get(word.upper(), JobState.RUNNING)
    return JobState.RUNNING if state is JobState.SUCCEEDED and media_url is None else state


def _failure(payload: Mapping[str, Any]) -> dict[str, Any]:
    code = short(payload.get("FailCode"))
    words = (FAILURES.get(code), clean(text(payload.get("FailMessage"))))
    return {
        "error_code": None if code in ("", SUCCESS) else code,
        "error_message": ": ".join(filter(None, words)) or None,
    }


def _counted(value: object) -> int | None:
    number = whole(value)
    return None if number is None or number < 0 else number


def _host(address: str) -> str:
    return address.partition("://")[2].partition("/")[0].lower()
