# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import inspect
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs import errors
from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    BatchFailed,
    ContentRejected,
    InvalidRequest,
    JobAborted,
    JobFailed,
    JobNotFound,
    JobTimedOut,
    QuotaExceeded,
    ResultUnavailable,
    StorageFailed,
    SubmitRejected,
    SubmitUncertain,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.model import JobResult, JobState, JobStatus, iso_utc
from airflow_provider_videoai.jobs.values.bounded_json import normalised
from airflow_provider_videoai.jobs.values.usage import Usage

SIGNED = "https://bucket.example.com/out.mp4?X-Amz-Signature=secret"
WHOLE = JobStatus(
    job_id="job-1",
    state=JobState.SUCCEEDED,
    raw="SUCCESS",
    progress=100,
    queue_position=0,
    error_code="7",
    error_message="odd",
    media_url=SIGNED,
    subtitles_url=SIGNED,
    media_id="media-1",
    duration_ms=11810,
    usage=Usage(credits=12.5),
    details={"Duration": 11810, "nested": [{"a": None}]},
)

# -- states -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "terminal"),
    [("queued", False), ("running", False), ("succeeded", True), ("failed", True), ("aborted", True)],
)
def test_the_last_three_states_are_terminal(word: str, *, terminal: bool) -> None:
    assert JobState(word).terminal is terminal


def test_there_are_five_states() -> None:
    assert len(JobState) == 5


# -- an observation -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [WHOLE, JobStatus(job_id="j", state=JobState.QUEUED)])
def test_a_status_survives_storage_as_json(status: JobStatus) -> None:
    assert JobStatus.from_json(json.loads(json.dumps(status.to_json()))) == status


@given(
    state=st.sampled_from(JobState),
    job_id=st.text(),
    progress=st.none() | st.integers(0, 100),
    details=st.dictionaries(st.text(), st.none() | st.integers() | st.text()).map(normalised),
)
def test_any_status_survives_storage_as_json(
    state: JobState, job_id: str, progress: int | None, details: dict[str, Any]
) -> None:
    status = JobStatus(job_id=normalised(job_id), state=state, progress=progress, details=details)
    assert JobStatus.from_json(json.loads(json.dumps(status.to_json()))) == status


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"state": "queued"},
        {"job_id": "j"},
        {"job_id": "j", "state": "sleeping"},
        {"job_id": "j", "state": None},
        {"job_id": None, "state": "queued"},
        {"job_id": 7, "state": "queued"},
        {"job_id": "j", "state": ["queued"]},
        {"job_id": "j", "state": {}},
        {"job_id": "j", "state": "queued", "raw": None},
        {"job_id": "j", "state": "queued", "progress": True},
        {"job_id": "j", "state": "queued", "progress": 101},
        {"job_id": "j", "state": "queued", "progress": 40.5},
        {"job_id": "j", "state": "queued", "queue_position": "3"},
        {"job_id": "j", "state": "queued", "duration_ms": 2**64},
        {"job_id": "j", "state": "queued", "duration_ms": float("nan"), "details": {}, "media_url": 7},
        {"job_id": "j", "state": "queued", "details": []},
        {"job_id": "j", "state": "queued", "details": {7: "a"}},
        {"job_id": "j", "state": "queued", "details": {"a": object()}},
        {"job_id": "j", "state": "queued", "details": {"a": 10**5000}},
        [],
        None,
        "queued",
    ],
    ids=lambda stored: str(type(stored)),
)
def test_what_is_no_stored_status_is_refused(stored: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        JobStatus.from_json(stored)


def test_what_a_later_version_stores_besides_is_left_out() -> None:
    stored = {"job_id": "j", "state": "queued", "colour": "red", "depth": object()}
    assert JobStatus.from_json(stored) == JobStatus(job_id="j", state=JobState.QUEUED)


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.sampled_from(list(JobState)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = [each.name for each in dataclasses.fields(JobStatus)]


@given(
    st.fixed_dictionaries({"job_id": st.text(), "state": st.sampled_from(["queued", "failed"])}).flatmap(
        lambda sound: st.dictionaries(st.sampled_from(FIELDS), ANY_JSON).map(lambda odd: sound | odd)
    )
    | ANY_JSON
)
def test_whatever_is_stored_is_a_status_or_refused_as_said(stored: Any) -> None:
    try:
        status = JobStatus.from_json(stored)
    except (KeyError, TypeError, ValueError):
        return
    assert JobStatus.from_json(json.loads(json.dumps(status.to_json(), allow_nan=False))) == status
    status.describe()


@pytest.mark.parametrize(
    "of", [WHOLE, JobResult.of(WHOLE, vendor="v", operation="o")], ids=lambda of: type(of).__name__
)
def test_details_too_long_to_be_kept_are_cut_and_say_so(of: Any) -> None:
    short, words = {"Duration": 11810}, [{"Word": "word", "StartTimestamp": 100}] * 1000
    long = dataclasses.replace(of, details={"words": words, **short})
    write = long.to_json if isinstance(long, JobStatus) else long.to_dict
    assert write()["details"] == long.details
    cut = write(10_000)["details"]
    assert len(json.dumps(cut)) <= 10_000
    assert cut["Duration"] == 11810
    assert cut["words"][:100] == words[:100]
    assert cut["words"][-1].startswith("[cut: ")


def test_a_status_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        WHOLE.state = JobState.FAILED  # type: ignore[misc]  # this is the claim


def test_media_is_filled_into_a_copy() -> None:
    bare = JobStatus(job_id="j", state=JobState.SUCCEEDED, media_id="m")
    filled = bare.with_media(media_url=SIGNED)
    assert (filled.media_url, filled.media_id) == (SIGNED, "m")
    assert bare.media_url is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"state": JobState.QUEUED}, "queued"),
        ({"state": JobState.QUEUED, "queue_position": 3}, "queued, 3 ahead in the queue"),
        ({"state": JobState.QUEUED, "queue_position": 0}, "queued"),
        ({"state": JobState.RUNNING, "progress": 40}, "running, 40 %"),
        ({"state": JobState.RUNNING, "progress": 0}, "running, 0 %"),
        ({"state": JobState.SUCCEEDED, "progress": 100, "media_url": SIGNED}, "succeeded"),
        ({"state": JobState.FAILED, "progress": 40, "error_message": "boom"}, "failed"),
    ],
)
def test_a_status_is_described_in_a_few_words(fields: dict[str, Any], words: str) -> None:
    assert JobStatus(job_id="j", **fields).describe() == words


def test_no_log_line_can_show_a_signed_address() -> None:
    result = JobResult.of(WHOLE, vendor="v", operation="o")
    for shown in (repr(WHOLE), str(WHOLE), WHOLE.describe(), repr(result), str(result)):
        assert "Signature" not in shown
        assert "bucket.example.com" not in shown


# -- the result ---------------------------------------------------------------------------------------------


def test_a_result_carries_the_last_status_as_plain_json() -> None:
    result = JobResult.of(
        WHOLE, vendor="topview", operation="video_avatar", submitted_at=1_700_000_000.4, finished_at=1_700_000_060
    )
    assert json.loads(json.dumps(result.to_dict())) == {
        "vendor": "topview",
        "operation": "video_avatar",
        "job_id": "job-1",
        "state": "succeeded",
        "media_url": SIGNED,
        "subtitles_url": SIGNED,
        "media_id": "media-1",
        "duration_ms": 11810,
        "outputs": [
            {"kind": "video", "url": SIGNED, "media_id": "media-1", "label": None},
            {"kind": "subtitles", "url": SIGNED, "media_id": None, "label": None},
        ],
        "usage": {"credits": 12.5, "seconds": None, "jobs": None, "source": "vendor"},
        "submitted_at": "2023-11-14T22:13:20+00:00",
        "finished_at": "2023-11-14T22:14:20+00:00",
        "details": {"Duration": 11810, "nested": [{"a": None}]},
    }


def test_absent_values_of_a_result_are_null() -> None:
    status = JobStatus(job_id="j", state=JobState.QUEUED)
    returned = JobResult.of(status, vendor="viitor", operation="text_removal").to_dict()
    absent = {name for name, value in returned.items() if value is None}
    assert absent == {
        "media_url",
        "subtitles_url",
        "media_id",
        "duration_ms",
        "usage",
        "submitted_at",
        "finished_at",
    }
    assert returned["outputs"] == []
    assert type(returned["state"]) is str


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (None, None),
        (0, "1970-01-01T00:00:00+00:00"),
        (1_700_000_000.9, "2023-11-14T22:13:20+00:00"),
        *((odd, None) for odd in (1e300, -1e300, 1e15, float("nan"), float("inf"), 10**400)),
    ],
)
def test_times_are_written_in_utc_to_the_second(seconds: float | None, written: str | None) -> None:
    assert iso_utc(seconds) == written


# -- errors -------------------------------------------------------------------------------------------------

PARENTS = [
    (InvalidRequest, VideoAIError),
    (InvalidRequest, ValueError),
    (SubmitRejected, VideoAIError),
    (AuthenticationFailed, SubmitRejected),
    (QuotaExceeded, SubmitRejected),
    (ContentRejected, SubmitRejected),
    (SubmitUncertain, VideoAIError),
    (BatchFailed, VideoAIError),
    (JobFailed, VideoAIError),
    (JobAborted, JobFailed),
    (JobNotFound, VideoAIError),
    (JobTimedOut, VideoAIError),
    (ResultUnavailable, VideoAIError),
    (StorageFailed, VideoAIError),
    (VendorUnavailable, VideoAIError),
]
CLASSES = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if cls.__module__ == errors.__name__]


@pytest.mark.parametrize(("child", "parent"), PARENTS)
def test_the_tree_of_errors_is_as_drawn(child: type, parent: type) -> None:
    assert parent in child.__bases__


def test_an_uncertain_submit_is_never_taken_for_a_refused_one() -> None:
    assert not issubclass(SubmitUncertain, SubmitRejected)
    assert not issubclass(SubmitRejected, SubmitUncertain)


@pytest.mark.parametrize("error", CLASSES)
def test_every_error_is_in_the_drawing_and_says_what_became_of_the_job(error: type) -> None:
    assert error.__name__ in (errors.__doc__ or "")
    assert error.__doc__
    assert error in {child for child, _ in PARENTS} | {VideoAIError}


@pytest.mark.parametrize("error", CLASSES)
def test_every_error_keeps_message_code_and_job(error: type[VideoAIError]) -> None:
    raised = error("it broke", code="42", job_id="job-1")
    assert (str(raised), raised.message, raised.code, raised.job_id) == ("it broke", "it broke", "42", "job-1")
    bare = error("it broke")
    assert (bare.code, bare.job_id) == (None, None)


def test_only_a_named_passing_fault_makes_a_refusal_temporary() -> None:
    assert not SubmitRejected("no").temporary
    assert not ContentRejected("no").temporary
    assert SubmitRejected("no", temporary=True).temporary


def test_a_full_queue_is_temporary_and_may_say_when_to_come_again() -> None:
    assert (QuotaExceeded("full").temporary, QuotaExceeded("full").retry_after) == (True, None)
    assert QuotaExceeded("full", retry_after=30.0).retry_after == 30.0
    assert VendorUnavailable("down", retry_after=5.0).retry_after == 5.0
