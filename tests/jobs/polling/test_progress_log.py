# SPDX-License-Identifier: Apache-2.0
"""What a person reads of a job in the task's log."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import VendorUnavailable
from airflow_provider_videoai.jobs.model import JobResult, JobState, JobStatus
from airflow_provider_videoai.jobs.polling.cadence import Cadence
from airflow_provider_videoai.jobs.polling.progress_log import log_result, log_status
from airflow_provider_videoai.jobs.polling.watch import Watch
from airflow_provider_videoai.jobs.values.usage import Usage

NOW = 1_700_000_000.0
OUT = VendorUnavailable("lights out")


class Page:
    """A log that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, event: str, *args: Any) -> None:
        self.lines.append(event % args)

    def warning(self, event: str, *args: Any) -> None:
        self.lines.append("! " + event % args)


def a_watch(submitted_at: float | None = NOW - 5) -> Watch:
    age = 0.0 if submitted_at is None else NOW - submitted_at
    cadence = Cadence(floor=1.0, interval=None)
    return Watch(job_id="j", operation="paint", submitted_at=submitted_at, started_at=NOW, age=age, cadence=cadence)


def log_of(*seen: JobStatus | VendorUnavailable, watch: Watch | None = None, ends: float = NOW + 187) -> list[str]:
    """Return the lines of a job that was seen so."""
    page, watch = Page(), watch or a_watch()
    for each in seen:
        if isinstance(each, JobStatus):
            watch.saw(each, NOW, NOW)
        else:
            watch.missed(each, NOW, NOW)
        log_status(page, watch, frozenset({"busy"}), ends)
    return page.lines


def at(progress: int | None = None, *, ahead: int | None = None, raw: str = "busy") -> JobStatus:
    state = JobState.QUEUED if ahead else JobState.RUNNING
    return JobStatus(job_id="j", state=state, raw=raw, progress=progress, queue_position=ahead)


def ended(state: JobState = JobState.SUCCEEDED) -> JobStatus:
    return JobStatus(job_id="j", state=state, raw="busy", progress=100, media_url="https://cdn.example.com/a?sign=s")


def test_each_change_of_a_job_has_one_line() -> None:
    seen = (at(ahead=3), at(ahead=3), at(ahead=1), at(0), at(4), at(9), at(13), at(19), at(20), at(20), ended())
    assert log_of(*seen) == [
        "paint job j: queued, 3 ahead in the queue",
        "paint job j: queued, 1 ahead in the queue",
        "paint job j: running, 0 %",
        "paint job j: running, 13 %",
        "paint job j: running, 20 %",
        "paint job j succeeded after 3 min 12 s, 11 polls",
    ]


def test_ten_percent_lie_between_two_lines_of_progress() -> None:
    assert len(log_of(*(at(percent) for percent in range(101)))) == 11


def test_what_was_logged_is_not_tracked_by_the_garbage_collector() -> None:
    watch = a_watch()
    log_of(at(13), watch=watch)
    gc.collect()
    assert watch.logged
    assert not gc.is_tracked(watch.logged)


def test_a_word_of_the_vendor_that_changes_nothing_is_no_news() -> None:
    assert len(log_of(at(raw="busy"), at(raw="Busy"), at(raw="BUSY"))) == 1


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.ABORTED])
def test_failure_is_logged_with_its_effort(state: JobState) -> None:
    assert log_of(ended(state)) == [f"paint job j {state} after 3 min 12 s, 1 poll"]


def test_without_a_time_of_submit_the_log_says_how_long_it_waited() -> None:
    assert log_of(ended(), watch=a_watch(submitted_at=None)) == [
        "paint job j succeeded after waiting 3 min 7 s, 1 poll"
    ]


def test_outage_is_logged_once_and_its_end_as_well() -> None:
    assert log_of(at(10), OUT, OUT, VendorUnavailable("dark"), at(11), OUT) == [
        "paint job j: running, 10 %",
        "! paint job j: lights out",
        "! paint job j: dark",
        "paint job j: running, 11 %",
        "! paint job j: lights out",
    ]


def test_undocumented_state_is_logged_once() -> None:
    lines = log_of(at(raw="odd"), at(raw="odd"), at(raw="odder"))
    assert [line for line in lines if line.startswith("!")] == [
        f"! paint job j: the vendor's state {raw!r} is not documented; the job is treated as still running"
        for raw in ("odd", "odder")
    ]


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"media_url": "https://cdn.example.com/a?sign=s", "duration_ms": 12_340}, "media, 12.3 s long"),
        (
            {"media_url": "https://a/b", "subtitles_url": "https://a/c?sign=s", "media_id": "v1"},
            "media, subtitles, media id v1",
        ),
        ({"media_id": "v1"}, "media id v1"),
        ({"media_url": "https://a/b", "usage": Usage(credits=12)}, "media, used 12 credits"),
        ({}, "nothing but the job's state"),
    ],
)
def test_result_is_logged_without_its_urls(parts: dict[str, Any], words: str) -> None:
    page = Page()
    log_result(page, JobResult(vendor="v", operation="paint", job_id="j", state=JobState.SUCCEEDED, **parts))
    assert page.lines == [f"Result of paint job j: {words}"]
