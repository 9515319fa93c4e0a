# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from airflow_provider_videoai.operators.topview import TopviewVideoAvatarOperator
from airflow_provider_videoai.sensors.topview import TopviewVideoAvatarSensor
from tests.support.case import Case

_AVATAR = {"avatar_source_from": "1", "ai_avatar_id": "sandbox-avatar-anna", "audio_source_from": "1"}

CASES = (
    Case(
        "topview",
        TopviewVideoAvatarOperator,
        TopviewVideoAvatarSensor,
        {**_AVATAR, "tts_text": "Hi."},
        {"tts_text": "Oh."},
    ),
)
