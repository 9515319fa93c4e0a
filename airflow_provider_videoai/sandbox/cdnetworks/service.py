# SPDX-License-Identifier: Apache-2.0
"""The calls of CDNetworks Cloud VoD."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Any, TypeVar

from starlette.routing import Route

from airflow_provider_videoai.sandbox.cdnetworks.auth import AuthenticationFailed, SignatureVerifier
from airflow_provider_videoai.sandbox.cdnetworks.publishing import CODE_TYPES, published
from airflow_provider_videoai.sandbox.cdnetworks.requests import (
    NO_VIDEO,
    PARAMETER,
    PROCESSING,
    TRANS_ILLEGAL,
    TRANS_UNKNOWN,
    PullFile,
    TrimRequest,
    fields_of,
    parameter_error,
    read_file_list,
    read_trim,
    refusal,
    trans_no_of,
    video_id_of,
)
from airflow_provider_videoai.sandbox.cdnetworks.storage import Storage
from airflow_provider_videoai.sandbox.cdnetworks.videos import (
    LIBRARY_VIDEO_ID,
    SOURCE_PULLED,
    SOURCE_TRIMMED,
    Video,
    VideoLibrary,
)
from airflow_provider_videoai.sandbox.endpoints import Call, Incoming, VendorResponse
from airflow_provider_videoai.sandbox.faults import CallKind, FaultKind
from airflow_provider_videoai.sandbox.fields import Fields, InvalidField
from airflow_provider_videoai.sandbox.jobs import Job, Phase
from airflow_provider_videoai.sandbox.media.fetching import fetch
from airflow_provider_videoai.sandbox.media.fetching import file_name_of as name_in_url
from airflow_provider_videoai.sandbox.media.rendered import Rendered, RenderingFailed, Stop
from airflow_provider_videoai.sandbox.media.trimming import trim
from airflow_provider_videoai.sandbox.state import SandboxState

T = TypeVar("T")

KEY = "cdnetworks"
TRIM, PULL = "trim", "pull"
NO_PERMISSION, TOO_MANY = 1301, 429
BASE = "/vod/videoManage"
# Documented: 1 processing, 2 successful, 3 failed. There is no value for a task that waits.
STATUS = {Phase.QUEUED: 1, Phase.RUNNING: 1, Phase.SUCCEEDED: 2, Phase.FAILED: 3, Phase.ABORTED: 3}
INVALID_CODE_TYPE = 1532


class CDNetworks:
    """The vendor.

    :param state: where its jobs, files and faults are.
    """

    key = KEY

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self._verifier = SignatureVerifier()
        self._library = VideoLibrary(state)
        self._storage = Storage(state, self._library)

    def calls(self) -> list[Call]:
        """Return its six calls."""
        both = ("GET", "POST")
        return [
            Call(("POST",), f"{BASE}/videoClip", CallKind.SUBMIT, TRIM, self.video_clip),
            Call(both, f"{BASE}/videoClipQuery", CallKind.QUERY, TRIM, self.video_clip_query),
            Call(both, f"{BASE}/getPublishCode", CallKind.PUBLISH, "publish", self.get_publish_code),
            Call(("POST",), f"{BASE}/pullVideo", CallKind.PULL, PULL, self.pull_video),
            Call(both, f"{BASE}/pullVideoQuery", CallKind.PULL_QUERY, PULL, self.pull_video_query),
            Call(("POST",), f"{BASE}/getUploadToken", CallKind.LOOKUP, "upload_token", self.get_upload_token),
        ]

    def storage_routes(self) -> list[Route]:
        """Return the route of uploads."""
        return [self._storage.route()]

    def ids(self) -> dict[str, list[str]]:
        """Return the video that is there from the start."""
        return {"videoId": [LIBRARY_VIDEO_ID]}

    def reset(self) -> None:
        """Forget signatures and videos."""
        self._verifier.forget()
        self._library.clear()
        self._storage.clear()

    def deny(self, kind: FaultKind, call: CallKind, code: int | str | None) -> VendorResponse:  # noqa: ARG002 - alike for all calls
        """Return its response to failed authentication, or to a full quota."""
        full = kind is FaultKind.QUOTA_FULL
        message = "too many unfinished tasks" if full else "no permission"
        usual, status = (TOO_MANY, 429) if full else (NO_PERMISSION, 401)
        chosen = usual if code is None else code
        return VendorResponse(
            {"code": chosen, "message": message, "data": None}, chosen, status if code is None else 200
        )

    async def video_clip(self, incoming: Incoming) -> VendorResponse:
        """Accept a trim under the caller's own ``transNo``.

        :param incoming: signed, as the page "Video Trimming" has it.
        :raises Refused: 1602 for a ``transNo`` that was used before, 1502 for an unknown video, and for wrong fields.
        """
        fields = self._authenticated(incoming)
        incoming.fields.update(fields.given())
        request = _checked(read_trim, fields)
        # Also for a lost job: the caller owns the number, and may use it once.
        if self._state.jobs.has_id(KEY, request.trans_no):
            raise refusal(TRANS_ILLEGAL, "TRANSNO already exists")
        if not self._library.has(request.video_id):
            raise refusal(NO_VIDEO, "the video does not exist")
        job = self._state.accept(KEY, TRIM, request.trans_no, lambda stop: self._trim(request, stop))
        job.notes["task_id"] = secrets.token_hex(16)
        return _ok(incoming, job.notes["task_id"], job_id=request.trans_no, charged=True)

    async def video_clip_query(self, incoming: Incoming) -> VendorResponse:
        """Return the status of one trim.

        :param incoming: signed, as the page "Get Trimming Task Status" has it.
        :raises Refused: 1603 for an unknown ``transNo``.
        """
        fields = self._authenticated(incoming)
        trans_no = trans_no_of(fields)
        _checked(Fields.done, fields)
        incoming.job_ids.append(trans_no)
        job = self._state.jobs.find(KEY, trans_no)
        if job is None or job.operation != TRIM:
            raise refusal(TRANS_UNKNOWN, "TRANSNO does not exist")
        phase = self._state.jobs.snapshot(job).phase
        # The status page lists error 1560, "being processed", beside status 1: a client must take both for a job in
        # progress.
        if phase is Phase.QUEUED:
            return VendorResponse({"code": PROCESSING, "message": "Video is being processed", "data": None}, PROCESSING)
        found: dict[str, Any] = {
            "taskId": job.notes["task_id"],
            "transNo": trans_no,
            "status": self._typed(STATUS[phase]),
        }
        if phase is Phase.SUCCEEDED:
            found["videoInfo"] = _video_of(job).info()
        return _ok(incoming, found)

    async def get_publish_code(self, incoming: Incoming) -> VendorResponse:
        """Return the URLs of a video.

        :param incoming: signed; its fields are ``videoId`` and ``codeType``.
        :raises Refused: 1502 for an unknown video, 1532 for an unknown kind of code.
        """
        fields = self._authenticated(incoming)
        video_id = video_id_of(fields)
        incoming.job_ids.append(video_id)
        code_type = _code_type(fields)
        if not self._library.has(video_id):
            raise refusal(NO_VIDEO, "the video does not exist")
        # The first use of the library's own clip draws it, which would block the event loop for seconds.
        video = await asyncio.to_thread(self._library.get, video_id)
        return _ok(incoming, published(video, code_type, incoming.base_url))

    async def get_upload_token(self, incoming: Incoming) -> VendorResponse:
        """Return where a file may be uploaded to, and the id of the video that it will be.

        :param incoming: signed; its field is ``originFileName``.
        :raises Refused: 1000 for a name without an extension.
        """
        fields = self._authenticated(incoming)
        name = _checked(lambda f: f.need_text("originFileName"), fields)
        _checked(Fields.done, fields)
        # The page on getUploadToken: originFileName includes the file format.
        if "." not in name.strip("."):
            raise refusal(PARAMETER, "originFileName must include the file format")
        return _ok(incoming, self._storage.grant(name, incoming.base_url))

    async def pull_video(self, incoming: Incoming) -> VendorResponse:
        """Accept up to 50 URLs to be fetched into the library.

        :param incoming: signed; its fields are ``fileList`` and, optionally, ``transNo`` and settings.
        :raises Refused: 1602 for a ``transNo`` that was used before, 1000 for a wrong list.
        """
        fields = self._authenticated(incoming)
        files = _checked(read_file_list, fields)
        incoming.fields["fileList"] = [{"fileName": file.name, "fetchUrl": file.url, "md5": file.md5} for file in files]
        trans_no = trans_no_of(fields) if fields.has("transNo") else ""
        _checked(_pull_settings, fields)
        if trans_no and self._state.jobs.has_id(KEY, trans_no):
            raise refusal(TRANS_ILLEGAL, "TRANSNO already exists")
        job_id = trans_no or secrets.token_hex(16)
        job = self._state.accept(KEY, PULL, job_id, lambda stop: self._pull(files, stop), call=CallKind.PULL)
        job.notes |= {"task_id": secrets.token_hex(16), "files": files, "trans_no": trans_no}
        # A pull is not billed by the job.
        return _ok(incoming, {"taskId": job.notes["task_id"], "tranNo": trans_no}, job_id=job_id)

    async def pull_video_query(self, incoming: Incoming) -> VendorResponse:
        """Return the status of a pull.

        :param incoming: signed; its field is ``taskId`` or ``transNo``, of which the former wins.
        :raises Refused: 1603 for an unknown pull.
        """
        fields = self._authenticated(incoming)
        task_id = _checked(lambda f: f.text("taskId"), fields)
        trans_no = trans_no_of(fields) if not task_id or fields.has("transNo") else ""
        _checked(Fields.done, fields)
        incoming.job_ids.append(task_id or trans_no)
        # find() leaves out lost jobs, which are unknown to the vendor.
        jobs = [job for job in self._state.jobs.of(KEY, PULL) if self._state.jobs.find(KEY, job.job_id)]
        wanted = [j for j in jobs if (j.notes["task_id"] == task_id if task_id else j.job_id == trans_no)]
        if not wanted:
            raise refusal(TRANS_UNKNOWN, "TRANSNO does not exist")
        return _ok(incoming, self._pull_report(wanted[0], incoming.base_url))

    def _pull_report(self, job: Job, base_url: str) -> dict[str, Any]:
        phase = self._state.jobs.snapshot(job).phase
        pending = phase in (Phase.QUEUED, Phase.RUNNING)
        videos = job.result().details["videos"] if phase is Phase.SUCCEEDED else [None] * len(job.notes["files"])
        items = [
            {
                "fileName": file.name,
                "fetchUrl": file.url,
                "md5": file.md5 or "",
                "pullStatus": self._typed(1 if pending else 2 if video else 3),
                "cmdStatus": self._typed(1 if pending else 2 if video else 3),
                "videoInfo": _pulled(video, base_url) if video else {},
            }
            for file, video in zip(job.notes["files"], videos, strict=True)
        ]
        return {
            "taskId": job.notes["task_id"],
            "transNo": job.notes["trans_no"],
            "timestamp": str(int(time.time() * 1000)),
            "status": self._typed(1 if pending else 2),
            "items": items,
        }

    def _authenticated(self, incoming: Incoming) -> Fields:
        # Counted before authentication: the limit is on calls, whatever becomes of them.
        self._state.ledger.count_call(KEY, incoming.path)
        try:
            self._verifier.check(incoming)
        except AuthenticationFailed as error:
            raise refusal(NO_PERMISSION, str(error), 401) from None
        return fields_of(incoming)

    def _typed(self, status: int) -> int | str:
        # The old edition types the status as an integer, the new one as a string.
        return str(status) if self._state.shapes.of(KEY) == "string" else status

    def _trim(self, request: TrimRequest, stop: Stop) -> Rendered:
        source = self._library.path_of(request.video_id)
        media = self._state.store.add(KEY, f"{request.filename}.{request.cut.suffix}")
        seconds = trim(source, media.path, request.cut, stop)
        video = self._library.add(media, request.filename, SOURCE_TRIMMED)
        return Rendered(media, round(seconds * 1000), details={"video": video})

    def _pull(self, files: list[PullFile], stop: Stop) -> Rendered:
        videos = [self._pull_one(file, stop) for file in files]
        pulled = [video for video in videos if video]
        if not pulled:
            raise RenderingFailed("fetch", "no file of the list could be pulled")
        return Rendered(pulled[0].media, round(pulled[0].media_info.seconds * 1000), details={"videos": videos})

    def _pull_one(self, file: PullFile, stop: Stop) -> Video | None:
        """Pull one file; one that cannot be fetched, or has another MD5, does not affect the others."""
        extension = name_in_url(file.url).rpartition(".")[2].lower() or "mp4"
        media = self._state.store.add(KEY, f"{file.name.removesuffix('.' + extension)}.{extension}")
        try:
            fetched = fetch(file.url, media.path, stop)
            if file.md5 and file.md5 != fetched.md5:
                return None
            return self._library.add(media, file.name, SOURCE_PULLED)
        except RenderingFailed as error:
            # Not a fault of this file: the sandbox was reset or ended, so the pull has to end as a whole.
            if error.reason == "stopped":
                raise
            return None


def _ok(incoming: Incoming, found: Any, job_id: str | None = None, *, charged: bool = False) -> VendorResponse:
    # Each edition has its own header for the request id.
    old_edition = incoming.headers.get("authorization", "").startswith("WS3")
    headers = {"X-WS-RequestId" if old_edition else "x-cnc-request-id": secrets.token_hex(16)}
    body = {"code": 200, "message": "success", "data": found}
    return VendorResponse(body, 200, headers=headers, job_id=job_id, charged=charged)


def _checked(read: Callable[[Fields], T], fields: Fields) -> T:
    try:
        return read(fields)
    except InvalidField as error:
        raise parameter_error(error) from None


def _code_type(fields: Fields) -> str:
    value = fields.raw("codeType")
    # Documented as an integer; a form or a query sends it as text.
    code_type = "0" if value is None else str(value)
    if isinstance(value, bool) or code_type not in CODE_TYPES:
        raise refusal(INVALID_CODE_TYPE, "codeType is invalid")
    _checked(Fields.done, fields)
    return code_type


def _pull_settings(fields: Fields) -> None:
    fields.url("notifyUrl")
    fields.whole("separate", 0, 1)
    # Both are documented, and have no effect here.
    fields.raw("fetchTs")
    fields.raw("transNo")
    fields.done()


def _video_of(job: Job) -> Video:
    video = job.result().details["video"]
    if not isinstance(video, Video):
        raise TypeError("a trim yields a video")
    return video


def _pulled(video: Video, base_url: str) -> dict[str, Any]:
    url = base_url + video.media.url_path
    size = video.media.path.stat().st_size
    # Of at least one frame at 25 per second: a duration of 0 would divide by zero.
    bit_rate = round(size * 8 / 1000 / max(video.media_info.seconds, 0.04))
    resolution = f"{video.media_info.width}x{video.media_info.height}"
    file = {"clarity": 1, "serverType": 1, "bitrate": bit_rate, "resolution": resolution}
    return {
        "videoId": video.video_id,
        "duration": round(video.media_info.seconds),
        "videoFileList": [file | {"fileSize": size, "fileUrl": url}],
    }
