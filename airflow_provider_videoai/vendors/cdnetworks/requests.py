# SPDX-License-Identifier: Apache-2.0
"""What the tasks of Cloud VoD take."""

from __future__ import annotations

import base64
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, StringConstraints
from typing_extensions import override

from airflow_provider_videoai.jobs.protocol.call import json_body
from airflow_provider_videoai.jobs.protocol.json_values import whole
from airflow_provider_videoai.jobs.request import InputUrl, JobRequest, Rule, WebUrl

__all__ = ["CODE_TYPES", "CloudVodRequest", "CodeType", "Positive", "PullVideoRequest", "TransNo", "TrimRequest"]

# "Video Trimming": chosen by the caller, at most 32 characters, globally unique.
TransNo = Annotated[str, StringConstraints(pattern=r"^\S{1,32}$")]
Positive = Annotated[int, Field(gt=0)]


def _code_type(value: int) -> int:
    if value not in CODE_TYPES:
        raise ValueError(f"must be one of {', '.join(map(str, CODE_TYPES))}")
    return value


CODE_TYPES = (0, 2, 4, 5, 6, 7, 8)
"""What getPublishCode gives: all, swf code, video URLs, adaptive code, the preview's URLs and code, encrypted code."""
CodeType = Annotated[int, AfterValidator(_code_type)]


class CloudVodRequest(JobRequest):
    """What every task here takes: ``trans_no`` names it (at most 32 characters, globally unique); made up if absent."""

    trans_no: TransNo | None = None

    @property
    @override
    def chosen_id(self) -> str | None:
        return self.trans_no


class TrimRequest(CloudVodRequest):
    """Cut ``duration`` seconds out of a stored video, from ``seek_start`` seconds on, into a new stored video.

    Bit rates are kbit/s, ``sampling_rate`` Hz. ``suffix`` is always sent: left out, the vendor would write an flv.
    ``code_type`` is no part of the submit: it says what is requested when the piece is published (see
    :attr:`polled_as`).
    """

    operation: ClassVar[str] = "trim"

    video_id: Annotated[str, StringConstraints(min_length=1)]
    seek_start: Annotated[int, Field(ge=0)]
    duration: Positive
    # 40: error 1500 of a sibling API (inferred for this one).
    filename: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    suffix: Literal["mp4", "flv"] = "mp4"
    resolution: Annotated[str, StringConstraints(pattern=r"^[1-9]\d*x[1-9]\d*$")] | None = None
    frame_rate: Positive | None = None
    video_bit_rate: Positive | None = None
    audio_bit_rate: Positive | None = None
    # The new page and the vendor's SDK spell it tassamplingRatekId, which looks like an editing accident.
    sampling_rate: Positive | None = None
    notify_url: WebUrl | None = None
    code_type: Annotated[CodeType | None, Field(exclude=True)] = None

    rules = (
        Rule(
            ("suffix", "sampling_rate"),
            "sampling_rate: an flv takes 44100, 22050 or 11025 only",
            lambda suffix, rate: suffix != "flv" or rate is None or whole(rate) in (44100, 22050, 11025),
        ),
    )

    @property
    @override
    def polled_as(self) -> str:
        """The operation, with the codeType of getPublishCode that its result is requested with."""
        return self.operation if self.code_type is None else f"{self.operation}:{self.code_type}"


class PullVideoRequest(CloudVodRequest):
    """Let the vendor fetch one video from ``fetch_url`` into the store. ``md5`` (hex) is checked there when given."""

    operation: ClassVar[str] = "pull_video"

    fetch_url: InputUrl
    filename: Annotated[str, StringConstraints(min_length=1), Field(alias="fileName")]
    md5: Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{32}$")] | None = None

    @override
    def to_vendor(self) -> dict[str, Any]:
        # "PullVideo" takes up to 50 files, as url-safe base64. One per transNo: the job's state is then the file's.
        file = self.model_dump(by_alias=True, exclude_none=True, include={"filename", "fetch_url", "md5"})
        return {"fileList": base64.urlsafe_b64encode(json_body([file])).decode()}
