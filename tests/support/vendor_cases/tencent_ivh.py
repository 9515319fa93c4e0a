# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from airflow_provider_videoai.operators.tencent_ivh import TencentTtsOperator, TencentVideoMakeOperator
from airflow_provider_videoai.sensors.tencent_ivh import TencentProductionSensor
from tests.support.case import Case

_NARRATOR = {"virtualman_key": "sandbox-virtualman", "video_param": {"Format": "Mp4"}}

CASES = (
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
