# SPDX-License-Identifier: Apache-2.0
"""What the page says of a task, from what Airflow knows of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_videoai.jobs.card import JobCard
from airflow_provider_videoai.plugin.task import TaskKey, VideoTask
from airflow_provider_videoai.plugin.view import Shown, media_of, page, row, state_of

AT = datetime(2026, 5, 11, 8, 0, tzinfo=UTC)
SIGNED = "https://media.example/out.mp4?sign=secret"


def video_task(task_state: str | None = "deferred", /, card: dict[str, Any] | None = None, **xcoms: Any) -> VideoTask:
    told = {
        "vendor": "viitor",
        "operation": "text_removal",
        "polled_as": "text_removal",
        "conn_id": "viitor_default",
        "job_ids": ("j1",),
        "submitted_at": AT.timestamp(),
        **(card or {}),
    }
    key = TaskKey("dag", "run", "task")
    return VideoTask(
        key=key, card=JobCard(**told), seen_at=AT, state=task_state, started_at=AT, ended_at=AT, xcoms=xcoms
    )


def progress(state: str, percent: int | None = None, **more: Any) -> dict[str, Any]:
    return {"progress": percent, "state": state, "queue_position": None, **more}


def status(*states: str, **more: Any) -> dict[str, Any]:
    jobs = [{"job_id": f"j{number}", "state": state, **more} for number, state in enumerate(states, 1)]
    return {"observed_at": AT.timestamp() + 60, "jobs": jobs}


def result(job_id: str = "j1", **more: Any) -> dict[str, Any]:
    return {
        "job_id": job_id,
        "state": "succeeded",
        "media_url": SIGNED,
        "subtitles_url": None,
        "finished_at": "2026-05-11T08:04:00+00:00",
        **more,
    }


@pytest.mark.parametrize(
    ("task", "state"),
    [
        (video_task("running"), Shown.QUEUED),
        (video_task("deferred", progress=progress("queued")), Shown.QUEUED),
        (video_task("deferred", progress=progress("running", 40)), Shown.RUNNING),
        (video_task("deferred", status=status("succeeded")), Shown.SUCCEEDED),
        (video_task("success", state="succeeded"), Shown.SUCCEEDED),
        (video_task("success"), Shown.UNWATCHED),
        (video_task("success", progress=progress("running", 40)), Shown.UNWATCHED),
        (video_task("success", status=status("succeeded", "succeeded")), Shown.SUCCEEDED),
        (video_task("success", state="queued"), Shown.UNWATCHED),
        (video_task("failed", status=status("failed")), Shown.FAILED),
        (video_task("up_for_retry", status=status("aborted")), Shown.ABORTED),
        (video_task("failed", status=status("succeeded", "aborted", "failed")), Shown.FAILED),
        (video_task("failed", status=status("succeeded", "running"), progress=progress("running")), Shown.UNWATCHED),
        (video_task("failed", progress=progress("running", 40)), Shown.UNWATCHED),
        (video_task("deferred", status=status("succeeded", "running"), progress=progress("running")), Shown.RUNNING),
        (video_task("skipped", status=status("failed")), Shown.FAILED),
        (video_task(None), Shown.UNWATCHED),
        (video_task("deferred", progress="by hand", status=[1], state=3), Shown.QUEUED),
        (video_task("deferred", status={"jobs": ["x", {"state": "odd"}]}), Shown.QUEUED),
    ],
)
def test_the_state_is_the_jobs_and_not_guessed(task: VideoTask, state: Shown) -> None:
    assert state_of(task) is state


@pytest.mark.parametrize(
    ("task", "percent"),
    [
        (video_task("deferred", progress=progress("running", 40)), 40),
        (video_task("deferred", progress=progress("running")), None),
        (video_task("success", progress=progress("running", 40), status=status("succeeded")), 100),
        (video_task("failed", progress=progress("running", 40)), 40),
        (video_task("deferred", progress=progress("running", True)), None),
    ],
)
def test_progress_is_percent_or_unknown(task: VideoTask, percent: int | None) -> None:
    assert row(task)["progress"] == percent


def test_a_queue_position_is_shown_while_the_job_queues() -> None:
    assert row(video_task(progress=progress("queued") | {"queue_position": 3}))["queue_position"] == 3
    assert row(video_task(progress=progress("running") | {"queue_position": 3}))["queue_position"] is None


def test_a_task_that_waits_for_others_jobs_shows_since_when_it_waits() -> None:
    shown = page(video_task(card={"submitted_at": None}))
    assert (shown["submitted_at"], shown["timeline"]["submitted"]) == ("2026-05-11T08:00:00+00:00", None)


def test_the_timeline_tells_when_each_state_was_seen_first() -> None:
    since = {"queued": "2026-05-11T08:00:10+00:00", "running": "2026-05-11T08:01:00+00:00"}
    done = video_task("success", progress=progress("running", since={"queued": since["queued"]}), return_value=result())
    done.xcoms.update(status=status("succeeded") | {"since": since}, finished_at="2026-05-11T08:04:00+00:00")
    assert page(done)["timeline"] == {
        "submitted": "2026-05-11T08:00:00+00:00",
        **since,
        "ended": "2026-05-11T08:04:00+00:00",
    }


def test_a_job_that_goes_on_has_no_end() -> None:
    for task in (video_task(), video_task("failed"), video_task("success", state="queued")):
        assert row(task)["ended_at"] is None


def test_no_answer_holds_an_address_of_media_or_what_signs_it() -> None:
    told = result(details={"cover": "https://media.example/c.png?sign=secret"}, subtitles_url=SIGNED)
    broken = status("failed", media_url=SIGNED, error_code="7", error_message=f"cannot read {SIGNED}")
    for task in (
        video_task("success", {"source": SIGNED}, return_value=told),
        video_task("failed", {"source": SIGNED}, status=broken),
    ):
        said = json.dumps(page(task))
        assert "secret" not in said
        assert SIGNED not in said


def test_a_result_tells_what_there_is_to_play() -> None:
    (shown,) = page(video_task("success", return_value=result(subtitles_url=SIGNED)))["results"]
    assert (shown["media"], shown["subtitles"], shown["state"]) == ("video", True, "succeeded")
    (silent,) = page(video_task("success", return_value=result(media_url=None)))["results"]
    assert (silent["media"], silent["subtitles"]) == (None, False)


def test_a_failed_job_tells_the_vendors_code_and_words() -> None:
    failed = video_task("failed", status=status("failed", error_code="1001", error_message="no audio"))
    assert page(failed)["results"][0]["error"] == "code 1001: no audio"


def test_each_job_of_a_sensor_has_its_own_result() -> None:
    both = video_task("success", {"job_ids": ("j2", "j1")}, return_value=[result("j1"), result("j2", media_url=None)])
    assert [(each["job_id"], each["media"]) for each in page(both)["results"]] == [("j2", None), ("j1", "video")]


@pytest.mark.parametrize("source", ["https://a.example/in.wav?sign=x", "<speak>Hello</speak>", None])
def test_the_input_is_media_text_or_nothing(source: str | None) -> None:
    shown = page(video_task(card={"source": source}))["source"]
    assert (
        shown
        == {
            "https://a.example/in.wav?sign=x": {"media": "audio", "text": "https://a.example/in.wav"},
            "<speak>Hello</speak>": {"media": None, "text": "<speak>Hello</speak>"},
            None: None,
        }[source]
    )


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc/passwd", 3, ""])
def test_what_is_no_web_address_is_not_given_out(url: Any) -> None:
    media = media_of(video_task("success", return_value=result(media_url=url, subtitles_url=url)), "j1")
    assert (media.media_url, media.subtitles_url) == (None, None)


@pytest.mark.parametrize("value", [None, "text", 3, [None], [3], {}, {"job_id": "another"}], ids=str)
def test_a_spoilt_result_is_shown_as_none(value: Any) -> None:
    (shown,) = page(video_task("success", return_value=value))["results"]
    assert (shown["job_id"], shown["media"]) == ("j1", None)
