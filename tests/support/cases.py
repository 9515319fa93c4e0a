# SPDX-License-Identifier: Apache-2.0
"""One case an operator: what belongs to it, and a request that the sandbox accepts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.operators.aidge import AidgeVideoRemovalOperator
from airflow_provider_videoai.operators.cdnetworks import CDNetworksPullVideoOperator, CDNetworksTrimOperator
from airflow_provider_videoai.operators.job import VideoJobOperator
from airflow_provider_videoai.operators.tencent_ivh import TencentTtsOperator, TencentVideoMakeOperator
from airflow_provider_videoai.operators.topview import TopviewVideoAvatarOperator
from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator
from airflow_provider_videoai.sandbox import CREDENTIALS
from airflow_provider_videoai.sensors.aidge import AidgeVideoRemovalSensor
from airflow_provider_videoai.sensors.cdnetworks import CDNetworksPullVideoSensor, CDNetworksTrimSensor
from airflow_provider_videoai.sensors.job import VideoJobSensor
from airflow_provider_videoai.sensors.tencent_ivh import TencentProductionSensor
from airflow_provider_videoai.sensors.topview import TopviewVideoAvatarSensor
from airflow_provider_videoai.sensors.viitor import ViiTorTextRemovalSensor

LIBRARY_VIDEO = "5A4DB0C51190000000000000000C11B1"


@dataclass(frozen=True)
class Case:
    """One operator with a request that the sandbox accepts, and a ``change`` that makes it another one."""

    name: str
    operator: type[VideoJobOperator]
    sensor: type[VideoJobSensor]
    fields: Mapping[str, Any]
    change: Mapping[str, Any]
    makes: str = "video"
    charged: bool = True
    absent_id: str = "0" * 32

    @property
    def hook(self) -> type[VideoJobHook]:
        return self.operator.hook_class

    @property
    def vendor(self) -> str:
        return self.hook.vendor_class.key

    @property
    def operation(self) -> str:
        return self.operator.request_class.operation

    @property
    def conn_id(self) -> str:
        return self.hook.default_conn_name

    @property
    def conn_argument(self) -> str:
        return self.hook.conn_name_attr

    @property
    def password(self) -> str:
        return CREDENTIALS[self.vendor].password

    def request(self, sandbox: Any, **changes: Any) -> dict[str, Any]:
        texts = {name: value for name, value in self.fields.items() if isinstance(value, str)}
        filled = {name: value.replace("SANDBOX", sandbox.url) for name, value in texts.items()}
        return {**self.fields, **filled, **changes}


RESULT_KEYS = {
    "vendor",
    "operation",
    "job_id",
    "state",
    "media_url",
    "subtitles_url",
    "media_id",
    "duration_ms",
    "submitted_at",
    "finished_at",
    "details",
}
"""What each task returns."""
_CLIP = "SANDBOX/sample/clip.mp4"
_AVATAR = {"avatar_source_from": "1", "ai_avatar_id": "sandbox-avatar-anna", "audio_source_from": "1"}
_NARRATOR = {"virtualman_key": "sandbox-virtualman", "video_param": {"Format": "Mp4"}}
_ALL = (
    Case(
        "viitor",
        ViiTorTextRemovalOperator,
        ViiTorTextRemovalSensor,
        {"url": _CLIP, "task_name": "clip", "full_erase_roi": [[60, 288, 580, 336]]},
        {"task_name": "another"},
        absent_id="ViiTor_AI_19990101",
    ),
    Case(
        "aidge",
        AidgeVideoRemovalOperator,
        AidgeVideoRemovalSensor,
        {"video_url": _CLIP, "language": "en"},
        {"language": "zh"},
    ),
    Case(
        "cdnetworks_pull",
        CDNetworksPullVideoOperator,
        CDNetworksPullVideoSensor,
        {"fetch_url": _CLIP, "filename": "clip.mp4"},
        {"filename": "another.mp4"},
        charged=False,
    ),
    Case(
        "cdnetworks_trim",
        CDNetworksTrimOperator,
        CDNetworksTrimSensor,
        {"video_id": LIBRARY_VIDEO, "seek_start": 1, "duration": 1, "filename": "piece"},
        {"seek_start": 2},
    ),
    Case(
        "topview",
        TopviewVideoAvatarOperator,
        TopviewVideoAvatarSensor,
        {**_AVATAR, "tts_text": "Hi."},
        {"tts_text": "Oh."},
    ),
    Case(
        "tencent_video",
        TencentVideoMakeOperator,
        TencentProductionSensor,
        {**_NARRATOR, "input_ssml": "Hi."},
        {"input_ssml": "Oh."},
    ),
    Case(
        "tencent_tts",
        TencentTtsOperator,
        TencentProductionSensor,
        {"input_ssml": "Hi.", "timbre_key": "sandbox-timbre"},
        {"input_ssml": "Oh."},
        makes="audio",
    ),
)
CASES = {case.name: case for case in _ALL}
