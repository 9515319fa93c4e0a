# SPDX-License-Identifier: Apache-2.0
"""Read CDNetworks requests: bodies in three forms, and the rules of every field."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from airflow_provider_videoai.sandbox.endpoints import Incoming, Refused, VendorResponse
from airflow_provider_videoai.sandbox.fields import Fields, InvalidField, Problem
from airflow_provider_videoai.sandbox.media.trimming import Cut

PARAMETER, NAME_LENGTH, NO_VIDEO, NO_VIDEO_ID, NAME_CHARACTERS = 1000, 1500, 1502, 1503, 1504
PROCESSING, TRANS_EMPTY, TRANS_ILLEGAL, TRANS_UNKNOWN = 1560, 1601, 1602, 1603
CODES_OF_SETTINGS = {
    "frameRate": 1561,
    "samplingRate": 1562,
    "tassamplingRatekId": 1562,
    "videoBitRate": 1563,
    "audioBitRate": 1564,
    "resolution": 1565,
}
# The page "Video Trimming" lists 44100, 22050 and 11025 for flv, and no rates for mp4.
FLV_RATES = (11025, 22050, 44100)
MP4_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
# 40 is of error 1500, 32 of the field transNo, 50 of the page on pulling videos.
LONGEST_NAME, LONGEST_TRANS, MAX_FILES = 40, 32, 50
FORM = "application/x-www-form-urlencoded"
_RESOLUTION = re.compile(r"([1-9]\d{1,3})x([1-9]\d{1,3})")
_SPECIAL = re.compile(r'[\\/:*?"<>|\x00-\x1f]')
_TRANS_NO = re.compile(r"[A-Za-z0-9_-]+")
_URL_SAFE = re.compile(r"[A-Za-z0-9_-]+={0,2}")


def refusal(code: int, message: str, status: int = 200) -> Refused:
    """Make the vendor's error response.

    :param code: an integer, as in the vendor's envelope.
    :param status: of HTTP; 200 for business errors.
    """
    return Refused(VendorResponse({"code": code, "message": message, "data": None}, code, status), message)


@dataclass(frozen=True)
class TrimRequest:
    """A checked ``videoClip`` request.

    :param trans_no: the job id, which the caller chooses.
    """

    trans_no: str
    video_id: str
    filename: str
    cut: Cut


@dataclass(frozen=True)
class PullFile:
    """One entry of a pull's file list.

    :param md5: lower-case hex; ``None``: not checked.
    """

    name: str
    url: str
    md5: str | None


def fields_of(incoming: Incoming) -> Fields:
    """Read a call's parameters.

    :param incoming: the query for GET (form content type only), a JSON or form body for POST.
    :raises Refused: 1000 for another content type, or a body that is none.
    """
    content_type = incoming.headers.get("content-type", "").split(";")[0].strip().lower()
    if incoming.method == "GET":
        # The page "Common Parameters": a GET has the form content type only, and it is signed.
        if content_type != FORM:
            raise refusal(PARAMETER, f"GET takes content type {FORM} only")
        return Fields(dict(incoming.query), as_text=True)
    if content_type == FORM:
        return Fields(dict(parse_qsl(incoming.body.decode("utf-8", "replace"), keep_blank_values=True)), as_text=True)
    body = incoming.json_object() if incoming.is_json() else None
    if body is None:
        raise refusal(PARAMETER, f"the body must be a JSON object or {FORM}")
    return Fields(body)


def trans_no_of(fields: Fields) -> str:
    """Read ``transNo``.

    :param fields: of the call.
    :raises Refused: 1601 when it is empty, 1602 when it is illegal.
    """
    value = fields.raw("transNo")
    if value is None or value == "":
        raise refusal(TRANS_EMPTY, "TRANSNO cannot be empty")
    if not isinstance(value, str) or len(value) > LONGEST_TRANS or not _TRANS_NO.fullmatch(value):
        raise refusal(TRANS_ILLEGAL, "TRANSNO is illegal")
    return value


def video_id_of(fields: Fields) -> str:
    """Read ``videoId``.

    :param fields: of the call.
    :raises Refused: 1503 when it is empty.
    """
    value = fields.raw("videoId")
    if value is None or value == "":
        raise refusal(NO_VIDEO_ID, "videoId cannot be empty")
    if not isinstance(value, str):
        raise refusal(PARAMETER, "videoId must be a string")
    return value


def file_name_of(fields: Fields, name: str) -> str:
    """Read the name of a video.

    :param name: of the field.
    :raises Refused: 1500 when it is too long, 1504 for special characters.
    """
    value = fields.need_text(name)
    return checked_name(value)


def checked_name(value: str) -> str:
    """Return the name of a video if it is valid.

    :param value: the name.
    :raises Refused: 1500 when it is too long, 1504 for special characters.
    """
    if len(value) > LONGEST_NAME:
        raise refusal(NAME_LENGTH, f"the name has more than {LONGEST_NAME} characters")
    if _SPECIAL.search(value):
        raise refusal(NAME_CHARACTERS, "the name has special characters")
    return value


def read_trim(fields: Fields) -> TrimRequest:
    """Read and check a ``videoClip`` request.

    :param fields: as the page "Video Trimming" lists them.
    :raises Refused: for fields that have an error code of their own.
    :raises InvalidField: for the others.
    """
    trans_no, video_id = trans_no_of(fields), video_id_of(fields)
    filename = file_name_of(fields, "filename")
    for name in ("seekStart", "duration"):
        fields.need(name)
    start, duration = fields.whole("seekStart", 0) or 0, fields.whole("duration", 1) or 0
    # The old page prints .flv and .mp4, the new one flv and mp4; the default of both is flv.
    suffix = (fields.choice("suffix", ("flv", "mp4", ".flv", ".mp4")) or "flv").lstrip(".")
    cut = Cut(
        start=start,
        duration=duration,
        suffix=suffix,
        size=_resolution(fields),
        frame_rate=_setting(fields, "frameRate", 120),
        video_bit_rate=_setting(fields, "videoBitRate", 100_000),
        audio_bit_rate=_setting(fields, "audioBitRate", 512),
        sampling_rate=_sampling_rate(fields, suffix),
    )
    fields.url("notifyUrl")
    fields.whole("enableVideoTranscode", 0, 1)
    fields.done()
    return TrimRequest(trans_no, video_id, filename, cut)


def _setting(fields: Fields, name: str, high: int) -> int | None:
    try:
        # The page on VideoClip has an error code for each of these settings.
        return fields.whole(name, 1, high)
    except InvalidField as error:
        raise refusal(CODES_OF_SETTINGS[name], str(error)) from None


def _sampling_rate(fields: Fields, suffix: str) -> int | None:
    """Read the rate under its old name or its new one, which looks like an editing accident but is documented."""
    old, new = _setting(fields, "samplingRate", 10**6), _setting(fields, "tassamplingRatekId", 10**6)
    rate = old or new
    allowed = FLV_RATES if suffix == "flv" else MP4_RATES
    if rate is not None and rate not in allowed:
        raise refusal(CODES_OF_SETTINGS["samplingRate"], f"the sampling rate of {suffix} must be one of {allowed}")
    return rate


def _resolution(fields: Fields) -> tuple[int, int] | None:
    value = fields.raw("resolution")
    if value is None or value == "":
        return None
    found = _RESOLUTION.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) % 2 or int(found[2]) % 2:
        raise refusal(CODES_OF_SETTINGS["resolution"], "resolution must be two even numbers, such as 640x480")
    return int(found[1]), int(found[2])


def read_file_list(fields: Fields) -> list[PullFile]:
    """Read ``fileList``: url-safe base64 of a JSON array of 1 to 50 objects.

    :param fields: of a pull.
    :raises Refused: 1000 if it is anything else.
    """
    text = fields.need_text("fileList")
    # Strict: a lenient decoder skips "+" and "/" of ordinary base64, and would yield another list.
    if not _URL_SAFE.fullmatch(text):
        raise refusal(PARAMETER, "fileList must be url-safe base64")
    try:
        rows = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        raise refusal(PARAMETER, "fileList must be url-safe base64 of a JSON array") from None
    if not isinstance(rows, list) or not 1 <= len(rows) <= MAX_FILES:
        raise refusal(PARAMETER, f"fileList must have 1 to {MAX_FILES} files")
    return [_pull_file(row) for row in rows]


def _pull_file(row: Any) -> PullFile:
    if not isinstance(row, dict):
        raise refusal(PARAMETER, "each file must be an object")
    fields = Fields(row, within="fileList.")
    name, url = checked_name(fields.need_text("fileName")), fields.need_url("fetchUrl")
    md5 = fields.text("md5")
    if md5 and not re.fullmatch(r"[0-9a-fA-F]{32}", md5):
        raise refusal(PARAMETER, "md5 must be 32 hex digits")
    fields.done()
    # The name of the stored file, and so its type, comes from the URL.
    if not urlsplit(url).path.strip("/"):
        raise refusal(PARAMETER, "fetchUrl must name a file")
    return PullFile(name, url, md5.lower() if md5 else None)


def parameter_error(error: InvalidField) -> Refused:
    """Make the error response for a wrong field without a code of its own: 1000.

    :param error: what is wrong.
    """
    word = "missing " if error.problem is Problem.MISSING else ""
    return refusal(PARAMETER, f"parameter error: {word}{error}")
