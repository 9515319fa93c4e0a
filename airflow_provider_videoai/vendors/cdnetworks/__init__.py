# SPDX-License-Identifier: Apache-2.0
"""CDNetworks Cloud VoD: trim a stored video, pull a video into the store, and upload one.

Follows the vendor's pages "Video Trimming" and "Get Trimming Task Status" (old API 20390, 20391), "VideoClip",
"VideoClipQuery", "PullVideo", "PullVideoQuery", "GetPublishCode" and "GetUploadToken" (new API 26637, 26639, 26523,
26543, 26485, 26505), and for the signatures "AK/SK Authentication" (``cnc``) and Authentication V3 26914 (``ws3``).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import httpx
from typing_extensions import override

from airflow_provider_videoai.connections.cdnetworks import CONNECTION, CDNetworksOptions
from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    InvalidRequest,
    JobNotFound,
    ResultUnavailable,
    SubmitRejected,
    SubmitUncertain,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.jobs.protocol.call import Answer, Call, Flow
from airflow_provider_videoai.jobs.protocol.idempotency import Idempotency
from airflow_provider_videoai.jobs.protocol.json_values import mapping, rows, text, url, whole
from airflow_provider_videoai.jobs.protocol.response import SuccessBy
from airflow_provider_videoai.jobs.protocol.vendor import Vendor, Verdict
from airflow_provider_videoai.jobs.request import JobRequest
from airflow_provider_videoai.jobs.values.given_value import as_given
from airflow_provider_videoai.jobs.values.outputs import Output, OutputKind
from airflow_provider_videoai.jobs.values.scrub import clean, short
from airflow_provider_videoai.vendors.cdnetworks.requests import CODE_TYPES, PullVideoRequest, TrimRequest
from airflow_provider_videoai.vendors.cdnetworks.signing import (
    SCHEMES,
    RecentSignatures,
    Scheme,
    SignedHeaders,
    sign_apart,
)
from airflow_provider_videoai.vendors.cdnetworks.uploading import Upload, upload_of

__all__ = ["CDNetworks", "PullVideoRequest", "RecentSignatures", "TrimRequest", "Upload"]

OK, PROCESSING = 200, "1560"
ILLEGAL_TRANS_NO = "1602"
UNKNOWN_TRANS_NO = "1603"
_LONGEST_TRANS_NO = 32
# "Cloud VoD new API overview": 300 calls in 5 minutes per account; 30 of one API are recommended.
_REQUESTS_PER_MINUTE = 6
_RETRY = "A retry queries its status before it buys anything"
_CONFLICT = "HTTP 409"
_PERHAPS_REPEATED = frozenset({"1301", "401", "403"})
"""No page says how a repeated signature is refused, so any refusal that is about the signature may mean it."""
ALL, VIDEO_URLS, PREVIEW_URLS = 0, 4, 6  # the codeTypes of getPublishCode that give URLs

# No page documents a reason for state 3, so a failed job has no error of the vendor's to show.
_STATES = {1: JobState.RUNNING, 2: JobState.SUCCEEDED, 3: JobState.FAILED}
_SUBMIT = {"trim": "videoClip", "pull_video": "pullVideo"}
_QUERY = {"trim": "videoClipQuery", "pull_video": "pullVideoQuery"}
_BEST_FIRST = ("originUrl", "hdPullUrl", "highUrl", "sdUrl", "fluentUrl")
_CODES = ("encrypt", "autoCode", "swfCode", "customCode", "tryWatchAutoCode")
_NOT_DETAILS = frozenset({"transNo", "tranNo", "items", "videoInfo", "fetchUrl", "videoFileList"})


class CDNetworks(Vendor):
    """Cloud VoD by AccessKey and SecretKey. Option ``auth_scheme``: ``cnc`` (new API) or ``ws3`` (old API).

    We choose the id of a task (``transNo``), so a lost answer to a submit is settled by a status request.
    """

    key = "cdnetworks"
    title = "CDNetworks"
    default_host = CONNECTION.default_host
    login_name = "login (the AccessKey)"
    password_name = "password (the SecretKey)"
    requests: ClassVar = {TrimRequest.operation: TrimRequest, PullVideoRequest.operation: PullVideoRequest}
    requests_per_minute = _REQUESTS_PER_MINUTE
    # The advice is for each API by itself: submits do not use up the places of status requests.
    limit_per_call = True
    idempotency = Idempotency.CALLER_ID
    options = CDNetworksOptions
    success_by = SuccessBy.BOTH
    known_states = frozenset({PROCESSING, *map(str, _STATES)})
    errors: ClassVar = {
        # "VideoClip" has 1561 to 1565, "VideoClipQuery" 1560 and 1601 to 1603. The rest is of sibling APIs (inferred
        # to mean the same here); the page "Return Result" with the common codes could not be read.
        "1000": Verdict(SubmitRejected, "parameter error"),
        "1301": Verdict(AuthenticationFailed, "the account has no permission"),
        "1500": Verdict(SubmitRejected, "the name is longer than 40 characters"),
        "1502": Verdict(ResultUnavailable, "the video does not exist"),
        "1503": Verdict(SubmitRejected, "no videoId was sent"),
        "1504": Verdict(SubmitRejected, "special characters"),
        "1532": Verdict(SubmitRejected, "invalid codeType"),
        "1535": Verdict(AuthenticationFailed, "no permission to publish the video"),
        # Documented for the query only: in answer to a submit it says nothing about what became of that.
        PROCESSING: Verdict(VendorUnavailable, "the video is being processed", uncertain=True),
        "1561": Verdict(SubmitRejected, "wrong frame rate"),
        "1562": Verdict(SubmitRejected, "wrong audio sampling rate"),
        "1563": Verdict(SubmitRejected, "wrong video bit rate"),
        "1564": Verdict(SubmitRejected, "wrong audio bit rate"),
        "1565": Verdict(SubmitRejected, "wrong resolution"),
        "1601": Verdict(SubmitRejected, "no transNo was sent"),
        ILLEGAL_TRANS_NO: Verdict(SubmitRejected, "illegal transNo"),
        UNKNOWN_TRANS_NO: Verdict(JobNotFound, "unknown transNo"),
        "24112000": Verdict(SubmitRejected, "parameter error at the gateway"),
    }

    @property
    @override
    def poll_floor(self) -> float:
        """Seconds between two polls: the vendor advises 30 calls of one API in five minutes."""
        return max(1.0, 60.0 / (self.rate_limit or _REQUESTS_PER_MINUTE))

    @property
    @override
    def auth(self) -> httpx.Auth:
        self.require_credentials()
        return SignedHeaders(self._scheme, self.account.login, self.account.password, self.clock)

    @classmethod
    @override
    def check_job_id(cls, job_id: str) -> None:
        super().check_job_id(job_id)
        if len(job_id) > _LONGEST_TRANS_NO:
            raise InvalidRequest(
                f"job_id: a transNo has at most {_LONGEST_TRANS_NO} characters, {as_given(job_id)} has more"
            )

    @override
    def require(self, operation: str) -> type[JobRequest]:
        return super().require(_kind(operation)[0])

    @override
    def submit(self, request: JobRequest, key: str | None) -> Flow[str]:
        # Random, not derived from the task: a derived one could be that of another Airflow or run. 32 digits just fit.
        trans_no = key or request.chosen_id or uuid.uuid4().hex
        self.check_job_id(trans_no)
        call = self._call(
            _SUBMIT[request.operation], {"transNo": trans_no} | request.to_vendor() | {"transNo": trans_no}, buys=True
        )
        try:
            self.read(call, (yield call))
        except SubmitUncertain as lost:
            yield from self._settle(request.operation, trans_no, lost)
            if request.chosen_id is not None and key is None:
                why = f"transNo {trans_no} is known, but nothing says that it was unused before this submit"
                raise SubmitUncertain(f"{lost.message}; {why}", job_id=trans_no) from lost
        except SubmitRejected as refused:
            # No page says how a taken transNo is refused ("illegal", or by a code of its own). The user's own may name
            # an older job; a made-up one is taken only if this very submit arrived twice, so that it was bought.
            if request.chosen_id or not self._may_be_taken(refused.code or ""):
                raise
            if not (yield from self._knows(request.operation, trans_no, refused)):
                raise
            why = f"{refused.message} Yet {self.title} has a job {trans_no}: it may be this one, delivered twice"
            raise SubmitUncertain(f"{why}. {_RETRY}", code=refused.code, job_id=trans_no) from refused
        return trans_no

    def _may_be_taken(self, code: str) -> bool:
        other_reasons = {*self.errors, "401", "403", "429"} - {ILLEGAL_TRANS_NO}
        return code == _CONFLICT or (code.isdigit() and code not in other_reasons)

    def _settle(self, operation: str, trans_no: str, lost: SubmitUncertain) -> Flow[None]:
        """Return if the task is known to the vendor; raise :class:`SubmitUncertain` if that is not settled yet."""
        try:
            known = yield from self.statuses(operation, [trans_no])
        except VideoAIError as silent:
            why = f"a status request for transNo {trans_no} settled nothing: {silent.message}"
            raise SubmitUncertain(f"{lost.message}; {why}. {_RETRY}", job_id=trans_no) from silent
        if not known:
            why = f"transNo {trans_no} is still unknown to {self.title}"  # lag, or loss
            raise SubmitUncertain(f"{lost.message}; {why}. {_RETRY}", code=UNKNOWN_TRANS_NO, job_id=trans_no) from lost

    def _knows(self, operation: str, trans_no: str, refused: SubmitRejected) -> Flow[bool]:
        try:
            return bool((yield from self.statuses(operation, [trans_no])))
        except VideoAIError as silent:
            why = f"{self.title} refused transNo {trans_no} (code {refused.code}); whether it was bought is unknown"
            raise SubmitUncertain(f"{why}: {silent.message}", code=refused.code, job_id=trans_no) from silent

    @override
    def statuses(self, operation: str, job_ids: Sequence[str]) -> Flow[dict[str, JobStatus]]:
        self.require(operation)
        found: dict[str, JobStatus] = {}
        for job_id in job_ids:
            call = self._call(_QUERY[_kind(operation)[0]], {"transNo": job_id})
            try:
                body = yield from self._poll(call)
            # 1603 just after a submit may be lag (inferred): left out of the answer, the job is polled on for a while.
            except JobNotFound as missing:
                if missing.code != UNKNOWN_TRANS_NO:
                    raise
            else:
                found[job_id] = self._status(call, job_id, body)
        return found

    def _status(self, call: Call, job_id: str, body: Mapping[str, Any]) -> JobStatus:
        if str(whole(body.get("code"))) == PROCESSING:
            # 1560 is on the page of the query: a job in progress, and no error of it (inferred).
            return JobStatus(job_id=job_id, state=JobState.RUNNING, raw=PROCESSING)
        data = mapping(body.get("data"))
        if not any(data.get(name) for name in ("taskId", "status", "items")):
            raise self.lost(call, "no task in it")
        if (text(data.get("transNo")) or job_id) != job_id:
            raise self.lost(call, "another task's transNo in it")
        if call.name == _QUERY["trim"]:
            return _observed(job_id, data.get("status"), data)
        items = rows(data.get("items"))
        item = min(items, key=_how_done, default={})
        merged = {**item, **data, "videoInfo": item.get("videoInfo")}
        return _observed(job_id, item.get("pullStatus"), merged, [mapping(each.get("videoInfo")) for each in items])

    @override
    def result(self, operation: str, status: JobStatus) -> Flow[JobStatus]:
        if status.state is not JobState.SUCCEEDED or status.media_id is None or status.media_url is not None:
            return status
        code_type = _kind(operation)[1]
        # The query names an id and no URL: that takes this further call.
        call = self._call("getPublishCode", {"videoId": status.media_id, "codeType": code_type})
        data = mapping((yield from self._poll(call)).get("data"))
        videos, previews = (_published(data, name, status.media_id) for name in ("videoUrl", "tryWatchVideoUrl"))
        found = previews + videos if code_type == PREVIEW_URLS else videos + previews if videos else []
        if not found and code_type in (ALL, VIDEO_URLS, PREVIEW_URLS):
            raise self.lost(call, "no video URL in it")
        codes = {name: data[name] for name in _CODES if data.get(name)}
        # Only the first video is published: each takes a call, of which the vendor advises no more than 6 a minute.
        outputs = (*found, *status.outputs[1:]) if found else status.outputs
        return status.with_media(outputs=outputs, details={**status.details, **codes})

    def announce(self, file_name: str) -> Flow[Upload]:
        """Query where a file of that name (with its suffix) may be uploaded to, and as which video.

        :param file_name: with its suffix.
        :returns: the address, the token and the id of the video.
        :raises SubmitRejected: if the vendor takes no such file.
        """
        call = self._call("getUploadToken", {"originFileName": file_name})
        try:
            upload = upload_of(mapping((yield from self._poll(call)).get("data")))
        except JobNotFound as refused:  # as the engine calls a refused question, which is about a job elsewhere
            raise SubmitRejected(refused.message, code=refused.code) from None
        if upload is None:
            raise self.lost(call, "no upload address or no token in it")
        return upload

    def _poll(self, call: Call) -> Flow[dict[str, Any]]:
        """Send a call that buys nothing; once more, signed at another second, if it may have been refused as repeated.

        A submit is never sent twice: its refusal may be that of a second delivery, whose first one was carried out.
        """
        try:
            return self.read(call, (yield call))
        except AuthenticationFailed as refused:
            if refused.code not in _PERHAPS_REPEATED:
                raise
        sign_apart()
        return self.read(call, (yield call))

    @override
    def probe(self) -> Flow[str]:
        # That the random transNo is unknown (1603) is said only after the signature was accepted.
        yield from self.statuses(TrimRequest.operation, [uuid.uuid4().hex])
        return f"{self.title} accepted the credentials: it answered about a transNo that does not exist"

    @override
    def judge(self, call: Call, answer: Answer, body: Mapping[str, Any]) -> None:
        code = whole(body.get("code"))
        if code is None:
            raise self.lost(call, "no code in it")
        if code == OK or (str(code) == PROCESSING and call.name in _QUERY.values()):
            return
        self.refuse(call, code, body.get("message"), status=answer.status)

    def _call(self, name: str, values: Mapping[str, Any], *, buys: bool = False) -> Call:
        scheme = self._scheme
        return Call(
            name=name,
            path=f"/vod/videoManage/{name}",
            headers={"Content-Type": scheme.content_type},
            body=scheme.encode(values),
            buys=buys,
        )

    @property
    def _scheme(self) -> Scheme:
        return SCHEMES[CDNetworksOptions.of(self.account.options).auth_scheme]


def _kind(operation: str) -> tuple[str, int]:
    """Split the name that a job is polled by: its operation, and the codeType that its result is published with."""
    name, _, code_type = operation.partition(":")
    if not code_type:
        return name, VIDEO_URLS
    if name != TrimRequest.operation or code_type not in map(str, CODE_TYPES):
        raise InvalidRequest(f"CDNetworks has no operation {operation!r}")
    return name, int(code_type)


def _observed(job_id: str, raw: object, data: Mapping[str, Any], videos: Sequence[Mapping[str, Any]] = ()) -> JobStatus:
    info = mapping(data.get("videoInfo"))
    video_id = text(info.get("videoId"))
    state = _STATES.get(whole(raw) or 0, JobState.RUNNING)
    # A clip without an id cannot be published, so it is not there yet.
    if state is JobState.SUCCEEDED and video_id is None:
        state = JobState.RUNNING
    done = state is JobState.SUCCEEDED
    return JobStatus(
        job_id=job_id,
        state=state,
        raw=short(raw),
        outputs=_videos(videos or [info]) if done else (),
        duration_ms=_milliseconds(info.get("videoDuration")) if done else None,
        details={name: value for name, value in {**data, **info}.items() if name not in _NOT_DETAILS},
    )


def _how_done(item: Mapping[str, Any]) -> int:
    """Order the files of one pull: a running one says most, then a failed one."""
    state = _STATES.get(whole(item.get("pullStatus")) or 0, JobState.RUNNING)
    return (JobState.RUNNING, JobState.FAILED, JobState.SUCCEEDED).index(state)


def _videos(infos: Sequence[Mapping[str, Any]]) -> tuple[Output, ...]:
    """Return the videos that a job put into the store, which have ids and no URL until they are published."""
    found = {video_id: text(info.get("videoName")) for info in infos if (video_id := text(info.get("videoId")))}
    several = len(found) > 1
    return tuple(
        Output(OutputKind.VIDEO, media_id=video_id, label=clean(name) if several else None)
        for video_id, name in found.items()
    )


def _published(data: Mapping[str, Any], name: str, video_id: str) -> list[Output]:
    """Return what one list of a publication offers, the best quality first, each URL once."""
    publications = rows(data.get(name))
    preview = "preview" if name == "tryWatchVideoUrl" else ""
    found: dict[str, Output] = {}
    for quality in _BEST_FIRST:
        for row in publications:
            if address := url(row.get(quality)):
                label = " ".join(filter(None, (preview, clean(text(row.get("urlType"))), quality)))
                found.setdefault(address, Output(OutputKind.VIDEO, address, video_id, label))
    return list(found.values())


def _milliseconds(seconds: object) -> int | None:
    try:
        return whole(round(float(text(seconds) or "") * 1000))
    except (ValueError, OverflowError):
        return None
