# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from airflow_provider_videoai.jobs.duration import format_duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0 s"),
        (0.4, "0 s"),
        (45.2, "45 s"),
        (59.6, "1 min"),
        (192, "3 min 12 s"),
        (3600, "1 h"),
        (3609, "1 h"),
        (7500, "2 h 5 min"),
        (86_400, "1 d"),
        (90_061, "1 d 1 h"),
        (40 * 86_400, "40 d"),
    ],
)
def test_duration_is_formatted_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words
