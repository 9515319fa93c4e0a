# SPDX-License-Identifier: Apache-2.0
"""What a job made, and what of it the single fields of a result mean."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.model import JobResult, JobState, JobStatus
from airflow_provider_videoai.jobs.values.bounded_json import normalised
from airflow_provider_videoai.jobs.values.outputs import MAX_OUTPUTS, Output, OutputKind, kind_of_url
from airflow_provider_videoai.jobs.values.usage import Usage

VIDEO, AUDIO, IMAGE, SUBTITLES, FILE = OutputKind
A, B, S = (f"https://media.example/{name}?sign=secret" for name in ("a.mp4", "b.mp4", "s.srt"))

TEXTS = st.none() | st.text(st.characters()).map(normalised)
OUTPUTS = st.builds(Output, st.sampled_from(OutputKind), TEXTS, TEXTS, TEXTS)
AMOUNTS = st.none() | st.floats() | st.integers()
USAGES = st.none() | st.builds(
    Usage, credits=AMOUNTS, seconds=AMOUNTS, jobs=AMOUNTS, source=st.sampled_from(["vendor", "measured"])
).map(Usage.or_none)


def done(*outputs: Output, **more: Any) -> JobStatus:
    return JobStatus(job_id="j", state=JobState.SUCCEEDED, outputs=outputs, **more)


def old_form(status: JobStatus) -> dict[str, Any]:
    """What a version without outputs wrote."""
    return {name: value for name, value in status.to_json().items() if name not in ("outputs", "usage")}


# -- the single fields --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outputs", "media_url", "media_id", "subtitles_url"),
    [
        ([], None, None, None),
        ([Output(VIDEO, A)], A, None, None),
        ([Output(VIDEO, A, "m")], A, "m", None),
        ([Output(VIDEO, A), Output(VIDEO, B)], A, None, None),
        ([Output(IMAGE, A), Output(VIDEO, B)], B, None, None),
        ([Output(IMAGE, A, "i"), Output(AUDIO, B)], A, "i", None),
        ([Output(AUDIO, A)], A, None, None),
        ([Output(FILE, A)], A, None, None),
        ([Output(SUBTITLES, S), Output(VIDEO, A)], A, None, S),
        ([Output(SUBTITLES, S)], None, None, S),
        ([Output(SUBTITLES, None, "s"), Output(SUBTITLES, S)], None, None, S),
        ([Output(VIDEO, None, "m")], None, "m", None),
        ([Output(VIDEO, None, "m"), Output(IMAGE, A)], A, None, None),
        ([Output(VIDEO, None, "m"), Output(VIDEO, A, "n")], A, "n", None),
        ([Output(FILE, label="cut"), Output(IMAGE, None, "i")], None, "i", None),
    ],
)
def test_the_single_fields_are_those_of_the_first_video_else_of_the_first_output(
    outputs: list[Output], media_url: str | None, media_id: str | None, subtitles_url: str | None
) -> None:
    status = done(*outputs)
    result = JobResult.of(status, vendor="v", operation="o")
    for of in (status, result):
        assert (of.media_url, of.media_id, of.subtitles_url) == (media_url, media_id, subtitles_url)
        assert of.outputs == tuple(outputs)


def test_outputs_weigh_more_than_single_fields_that_contradict_them() -> None:
    assert done(Output(VIDEO, A), media_url=B, subtitles_url=S, media_id="m") == done(Output(VIDEO, A))


@pytest.mark.parametrize(
    ("fields", "outputs"),
    [
        ({}, ()),
        ({"media_url": A}, (Output(VIDEO, A),)),
        ({"media_url": "https://media.example/a.wav?x=.mp4"}, (Output(AUDIO, "https://media.example/a.wav?x=.mp4"),)),
        ({"media_url": S}, (Output(FILE, S),)),
        ({"media_id": "m"}, (Output(VIDEO, None, "m"),)),
        ({"media_url": A, "media_id": "m"}, (Output(VIDEO, A, "m"),)),
        ({"subtitles_url": S}, (Output(SUBTITLES, S),)),
        ({"media_url": A, "subtitles_url": S}, (Output(VIDEO, A), Output(SUBTITLES, S))),
    ],
)
def test_what_a_version_without_outputs_stored_is_read_with_them(
    fields: dict[str, Any], outputs: tuple[Output, ...]
) -> None:
    stored = {"job_id": "j", "state": "succeeded", "raw": "", "details": {}, **fields}
    status = JobStatus.from_json(stored)
    assert status.outputs == outputs
    assert {name: getattr(status, name) for name in fields} == fields
    assert JobStatus.from_json(old_form(status)) == status


def test_filled_in_media_is_the_main_outputs_and_keeps_the_others() -> None:
    cover = Output(IMAGE, "https://media.example/c.png", None, "cover")
    status = done(cover, Output(VIDEO, A, "m", "first"), Output(SUBTITLES, S))
    filled = status.with_media(media_url=B, duration_ms=7)
    assert filled.outputs == (Output(VIDEO, B, "m", "first"), Output(SUBTITLES, S), cover)
    assert (filled.media_url, filled.media_id, filled.subtitles_url, filled.duration_ms) == (B, "m", S, 7)
    assert status.with_media(media_url=None, media_id=None).outputs == (Output(SUBTITLES, S), cover)


# -- stored and shown ---------------------------------------------------------------------------------------


@given(st.lists(OUTPUTS, max_size=5), USAGES)
def test_outputs_and_usage_survive_storage(outputs: list[Output], usage: Usage | None) -> None:
    status = done(*outputs, usage=usage)
    written = json.loads(json.dumps(status.to_json(), allow_nan=False))
    assert JobStatus.from_json(written) == status
    assert all(set(each) == {"kind", "url", "media_id", "label"} for each in written["outputs"])
    result = JobResult.of(status, vendor="v", operation="o").to_dict()
    assert (result["outputs"], result["usage"]) == (written["outputs"], written["usage"])


@pytest.mark.parametrize("outputs", [7, "a", {}, [7], [None], [[]], [{"kind": 1}], [{"kind": "video", "url": 7}]])
def test_what_are_no_outputs_is_refused(outputs: Any) -> None:
    with pytest.raises(ValueError, match=r"^outputs: "):
        JobStatus.from_json({"job_id": "j", "state": "succeeded", "outputs": outputs})


def test_what_a_later_version_says_of_an_output_does_no_harm() -> None:
    stored = [{"kind": "hologram", "url": A, "depth": 3}, {}]
    status = JobStatus.from_json({"job_id": "j", "state": "succeeded", "outputs": stored})
    assert status.outputs == (Output(FILE, A), Output(FILE))
    assert status.media_url == A


@pytest.mark.parametrize("of", [done(Output(VIDEO, A, "m", f"see {B}"), Output(SUBTITLES, S), usage=Usage(credits=3))])
def test_no_log_line_shows_the_url_of_an_output(of: JobStatus) -> None:
    result = JobResult.of(of, vendor="v", operation="o")
    for shown in (repr(of), of.describe(), repr(result), result.describe(), str(of.outputs)):
        assert "secret" not in shown
        assert "media.example" not in shown


@pytest.mark.parametrize("count", [0, 1, MAX_OUTPUTS - 1, MAX_OUTPUTS, MAX_OUTPUTS + 1, 5000])
def test_no_more_outputs_are_kept_than_may_be_and_the_last_says_what_was_cut(count: int) -> None:
    images = [Output(IMAGE, f"https://media.example/{number}.png") for number in range(count)]
    status = done(*images)
    if count <= MAX_OUTPUTS:
        assert status.outputs == tuple(images)
    else:
        assert len(status.outputs) == MAX_OUTPUTS
        assert status.outputs[:-1] == tuple(images[: MAX_OUTPUTS - 1])
        assert status.outputs[-1] == Output(FILE, label=f"[cut: {count - MAX_OUTPUTS + 1} more outputs]")
    assert JobStatus.from_json(status.to_json()) == status


def test_what_the_single_fields_mean_is_never_cut() -> None:
    status = done(*[Output(IMAGE, B)] * 500, Output(VIDEO, A, "m"), Output(SUBTITLES, S))
    assert (status.media_url, status.media_id, status.subtitles_url) == (A, "m", S)
    assert len(status.outputs) == MAX_OUTPUTS


def test_texts_of_an_output_are_bounded_and_say_so() -> None:
    output = Output(VIDEO, "https://media.example/" + "a" * 40_000, "i" * 5000, "l\n\u202e" * 5000)
    assert output.url is None
    assert output.media_id is not None
    assert len(output.media_id) == 1000
    assert "more...]" in output.media_id
    assert output.label is not None
    assert output.label.startswith("[cut: a URL of 40022 characters] l\\n\\u202e")
    assert len(output.label) == 200


def test_an_output_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Output(VIDEO).url = A  # type: ignore[misc]  # this is the claim


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://a/b.MP3?x=.mp4", AUDIO),
        ("https://a/b.png", IMAGE),
        ("https://a/b.srt#t", SUBTITLES),
        ("https://a/b.mp4", VIDEO),
        ("https://a/b", VIDEO),
        ("", VIDEO),
        ("https://[", VIDEO),
    ],
)
def test_kind_of_a_url_follows_from_its_suffix(url: str, kind: OutputKind) -> None:
    assert kind_of_url(url) is kind


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (done(), "nothing but the job's state"),
        (done(Output(VIDEO, A)), "media"),
        (done(Output(VIDEO, A), Output(SUBTITLES, S)), "media, subtitles"),
        (done(Output(VIDEO, A), Output(IMAGE, B)), "media, 2 outputs"),
        (done(Output(VIDEO, A), usage=Usage(credits=12)), "media, used 12 credits"),
        (done(Output(VIDEO, A), Output(SUBTITLES, S), usage=Usage(credits=0.1, seconds=4.5)),
         "media, subtitles, used 0.1 credits, 4.5 s"),
    ],
)  # fmt: skip
def test_a_result_says_what_there_is_and_what_it_used(status: JobStatus, words: str) -> None:
    assert JobResult.of(status, vendor="v", operation="o").describe() == words
