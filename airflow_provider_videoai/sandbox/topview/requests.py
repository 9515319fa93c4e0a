# SPDX-License-Identifier: Apache-2.0
"""Read a video avatar request: which id is needed when."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from airflow_provider_videoai.sandbox.endpoints import Refused, VendorResponse
from airflow_provider_videoai.sandbox.fields import Fields, InvalidField, Problem
from airflow_provider_videoai.sandbox.topview.catalogue import (
    AUDIO_FORMATS,
    CAPTIONS,
    IMAGE_FORMATS,
    VIDEO_FORMATS,
    Account,
    Avatar,
    Voice,
    voice_of,
)

OK, UNAUTHORISED = "200", "401"
PARAMETER, FORMAT_MISMATCH, MISSING, NOT_FOUND, UNFINISHED, NO_CREDIT = (
    "4000",
    "4001",
    "4003",
    "4004",
    "4007",
    "4100",
)
UPLOADED_VIDEO, PUBLIC_AVATAR, CUSTOM_AVATAR, UPLOADED_PHOTO = "0", "1", "2", "3"
UPLOADED_AUDIO, SPOKEN_TEXT = "0", "1"


def refusal(code: str, message: str, status: int = 200) -> Refused:
    """Make the vendor's error response.

    :param code: a string, as in the vendor's envelope.
    :param status: of HTTP.
    """
    return Refused(VendorResponse({"code": code, "message": message, "result": None}, code, status), message)


def field_error(error: InvalidField) -> Refused:
    """Make the error response for a wrong field.

    :param error: 4003 if the field is missing, else 4000.
    """
    return refusal(MISSING if error.problem is Problem.MISSING else PARAMETER, str(error))


@dataclass(frozen=True)
class AvatarRequest:
    """A checked request.

    One of ``avatar``, ``video`` and ``photo`` is shown; ``audio`` or ``text`` is heard.

    :param speed: of speech; 1 is normal.
    :param captioned: whether the text is drawn below.
    :param keeps_avatar: whether a custom avatar is made from the result.
    """

    avatar: Avatar | None
    video: Path | None
    photo: Path | None
    audio: Path | None
    text: str
    voice: Voice | None
    speed: float
    captioned: bool
    keeps_avatar: bool
    video_file_id: str | None
    audio_file_id: str | None


def read_request(fields: Fields, account: Account) -> AvatarRequest:
    """Read and check a request.

    :param fields: of the page "Video Avatar: submit task".
    :param account: whose avatars and files it may name.
    :raises Refused: with 4000, 4001, 4003 or 4004.
    """
    try:
        return _Reader(fields, account).read()
    except InvalidField as error:
        raise field_error(error) from None


class _Reader:
    def __init__(self, fields: Fields, account: Account) -> None:
        self._fields = fields
        self._account = account

    def read(self) -> AvatarRequest:
        fields = self._fields
        source = self._enum("avatarSourceFrom", (UPLOADED_VIDEO, PUBLIC_AVATAR, CUSTOM_AVATAR, UPLOADED_PHOTO))
        audio_source = self._enum("audioSourceFrom", (UPLOADED_AUDIO, SPOKEN_TEXT))
        if fields.has("modeType"):
            # 0 and 1 are documented; 2 is avatar4 in two other clients.
            self._enum("modeType", ("0", "1", "2"))
        avatar = self._avatar(source)
        video = self._file("videoFileId", VIDEO_FORMATS) if source == UPLOADED_VIDEO else None
        photo = self._file("imageFileId", IMAGE_FORMATS) if source == UPLOADED_PHOTO else None
        audio = self._file("audioFileId", AUDIO_FORMATS) if audio_source == UPLOADED_AUDIO else None
        text = fields.need_text("ttsText") if audio_source == SPOKEN_TEXT else ""
        request = AvatarRequest(
            avatar=avatar,
            video=video,
            photo=photo,
            audio=audio,
            text=text,
            voice=self._voice(source, avatar) if audio_source == SPOKEN_TEXT else None,
            # The range of the submit page; 0 cannot pass, so "or" only replaces an absent value.
            speed=fields.number("voiceSpeed", 0.8, 1.2) or 1.0,
            captioned=self._caption(source),
            keeps_avatar=fields.flag("isSave2CustomAiAvatar"),
            video_file_id=fields.text("videoFileId") if video else None,
            audio_file_id=fields.text("audioFileId") if audio else None,
        )
        fields.url("noticeUrl")
        self._refuse_unknown_fields()
        return request

    def _enum(self, name: str, allowed: Collection[str]) -> str:
        """Read an enum: a string in the current documents and an integer in older ones, and clients send either."""
        value = self._fields.need(name)
        if isinstance(value, bool) or not isinstance(value, (str, int)) or str(value) not in allowed:
            raise self._fields.fault(name, Problem.VALUE, f"must be one of {sorted(allowed)}")
        return str(value)

    def _avatar(self, source: str) -> Avatar | None:
        if source not in (PUBLIC_AVATAR, CUSTOM_AVATAR):
            return None
        avatar_id = self._fields.need_text("aiAvatarId")
        avatar = self._account.avatar(avatar_id, custom=source == CUSTOM_AVATAR)
        if avatar is None:
            raise refusal(NOT_FOUND, f"aiAvatarId: no such {'custom' if source == CUSTOM_AVATAR else 'public'} avatar")
        return avatar

    def _file(self, name: str, formats: Collection[str]) -> Path:
        upload = self._account.uploads.get(self._fields.need_text(name))
        # An id is given out before the file is uploaded: until then a task would have nothing to read.
        if upload is None or not upload.complete:
            raise refusal(NOT_FOUND, f"{name}: no such uploaded file")
        if upload.file_format not in formats:
            raise refusal(FORMAT_MISMATCH, f"{name}: must be one of {sorted(formats)}, not {upload.file_format}")
        return upload.media.path

    def _voice(self, source: str, avatar: Avatar | None) -> Voice:
        voice_id = self._fields.text("voiceoverId")
        # The submit page: voiceoverId may be left out with a public avatar only, which has a default voice.
        if not voice_id and source == PUBLIC_AVATAR and avatar is not None:
            voice_id = avatar.voice
        voice = voice_of(voice_id or self._fields.need_text("voiceoverId"))
        if voice is None:
            raise refusal(NOT_FOUND, "voiceoverId: no such voice")
        return voice

    def _caption(self, source: str) -> bool:
        caption = self._fields.text("captionId")
        if not caption:
            return False
        # Documented for public avatars only.
        if source != PUBLIC_AVATAR:
            raise self._fields.fault("captionId", Problem.VALUE, "is only allowed with avatarSourceFrom 1")
        if caption not in CAPTIONS:
            raise refusal(NOT_FOUND, "captionId: no such caption style")
        return True

    def _refuse_unknown_fields(self) -> None:
        """Allow ids that the chosen sources do not use, as the vendor ignores them, but no other names."""
        for name in ("videoFileId", "aiAvatarId", "imageFileId", "audioFileId", "ttsText", "voiceoverId"):
            self._fields.text(name)
        self._fields.done()
