# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import logging

import pytest

from airflow_provider_videoai.media.progress import Progress, format_size


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (500_000_000, "500.0 MB"),
        (7_340_032_000_000, "7.3 TB"),
        (10**16, "10000.0 TB"),
    ],
)
def test_a_size_is_formatted_with_a_unit(count: int, words: str) -> None:
    assert format_size(count) == words


def lines(caplog: pytest.LogCaptureFixture, total: int | None, step: int, seconds: float) -> list[str]:
    """Return what is logged while 1 GB comes in steps, each after so many seconds."""
    now = 0.0
    caplog.set_level(logging.INFO)
    progress = Progress(logging.getLogger("progress"), "media", lambda: now)
    for done in range(step, 1_000_000_001, step):
        now += seconds
        progress.report(done, total)
    progress.end(1_000_000_000)
    return caplog.messages


def test_every_tenth_is_logged_once_and_the_end(caplog: pytest.LogCaptureFixture) -> None:
    reported = lines(caplog, 1_000_000_000, step=1_000_000, seconds=0.1)
    assert reported[0] == "media: 10 % of 1.0 GB after 10 s"
    assert [line.split()[1] for line in reported] == [*map(str, range(10, 100, 10)), "all"]
    assert reported[-1] == "media: all 1.0 GB after 1 min 40 s"


def test_without_a_length_every_hundred_megabytes_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    reported = lines(caplog, None, step=50_000_000, seconds=2)
    assert reported[:2] == ["media: 100.0 MB after 4 s", "media: 200.0 MB after 8 s"]


def test_a_fast_transfer_is_logged_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    assert lines(caplog, 1_000_000_000, step=100_000_000, seconds=0.05) == ["media: all 1.0 GB after 0 s"]
