# SPDX-License-Identifier: Apache-2.0
"""Topview: talking avatars on video, photo or a public presenter.

Follows the vendor's pages "Video Avatar: submit task" and "Video Avatar: query task" (2025-04-30), those of the
upload ("credential" and "check"), and the code table and credit call of its own published client.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import httpx
from pydantic import BeforeValidator, Field, StringConstraints
from typing_extensions import override

from airflow_provider_videoai.connections.topview import CONNECTION, TopviewOptions
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
from airflow_provider_videoai.jobs.protocol.json_values import mapping, rows, text, url
from airflow_provider_videoai.jobs.protocol.response import SuccessBy
from airflow_provider_videoai.jobs.protocol.vendor import Vendor, Verdict
from airflow_provider_videoai.jobs.request import JobRequest, Rule, WebUrl
from airflow_provider_videoai.jobs.values.outputs import Output, OutputKind
from airflow_provider_videoai.jobs.values.scrub import clean, short
from airflow_provider_videoai.jobs.values.usage import Usage

__all__ = ["FORMATS", "SUCCESS", "UNKNOWN_TASK", "Topview", "Upload", "VideoAvatarRequest"]

# A string in the envelope; the vendor's own client compares as strings, too.
SUCCESS = "200"
UNKNOWN_TASK = "4004"

FORMATS: Mapping[str, str] = {
    **dict.fromkeys(("mp4", "mov", "avi"), "video"),
    **dict.fromkeys(("png", "jpg", "jpeg", "bmp", "webp"), "image"),
    **dict.fromkeys(("mp3", "wav", "m4a"), "audio"),
}
"""The formats of files that can be uploaded, and the kind of each; ``avi`` is in the vendor's own client only."""

_STATES = {
    "init": JobState.QUEUED,
    "running": JobState.RUNNING,
    "success": JobState.SUCCEEDED,
    "fail": JobState.FAILED,
    "failed": JobState.FAILED,  # not on the page, but known to the vendor's own client
}
# URL -> id. "finishedVideoUrl" is the name that the sibling avatar tasks use for the same thing.
_VIDEOS = {"outputVideoUrl": "outputVideoFileId", "finishedVideoUrl": ""}
_COVERS = {"outputCoverUrl": "outputCoverFileId", "finishedVideoCoverUrl": ""}
# List, URL in it, kind: the tasks that make several, of which each succeeds or fails by itself.
_LISTS = (
    ("videos", "filePath", OutputKind.VIDEO),
    ("images", "filePath", OutputKind.IMAGE),
    ("exportVideos", "videoUrl", OutputKind.VIDEO),
)
_URLS = (*_VIDEOS, *_COVERS)
_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")
# That a name is taken, or a request refused, says nothing about a job that was bought.
_OF_NO_JOB = frozenset({"4005", "4006"})
# The error guide of the vendor's client: wait about 30 s after 4007, 10 to 30 s after 5003.
_COME_AGAIN_SECONDS = {"4007": 30.0, "5003": 20.0}
# In the name, because a trigger knows a job by its operation and id alone, and queries it long after the submit.
_CLOUD_FRONT: Mapping[str, bool | None] = {
    "video_avatar": None,
    "video_avatar:cloudfront": True,
    "video_avatar:s3": False,
}


# The page has strings, its older edition integers, and published clients send either.
def _number_as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


_Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_NumberWord = BeforeValidator(_number_as_text)


def _needs(field: str, *, where: str, equals: str) -> Rule:
    """Make the rule that ``field`` must be given when the field ``where`` has the value ``equals``."""
    return Rule(
        (where, field),
        f"{field}: required when {where} is {equals!r}",
        lambda source, value: str(source) != equals or bool(value),
    )


class VideoAvatarRequest(JobRequest):
    """Let an avatar speak.

    ``avatar_source_from``: "0" an uploaded video, "1" a public avatar, "2" a custom avatar, "3" an uploaded photo;
    ``audio_source_from``: "0" an uploaded audio, "1" text to speech. Both may be given as numbers. Which ids must be
    given follows from them. ``voice_speed`` is 0.8-1.2 (1 is normal). ``need_cloud_front_url`` is no part of the
    submit: it says which address of the finished video is requested (see :attr:`polled_as`); left out, the
    connection's extra of the same name decides.
    """

    operation: ClassVar[str] = "video_avatar"

    avatar_source_from: Annotated[Literal["0", "1", "2", "3"], _NumberWord]
    audio_source_from: Annotated[Literal["0", "1"], _NumberWord]
    video_file_id: _Words | None = None
    ai_avatar_id: _Words | None = None
    image_file_id: _Words | None = None
    audio_file_id: _Words | None = None
    tts_text: _Words | None = None
    # Not voiceId: that is the name in the sibling API for photo avatars.
    voiceover_id: _Words | None = None
    voice_speed: Annotated[float | None, Field(ge=0.8, le=1.2, allow_inf_nan=False)] = None
    # "2" is not on the page; two third-party clients send it.
    mode_type: Annotated[Literal["0", "1", "2"] | None, _NumberWord] = None
    caption_id: _Words | None = None
    save_as_custom_avatar: Annotated[bool | None, Field(alias="isSave2CustomAiAvatar")] = None
    notice_url: WebUrl | None = None
    need_cloud_front_url: Annotated[bool | None, Field(exclude=True)] = None

    rules = (
        # An older English edition swaps 0 and 1 here; its own usage example and the newer page have it so.
        _needs("video_file_id", where="avatar_source_from", equals="0"),
        _needs("ai_avatar_id", where="avatar_source_from", equals="1"),
        _needs("ai_avatar_id", where="avatar_source_from", equals="2"),
        # The page says "audioSourceFrom equals 3", which that field cannot: taken for a slip (inferred).
        _needs("image_file_id", where="avatar_source_from", equals="3"),
        _needs("audio_file_id", where="audio_source_from", equals="0"),
        _needs("tts_text", where="audio_source_from", equals="1"),
        Rule(
            ("audio_source_from", "avatar_source_from", "voiceover_id"),
            "voiceover_id: required for text to speech, unless avatar_source_from is '1' (its own voice is used then)",
            lambda audio, avatar, voice: str(audio) != "1" or str(avatar) == "1" or bool(voice),
        ),
        Rule(
            ("audio_source_from", "voice_speed"),
            "voice_speed: only for text to speech (audio_source_from '1')",
            lambda audio, speed: speed is None or str(audio) == "1",
        ),
        Rule(
            ("avatar_source_from", "caption_id"),
            "caption_id: only for a public avatar (avatar_source_from '1')",
            lambda avatar, caption: caption is None or str(avatar) == "1",
        ),
    )

    @property
    @override
    def polled_as(self) -> str:
        """The operation name under which :meth:`Topview.statuses` requests the kind of address wanted."""
        return next(name for name, wanted in _CLOUD_FRONT.items() if wanted is self.need_cloud_front_url)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was announced: its id, and the pre-signed URL that its bytes are to be PUT to."""

    file_id: str
    url: str = field(repr=False)


class _Headers(httpx.Auth):
    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    @override
    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        for name, value in self._headers.items():  # `update` takes longer, in every poll
            request.headers[name] = value
        yield request


class Topview(Vendor):
    """The Topview API: ``Topview-Uid`` and a bearer key; one job a status call.

    The operation ``video_avatar`` may be polled as ``video_avatar:cloudfront`` or ``video_avatar:s3``: the same
    jobs, with the address of the video on that network.
    """

    key = "topview"
    title = "Topview"
    default_host = CONNECTION.default_host
    login_name = "login (the Topview-Uid)"
    password_name = "password (the API key)"
    requests: ClassVar = {VideoAvatarRequest.operation: VideoAvatarRequest}
    success_by = SuccessBy.BOTH
    known_states = frozenset(_STATES)
    options = TopviewOptions
    errors: ClassVar = {
        # The table in the vendor's published client. HTTP statuses are not documented beside it, hence both are read.
        # Its error guide has 5000 and 5001 repeated, and says nothing of 5004 and 5005.
        "401": Verdict(AuthenticationFailed, "not authorised"),
        "4000": Verdict(SubmitRejected, "invalid parameter"),
        "4001": Verdict(SubmitRejected, "a value's format does not match"),
        "4002": Verdict(AuthenticationFailed, "the signature does not match"),
        "4003": Verdict(SubmitRejected, "a required parameter is missing"),
        UNKNOWN_TASK: Verdict(JobNotFound, "no such task, file, avatar or voice"),
        "4005": Verdict(SubmitRejected, "the name is taken"),
        "4006": Verdict(SubmitRejected, "the request was refused"),
        "4007": Verdict(QuotaExceeded, "an earlier task has to finish first"),
        "4100": Verdict(SubmitRejected, "not enough credit", of_account=True),
        "5000": Verdict(VendorUnavailable, "internal error"),
        "5001": Verdict(VendorUnavailable, "an internal service could not be called"),
        "5003": Verdict(QuotaExceeded, "the server is busy"),
        "5004": Verdict(VendorUnavailable, "input/output error", uncertain=True),
        "5005": Verdict(VendorUnavailable, "unknown error", uncertain=True),
        "6001": Verdict(ContentRejected, "refused by the content check"),
    }

    @property
    @override
    def auth(self) -> httpx.Auth:
        self.require_credentials()
        return _Headers({"Topview-Uid": self.account.login, "Authorization": f"Bearer {self.account.password}"})

    @override
    def require(self, operation: str) -> type[JobRequest]:
        return super().require("video_avatar" if operation in _CLOUD_FRONT else operation)

    @override
    def submit(self, request: JobRequest, key: str | None) -> Flow[str]:
        call = Call(
            name="submit task",
            path="/v1/video_avatar/task/submit",
            headers={"Content-Type": "application/json"},
            body=json_body(request.to_vendor()),
            buys=True,
        )
        task_id = text(mapping(self.read(call, (yield call)).get("result")).get("taskId"))
        if task_id is None:
            raise self.lost(call, "no taskId in it")
        return task_id

    @override
    def statuses(self, operation: str, job_ids: Sequence[str]) -> Flow[dict[str, JobStatus]]:
        found = {}
        # The query takes one taskId; no call for several is documented.
        for job_id in job_ids:
            call = self._query(operation, job_id)
            try:
                body = self.read(call, (yield call))
            except JobNotFound as refused:
                if refused.code == UNKNOWN_TASK:
                    continue
                if refused.code in _OF_NO_JOB:
                    raise VendorUnavailable(refused.message, code=refused.code, job_id=job_id) from None
                raise
            found[job_id] = _status(job_id, self._task(call, body, job_id))
        return found

    def announce(self, file_format: str) -> Flow[Upload]:
        """Announce a file of one of :data:`FORMATS`, which costs nothing.

        :param file_format: one of :data:`FORMATS`.
        :returns: the file's id, and the signed URL to upload it to.
        """
        call = Call(
            name="upload credential", path="/v1/upload/credential", method="GET", params={"format": file_format}
        )
        found = mapping(self._read_of_file(call, (yield call)).get("result"))
        file_id, address = text(found.get("fileId")), url(found.get("uploadUrl"))
        if file_id is None or address is None:
            raise self.lost(call, "no fileId or no uploadUrl in it")
        return Upload(file_id, address)

    def arrived(self, file_id: str) -> Flow[bool]:
        """Query whether the bytes of a file are there.

        :param file_id: as :meth:`announce` returned it.
        """
        call = Call(name="upload check", path="/v1/upload/check", method="GET", params={"fileId": file_id})
        return self._read_of_file(call, (yield call)).get("result") is True

    def _read_of_file(self, call: Call, answer: Answer) -> dict[str, Any]:
        try:
            return self.read(call, answer)
        except (JobNotFound, VendorUnavailable) as refused:  # as the engine reads a refused request about a job
            verdict = self.errors.get(refused.code or "")
            of_account = verdict is not None and verdict.of_account
            if isinstance(refused, VendorUnavailable) and not of_account:
                raise
            raise SubmitRejected(refused.message, code=refused.code, of_account=of_account) from None

    @override
    def probe(self) -> Flow[str]:
        call = Call(name="credit detail", path="/user/credit/detail", method="GET")
        # The page says "credit", the service "remainCredit".
        found = mapping(self.read(call, (yield call)).get("result"))
        credit = next(filter(None, (text(found.get(name)) for name in ("credit", "remainCredit"))), None)
        left = "it did not say how many credits are left" if credit is None else f"credits left: {credit}"
        return f"Topview accepted the credentials; {left}"

    @override
    def judge(self, call: Call, answer: Answer, body: Mapping[str, Any]) -> None:
        code = text(body.get("code"))
        if code is None:
            raise self.lost(call, "no code in it")
        if code != SUCCESS:
            wait = _COME_AGAIN_SECONDS.get(code)
            self.refuse(call, code, body.get("message"), status=answer.status, retry_after=wait)

    def _query(self, operation: str, job_id: str) -> Call:
        wanted = _CLOUD_FRONT.get(operation)
        if wanted is None:
            wanted = TopviewOptions.of(self.account.options).need_cloud_front_url
        return Call(
            name="query task",
            path="/v1/video_avatar/task/query",
            method="GET",
            params={"taskId": job_id, "needCloudFrontUrl": str(wanted).lower()},
        )

    def _task(self, call: Call, body: Mapping[str, Any], job_id: str) -> dict[str, Any]:
        task = body.get("result")
        if not isinstance(task, dict):
            raise self.lost(call, "no task in it")
        if (text(task.get("taskId")) or job_id) != job_id:
            raise self.lost(call, "another task's taskId in it")
        return task


def _status(job_id: str, task: Mapping[str, Any]) -> JobStatus:
    raw = short(task.get("status"))
    state = _STATES.get(raw.lower(), JobState.RUNNING)
    outputs = _outputs(task) if state is JobState.SUCCEEDED else ()
    if state is JobState.SUCCEEDED and not outputs:
        state = JobState.RUNNING  # the address may come later than the word "success"
    reason = clean(text(task.get("errorMsg")))
    rest = {name: value for name, value in task.items() if name not in ("taskId", "errorMsg", *_URLS)}
    return JobStatus(
        job_id=job_id,
        state=state,
        raw=raw,
        error_message=(reason or None) if state is JobState.FAILED else None,
        outputs=outputs,
        # While a task runs its costCredit is the default, 0.
        usage=Usage(credits=_cost(task.get("costCredit"))).or_none() if state.terminal else None,
        details=rest | ({"errorMsg": reason} if reason else {}),
    )


def _cost(said: Any) -> Any:
    # A number or the text of one: the type differs by task.
    return float(said) if isinstance(said, str) and _DECIMAL.fullmatch(said) else said


def _outputs(task: Mapping[str, Any]) -> tuple[Output, ...]:
    """Return the media, then their covers; nothing while there are only covers."""
    media = [_single(task, name, file_id, OutputKind.VIDEO) for name, file_id in _VIDEOS.items()]
    covers = [_single(task, name, file_id, OutputKind.IMAGE, "cover") for name, file_id in _COVERS.items()]
    for name, field_name, kind in _LISTS:
        for number, row in enumerate(rows(task.get(name)), 1):
            if _STATES.get(short(row.get("status")).lower(), JobState.SUCCEEDED) is JobState.SUCCEEDED:
                # The first version of image2video has the file one level deeper.
                holder = row if url(row.get(field_name)) else mapping(row.get("originVideo"))
                media.append(_single(holder, field_name, "", kind, f"{kind.value} {number}"))
                covers.append(_single(row, "coverUrl", "", OutputKind.IMAGE, f"cover {number}"))
    by_url = {each.url: each for each in reversed([*media, *covers]) if each}  # of two the first counts
    return tuple(reversed(by_url.values())) if any(media) else ()


def _single(
    holder: Mapping[str, Any], name: str, file_id: str, kind: OutputKind, label: str | None = None
) -> Output | None:
    address = url(holder.get(name))
    return Output(kind, address, text(holder.get(file_id)), label) if address else None
