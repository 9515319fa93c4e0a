# SPDX-License-Identifier: Apache-2.0
"""The calls of Tencent IVH."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from airflow_provider_videoai.sandbox.endpoints import Call, Incoming, VendorResponse
from airflow_provider_videoai.sandbox.faults import CallKind, FaultKind
from airflow_provider_videoai.sandbox.fields import Fields, InvalidField
from airflow_provider_videoai.sandbox.jobs import ConcurrencyGroup, Job, Phase, Snapshot
from airflow_provider_videoai.sandbox.media.avatar import FORMATS, write_presenter
from airflow_provider_videoai.sandbox.media.container import read_sound, write_sound
from airflow_provider_videoai.sandbox.media.fetching import deliver, fetch
from airflow_provider_videoai.sandbox.media.rendered import Media, Rendered, Stop
from airflow_provider_videoai.sandbox.media.script import Script, plan, to_srt
from airflow_provider_videoai.sandbox.media.voice import speak
from airflow_provider_videoai.sandbox.state import SandboxState
from airflow_provider_videoai.sandbox.tencent_ivh.requests import (
    AVATARS,
    FULL,
    NO_RECORD,
    TIMBRES,
    UNAUTHORISED,
    SpeechRequest,
    VideoRequest,
    field_error,
    payload_of,
    progress_body,
    read_speech,
    read_video,
    refusal,
)

T = TypeVar("T")

KEY = "tencent_ivh"
VIDEO, SPEECH = "video_make", "tts"
BASE = "/v2/ivh/videomaker/broadcastservice"
# The vendor's FAQ: five videos in processing per avatar, one audio task.
VIDEO_SLOTS, AUDIO_SLOTS = 5, 1
SOUND_RATE = 24000
# The progress page: a timestamp divided by 10000 is in ms.
UNITS_A_SECOND = 10_000_000
# The vendor's own message, as its FAQ quotes it: "number of audio productions exceeds the limit: 1".
FULL_TEXT = "提交音频制作数量超过限制:1"
STATUS = {
    Phase.QUEUED: "COMMIT",
    Phase.RUNNING: "MAKING",
    Phase.SUCCEEDED: "SUCCESS",
    Phase.FAILED: "FAIL",
    Phase.ABORTED: "FAIL",
}
# Of the page on error codes: download failed, parameter error, upload to the given S3 failed.
FAIL_CODES = {"fetch": 801008, "size": 801008, "unreadable": 801009, "store": 801015}
# The page "Audio Production API": mp3 (default) or wav.
CODECS = {"mp3": ("mp3", "libmp3lame"), "wav": ("wav", "pcm_s16le")}


class TencentIVH:
    """The vendor.

    :param state: where its jobs, files and faults are.
    """

    key = KEY

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def calls(self) -> list[Call]:
        """Return its three calls."""
        post = ("POST",)
        return [
            Call(post, f"{BASE}/videomake", CallKind.SUBMIT, VIDEO, self.videomake),
            Call(post, f"{BASE}/tts", CallKind.SUBMIT, SPEECH, self.tts),
            Call(post, f"{BASE}/getprogress", CallKind.QUERY, "progress", self.getprogress),
        ]

    def ids(self) -> dict[str, list[str]]:
        """Return its presenters and voices."""
        return {"VirtualmanKey": list(AVATARS), "TimbreKey": list(TIMBRES)}

    def reset(self) -> None:
        """Do nothing: it remembers nothing beside its jobs."""

    def deny(self, kind: FaultKind, call: CallKind, code: int | str | None) -> VendorResponse:  # noqa: ARG002 - alike for all calls
        """Return its response to failed authentication, or to a full quota."""
        full = kind is FaultKind.QUOTA_FULL
        chosen: Any = code if code is not None else (FULL if full else UNAUTHORISED)
        return refusal(chosen, FULL_TEXT if full else "UnauthorizedOperation: signature mismatch").response

    async def videomake(self, incoming: Incoming) -> VendorResponse:
        """Accept a video; the sixth of one avatar waits until a slot is free.

        :param incoming: signed, as the page "Video Production API" has it.
        :raises Refused: for the signature, the envelope or a wrong field.
        """
        fields = payload_of(incoming)
        incoming.fields.update(fields.given())
        request = _checked(read_video, fields)
        group = ConcurrencyGroup(f"video/{request.avatar}", VIDEO_SLOTS)
        return self._accept(VIDEO, lambda stop: self._render_video(request, stop), group)

    async def tts(self, incoming: Incoming) -> VendorResponse:
        """Accept speech, unless some is being made already.

        :param incoming: signed, as the page "Audio Production API" has it.
        :raises Refused: 100008 while another audio task runs, and for the signature, the envelope or a wrong field.
        """
        fields = payload_of(incoming)
        incoming.fields.update(fields.given())
        request = _checked(read_speech, fields)
        # Refused, unlike a video: the FAQ names an error for audio, and a queue (COMMIT) for video.
        if self._state.jobs.unfinished(KEY, SPEECH) >= AUDIO_SLOTS:
            raise refusal(FULL, FULL_TEXT)
        return self._accept(SPEECH, lambda stop: self._render_speech(request, stop), None)

    async def getprogress(self, incoming: Incoming) -> VendorResponse:
        """Return the status of one task.

        :param incoming: signed, as the page "Audio and Video Production Progress Query API" has it.
        :raises Refused: 110006 for an unknown task.
        """
        fields = payload_of(incoming)
        # The type column says string, the sample of one edition has a number: both are read.
        task_id = _checked(lambda given: str(given.need("TaskId")), fields)
        _checked(Fields.done, fields)
        incoming.job_ids.append(task_id)
        job = self._state.jobs.find(KEY, task_id)
        if job is None:
            raise refusal(NO_RECORD, "InternalError.DataNotExist:记录不存在")
        payload = self._progress(job, self._state.jobs.snapshot(job), incoming.base_url)
        if self._state.shapes.of(KEY) == "no_status":
            # The vendor's own samples omit it, although its table lists it.
            del payload["Status"]
        return progress_body(payload)

    def _accept(
        self, operation: str, render: Callable[[Stop], Rendered], group: ConcurrencyGroup | None
    ) -> VendorResponse:
        task_id = secrets.token_hex(16)
        self._state.accept(KEY, operation, task_id, render, group=group)
        return replace(progress_body({"TaskId": task_id}), job_id=task_id, charged=True)

    def _progress(self, job: Job, snapshot: Snapshot, base_url: str) -> dict[str, Any]:
        payload: dict[str, Any] = {
            "Progress": snapshot.progress,
            "MediaUrl": "",
            "SubtitlesUrl": "",
            "Status": STATUS[snapshot.phase],
            # Tasks ahead in the queue, while the status is COMMIT.
            "ArrayCount": snapshot.ahead,
            "FailCode": 0,
            "FailMessage": "",
            "Duration": 0,
        }
        if snapshot.phase in (Phase.FAILED, Phase.ABORTED):
            # A failed task has Progress -1: if Status is omitted, nothing else says so.
            return payload | {"Progress": -1} | _failure(job)
        if snapshot.phase is Phase.SUCCEEDED:
            payload |= _result(job.result(), base_url)
        return payload

    def _render_video(self, request: VideoRequest, stop: Stop) -> Rendered:
        script = plan(request.ssml, request.speed) if request.ssml else None
        if script:
            sound = speak(script, SOUND_RATE, request.pitch, stop, _loudness(request.volume))
        else:
            source = fetch(str(request.audio_url), self._state.root / f"{secrets.token_hex(8)}.in", stop)
            sound = read_sound(source.path, SOUND_RATE, stop)
        form = FORMATS[request.file_format]
        media = self._state.store.add(KEY, f"video.{form.suffix}")
        seconds = write_presenter(media.path, sound, request.look, form, None, stop)
        # The FAQ: a video that is driven by audio has no subtitles.
        subtitles = self._subtitles(script) if script else None
        details = _stored(
            {"MediaUrl": (media, request.video_storage), "SubtitlesUrl": (subtitles, request.subtitle_storage)}
        )
        return Rendered(media, round(seconds * 1000), subtitles, details)

    def _subtitles(self, script: Script) -> Media:
        subtitles = self._state.store.add(KEY, "subtitles.srt")
        subtitles.path.write_text(to_srt(script), encoding="utf-8")
        return subtitles

    def _render_speech(self, request: SpeechRequest, stop: Stop) -> Rendered:
        script = plan(request.ssml, request.speed, request.splitting)
        sound = speak(script, request.rate, request.pitch, stop, _loudness(request.volume))
        media = self._state.store.add(KEY, f"speech.{request.codec}")
        write_sound(media.path, sound, *CODECS[request.codec], request.rate)
        details = _stored({"MediaUrl": (media, request.storage)})
        return Rendered(
            media, round(sound.seconds * 1000), details={**details, "TextTimestampResult": _timestamps(script)}
        )


def _checked(read: Callable[[Fields], T], fields: Fields) -> T:
    try:
        return read(fields)
    except InvalidField as error:
        raise field_error(error) from None


def _loudness(volume: int) -> float:
    """Volume 0 is normal; 10 is twice as loud."""
    return 1 + volume / 10


def _stored(results: dict[str, tuple[Media | None, str | None]]) -> dict[str, Any]:
    """Deliver results to the storage that the caller gave, and return their URLs there."""
    return {name: deliver(media.path, url) for name, (media, url) in results.items() if media and url}


def _result(rendered: Rendered, base_url: str) -> dict[str, Any]:
    found: dict[str, Any] = {"MediaUrl": base_url + rendered.media.url_path, "Duration": rendered.duration_ms}
    if rendered.subtitles:
        found["SubtitlesUrl"] = base_url + rendered.subtitles.url_path
    # Last: a result that was delivered to the caller's storage has its URL there, instead of the store's.
    return found | dict(rendered.details)


def _failure(job: Job) -> dict[str, Any]:
    failure = job.failure()
    if failure is None:
        code: Any = 801000 if job.fail_code is None else job.fail_code
        return {"FailCode": code, "FailMessage": "internal error"}
    return {"FailCode": FAIL_CODES.get(failure.reason, 801000), "FailMessage": failure.text}


def _timestamps(script: Script) -> list[dict[str, Any]]:
    """Return word times in units of 100 ns, of which 10,000 are a millisecond."""
    return [
        {
            "Sentence": sentence.text,
            "Words": [
                {
                    "Word": word.text,
                    "StartTimestamp": round(word.start * UNITS_A_SECOND),
                    "EndTimestamp": round(word.end * UNITS_A_SECOND),
                }
                for word in sentence.words
            ],
        }
        for sentence in script.sentences
    ]
