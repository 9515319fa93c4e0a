# SPDX-License-Identifier: Apache-2.0
"""Read Tencent IVH calls: the signature, the envelope, and the limits of every field."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from airflow_provider_videoai.sandbox.credentials import CREDENTIALS
from airflow_provider_videoai.sandbox.endpoints import Incoming, Refused, VendorResponse
from airflow_provider_videoai.sandbox.fields import Fields, InvalidField, Problem
from airflow_provider_videoai.sandbox.media.avatar import FORMATS
from airflow_provider_videoai.sandbox.media.presenter import LOOKS, Look
from airflow_provider_videoai.sandbox.media.script import SENTENCE_MARKS, Splitting

# The page on signing: authentication fails if the timestamp is more than five minutes off.
WINDOW = 300
MISSING, BAD_VALUE, UNAUTHORISED, FULL, NO_RESOURCE, NO_AVATAR, NO_RECORD = (
    100001,
    100002,
    100005,
    100008,
    100009,
    100016,
    110006,
)
# Limits of the page "Video Production API": characters of InputSsml, fewer for TransparentMov, and of CallbackUrl.
LONGEST_SSML, LONGEST_SSML_MOV, LONGEST_CALLBACK = 20_000, 2_000, 1_000
TEXT, AUDIO_DRIVERS = "Text", ("OriginalVoice", "ModulatedVoice")
MAX_VOLUME = 10


@dataclass(frozen=True)
class Timbre:
    """A voice.

    :param look: the presenter whose pitch it has.
    :param emotions: that it can express; none for most voices.
    """

    key: str
    look: Look
    emotions: tuple[str, ...] = ()


TIMBRES = {
    timbre.key: timbre
    for timbre in (
        Timbre("sandbox-timbre", LOOKS[2]),
        Timbre("sandbox-timbre-emotional", LOOKS[1], ("neutral", "happy", "sad")),
    )
}
AVATARS = {"sandbox-virtualman": TIMBRES["sandbox-timbre"], "sandbox-virtualman-2": TIMBRES["sandbox-timbre-emotional"]}
"""Avatars by ``VirtualmanKey``, each with the voice that it has unless the request names another."""


@dataclass(frozen=True)
class VideoRequest:
    """A checked ``videomake`` request; ``ssml`` or ``audio_url`` is set.

    :param speed: 1 is normal.
    :param volume: 0 is normal, 10 the loudest.
    :param pitch: Hz.
    :param file_format: a key of :data:`FORMATS`.
    :param video_storage: a pre-authorised URL that the video is PUT to.
    :param subtitle_storage: the same for the subtitles.
    """

    avatar: str
    look: Look
    ssml: str
    audio_url: str | None
    speed: float
    volume: int
    pitch: float
    file_format: str
    video_storage: str | None
    subtitle_storage: str | None


@dataclass(frozen=True)
class SpeechRequest:
    """A checked ``tts`` request.

    :param speed: 1 is normal.
    :param volume: 0 is normal, 10 the loudest.
    :param pitch: Hz.
    :param rate: samples per second.
    :param storage: a pre-authorised URL that the audio is PUT to.
    """

    ssml: str
    speed: float
    volume: int
    pitch: float
    rate: int
    codec: str
    splitting: Splitting
    storage: str | None


def refusal(code: int, message: str) -> Refused:
    """Make the vendor's error response: a header, no payload.

    :param code: for ``Header.Code``.
    :param message: for ``Header.Message``.
    """
    header = {"Code": code, "Message": message, "RequestID": secrets.token_hex(16)}
    return Refused(VendorResponse({"Header": header}, code), message)


def sign(token: str, parameters: list[tuple[str, str]]) -> str:
    """Return the signature: base64 of HMAC-SHA256 over the sorted parameters, not URL-encoded.

    :param token: the access token.
    :param parameters: of the query, decoded, without the signature.
    """
    # Raw values, not URL-encoded: only the finished signature is encoded, when it is put into the URL.
    plain = "&".join(f"{name}={value}" for name, value in sorted(parameters))
    return base64.b64encode(hmac.new(token.encode(), plain.encode(), hashlib.sha256).digest()).decode()


def payload_of(incoming: Incoming) -> Fields:
    """Check signature and envelope.

    :param incoming: the call.
    :returns: the fields of its payload.
    :raises Refused: 100005 for the signature, 100001 for the envelope.
    """
    _check_signature(incoming)
    body = incoming.json_object() if incoming.is_json() else None
    if body is None:
        raise refusal(MISSING, "the body must be JSON with Content-Type application/json;charset=utf-8")
    # Also an empty Header must be there: without it the vendor reports a parameter error, says its FAQ.
    for name in ("Header", "Payload"):
        if not isinstance(body.get(name), dict):
            raise refusal(MISSING, f"InvalidParameter: {name} is required and must be an object")
    return Fields(body["Payload"])


def _check_signature(incoming: Incoming) -> None:
    given = dict(incoming.query)
    credential = CREDENTIALS["tencent_ivh"]
    if given.get("appkey") != credential.login:
        raise refusal(UNAUTHORISED, "UnauthorizedOperation: unknown appkey")
    timestamp = given.get("timestamp", "")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > WINDOW:
        raise refusal(UNAUTHORISED, "UnauthorizedOperation: timestamp must be Unix seconds, within five minutes")
    # All parameters of the query but the signature itself, so also those that this call does not need.
    signed = [(name, value) for name, value in incoming.query if name != "signature"]
    # The query was decoded once: a signature encoded twice still has percent signs in it here, and fails.
    if not hmac.compare_digest(sign(credential.password, signed).encode(), given.get("signature", "").encode()):
        raise refusal(UNAUTHORISED, "UnauthorizedOperation: signature mismatch")


def field_error(error: InvalidField) -> Refused:
    """Make the error response for a wrong field.

    :param error: 100001 if the field is missing or unknown, else 100002.
    """
    absent = error.problem in (Problem.MISSING, Problem.UNKNOWN)
    return refusal(MISSING if absent else BAD_VALUE, f"InvalidParameter: {error}")


def read_video(fields: Fields) -> VideoRequest:
    """Read and check the payload of ``videomake``.

    :param fields: as the page "Video Production API" lists them.
    :raises Refused: for an unknown avatar (100016) or timbre (100009).
    :raises InvalidField: for a wrong field.
    """
    key = fields.need_text("VirtualmanKey")
    if key not in AVATARS:
        raise refusal(NO_AVATAR, "ResourceNotFound: the avatar asset does not exist")
    driver = fields.choice("DriverType", (TEXT, *AUDIO_DRIVERS)) or TEXT
    form = _format(fields)
    longest = LONGEST_SSML_MOV if form == "TransparentMov" else LONGEST_SSML
    ssml = _ssml(fields, longest) if driver == TEXT else _unused_text(fields)
    audio_url = fields.need_url("InputAudioUrl") if driver != TEXT else None
    # Read here, so that it is a known field also when a text drives the video.
    fields.raw("InputAudioUrl")
    fields.need("SpeechParam")
    speech = fields.inner("SpeechParam")
    timbre = _timbre(speech) or AVATARS[key]
    request = VideoRequest(
        avatar=key,
        look=AVATARS[key].look,
        ssml=ssml,
        audio_url=audio_url,
        speed=_speed(speech),
        volume=speech.whole("Volume", 0, MAX_VOLUME) or 0,
        pitch=timbre.look.pitch,
        file_format=form,
        video_storage=fields.url("VideoStorageS3Url"),
        subtitle_storage=fields.url("SubtitleStorageS3Url"),
    )
    _emotion(speech, timbre)
    speech.text("TimbreLanguage")
    speech.done()
    # The page: less than 1000 characters.
    fields.url("CallbackUrl", LONGEST_CALLBACK - 1)
    fields.choice("ConcurrencyType", ("Exclusive", "Shared"))
    fields.done()
    return request


def read_speech(fields: Fields) -> SpeechRequest:
    """Read and check the payload of ``tts``.

    :param fields: as the page "Audio Production API" lists them.
    :raises Refused: for an unknown avatar (100016) or timbre (100009).
    :raises InvalidField: for a wrong field.
    """
    avatar = fields.text("VirtualmanKey")
    if avatar and avatar not in AVATARS:
        raise refusal(NO_AVATAR, "ResourceNotFound: the avatar asset does not exist")
    timbre = _timbre(fields) or (AVATARS[avatar] if avatar else None)
    if timbre is None:
        raise fields.fault("TimbreKey", Problem.MISSING, "or VirtualmanKey is required")
    request = SpeechRequest(
        ssml=_ssml(fields, LONGEST_SSML),
        speed=_speed(fields),
        volume=fields.whole("Volume", 0, MAX_VOLUME) or 0,
        pitch=timbre.look.pitch,
        rate=_rate(fields),
        codec=fields.choice("Codec", ("mp3", "wav")) or "mp3",
        splitting=_splitting(fields),
        storage=fields.url("AudioStorageS3Url"),
    )
    _emotion(fields, timbre)
    fields.done()
    return request


def _format(fields: Fields) -> str:
    video = fields.inner("VideoParam")
    # The page differs by edition (China, international): the formats of both are accepted.
    form = video.choice("Format", tuple(FORMATS)) or "TransparentWebm"
    video.done()
    return form


def _ssml(fields: Fields, longest: int) -> str:
    text = fields.need_text("InputSsml", longest)
    # The page "Video Production API": no line breaks, and symbols must be escaped.
    if "\n" in text or "\r" in text:
        raise fields.fault("InputSsml", Problem.VALUE, "must not have line breaks")
    # Declarations could define entities, which the parser below would expand.
    if "<!" in text or "<?" in text:
        raise fields.fault("InputSsml", Problem.VALUE, "must be SSML without declarations")
    # A plain text is accepted as well, and is parsed as the content of one element.
    wrapped = text if text.lstrip().startswith("<speak") else f"<speak>{text}</speak>"
    try:
        ET.fromstring(wrapped)  # noqa: S314 - declarations, and so entities, were refused above
    except ET.ParseError as error:
        raise fields.fault("InputSsml", Problem.VALUE, f"symbols must be escaped: {error}") from None
    return text


def _unused_text(fields: Fields) -> str:
    fields.text("InputSsml")
    return ""


def _speed(fields: Fields) -> float:
    # Required, although it has a normal value: so says the page.
    fields.need("Speed")
    return fields.number("Speed", 0.5, 1.5) or 1.0


def _timbre(fields: Fields) -> Timbre | None:
    key = fields.text("TimbreKey")
    if not key:
        return None
    if key not in TIMBRES:
        raise refusal(NO_RESOURCE, "ResourceNotFound: the timbre does not exist, or is not yours")
    return TIMBRES[key]


def _emotion(fields: Fields, timbre: Timbre) -> None:
    category = fields.text("EmotionCategory")
    intensity = fields.whole("EmotionIntensity", 50, 200)
    # Only multi-emotion timbres take EmotionCategory.
    if category and category not in timbre.emotions:
        raise fields.fault("EmotionCategory", Problem.VALUE, f"{timbre.key} has the emotions {timbre.emotions}")
    # The page allows the intensity with EmotionCategory only.
    if intensity is not None and not category:
        raise fields.fault("EmotionIntensity", Problem.VALUE, "is only allowed with EmotionCategory")


def _rate(fields: Fields) -> int:
    rate = fields.whole("SampleRate")
    if rate is not None and rate not in (16000, 24000):
        raise fields.fault("SampleRate", Problem.VALUE, "must be 16000 or 24000")
    return rate or 24000


def _splitting(fields: Fields) -> Splitting:
    most = fields.whole("SentenceMaxWords", 0, 999)
    shown = fields.text("SentenceDisplayPunctuation")
    return Splitting(
        marks=fields.text("SentenceSplitPunctuation") or SENTENCE_MARKS,
        # 0 must not fall back to the default of 30: it means no limit here.
        most_words=30 if most is None else most,
        # "1" shows all marks, "0" none; any other text is the list of marks that are shown.
        shown={None: None, "1": None, "0": ""}.get(shown, shown),
    )


def progress_body(payload: dict[str, Any]) -> VendorResponse:
    """Make a success response.

    :param payload: of it.
    """
    header = {"Code": 0, "Message": "", "RequestID": secrets.token_hex(16)}
    return VendorResponse({"Header": header, "Payload": payload}, 0)
