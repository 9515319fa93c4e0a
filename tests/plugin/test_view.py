# SPDX-License-Identifier: Apache-2.0
"""What the page says of a task, from what Airflow knows of it."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.job_reference import JobReference
from airflow_provider_videoai.jobs.values.outputs import MAX_OUTPUTS
from airflow_provider_videoai.plugin.task import TaskKey, VideoTask
from airflow_provider_videoai.plugin.view import Shown, media_of, page, row, state_of
from airflow_provider_videoai.plugin.wording import is_url

AT = datetime(2026, 5, 11, 8, 0, tzinfo=UTC)
SIGNED = "https://media.example/out.mp4?sign=secret"


def video_task(
    task_state: str | None = "deferred", /, reference: dict[str, Any] | None = None, **xcoms: Any
) -> VideoTask:
    stored = {
        "vendor": "viitor",
        "operation": "text_removal",
        "polled_as": "text_removal",
        "conn_id": "viitor_default",
        "job_ids": ("j1",),
        "submitted_at": AT.timestamp(),
        **(reference or {}),
    }
    key = TaskKey("dag", "run", "task")
    return VideoTask(
        key=key, reference=JobReference(**stored), seen_at=AT, state=task_state, started_at=AT, ended_at=AT, xcoms=xcoms
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


@pytest.mark.parametrize(
    ("error", "state"),
    [
        ("SubmitRejected", Shown.REJECTED),
        ("InvalidRequest", Shown.REJECTED),
        ("QuotaExceeded", Shown.REJECTED),
        ("SubmitUncertain", Shown.UNCERTAIN),
    ],
)
def test_a_submit_without_a_job_shows_why(error: str, state: Shown) -> None:
    refusal = {"error": error, "message": f"cannot read {SIGNED} . {'Nothing was bought. ' * 30}"}
    task = video_task("failed", {"job_ids": (), "submitted_at": None, "refusal": refusal}, status=status("succeeded"))
    shown = page(task)
    assert (shown["state"], shown["ended_at"], shown["results"]) == (state, None, [])
    assert shown["reason"].startswith("cannot read https://media.example/out.mp4 . Nothing was bought. Nothing")
    assert len(shown["reason"]) > 500
    assert "secret" not in json.dumps(shown)


def test_a_queue_position_is_shown_while_the_job_queues() -> None:
    assert row(video_task(progress=progress("queued") | {"queue_position": 3}))["queue_position"] == 3
    assert row(video_task(progress=progress("running") | {"queue_position": 3}))["queue_position"] is None


def test_a_task_that_waits_for_others_jobs_shows_since_when_it_waits() -> None:
    shown = page(video_task(reference={"submitted_at": None}))
    assert (shown["submitted_at"], shown["timeline"]["submitted"]) == ("2026-05-11T08:00:00+00:00", None)


def test_the_timeline_shows_when_each_state_was_seen_first() -> None:
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
    stored = result(details={"cover": "https://media.example/c.png?sign=secret"}, subtitles_url=SIGNED)
    broken = status("failed", media_url=SIGNED, error_code="7", error_message=f"cannot read {SIGNED}")
    for task in (
        video_task("success", {"source": SIGNED}, return_value=stored),
        video_task("failed", {"source": SIGNED}, status=broken),
    ):
        said = json.dumps(page(task))
        assert "secret" not in said
        assert SIGNED not in said


def test_a_result_shows_what_there_is_to_play() -> None:
    (shown,) = page(video_task("success", return_value=result(subtitles_url=SIGNED)))["results"]
    assert (shown["media"], shown["subtitles"], shown["state"]) == ("video", True, "succeeded")
    (silent,) = page(video_task("success", return_value=result(media_url=None)))["results"]
    assert (silent["media"], silent["subtitles"]) == (None, False)


OUTPUTS = [
    {"kind": "image", "url": "https://media.example/c.png?sign=secret", "media_id": None, "label": "cover"},
    {"kind": "video", "url": SIGNED, "media_id": "m1", "label": "PC originUrl"},
    {"kind": "subtitles", "url": "https://media.example/s.srt?sign=secret", "media_id": None, "label": None},
    {"kind": "hologram", "url": "javascript:alert(1)", "media_id": "m2", "label": f"see {SIGNED}"},
    "spoilt",
]


def test_the_other_outputs_are_listed_by_their_numbers_without_an_address() -> None:
    (shown,) = page(video_task("success", return_value=result(outputs=OUTPUTS)))["results"]
    assert shown["outputs"] == [
        {"number": 0, "kind": "image", "label": "cover", "media_id": None, "media": True},
        {"number": 2, "kind": "subtitles", "label": None, "media_id": None, "media": True},
        {"number": 3, "kind": "file", "label": "see https://media.example/out.mp4", "media_id": "m2", "media": False},
        {"number": 4, "kind": "file", "label": None, "media_id": None, "media": False},
    ]
    assert "secret" not in json.dumps(shown)


def test_the_address_of_every_output_is_known_by_its_number() -> None:
    media = media_of(video_task("success", return_value=result(outputs=OUTPUTS)), "j1")
    assert media.outputs == (OUTPUTS[0]["url"], SIGNED, OUTPUTS[2]["url"], None, None)  # type: ignore[index]


@pytest.mark.parametrize("outputs", [None, [], OUTPUTS[1:2], "text", 3])
def test_a_single_output_has_no_list_beside_its_player(outputs: Any) -> None:
    (shown,) = page(video_task("success", return_value=result(outputs=outputs)))["results"]
    assert shown["outputs"] == []


def test_no_more_outputs_are_listed_than_a_result_has() -> None:
    (shown,) = page(video_task("success", return_value=result(outputs=OUTPUTS[:1] * 5000)))["results"]
    assert len(shown["outputs"]) == MAX_OUTPUTS - 1


@pytest.mark.parametrize(
    ("usage", "words"),
    [
        ({"credits": 12, "seconds": None, "jobs": None, "source": "vendor"}, "12 credits"),
        ({"credits": -1, "source": "vendor"}, None),
        ({"credits": "12", "source": "vendor"}, None),
        ("12", None),
        (None, None),
    ],
)
def test_what_a_job_used_is_shown_if_it_is_known(usage: Any, words: str | None) -> None:
    (shown,) = page(video_task("success", return_value=result(usage=usage)))["results"]
    assert shown["usage"] == words


def test_a_failed_job_reports_the_vendors_code_and_words() -> None:
    failed = video_task("failed", status=status("failed", error_code="1001", error_message="no audio"))
    assert page(failed)["results"][0]["error"] == "code 1001: no audio"


def test_each_job_of_a_sensor_has_its_own_result() -> None:
    both = video_task("success", {"job_ids": ("j2", "j1")}, return_value=[result("j1"), result("j2", media_url=None)])
    assert [(each["job_id"], each["media"]) for each in page(both)["results"]] == [("j2", None), ("j1", "video")]


@pytest.mark.parametrize("source", ["https://a.example/in.wav?sign=x", "<speak>Hello</speak>", None])
def test_the_input_is_media_text_or_nothing(source: str | None) -> None:
    shown = page(video_task(reference={"source": source}))["source"]
    assert (
        shown
        == {
            "https://a.example/in.wav?sign=x": {"media": "audio", "text": "https://a.example/in.wav"},
            "<speak>Hello</speak>": {"media": None, "text": "Hello"},
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


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([SIGNED, "succeeded", "j1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
"""What JSON readers return: NaN, infinities and lone surrogates among it."""


def like(**fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    """What has the right names and anything in them."""
    return st.fixed_dictionaries(
        {}, optional={name: JSON if value is None else value for name, value in fields.items()}
    )


JOB = like(
    job_id=st.just("j1"),
    state=None,
    media_url=None,
    subtitles_url=None,
    media_id=None,
    duration_ms=None,
    error_code=None,
    error_message=None,
    details=None,
    outputs=st.lists(like(kind=None, url=None, media_id=None, label=None), max_size=3),
    usage=like(credits=None, seconds=None, jobs=None, source=st.sampled_from(["vendor", "measured"])),
    finished_at=None,
)
SINCE = like(queued=None, running=None)
STORED = {
    "progress": JSON | like(progress=None, state=None, queue_position=None, since=JSON | SINCE),
    "state": JSON,
    "finished_at": JSON,
    "status": JSON | like(observed_at=None, since=JSON | SINCE, jobs=JSON | st.lists(JSON | JOB, max_size=2)),
    "return_value": JSON | JOB | st.lists(JSON | JOB, max_size=2),
}


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.fixed_dictionaries({}, optional=STORED), st.sampled_from(["deferred", "success", "failed", None]))
def test_whatever_a_task_stored_there_is_a_page_that_a_browser_can_read(xcoms: dict[str, Any], state: Any) -> None:
    task = video_task(state, **xcoms)
    for shown in (row(task), page(task)):
        text = json.dumps(shown, allow_nan=False, ensure_ascii=False).encode().decode()
        assert "secret" not in text
    for time in (*page(task)["timeline"].values(), row(task)["submitted_at"]):
        assert time is None or datetime.fromisoformat(time)
    assert is_url(media_of(task, "j1").media_url) or media_of(task, "j1").media_url is None


@given(JSON)
def test_whatever_is_no_card_is_shown_as_unreadable(value: Any) -> None:
    read = JobReference.read(value)
    assert read is None
    task = VideoTask(key=TaskKey("dag", "run", "task"), reference=read, seen_at=AT, state="deferred")
    assert page(task)["state"] is Shown.UNREADABLE
    assert page(task)["submitted_at"] == "2026-05-11T08:00:00+00:00"


@given(like(**dict.fromkeys(("vendor", "operation", "polled_as", "conn_id", "job_ids", "submitted_at", "source"))))
def test_whatever_poses_as_a_card_is_refused_or_shown(fields: dict[str, Any]) -> None:
    names = dict.fromkeys(("vendor", "operation", "polled_as", "conn_id"), "x")
    reference = JobReference.read(names | {"job_ids": ["j1"]} | fields)
    task = VideoTask(key=TaskKey("dag", "run", "task"), reference=reference, seen_at=AT)
    json.dumps(page(task), allow_nan=False, ensure_ascii=False).encode()


def calls_of(work: Any) -> int:
    """Count the calls of Python and C functions that some work makes, resumed generators among them."""
    calls = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("kept", ["results", "statuses"])
def test_twice_the_jobs_are_twice_the_work(kept: str) -> None:
    def of(count: int) -> VideoTask:
        ids = tuple(f"j{number}" for number in range(1, count + 1))
        if kept == "statuses":
            return video_task("success", reference={"job_ids": ids}, status=status(*["succeeded"] * count))
        return video_task("success", reference={"job_ids": ids}, return_value=[result(each) for each in ids])

    once, twice = of(1000), of(2000)
    for work in (page, row, lambda task: media_of(task, "j1000")):
        assert calls_of(lambda work=work: work(twice)) <= 2.2 * calls_of(lambda work=work: work(once))
