# SPDX-License-Identifier: Apache-2.0
"""The drawn presenters: different at a glance, and alive."""

from __future__ import annotations

import numpy as np
import pytest

from airflow_provider_videoai.sandbox.media.presenter import LOOKS, Look, draw, poses
from airflow_provider_videoai.sandbox.media.rendered import Stop
from airflow_provider_videoai.sandbox.media.script import plan
from airflow_provider_videoai.sandbox.media.voice import speak
from airflow_provider_videoai.sandbox.tencent_ivh.requests import AVATARS as VIRTUALMEN
from airflow_provider_videoai.sandbox.topview.catalogue import AVATARS

SOUND = speak(plan("Welcome. This clip was cleaned, cut and narrated."), 24000, 200.0, Stop())


def test_a_tencent_narrator_is_none_of_topviews_avatars() -> None:
    assert VIRTUALMEN["sandbox-virtualman"].look not in [avatar.look for avatar in AVATARS]


@pytest.mark.parametrize("look", LOOKS, ids=["anna", "ben", "narrator"])
def test_a_presenter_moves_its_head_and_its_mouth(look: Look) -> None:
    seen = list(poses(SOUND, None))
    assert max(pose.sway for pose in seen) - min(pose.sway for pose in seen) > 10
    assert len({pose.opening for pose in seen}) > 3
    left, right = (draw(look, pick(seen, key=lambda pose: pose.sway), None) for pick in (min, max))
    changed = np.abs(np.asarray(left).astype(int) - np.asarray(right)).max(axis=-1) > 30
    assert changed.mean() > 0.02, "nobody sees that it moves"
