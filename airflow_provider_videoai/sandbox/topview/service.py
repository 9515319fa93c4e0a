# SPDX-License-Identifier: Apache-2.0
"""The calls of Topview."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from typing import Any

from starlette.routing import Route

from airflow_provider_videoai.sandbox.credentials import CREDENTIALS
from airflow_provider_videoai.sandbox.endpoints import Call, Incoming, VendorResponse
from airflow_provider_videoai.sandbox.faults import CallKind, FaultKind
from airflow_provider_videoai.sandbox.fields import Fields, InvalidField
from airflow_provider_videoai.sandbox.jobs import Job, Outcome, Phase
from airflow_provider_videoai.sandbox.media.avatar import FORMATS, write_looped, write_photo, write_presenter
from airflow_provider_videoai.sandbox.media.container import Sound, read_sound
from airflow_provider_videoai.sandbox.media.presenter import LOOKS
from airflow_provider_videoai.sandbox.media.rendered import Rendered, Stop
from airflow_provider_videoai.sandbox.media.script import Script, plan
from airflow_provider_videoai.sandbox.media.voice import speak
from airflow_provider_videoai.sandbox.state import SandboxState
from airflow_provider_videoai.sandbox.topview.catalogue import (
    AUDIO_FORMATS,
    AVATARS,
    CAPTIONS,
    IMAGE_FORMATS,
    PRICE,
    VIDEO_FORMATS,
    VOICES,
    Account,
)
from airflow_provider_videoai.sandbox.topview.requests import (
    NO_CREDIT,
    NOT_FOUND,
    OK,
    PARAMETER,
    UNAUTHORISED,
    UNFINISHED,
    AvatarRequest,
    field_error,
    read_request,
    refusal,
)
from airflow_provider_videoai.sandbox.topview.signed import Bucket, Signer, cloudfront_url

KEY = "topview"
OPERATION = "video_avatar"
SOUND_RATE = 24000
UPLOAD_FORMATS = (*VIDEO_FORMATS, *IMAGE_FORMATS, *AUDIO_FORMATS)
STATUS = {Phase.QUEUED: "init", Phase.RUNNING: "running", Phase.SUCCEEDED: "success"}
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


class Topview:
    """The vendor.

    :param state: where its jobs, files and faults are.
    """

    key = KEY

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self._account = Account(state)
        self._signer = Signer()

    def calls(self) -> list[Call]:
        """Return its calls."""
        get = ("GET",)
        return [
            Call(("POST",), "/v1/video_avatar/task/submit", CallKind.SUBMIT, OPERATION, self.submit),
            Call(get, "/v1/video_avatar/task/query", CallKind.QUERY, OPERATION, self.query),
            Call(get, "/v1/upload/credential", CallKind.UPLOAD, "upload_credential", self.upload_credential),
            Call(get, "/v1/upload/check", CallKind.UPLOAD, "upload_check", self.upload_check),
            Call(get, "/v1/aiavatar/query", CallKind.LOOKUP, "avatars", self.avatars),
            Call(get, "/v1/voice/query", CallKind.LOOKUP, "voices", self.voices),
            Call(get, "/v1/caption/list", CallKind.LOOKUP, "captions", self.captions),
            Call(get, "/user/credit/detail", CallKind.LOOKUP, "credit", self.credit),
            Call(get, "/user/credit/logs", CallKind.LOOKUP, "credit_logs", self.credit_logs),
        ]

    def storage_routes(self) -> list[Route]:
        """Return the routes of uploads and results."""
        return Bucket(self._account, self._signer).routes()

    def ids(self) -> dict[str, list[str]]:
        """Return its avatars, voices and caption styles."""
        return {
            "aiAvatarId": [avatar.avatar_id for avatar in AVATARS if not avatar.custom],
            "aiAvatarId (custom)": [avatar.avatar_id for avatar in AVATARS if avatar.custom],
            "voiceoverId": [voice.voice_id for voice in VOICES],
            "captionId": list(CAPTIONS),
        }

    def reset(self) -> None:
        """Return the account to its state at the start."""
        self._account.reset()

    def deny(self, kind: FaultKind, call: CallKind, code: int | str | None) -> VendorResponse:  # noqa: ARG002 - alike for all calls
        """Return its response to failed authentication, or to a full quota."""
        full = kind is FaultKind.QUOTA_FULL
        chosen = str(code or (UNFINISHED if full else UNAUTHORISED))
        message = "There is an unfinished task, please wait" if full else "Unauthorized"
        return refusal(chosen, message, 200 if full else 401).response

    async def submit(self, incoming: Incoming) -> VendorResponse:
        """Accept a video avatar task.

        :param incoming: a JSON body, as the page "Video Avatar: submit task" has it.
        :raises Refused: 401 without a valid key, 4100 without credit, 4000 to 4004 for a wrong field.
        """
        _check_key(incoming)
        body = incoming.json_object() if incoming.is_json() else None
        if body is None:
            raise refusal(PARAMETER, "the body must be a JSON object with Content-Type application/json")
        incoming.fields.update(body)
        request = read_request(Fields(body), self._account)
        if self._account.credit < PRICE:
            raise refusal(NO_CREDIT, "Credit is not enough")
        task_id = secrets.token_hex(16)
        job = self._state.accept(KEY, OPERATION, task_id, lambda stop: self._render(request, stop))
        job.notes["request"] = request
        self._account.spend(task_id)
        # The acceptance, never the job's state: a client that took it for that would look for a video at once.
        found = {"taskId": task_id, "status": "success", "errorMsg": None}
        return _ok(found, job_id=task_id, charged=True)

    async def query(self, incoming: Incoming) -> VendorResponse:
        """Return the status of one task.

        :param incoming: its query has ``taskId``, and may have ``needCloudFrontUrl``.
        :raises Refused: 4004 for an unknown task.
        """
        fields = _query_of(incoming)
        try:
            task_id, cloudfront = fields.need_text("taskId"), fields.flag("needCloudFrontUrl")
            fields.done()
        except InvalidField as error:
            raise field_error(error) from None
        incoming.job_ids.append(task_id)
        job = self._state.jobs.find(KEY, task_id)
        if job is None:
            raise refusal(NOT_FOUND, "Resource not found")
        phase = self._state.jobs.snapshot(job).phase
        url = None
        if phase is Phase.SUCCEEDED:
            media = job.result().media
            url = (
                cloudfront_url(incoming.base_url, media)
                if cloudfront
                else self._signer.url(incoming.base_url, "GET", media)
            )
            # At the first query that sees the end, as rendering must not change what the event loop owns.
            self._keep_avatar(job)
        request: AvatarRequest = job.notes["request"]
        return _ok(
            {
                "taskId": task_id,
                # The page "Video Avatar: query task" has "fail"; the vendor's own SDK also accepts "failed".
                "status": STATUS.get(phase, self._state.shapes.of(KEY)),
                "errorMsg": None if phase in STATUS else _error_text(job),
                # The pages of the other tasks list it as a number, 0 by default; the video avatar's page does not have
                # it.
                "costCredit": 0 if phase in (Phase.QUEUED, Phase.RUNNING) else PRICE,
                "inputVideoFileId": request.video_file_id,
                "inputAudioFileId": request.audio_file_id,
                "outputVideoUrl": url,
            },
        )

    async def upload_credential(self, incoming: Incoming) -> VendorResponse:
        """Announce a file and return where to PUT it.

        :param incoming: its query has ``format``.
        :raises Refused: 4000 for a format that cannot be uploaded.
        """
        fields = _query_of(incoming)
        try:
            fields.need("format")
            file_format = str(fields.choice("format", UPLOAD_FORMATS))
            fields.flag("needAccelerateUrl")
            fields.done()
        except InvalidField as error:
            raise field_error(error) from None
        upload = self._account.announce(file_format)
        url = self._signer.url(incoming.base_url, "PUT", upload.media)
        return _ok({"fileId": upload.file_id, "fileName": upload.media.name, "uploadUrl": url})

    async def upload_check(self, incoming: Incoming) -> VendorResponse:
        """Return whether a file has arrived.

        :param incoming: its query has ``fileId``.
        :raises Refused: 4004 for an unknown file.
        """
        fields = _query_of(incoming)
        try:
            file_id = fields.need_text("fileId")
            fields.done()
        except InvalidField as error:
            raise field_error(error) from None
        upload = self._account.uploads.get(file_id)
        if upload is None:
            raise refusal(NOT_FOUND, "Resource not found")
        return _ok(upload.complete)

    async def avatars(self, incoming: Incoming) -> VendorResponse:
        """List avatars: public ones, or (``isCustom``) the account's own.

        :param incoming: its query may have filters and the page's number and size.
        """
        fields = _query_of(incoming)
        custom = _listing(fields, ("gender", "ethnicityIdList", "sortField", "sortType"))
        rows = [
            {
                "aiavatarId": avatar.avatar_id,
                "aiavatarName": avatar.name,
                "gender": avatar.gender,
                "coverUrl": "",
                "previewVideoUrl": "",
                "ethnicities": [],
                "voiceoverIdDefault": avatar.voice,
            }
            for avatar in (*AVATARS, *self._account.own_avatars)
            if avatar.custom is custom and fields.raw("gender") in (None, "", avatar.gender)
        ]
        return _ok(_page(fields, rows))

    async def voices(self, incoming: Incoming) -> VendorResponse:
        """List voices.

        :param incoming: its query may have filters and the page's number and size.
        """
        fields = _query_of(incoming)
        custom = _listing(fields, ("language", "gender", "age", "style", "accent"))
        rows = [
            {
                # voiceId in the list, voiceoverId in a request: the vendor's names differ.
                "voiceId": voice.voice_id,
                "voiceName": voice.name,
                "language": voice.language,
                "gender": voice.gender,
                "age": "Young",
                "style": "UGC",
                "accent": "",
                "demoAudioUrl": f"{incoming.base_url}/sample/speech.mp3",
            }
            for voice in VOICES
            if not custom
            and fields.raw("language") in (None, "", voice.language)
            and fields.raw("gender") in (None, "", voice.gender)
        ]
        return _ok(_page(fields, rows))

    async def captions(self, incoming: Incoming) -> VendorResponse:
        """List caption styles.

        :param incoming: authenticated; it has no parameters.
        """
        _query_of(incoming)
        return _ok([{"captionId": caption, "thumbnail": ""} for caption in CAPTIONS])

    async def credit(self, incoming: Incoming) -> VendorResponse:
        """Return what is left of the credit.

        :param incoming: authenticated; it has no parameters.
        """
        _query_of(incoming)
        return _ok({"credit": self._account.credit})

    async def credit_logs(self, incoming: Incoming) -> VendorResponse:
        """List what was spent, newest first.

        :param incoming: its query may have a task type and two times in UTC.
        :raises Refused: 4000 for a time in another form.
        """
        fields = _query_of(incoming)
        for name in ("startTime", "endTime"):
            value = fields.raw(name)
            # Compared as text below, which needs this form.
            if value and not _TIME.fullmatch(str(value)):
                raise refusal(PARAMETER, f"{name} must be yyyy-MM-dd HH:mm:ss")
        _listing(fields, ("taskType",))
        start, end, kind = (fields.raw(name) or "" for name in ("startTime", "endTime", "taskType"))
        rows = [
            entry
            for entry in reversed(self._account.spent)
            if kind in ("", entry["taskType"]) and start <= entry["date"] and (not end or entry["date"] <= end)
        ]
        return _ok(_page(fields, rows))

    def _keep_avatar(self, job: Job) -> None:
        request: AvatarRequest = job.notes["request"]
        # A task is queried many times, and makes one avatar.
        if request.keeps_avatar and not job.notes.get("kept"):
            job.notes["kept"] = True
            self._account.keep_avatar(job.result().media.path)

    def _render(self, request: AvatarRequest, stop: Stop) -> Rendered:
        script = plan(request.text, request.speed) if request.text else None
        sound = _sound(request, script, stop)
        media = self._state.store.add(KEY, "avatar.mp4")
        clip = request.video or (request.avatar.video if request.avatar else None)
        if clip:
            seconds = write_looped(media.path, clip, sound, stop)
        elif request.photo:
            seconds = write_photo(media.path, request.photo, sound, stop)
        else:
            look = request.avatar.look if request.avatar else LOOKS[0]
            captions = script if request.captioned else None
            seconds = write_presenter(media.path, sound, look, FORMATS["Mp4"], captions, stop)
        return Rendered(media, round(seconds * 1000))


def _sound(request: AvatarRequest, script: Script | None, stop: Stop) -> Sound:
    if request.audio:
        return read_sound(request.audio, SOUND_RATE, stop)
    pitch = request.voice.pitch if request.voice else LOOKS[0].pitch
    return speak(script or plan(request.text), SOUND_RATE, pitch, stop)


def _check_key(incoming: Incoming) -> None:
    credential = CREDENTIALS[KEY]
    # Both headers on every call: the page on authentication has the key after "Bearer", the uid beside it.
    right = (credential.login, f"Bearer {credential.password}")
    if (incoming.headers.get("topview-uid"), incoming.headers.get("authorization")) != right:
        raise refusal(UNAUTHORISED, "Unauthorized", 401)


def _query_of(incoming: Incoming) -> Fields:
    _check_key(incoming)
    # Parameters of a GET are text: "true" is a flag, "1" a number.
    return Fields(dict(incoming.query), as_text=True)


def _listing(fields: Fields, filters: Sequence[str]) -> bool:
    """Check the parameters of a list; returns ``isCustom``."""
    try:
        fields.whole("pageNo", 1)
        fields.whole("pageSize", 1, 100)
        custom = fields.flag("isCustom")
        for name in (*filters, "startTime", "endTime") if "taskType" in filters else filters:
            fields.raw(name)
        fields.done()
    except InvalidField as error:
        raise field_error(error) from None
    return custom


def _page(fields: Fields, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    # The defaults of the vendor's SDK.
    number, size = fields.whole("pageNo") or 1, fields.whole("pageSize") or 20
    first = (number - 1) * size
    return {"total": len(rows), "pageNo": number, "pageSize": size, "data": rows[first : first + size]}


def _error_text(job: Job) -> str:
    failure = job.failure()
    if job.outcome is not Outcome.RENDER or failure is None:
        return f"task failed: {job.fail_code}" if job.fail_code is not None else "task failed"
    return failure.text


def _ok(found: Any, job_id: str | None = None, *, charged: bool = False) -> VendorResponse:
    return VendorResponse({"code": OK, "message": "Success", "result": found}, OK, job_id=job_id, charged=charged)
